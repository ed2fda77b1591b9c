import { expect, test } from "vitest";
import { LoadGate, type LoadReading } from "../../src/guard/load.ts";
import { SimulatedClock } from "../simulated-clock.ts";

/** A process whose load the test sets; one second of it is one window. */
function loaded(limits: LoadReading = { lagMs: 50, busy: 0.8 }) {
  const clock = new SimulatedClock();
  const told: string[] = [];
  const now = { lagMs: 1, busy: 0.1 };
  const gate = new LoadGate(limits, () => ({ ...now }), clock, {
    began: ({ lagMs, busy }) => told.push(`began ${lagMs} ${busy}`),
    ended: ({ lagMs, busy }) => told.push(`ended ${lagMs} ${busy}`),
  });
  const seconds = async (count: number, reading: Partial<LoadReading>): Promise<void> => {
    Object.assign(now, reading);
    await clock.advance(count * 1_000);
  };
  return { clock, gate, told, seconds };
}

test("a loop that is late for two seconds takes no new call, and says when to come again", async () => {
  const { gate, told, seconds } = loaded();
  await seconds(1, { lagMs: 51 });
  expect(gate.refusal()).toBeUndefined();
  await seconds(1, { lagMs: 70 });
  expect(gate.refusal()).toMatchObject({ code: "overload", retryAfterMs: 5_000, row: { sipStatus: 503 } });
  expect(told).toEqual(["began 70 0.1"]);
});

test("a loop that always has work takes no new call, however punctual it is", async () => {
  const { gate, seconds } = loaded();
  await seconds(2, { busy: 0.81 });
  expect(gate.refusal()?.code).toBe("overload");
});

test("one bad second is none: only two in a row count", async () => {
  const { gate, told, seconds } = loaded();
  for (let round = 0; round < 5; round += 1) {
    await seconds(1, { lagMs: 500 });
    await seconds(1, { lagMs: 2 });
  }
  expect(gate.refusal()).toBeUndefined();
  expect(told).toEqual([]);
});

test("calls are taken again only when the load was well under the limits for three seconds in a row", async () => {
  const { gate, told, seconds } = loaded();
  await seconds(2, { busy: 0.95 });
  // Under the limit, but the next caller would bring it back.
  await seconds(10, { busy: 0.7 });
  expect(gate.refusal()).toBeDefined();
  await seconds(2, { busy: 0.5 });
  await seconds(1, { lagMs: 45 });
  await seconds(2, { lagMs: 10 });
  expect(gate.refusal()).toBeDefined();
  await seconds(1, { lagMs: 10 });
  expect(gate.refusal()).toBeUndefined();
  expect(told).toEqual(["began 1 0.95", "ended 10 0.5"]);
});

test("a limit of nothing is none", async () => {
  const { gate, seconds } = loaded({ lagMs: 0, busy: 0 });
  await seconds(5, { lagMs: 10_000, busy: 1 });
  expect(gate.refusal()).toBeUndefined();
});

test("whoever closes it leaves no timer behind", async () => {
  const { clock, gate, seconds } = loaded();
  await seconds(3, {});
  gate[Symbol.dispose]();
  expect(clock.armed).toBe(0);
});
