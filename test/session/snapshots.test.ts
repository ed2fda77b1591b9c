import { expect, test } from "vitest";
import { bytesOf } from "../../src/audio/encodings.ts";
import { Fault } from "../../src/kernel/fault.ts";
import { keepCalls } from "../../src/session/keep.ts";
import type { CallSnapshot } from "../../src/session/snapshot.ts";
import type { Tool } from "../../src/session/tools.ts";
import { startHouse, type House } from "./house.ts";

/** The same calls on a node that was started after this one died. */
function startAgain(kept: Map<string, CallSnapshot>): House {
  const house = startHouse({ seed: 8 });
  for (const snapshot of kept.values()) expect(house.roster.restore(snapshot)).toBe(true);
  return house;
}

test("who comes back to a node that was started again is in the same conversation, and no word is lost", async () => {
  const kept = new Map<string, CallSnapshot>();
  const before = startHouse({ kept });
  const caller = before.dial();
  await caller.speaks(1_000);
  const { link } = before.provider("alpha");
  link.hearsTurn("c1", "a table for two, please", 200);
  link.speaks("a1", "For when?", 400);
  await caller.speaks(1_000);
  // The pause after the first turn, too: it may be the beginning of the second.
  const answered = bytesOf(1_000, "pcm16@16000");
  link.tells({ type: "caller.spoke", turnId: "c2", uplinkMs: 2_000 });
  await caller.speaks(1_500);
  before.roster.save(0);
  // The process is gone here; nothing of it is told.
  const after = startAgain(kept);
  expect(after.provider("alpha").links).toEqual([]);
  const again = after.dial(caller.leg.resumeToken);
  await again.speaks(200);
  const { request, heard } = after.provider("alpha").link;
  expect(request.conversation.map((item) => ("text" in item ? item.text : ""))).toEqual(["a table for two, please", "For when?"]);
  expect(request.begin).toBe("listen");
  expect(heard).toEqual([...caller.sent.slice(answered), ...again.sent]);
  // Counted on from where the dead node left it, so that who comes back knows what to send.
  expect(again.leg.notices.find((notice) => notice.type === "started")?.receivedMs).toBe(3_500);
  expect(after.roster.size).toBe(1);
});

test("who pays for a call is known when it goes on elsewhere", async () => {
  const kept = new Map<string, CallSnapshot>();
  const before = startHouse({ kept });
  const caller = before.dial(undefined, [], { parameters: { user: "u7" } });
  await caller.speaks(500);
  before.roster.save(0);
  expect(startAgain(kept).events[0]).toMatchObject({ type: "call.restored", user: "u7" });
});

test("what the caller had not heard yet is played on, once, and what was cut off is owed", async () => {
  const kept = new Map<string, CallSnapshot>();
  const before = startHouse({ kept });
  const caller = before.dial();
  await caller.speaks(1_000);
  const { link } = before.provider("alpha");
  link.hearsTurn("c1", "when do you open?", 200);
  link.speaks("a1", "We open at nine and close", 4_000, false);
  await caller.speaks(1_000);
  before.roster.save(0);
  const after = startAgain(kept);
  const again = after.dial(caller.leg.resumeToken);
  await again.speaks(5_000);
  // One second was heard, a tenth of it is heard again.
  expect(again.leg.playedMs).toBeGreaterThanOrEqual(3_000);
  expect(again.leg.playedMs).toBeLessThanOrEqual(3_200);
});

test("a tool that ran when the node died is not run again, and its call does not stay open", async () => {
  let runs = 0;
  const tool: Tool = {
    spec: { name: "book", description: "", parameters: {} },
    run: () => {
      runs += 1;
      return Promise.withResolvers<never>().promise;
    },
  };
  const kept = new Map<string, CallSnapshot>();
  const before = startHouse({ kept, tools: [tool] });
  const caller = before.dial();
  await caller.speaks(1_000);
  before.provider("alpha").link.hearsTurn("c1", "book it", 200);
  before.provider("alpha").link.tells({ type: "tool.called", toolCallId: "x1", name: "book", arguments: "{}" });
  await caller.speaks(100);
  before.roster.save(0);
  const after = startAgain(kept);
  const again = after.dial(caller.leg.resumeToken);
  await again.speaks(100);
  expect(runs).toBe(1);
  expect(after.provider("alpha").link.request.conversation).toContainEqual(
    expect.objectContaining({ type: "tool", name: "book", output: "It is not known whether this was done." }),
  );
});

test("who came back a moment before the node died comes back again", async () => {
  const kept = new Map<string, CallSnapshot>();
  const before = startHouse({ kept });
  const caller = before.dial();
  await caller.speaks(500);
  const again = before.dial(caller.leg.resumeToken);
  const after = startAgain(kept);
  expect(after.roster.awaits(again.leg.resumeToken)).toBe(true);
});

