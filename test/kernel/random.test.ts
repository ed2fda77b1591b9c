import { expect, test } from "vitest";
import { backoffMs } from "../../src/kernel/backoff.ts";
import { seededRandom, systemRandom } from "../../src/kernel/random.ts";

test("the same seed gives the same numbers and ids, another seed gives others", () => {
  const draw = (seed: number): readonly (number | string)[] => {
    const random = seededRandom(seed);
    return [random.next(), random.next(), random.id("call_")];
  };
  expect(draw(5)).toEqual(draw(5));
  expect(draw(5)).not.toEqual(draw(6));
});

test("numbers fill the unit interval evenly", () => {
  const random = seededRandom(11);
  const tenths = Array.from({ length: 10 }, () => 0);
  for (let count = 0; count < 10_000; count += 1) {
    const tenth = Math.floor(random.next() * 10);
    tenths[tenth] = (tenths[tenth] ?? 0) + 1;
  }
  for (const count of tenths) expect(Math.abs(count - 1_000)).toBeLessThan(150);
});

test("system ids have the asked length and do not repeat", () => {
  const ids = new Set(Array.from({ length: 1_000 }, () => systemRandom.id("t", 12)));
  expect(ids.size).toBe(1_000);
  for (const id of ids) expect(id).toMatch(/^t[0-9a-f]{12}$/);
});

test("backoff: at once after the first failure, then doubling up to 16 s, ten percent either way", () => {
  const random = seededRandom(3);
  const waits = [1, 2, 3, 4, 5, 6, 7, 12].map((failed) => backoffMs(failed, random));
  const planned = [0, 1_000, 2_000, 4_000, 8_000, 16_000, 16_000, 16_000];
  for (const [index, wait] of waits.entries())
    expect(Math.abs(wait - (planned[index] ?? 0))).toBeLessThanOrEqual((planned[index] ?? 0) * 0.1);
});

test("backoff never undercuts what the other side asked for", () => {
  expect(backoffMs(1, seededRandom(1), 7_500)).toBe(7_500);
});
