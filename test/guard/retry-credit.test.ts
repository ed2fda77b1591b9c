import fc from "fast-check";
import { expect, test } from "vitest";
import { RetryCredit } from "../../src/guard/retry-credit.ts";

test.each([
  { calls: 0, retries: 3 },
  { calls: 4, retries: 3 },
  { calls: 5, retries: 4 },
  { calls: 100, retries: 23 },
])("with $calls calls in progress $retries retries may be under way, and no more", ({ calls, retries }) => {
  const credit = new RetryCredit(() => calls);
  const granted = Array.from({ length: 200 }, () => credit.take()).filter(Boolean).length;
  expect(granted).toBe(retries);
  credit.giveBack();
  expect([credit.take(), credit.take()]).toEqual([true, false]);
});

test("whatever comes and goes, a retry begins only within the credit of that moment, and none given back is lost", () => {
  const step = fc.oneof(
    fc.record({ what: fc.constant("take" as const) }),
    fc.record({ what: fc.constant("giveBack" as const) }),
    fc.record({ what: fc.constant("calls" as const), calls: fc.nat(200) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      let calls = 10;
      let underWay = 0;
      const credit = new RetryCredit(() => calls);
      for (const each of steps) {
        if (each.what === "calls") calls = each.calls;
        else if (each.what === "giveBack") {
          credit.giveBack();
          underWay = Math.max(0, underWay - 1);
        } else {
          const mayBegin = underWay + 1 <= 0.2 * calls + 3;
          expect(credit.take()).toBe(mayBegin);
          if (mayBegin) underWay += 1;
        }
        expect(credit.taken).toBe(underWay);
      }
    }),
    { numRuns: 200 },
  );
});
