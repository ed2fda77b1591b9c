/** Ms of talk, and of the pause after it: long enough for what was made up too much to be taken back in it. */
const talkMs = 2_500;
const pauseMs = 500;

/**
 * A voice-like signal at 8 kHz, pcm16: a buzz whose pitch moves, with pauses in which a faint noise goes on. It is nowhere zero for
 * longer than a crossing, so that any gap shows.
 */
export function talk(ms: number): Int16Array {
  let phase = 0;
  return Int16Array.from({ length: ms * 8 }, (_, at) => {
    phase += (110 + 30 * Math.sin(at / 9_000)) / 8_000;
    if ((at / 8) % (talkMs + pauseMs) >= talkMs) return at % 2 === 0 ? 16 : -16;
    return Math.round(
      6_000 * Math.sin(2 * Math.PI * phase) + 3_000 * Math.sin(4 * Math.PI * phase) + 1_500 * Math.sin(6 * Math.PI * phase),
    );
  });
}

/** The longest run of silence, ms, in 8 kHz samples of `talk` that went through µ-law. */
export function longestGapMs(samples: Int16Array): number {
  let [longest, run] = [0, 0];
  for (const sample of samples) {
    run = Math.abs(sample) < 8 ? run + 1 : 0;
    longest = Math.max(longest, run);
  }
  return longest / 8;
}
