import { setImmediate as turnOver } from "node:timers/promises";
import { expect, test } from "vitest";
import type { CallEvent } from "../../src/session/words.ts";
import { PastClock, tellAfterwards } from "../../src/watch/afterwards.ts";
import { SimulatedClock } from "../simulated-clock.ts";

const event = (callId: string): CallEvent => ({ callId, type: "link.closed", provider: "local", livedMs: 9 });

function watched(when: (told: CallEvent) => void = () => {}) {
  const time = new SimulatedClock();
  const clock = new PastClock(time);
  const told: [callId: string, nowMs: number, wallMs: number][] = [];
  const watch = tellAfterwards(
    {
      tell(past) {
        told.push([past.callId, clock.now(), clock.wallNow()]);
        when(past);
      },
    },
    clock,
  );
  return { time, clock, told, watch };
}

test("events are told after the turn of the loop in which they happened, in their order, at their own time", async () => {
  const { time, clock, told, watch } = watched();
  const beganAt = time.wallNow();
  watch.tell(event("a"));
  await time.advance(7);
  watch.tell(event("b"));
  expect(told).toEqual([]);
  await time.advance(100);
  await turnOver();
  expect(told).toEqual([
    ["a", 0, beganAt],
    ["b", 7, beganAt + 7],
  ]);
  expect(clock.now()).toBe(107);
});

const ofEveryTurn = (callId: string): CallEvent => ({ callId, type: "audio.hopped", direction: "uplink", ms: 1 });

test("what every turn brings waits a moment for more of it, each with its own time", async () => {
  const { time, told, watch } = watched();
  const beganAt = time.wallNow();
  watch.tell(ofEveryTurn("a"));
  await time.advance(10);
  await turnOver();
  watch.tell(ofEveryTurn("b"));
  expect(told).toEqual([]);
  await time.advance(40);
  expect(told).toEqual([
    ["a", 0, beganAt],
    ["b", 10, beganAt + 10],
  ]);
});

test("whatever else happens is told at once, after what waited", async () => {
  const { time, told, watch } = watched();
  watch.tell(ofEveryTurn("a"));
  watch.tell(event("b"));
  watch.tell(ofEveryTurn("c"));
  await turnOver();
  expect(told.map(([callId]) => callId)).toEqual(["a", "b", "c"]);
  await time.advance(1_000);
  expect(told).toHaveLength(3);
});

test("what comes of an event is told after those that happened before it", async () => {
  const { told, watch } = watched((past) => {
    if (past.callId === "a") watch.tell(event("of a"));
  });
  watch.tell(event("a"));
  watch.tell(event("b"));
  await turnOver();
  await turnOver();
  expect(told.map(([callId]) => callId)).toEqual(["a", "b", "of a"]);
});

test("what takes long to tell of is told in several goes, and nothing of it is lost", async () => {
  const { time, told, watch } = watched(() => time.stall(10));
  for (const callId of ["a", "b", "c"]) watch.tell(event(callId));
  await turnOver();
  expect(told.map(([callId]) => callId)).toEqual(["a"]);
  await turnOver();
  await turnOver();
  expect(told.map(([callId]) => callId)).toEqual(["a", "b", "c"]);
});

test("however much happens in each turn of the loop, what waits does not grow without end", async () => {
  const { time, told, watch } = watched(() => time.stall(0.04));
  let happened = 0;
  let most = 0;
  for (let turn = 0; turn < 500; turn += 1) {
    for (let at = 0; at < 40; at += 1) watch.tell(event(`c${(happened += 1)}`));
    await turnOver();
    most = Math.max(most, happened - told.length);
  }
  expect(most).toBeLessThan(500);
});

test("whoever closes the books has everything told first", () => {
  const { told, watch } = watched();
  watch.tell(event("a"));
  watch.flush();
  expect(told).toHaveLength(1);
  watch.flush();
  expect(told).toHaveLength(1);
});

test("more than ten thousand never wait", () => {
  const { told, watch } = watched();
  for (let at = 0; at < 10_001; at += 1) watch.tell(event(`c${at}`));
  expect(told).toHaveLength(10_000);
  expect(told[0]?.[0]).toBe("c0");
});
