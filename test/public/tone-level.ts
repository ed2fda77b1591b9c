/** The amplitude of one frequency in some audio. */
export function levelOf(samples: ArrayLike<number>, hz: number, rateHz: number): number {
  let [re, im] = [0, 0];
  for (let i = 0; i < samples.length; i += 1) {
    re += (samples[i] ?? 0) * Math.cos((2 * Math.PI * hz * i) / rateHz);
    im += (samples[i] ?? 0) * Math.sin((2 * Math.PI * hz * i) / rateHz);
  }
  return (2 * Math.hypot(re, im)) / samples.length;
}
