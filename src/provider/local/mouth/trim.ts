const samplesPerMs = 16;
const frame = 10 * samplesPerMs;
const leadMs = 10;
/** Quieter than this is silence; Flite's own silence stays below 20, its softest fricatives above 100. */
const silenceBelow = 60;

/** 16 kHz speech with its outer silence replaced: at most 10 ms before, exactly `gapMs` after, as pcm16@16000. All silence gives nothing. */
export function trimmed(samples: Int16Array, gapMs: number): Uint8Array<ArrayBuffer> {
  let first = 0;
  while (first < samples.length && isSilent(samples, first)) first += frame;
  if (first >= samples.length) return new Uint8Array(0);
  let end = samples.length;
  while (end > first && isSilent(samples, end - frame)) end -= frame;
  const start = Math.max(0, first - leadMs * samplesPerMs);
  const speech = samples.subarray(start, end);
  const output = new Int16Array(speech.length + gapMs * samplesPerMs);
  output.set(speech);
  return new Uint8Array(output.buffer);
}

function isSilent(samples: Int16Array, from: number): boolean {
  const end = Math.min(samples.length, from + frame);
  let sum = 0;
  for (let index = Math.max(0, from); index < end; index += 1) sum += Math.abs(samples[index] ?? 0);
  return sum < silenceBelow * Math.max(1, end - Math.max(0, from));
}
