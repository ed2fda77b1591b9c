import { expect, test } from "vitest";
import { bytesOf } from "../../src/audio/encodings.ts";
import { Fault } from "../../src/kernel/fault.ts";
import { startHouse } from "./house.ts";

test("the wait for an answer is told from the caller's end of speech to their ear, with a pipeline's own stages", async () => {
  const house = startHouse({ leg: { playback: "reports" } });
  const caller = house.dial();
  await caller.speaks(1_000);
  const { link } = house.provider("alpha");
  link.tells({ type: "caller.spoke", turnId: "c1", uplinkMs: 200 });
  await caller.speaks(300);
  link.tells({ type: "caller.transcribed", turnId: "c1", text: "a table, please", final: true });
  await caller.speaks(200);
  link.tells({ type: "caller.finished", turnId: "c1", uplinkMs: 1_000 });
  await caller.speaks(600);
  link.tells({ type: "link.timed", turnId: "a1", llmMs: 350, ttsMs: 150 });
  link.speaks("a1", "For how many?", 800);
  await caller.speaks(600);
  const timed = house.events.find((event) => event.type === "turn.timed");
  expect(timed).toEqual({
    type: "turn.timed",
    callId: timed?.callId,
    provider: "alpha",
    kind: "plain",
    times: { totalMs: 1_130, stages: { stt: 300, endpointing: 200, llm: 350, tts: 150, provider: 100, ours: 0, playout: 30 } },
  });
  expect(house.events).toContainEqual(expect.objectContaining({ type: "turn.committed", endpointingMs: 500 }));
  expect(house.events).toContainEqual(expect.objectContaining({ type: "turn.answered", responseStartMs: 600, latencyMs: 1_100 }));
  expect(house.events).toContainEqual(expect.objectContaining({ type: "caller.understood", afterMs: 1_100 }));
  expect(house.events).toContainEqual(expect.objectContaining({ type: "caller.voiced", agoMs: 800 }));
});

test("what is told of an answer names it as the caller's screen does, and the first voice is told once", async () => {
  const house = startHouse();
  const caller = house.dial();
  await caller.speaks(1_000);
  const { link } = house.provider("alpha");
  link.hearsTurn("c1", "when do you open?", 200);
  link.speaks("a1", "We open at nine.", 400);
  await caller.speaks(1_000);
  link.hearsTurn("c2", "and on Sundays?", 1_500);
  link.speaks("a2", "We op", 400, false);
  link.tells({ type: "link.lost", fault: new Fault("provider-dropped", "gone") });
  await caller.speaks(1_000);
  const ids = caller.leg.notices.flatMap((notice) => (notice.type === "caption" && notice.role === "agent" ? [notice.turnId] : []));
  const told = house.events.flatMap((event) => (event.type === "turn.ended" || event.type === "turn.broken" ? [event.turnId] : []));
  expect(told).toEqual([...new Set(ids)]);
  expect(told).toHaveLength(2);
  expect(house.events.filter(({ type }) => type === "caller.voiced")).toHaveLength(1);
});

test("a pause that a provider waited for before it ended the turn is part of the caller's wait, and told as endpointing", async () => {
  const house = startHouse({ leg: { playback: "clock" } });
  const caller = house.dial();
  await caller.speaks(1_000);
  await caller.sounds(new Uint8Array(bytesOf(500, "pcm16@16000")));
  const { link } = house.provider("alpha");
  // As OpenAI counts: what it took to be sure is in the turn.
  link.hearsTurn("c1", "a table, please", 0);
  await caller.speaks(200);
  link.speaks("a1", "For how many?", 800);
  await caller.speaks(100);
  expect(house.events).toContainEqual(expect.objectContaining({ type: "turn.committed", endpointingMs: 500 }));
  const { times } = house.events.find((event) => event.type === "turn.timed") ?? { times: undefined };
  expect(times).toEqual({ totalMs: 700, stages: { endpointing: 500, provider: 200, ours: 0 } });
});

test("what a link uses while it only waits is paid for all the same", async () => {
  const house = startHouse({ tiers: ["alpha", "beta"], traits: { beta: { standby: true } }, standby: "warm" });
  const caller = house.dial();
  await caller.speaks(6_000);
  house.provider("beta").link.tells({ type: "link.used", usage: { model: "m", quantities: { session_ms: 5 } } });
  expect(house.events).toContainEqual(expect.objectContaining({ type: "link.used", provider: "beta" }));
});

test("what a link tells as it closes is booked to its call, before both are over", async () => {
  const house = startHouse();
  const caller = house.dial();
  await caller.speaks(1_000);
  const { link } = house.provider("alpha");
  link.close = () => link.tells({ type: "link.used", usage: { model: "m", quantities: { session_ms: 457 } } });
  house.roster.endAll();
  expect(house.events.map(({ type }) => type).filter((type) => /^link.(used|closed)|^call.ended/.test(type))).toEqual([
    ...["link.used", "link.closed", "call.ended"],
  ]);
});
