const rateHz = 16_000;
const noteMs = 600;
/** A slow walk through A minor, F, C and G: frequencies in Hz, softly struck. */
const notes = [220, 261.63, 329.63, 261.63, 174.61, 220, 261.63, 220, 261.63, 329.63, 392, 329.63, 196, 246.94, 293.66, 246.94] as const;
const loudness = 2_600;

let made: Uint8Array | undefined;

/** About ten seconds of quiet music, pcm16@16000, that can be repeated without a seam. Made once; not to be written to. */
export function holdMusic(): Uint8Array {
  return (made ??= make());
}

function make(): Uint8Array {
  const noteLength = (rateHz * noteMs) / 1_000;
  const samples = new Float64Array(notes.length * noteLength);
  for (const [index, hz] of notes.entries()) {
    // A note rings on over the next two, around the end to the beginning.
    for (let at = 0; at < 3 * noteLength; at += 1) {
      const seconds = at / rateHz;
      const attack = Math.min(1, seconds / 0.02);
      const tone = Math.sin(2 * Math.PI * hz * seconds) + 0.3 * Math.sin(4 * Math.PI * hz * seconds) * Math.exp(-4 * seconds);
      const fade = Math.exp(-2.2 * seconds) * Math.min(1, (3 * noteLength - at) / 400);
      const place = (index * noteLength + at) % samples.length;
      samples[place] = (samples[place] ?? 0) + attack * fade * tone;
    }
  }
  const pcm = Int16Array.from(samples, (sample) => Math.round(loudness * sample));
  return new Uint8Array(pcm.buffer);
}
