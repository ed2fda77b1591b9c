import { expect, test } from "vitest";
import { tellHumans } from "../../src/notify/humans.ts";
import type { Notice } from "../../src/notify/notice.ts";
import { SimulatedClock } from "../simulated-clock.ts";

function house() {
  const clock = new SimulatedClock();
  const told: Notice[] = [];
  const watch = tellHumans({
    humans: { tell: (notice) => told.push(notice) },
    clock,
    consoleUrl: () => "http://127.0.0.1/console/",
    isStopgap: (provider) => provider === "stopgap",
  });
  return { clock, told, watch, ids: () => told.map(({ id }) => id) };
}

test("people are told of a caller in need once a call, with where to take it over and nothing of what was said", () => {
  const { watch, told, ids } = house();
  for (let turn = 0; turn < 3; turn += 1)
    watch.tell({ type: "crisis.detected", callId: "call_1", provider: "local", category: "self-harm" });
  watch.tell({ type: "crisis.detected", callId: "call_2", provider: "local", category: "danger" });
  expect(ids()).toEqual(["call_1-crisis", "call_2-crisis"]);
  expect(told[0]).toMatchObject({ reason: "crisis", callId: "call_1", title: expect.stringContaining("self-harm") });
  expect(told[0]?.facts).toContainEqual({ name: "console", value: "http://127.0.0.1/console/" });
});

test("a caller who asks for a person is told of with the ticket that the caller was given", () => {
  const { watch, told } = house();
  watch.tell({ type: "human.asked", callId: "call_1", reason: "caller", ticket: "4711ab" });
  expect(told).toMatchObject([{ id: "call_1-caller", reason: "caller" }]);
  expect(told[0]?.facts).toContainEqual({ name: "ticket", value: "4711ab" });
});

test("each person who shall take a caller over, and cannot be told by voice, is told in writing", () => {
  const { watch, told } = house();
  for (const target of ["+15550777", "sip:desk@192.0.2.1"])
    watch.tell({ type: "human.briefed", callId: "call_1", target, briefing: "They ask about a refund." });
  expect(told).toMatchObject([
    { reason: "briefing", title: "A caller is put through to +15550777", text: "They ask about a refund." },
    { reason: "briefing", title: "A caller is put through to sip:desk@192.0.2.1" },
  ]);
});

test("an outage that a hundred calls meet is told once, and again when it lasts", async () => {
  const { clock, watch, ids } = house();
  const spoke = { type: "turn.ended", turnId: "t2", outcome: "complete", kind: "plain", gapMs: undefined } as const;
  watch.tell({ ...spoke, callId: "call_0", provider: "openai" });
  for (let call = 1; call <= 100; call += 1) watch.tell({ ...spoke, callId: `call_${call}`, provider: "stopgap" });
  expect(ids()).toEqual(["call_1-outage"]);
  await clock.advance(600_000);
  watch.tell({ ...spoke, callId: "call_101", provider: "stopgap" });
  expect(ids()).toEqual(["call_1-outage", "call_101-outage"]);
});
