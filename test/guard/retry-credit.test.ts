import fc from "fast-check";
import { expect, test } from "vitest";
import { RetryCredit } from "../../src/guard/retry-credit.ts";
import { SimulatedClock } from "../simulated-clock.ts";

test.each([
  { calls: 0, retries: 3 },
  { calls: 4, retries: 3 },
  { calls: 5, retries: 4 },
  { calls: 100, retries: 23 },
])("with $calls calls in progress $retries retries may be under way, and no more until they must be over", async ({ calls, retries }) => {
  const clock = new SimulatedClock();
  const credit = new RetryCredit(() => calls, clock);
  const granted = (): number => Array.from({ length: 200 }, () => credit.take()).filter(Boolean).length;
  expect(granted()).toBe(retries);
  await clock.advance(4_999);
  expect(granted()).toBe(0);
  await clock.advance(1);
  expect(granted()).toBe(retries);
});

test("whatever comes and goes, within any five seconds no more begin than the calls of the last one's moment allow", async () => {
  const step = fc.oneof(
    fc.record({ what: fc.constant("retry" as const) }),
    fc.record({ what: fc.constant("calls" as const), calls: fc.nat(60) }),
    fc.record({ what: fc.constant("wait" as const), ms: fc.nat(3_000) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 200 }), async (steps) => {
      const clock = new SimulatedClock();
      let calls = 10;
      const begunMs: number[] = [];
      const credit = new RetryCredit(() => calls, clock);
      for (const each of steps) {
        if (each.what === "calls") calls = each.calls;
        else if (each.what === "wait") await clock.advance(each.ms);
        else {
          const underWay = begunMs.filter((at) => at > clock.now() - 5_000).length;
          const mayBegin = underWay + 1 <= 0.2 * calls + 3;
          expect(credit.take()).toBe(mayBegin);
          if (mayBegin) begunMs.push(clock.now());
        }
      }
    }),
    { numRuns: 150 },
  );
});
