import { expect, test } from "vitest";
import { resampleClip, resampler } from "../../src/audio/resample.ts";
import { seededRandom } from "../../src/kernel/random.ts";
import { signalToNoiseDb, tone } from "./tones.ts";

const rates = [8_000, 16_000, 24_000, 48_000];
const pairs = rates.flatMap((fromHz) => rates.filter((toHz) => toHz !== fromHz).map((toHz) => ({ fromHz, toHz })));

test.each(pairs)("from $fromHz to $toHz Hz the telephone band keeps 80 dB over noise and images", ({ fromHz, toHz }) => {
  for (const toneHz of [300, 440, 1_000, 1_700, 2_500, 3_000, 3_400]) {
    const out = resampler(fromHz, toHz)
      .push(tone(toneHz, fromHz, 0.6))
      .slice(toHz * 0.1);
    expect(signalToNoiseDb(out, toneHz, toHz), `${toneHz} Hz`).toBeGreaterThan(80);
  }
});

test.each(pairs.filter(({ fromHz, toHz }) => toHz < fromHz))("from $fromHz to $toHz Hz nothing folds into the band", ({ fromHz, toHz }) => {
  for (const toneHz of [0.575 * toHz, 0.7 * toHz, 0.98 * toHz].filter((hz) => hz < fromHz / 2)) {
    const out = resampler(fromHz, toHz)
      .push(tone(toneHz, fromHz, 0.6))
      .slice(toHz * 0.1);
    // 26,000 less 80 dB is 2.6, and rounding alone may add a half.
    expect(Math.max(...out.map(Math.abs)), `${toneHz} Hz`).toBeLessThanOrEqual(3);
  }
});

test.each(pairs)(
  "from $fromHz to $toHz Hz frames of any size give what one long frame gives, and exactly the ratio of samples",
  ({ fromHz, toHz }) => {
    const seed = fromHz + toHz;
    const random = seededRandom(seed);
    const input = Int16Array.from({ length: fromHz }, () => (random.next() - 0.5) * 50_000);
    const whole = [...resampler(fromHz, toHz).push(input)];
    const stream = resampler(fromHz, toHz);
    const pieces: number[] = [];
    for (let at = 0; at < input.length;) {
      const length = Math.floor(random.next() ** 3 * 1_500);
      pieces.push(...stream.push(input.subarray(at, at + length)));
      at = Math.min(at + length, input.length);
      expect(pieces.length, `seed ${seed}`).toBe(Math.ceil((at * toHz) / fromHz));
    }
    expect(pieces, `seed ${seed}`).toEqual(whole);
  },
);

test.each(pairs)("from $fromHz to $toHz Hz a click comes out as late as the latency says", ({ fromHz, toHz }) => {
  const stream = resampler(fromHz, toHz);
  const click = new Int16Array(fromHz / 10);
  click[0] = 32_000;
  const out = stream.push(click);
  const peak = out.reduce((best, sample, at) => (sample > (out[best] ?? 0) ? at : best), 0);
  expect((peak * 1_000) / toHz).toBeCloseTo(stream.latencyMs, 9);
  expect(stream.latencyMs).toBeLessThanOrEqual(2.5);
});

test("a flush gives the rest of the stream and leaves nothing for the next", () => {
  const stream = resampler(8_000, 16_000);
  const speech = tone(500, 8_000, 0.5);
  const first = [...stream.push(speech), ...stream.flush()];
  expect(first.length).toBe(16_000 * 1.1 + 40);
  expect(Math.max(...first.slice(-40).map(Math.abs))).toBeGreaterThan(10_000);
  expect([...stream.push(speech), ...stream.flush()]).toEqual(first);
});

test("a stream into which nothing was put holds nothing back", () => {
  const stream = resampler(16_000, 24_000);
  expect(stream.flush().length).toBe(0);
  stream.push(tone(500, 16_000, 0.1));
  expect(stream.flush().length).toBeGreaterThan(0);
  expect(stream.flush().length).toBe(0);
});

test("full-scale input is limited, not wrapped around", () => {
  const square = Int16Array.from({ length: 800 }, (_, n) => (n % 20 < 10 ? 32_767 : -32_768));
  const out = resampler(8_000, 16_000).push(square).slice(40);
  // Inside each half of the square, away from its edges, the sign is the square's.
  const inside = [...out.entries()].filter(([at]) => at % 20 > 4 && at % 20 < 16);
  expect(inside.filter(([at, sample]) => Math.sign(sample) !== (Math.floor(at / 20) % 2 === 0 ? 1 : -1))).toEqual([]);
});

test.each([
  { fromHz: 44_100, toHz: 16_000 },
  { fromHz: 22_050, toHz: 24_000 },
  { fromHz: 8_000, toHz: 48_000 },
])("a whole clip from $fromHz to $toHz Hz keeps its length and its time", ({ fromHz, toHz }) => {
  const clip = resampleClip(tone(400, fromHz, 0.5), fromHz, toHz);
  expect(clip.length).toBe(Math.ceil((Math.round(fromHz * 1.1) * toHz) / fromHz));
  const same = tone(400, toHz, 0.5);
  for (let at = toHz * 0.1; at < toHz; at += 97) expect(Math.abs((clip[at] ?? 0) - (same[at] ?? 0))).toBeLessThanOrEqual(2);
});

test("equal rates cost nothing: the input itself comes back", () => {
  const frame = Int16Array.of(1, 2, 3);
  expect(resampler(16_000, 16_000).push(frame)).toBe(frame);
  expect(resampler(16_000, 16_000).flush().length).toBe(0);
});