test("a carrier comes back with its own id of the call", async () => {
  const kept = new Map<string, CallSnapshot>();
  const before = startHouse({ kept, leg: { resume: "call-id" } });
  const caller = before.dial(undefined, [], { carrierCallId: "CA1" });
  await caller.speaks(1_000);
  before.roster.save(0);
  const after = startHouse({ seed: 8, leg: { resume: "call-id" } });
  for (const snapshot of kept.values()) after.roster.restore(snapshot);
  const stranger = after.dial(undefined, [], { carrierCallId: "CA2" });
  await stranger.speaks(100);
  expect(after.roster.size).toBe(2);
  const again = after.dial(undefined, [], { carrierCallId: "CA1" });
  await again.speaks(100);
  expect(after.roster.size).toBe(2);
  expect(again.leg.notices.find(({ type }) => type === "started")).toMatchObject({ callId: [...kept.keys()][0] });
});

test("nobody comes back to a restored call: it ends as any that was left, and leaves nothing", async () => {
  const kept = new Map<string, CallSnapshot>();
  const before = startHouse({ kept });
  const caller = before.dial();
  await caller.speaks(500);
  before.roster.save(0);
  const after = startAgain(kept);
  await after.clock.advance(31_000);
  expect(after.events.filter(({ type }) => type === "call.ended")).toMatchObject([{ outcome: "abandoned" }]);
  expect(after.roster.size).toBe(0);
  expect(after.clock.armed).toBe(0);
});

test("a drained node hands its calls on: kept, and told to come back", async () => {
  const kept = new Map<string, CallSnapshot>();
  const before = startHouse({ kept });
  const caller = before.dial();
  await caller.speaks(1_000);
  before.provider("alpha").link.hearsTurn("c1", "a table for two, please", 200);
  await caller.speaks(100);
  before.roster.endAll();
  expect(caller.leg.ended).toEqual({ reason: "drained" });
  const after = startAgain(kept);
  const again = after.dial(caller.leg.resumeToken);
  await again.speaks(100);
  expect(after.provider("alpha").link.request).toMatchObject({
    begin: "answer",
    conversation: [{ type: "caller", text: "a table for two, please" }],
  });
});

test("what is typed while an answer is owed is kept soon", async () => {
  const kept = new Map<string, CallSnapshot>();
  const house = startHouse({ kept });
  using _ = keepCalls(house.roster, house.clock);
  const caller = house.dial();
  await caller.speaks(500);
  house.provider("alpha").link.hearsTurn("c1", "a table for two, please", 200);
  await caller.speaks(1_500);
  caller.line.signal({ type: "text", text: "by the window" });
  await caller.speaks(1_000);
  expect([...kept.values()].flatMap(({ turns }) => turns.map((turn) => ("text" in turn ? turn.text : "")))).toContain("by the window");
});

test("a call in which nothing ends is kept now and then; that a caller begins to speak is no end of anything", async () => {
  const kept = new Map<string, CallSnapshot>();
  const house = startHouse({ kept });
  using _ = keepCalls(house.roster, house.clock);
  const caller = house.dial();
  await caller.speaks(1_000);
  kept.clear();
  house.provider("alpha").link.tells({ type: "caller.spoke", turnId: "c1", uplinkMs: 1_000 });
  await caller.speaks(2_000);
  expect(kept.size).toBe(0);
  await caller.speaks(9_000);
  expect(kept.size).toBe(1);
});

test("an agent that is cut short is kept soon, with what was heard of it", async () => {
  const kept = new Map<string, CallSnapshot>();
  const house = startHouse({ kept });
  using _ = keepCalls(house.roster, house.clock);
  const caller = house.dial();
  await caller.speaks(1_000);
  const { link } = house.provider("alpha");
  link.hearsTurn("c1", "when do you open?", 200);
  link.speaks("a1", "We open at nine and close at six.", 4_000);
  await caller.speaks(2_000);
  kept.clear();
  link.tells({ type: "caller.spoke", turnId: "c2", uplinkMs: 3_000 });
  await caller.speaks(600);
  const turns = [...kept.values()].flatMap((snapshot) => snapshot.turns);
  expect(turns.find(({ type }) => type === "agent")).toMatchObject({ heard: { state: "cut", by: "caller" } });
});

test("a call that is over is not kept", async () => {
  const kept = new Map<string, CallSnapshot>();
  const house = startHouse({ kept });
  const caller = house.dial();
  await caller.speaks(500);
  house.roster.save(0);
  expect(kept.size).toBe(1);
  caller.line.signal({ type: "hung-up" });
  expect(kept.size).toBe(0);
});

test("a call of an agent that is no more cannot go on", async () => {
  const kept = new Map<string, CallSnapshot>();
  const house = startHouse({ kept });
  await house.dial().speaks(500);
  house.roster.save(0);
  const [snapshot] = kept.values();
  if (snapshot === undefined) throw new Fault("internal", "nothing was kept");
  expect(startHouse().roster.restore({ ...snapshot, agent: "gone" })).toBe(false);
});

test("all calls are kept each time that all are to be, and each in its turn where only some are", () => {
  const kept = new Map<string, CallSnapshot>();
  const house = startHouse({ kept });
  const callers = Array.from({ length: 7 }, () => house.dial());
  for (let time = 0; time < 3; time += 1) {
    kept.clear();
    house.roster.save(0);
    expect(kept.size).toBe(callers.length);
  }
  kept.clear();
  for (let look = 0; look < 4; look += 1) house.roster.save(0, 1 / 4);
  expect(kept.size).toBe(callers.length);
});
