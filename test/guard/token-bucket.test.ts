import fc from "fast-check";
import { expect, test } from "vitest";
import { TokenBucket } from "../../src/guard/token-bucket.ts";
import { SimulatedClock } from "../simulated-clock.ts";

test("a minute's worth is there at once, and comes back evenly", async () => {
  const clock = new SimulatedClock();
  const bucket = new TokenBucket(clock, 60);
  bucket.take(60);
  expect([bucket.left, bucket.waitMs(1), bucket.waitMs(60)]).toEqual([0, 1_000, 60_000]);
  await clock.advance(30_000);
  expect(bucket.left).toBe(30);
  await clock.advance(90_000);
  expect(bucket.left).toBe(60);
});

test("what cost more than there was is waited for", () => {
  const bucket = new TokenBucket(new SimulatedClock(), 60_000);
  bucket.take(90_000);
  expect([bucket.left, bucket.waitMs(1)]).toEqual([-30_000, 30_001]);
});

test("whoever takes only what is there gets at most a minute's worth and what came since", async () => {
  const step = fc.record({ waitMs: fc.nat(20_000), amount: fc.integer({ min: 1, max: 50 }) });
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 600 }), fc.array(step, { maxLength: 100 }), async (perMinute, steps) => {
      const clock = new SimulatedClock();
      const bucket = new TokenBucket(clock, perMinute);
      let taken = 0;
      for (const { waitMs, amount } of steps) {
        await clock.advance(waitMs);
        const needMs = bucket.waitMs(amount);
        expect(needMs === 0).toBe(bucket.left >= amount);
        if (needMs > 0) continue;
        bucket.take(amount);
        taken += amount;
        expect(taken).toBeLessThanOrEqual(perMinute * (1 + clock.now() / 60_000) + 1e-6);
      }
    }),
    { numRuns: 100 },
  );
});
