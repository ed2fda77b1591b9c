/** 1.1 s of a sine, amplitude as a share of full scale. */
export function tone(toneHz: number, rateHz: number, amplitude: number): Int16Array {
  const length = Math.round(rateHz * 1.1);
  return Int16Array.from({ length }, (_, n) => Math.round(32_767 * amplitude * Math.sin((2 * Math.PI * toneHz * n) / rateHz)));
}

/** The power of the best-fitting sine of that frequency over the power of all the rest. */
export function signalToNoiseDb(samples: Int16Array, toneHz: number, rateHz: number): number {
  let [a, b, total] = [0, 0, 0];
  samples.forEach((sample, n) => {
    const angle = (2 * Math.PI * toneHz * n) / rateHz;
    a += (2 * sample * Math.sin(angle)) / samples.length;
    b += (2 * sample * Math.cos(angle)) / samples.length;
    total += (sample * sample) / samples.length;
  });
  const power = (a * a + b * b) / 2;
  return 10 * Math.log10(power / Math.max(total - power, 1e-9));
}
