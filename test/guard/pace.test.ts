import fc from "fast-check";
import { expect, test } from "vitest";
import { AdaptiveLimit } from "../../src/guard/pace.ts";
import { SimulatedClock } from "../simulated-clock.ts";

function limitAfter(...took: readonly number[]): AdaptiveLimit {
  const limit = new AdaptiveLimit(new SimulatedClock(), 10_000);
  for (const ms of took) limit.took(ms);
  return limit;
}
const times = (count: number, ms: number): number[] => Array.from({ length: count }, () => ms);

test.each([
  { name: "without samples the longest limit holds", took: [], limitMs: 10_000 },
  { name: "so it does with few", took: times(19, 800), limitMs: 10_000 },
  { name: "with enough it is p95 and a half more", took: [...times(19, 2_000), 9_000], limitMs: 3_000 },
  { name: "a fast provider has a second all the same", took: times(40, 120), limitMs: 1_000 },
  { name: "a slow one has no more than the longest", took: times(40, 9_000), limitMs: 10_000 },
])("$name", ({ took, limitMs }) => {
  expect(limitAfter(...took).ms).toBe(limitMs);
});

test("where an operator says so a fast provider has more than a second", () => {
  const limit = new AdaptiveLimit(new SimulatedClock(), 10_000, 2_500);
  for (const ms of times(40, 120)) limit.took(ms);
  expect(limit.ms).toBe(2_500);
});

test("what is older than five minutes counts no more", async () => {
  const clock = new SimulatedClock();
  const limit = new AdaptiveLimit(clock, 10_000);
  for (let sample = 0; sample < 40; sample += 1) limit.took(300);
  expect([limit.ms, limit.p50, limit.p95]).toEqual([1_000, 300, 300]);
  await clock.advance(300_001);
  expect([limit.ms, limit.p50, limit.p95]).toEqual([10_000, undefined, undefined]);
});

test("a provider that got slower at once is waited for after two waits that ran out", () => {
  const limit = limitAfter(...times(100, 200));
  const answerMs = 3_000;
  let ranOut = 0;
  while (limit.ms < answerMs) {
    limit.ranOut(limit.ms);
    ranOut += 1;
  }
  expect(ranOut).toBe(2);
  for (let turn = 0; turn < 30; turn += 1) {
    expect(limit.ms).toBeGreaterThanOrEqual(answerMs);
    limit.took(answerMs);
  }
  expect(limit.ms).toBe(4_500);
});

test("one wait that ran out is forgiven by the next answer in the usual time", () => {
  const limit = limitAfter(...times(100, 200));
  limit.ranOut(limit.ms);
  expect(limit.ms).toBe(2_000);
  limit.took(210);
  expect(limit.ms).toBe(1_000);
});

test("of a provider that is slow each tenth time the slow answers are waited for before long", () => {
  const limit = limitAfter(...times(200, 200));
  let ranOut = 0;
  for (let turn = 0; turn < 400; turn += 1) {
    const ms = turn % 10 === 0 ? 1_400 : 200;
    if (ms <= limit.ms) limit.took(ms);
    else {
      limit.ranOut(limit.ms);
      ranOut += 1;
    }
  }
  expect(limit.ms).toBeGreaterThan(1_400);
  expect(ranOut).toBeLessThan(15);
});

test("whatever comes, the limit stays between a second and the longest", () => {
  const step = fc.record({ what: fc.constantFrom("took", "ranOut", "forget"), ms: fc.nat(60_000) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const limit = limitAfter();
      for (const { what, ms } of steps) {
        if (what === "took") limit.took(ms);
        else if (what === "ranOut") limit.ranOut(ms);
        else limit.forget();
        expect(limit.ms).toBeGreaterThanOrEqual(1_000);
        expect(limit.ms).toBeLessThanOrEqual(10_000);
      }
    }),
    { numRuns: 100 },
  );
});
