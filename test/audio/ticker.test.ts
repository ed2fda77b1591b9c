import { expect, test } from "vitest";
import { Ticker } from "../../src/audio/ticker.ts";
import { SimulatedClock } from "../simulated-clock.ts";

test("one that fails at its tick is told aloud and woken no more, and the beat goes on for the others", async () => {
  const clock = new SimulatedClock();
  const ticker = new Ticker(clock);
  let [failures, ticks] = [0, 0];
  ticker.wake({
    tick() {
      failures += 1;
      throw new Error("a defect");
    },
  });
  ticker.wake({ tick: () => (ticks += 1) < 5 });
  await expect(clock.advance(20)).rejects.toThrow("a defect");
  await clock.advance(1_000);
  expect([failures, ticks]).toEqual([1, 5]);
  expect(clock.armed).toBe(0);
});

test("whoever is woken in the middle of a beat joins it, and the beat stays one", async () => {
  const clock = new SimulatedClock();
  const ticker = new Ticker(clock);
  let ticks = 0;
  const late = { tick: () => (ticks += 1) < 100 };
  ticker.wake({
    tick() {
      ticker.wake(late);
      return false;
    },
  });
  await clock.advance(20);
  expect(clock.armed).toBe(1);
  await clock.advance(1_000);
  expect(ticks).toBeGreaterThanOrEqual(50);
  expect(ticks).toBeLessThanOrEqual(51);
});

test("who sleeps is woken once at the time, however often it asked, and not at all when it was forgotten", async () => {
  const clock = new SimulatedClock();
  const ticker = new Ticker(clock);
  const ticks: string[] = [];
  const sleeper = { tick: (nowMs: number) => ticks.push(`sleeper ${nowMs}`) < 0 };
  const forgotten = { tick: () => ticks.push("forgotten") < 0 };
  for (const ms of [5_000, 1_000]) ticker.wakeAfter(sleeper, ms);
  ticker.wakeAfter(forgotten, 1_000);
  ticker.forget(forgotten);
  expect(clock.armed).toBe(1);
  await clock.advance(60_000);
  expect(ticks).toEqual(["sleeper 5020"]);
  expect(clock.armed).toBe(0);
});
