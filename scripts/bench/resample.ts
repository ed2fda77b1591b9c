// What the resampler does to the telephone band and what it costs: SNR of tones, rejection of what would fold or mirror into
// the band, gain, latency, time per 20 ms frame. `node scripts/bench/resample.ts`; figures of one machine, noise about 10 %.
import { resampler } from "../../src/audio/resample.ts";

const rates = [8_000, 16_000, 24_000, 48_000];
const amplitude = 26_000;

/** One second of a tone through the resampler, without the filter's start. */
function passed(fromHz: number, toHz: number, toneHz: number): Int16Array {
  const stream = resampler(fromHz, toHz);
  const input = Int16Array.from({ length: fromHz * 1.1 }, (_, n) => Math.round(amplitude * Math.sin((2 * Math.PI * toneHz * n) / fromHz)));
  return stream.push(input).slice(toHz * 0.1);
}

/** Power of the best-fitting sine of `toneHz`, and of all that it leaves. */
function split(samples: Int16Array, rateHz: number, toneHz: number): { tone: number; rest: number } {
  const [ss, cc] = [0, 0].map((_, part) => (n: number) => (part === 0 ? Math.sin : Math.cos)((2 * Math.PI * toneHz * n) / rateHz));
  let [a, b, total] = [0, 0, 0];
  samples.forEach((sample, n) => {
    a += (2 * sample * (ss?.(n) ?? 0)) / samples.length;
    b += (2 * sample * (cc?.(n) ?? 0)) / samples.length;
    total += sample * sample;
  });
  const tone = (a * a + b * b) / 2;
  return { tone, rest: Math.max(total / samples.length - tone, 1e-9) };
}

const db = (ratio: number): number => 10 * Math.log10(ratio);
const cell = (value: number, digits = 1): string => value.toFixed(digits).padStart(7);

console.log("from   to      SNR worst  median   gain    alias   latency   per 20 ms frame");
for (const fromHz of rates) {
  for (const toHz of rates) {
    if (fromHz === toHz) continue;
    const tones = Array.from({ length: 32 }, (_, n) => 300 + n * 100);
    const fits = tones.map((toneHz) => split(passed(fromHz, toHz, toneHz), toHz, toneHz));
    const snr = fits.map(({ tone, rest }) => db(tone / rest)).sort((x, y) => x - y);
    const gain = fits.map(({ tone }) => db(tone / (amplitude ** 2 / 2)));
    const lowHz = Math.min(fromHz, toHz);
    // Tones above the new Nyquist frequency, far enough that their fold lies in the band that is kept (4.6 kHz on for 8 kHz).
    const above = Array.from({ length: 16 }, (_, n) => lowHz * 0.575 + (n * (fromHz / 2 - lowHz * 0.575)) / 16);
    const alias =
      toHz > fromHz ? Number.NaN : Math.max(...above.map((toneHz) => db(power(passed(fromHz, toHz, toneHz)) / (amplitude ** 2 / 2))));
    console.log(
      `${String(fromHz).padEnd(6)} ${String(toHz).padEnd(6)} ${cell(snr[0] ?? 0)}  ${cell(snr[16] ?? 0)}  ${cell(Math.max(...gain.map(Math.abs)), 3)} ${Number.isNaN(alias) ? "      -" : cell(alias)}  ${cell(resampler(fromHz, toHz).latencyMs, 2)} ms ${cell(microseconds(fromHz, toHz))} µs`,
    );
  }
}

function power(samples: Int16Array): number {
  return Math.max(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length, 1e-3);
}

/** The fastest of seven runs of 400 frames: other work on the machine only ever adds. */
function microseconds(fromHz: number, toHz: number): number {
  const stream = resampler(fromHz, toHz);
  const frame = Int16Array.from({ length: fromHz / 50 }, (_, n) => 8_000 * Math.sin(n / 3));
  let best = Infinity;
  for (let run = 0; run < 7; run += 1) {
    const begun = performance.now();
    for (let n = 0; n < 400; n += 1) stream.push(frame);
    best = Math.min(best, (performance.now() - begun) / 400);
  }
  return best * 1_000;
}
