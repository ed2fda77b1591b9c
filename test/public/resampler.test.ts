import fc from "fast-check";
import { expect, test } from "vitest";
import { Resampler } from "../../public/client/resampler.js";
import { tone } from "./stand-in-call.ts";
import { levelOf } from "./tone-level.ts";

/** All of `samples`, given in pieces of the sizes in turn. */
function convert(samples: Float32Array, fromHz: number, toHz: number, sizes: readonly number[]): Float32Array {
  const resampler = new Resampler(fromHz, toHz);
  const out: number[] = [];
  for (let at = 0, turn = 0; at < samples.length; turn += 1) {
    const piece = samples.subarray(at, at + (sizes[turn % sizes.length] ?? 128));
    const room = new Float32Array(Math.ceil((piece.length * toHz) / fromHz) + 2);
    out.push(...room.subarray(0, resampler.process(piece, room)));
    at += piece.length;
  }
  return Float32Array.from(out);
}

test.each([
  [48_000, 16_000],
  [44_100, 16_000],
  [24_000, 48_000],
  [24_000, 44_100],
  [16_000, 16_000],
])("a tone keeps its pitch and level from %i to %i Hz", (fromHz, toHz) => {
  const made = convert(tone(1_000, 500, fromHz), fromHz, toHz, [128]).subarray(200);
  expect(made.length).toBeGreaterThan(toHz * 0.48);
  expect(levelOf(made, 1_000, toHz)).toBeCloseTo(0.4, 2);
});

test("what the lower rate cannot carry is taken out, not folded back", () => {
  const made = convert(tone(11_000, 500, 48_000), 48_000, 16_000, [128]).subarray(200);
  expect(levelOf(made, 5_000, 16_000)).toBeLessThan(0.4 / 1_000);
});

test("the pieces that audio comes in make no difference", () => {
  const samples = tone(700, 60, 44_100);
  const whole = convert(samples, 44_100, 16_000, [samples.length]);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 6 }), (sizes) => {
      const pieces = convert(samples, 44_100, 16_000, sizes);
      expect(pieces.length).toBe(whole.length);
      for (const [i, sample] of pieces.entries()) expect(sample).toBeCloseTo(whole[i] ?? Number.NaN, 4);
    }),
  );
});

test("asked for 128 samples at a time it says exactly how many it needs", () => {
  for (const [fromHz, toHz] of [
    [24_000, 44_100],
    [24_000, 48_000],
    [16_000, 48_000],
    [48_000, 44_100],
  ] as const) {
    const resampler = new Resampler(fromHz, toHz);
    const out = new Float32Array(128);
    let needed = 0;
    for (let round = 0; round < 500; round += 1) {
      const input = new Float32Array(resampler.needs(out.length));
      needed += input.length;
      expect(resampler.process(input, out)).toBe(128);
    }
    expect(needed).toBeCloseTo((500 * 128 * fromHz) / toHz, -2);
  }
});
