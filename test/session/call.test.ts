import { expect, test } from "vitest";
import type { LegTraits } from "../../src/caller/leg.ts";
import { Fault } from "../../src/kernel/fault.ts";
import type { Tool } from "../../src/session/tools.ts";
import { startHouse } from "./house.ts";

const dropped = new Fault("provider-dropped", "the socket closed with 1006");
const badKey = new Fault("provider-key", "the key was refused");

test("a new call is greeted, and the caller's screen is told what happens", async () => {
  const house = startHouse();
  const caller = house.dial();
  await house.clock.advance(10);
  expect(house.provider("alpha").link.request.begin).toBe("greet");
  house.provider("alpha").link.speaks("a1", "Hello, this is the desk.", 1_000);
  await house.clock.advance(1_200);
  expect(caller.leg.playedMs).toBe(1_000);
  const phases = caller.leg.notices.flatMap((notice) => (notice.type === "phase" ? [notice.phase] : []));
  expect(phases).toEqual(["listening", "speaking", "listening"]);
  expect(caller.leg.notices).toContainEqual({
    type: "caption",
    turnId: "t1",
    role: "agent",
    text: "Hello, this is the desk.",
    final: true,
    interrupted: false,
  });
});

test("what the caller says before the link is open is heard from the first sample", async () => {
  const house = startHouse();
  const caller = house.dial();
  await caller.speaks(500);
  expect(house.provider("alpha").link.heard).toEqual(caller.sent);
});

test("barge-in stops the agent, and everyone remembers only what was heard", async () => {
  const house = startHouse();
  const caller = house.dial();
  await caller.speaks(20);
  const { link } = house.provider("alpha");
  link.speaks("a1", "one two three four five six seven eight nine ten", 5_000);
  await caller.speaks(2_500);
  link.tells({ type: "caller.spoke", turnId: "c1", uplinkMs: 2_400 });
  expect(caller.leg.flushes).toBe(1);
  expect(link.told).toEqual(["interrupt a1 2500"]);
  const cut = caller.leg.notices.findLast((notice) => notice.type === "caption");
  expect(cut).toMatchObject({ interrupted: true, text: "one two three four five" });
  const before = caller.leg.playedMs;
  link.request.report.audio(new Uint8Array(32_000), "a1");
  await caller.speaks(1_000);
  expect(caller.leg.playedMs).toBe(before);
});

test("a link that dies in mid-turn is replaced at once, and the next hears the whole turn", async () => {
  const house = startHouse();
  const caller = house.dial();
  await caller.speaks(3_000);
  const first = house.provider("alpha").link;
  first.tells({ type: "caller.spoke", turnId: "c1", uplinkMs: 1_000 });
  await caller.speaks(1_500);
  first.tells({ type: "link.lost", fault: dropped });
  await caller.speaks(1_500);
  const second = house.provider("alpha").link;
  expect(second).not.toBe(first);
  expect(first.told).toContain("close");
  const turn = caller.sent.slice(caller.sent.length - 5_000 * 32);
  expect(second.heard.slice(-turn.length)).toEqual(turn);
  expect(caller.leg.notices).toContainEqual({ type: "connection.reconnecting", provider: "alpha", attempt: 2 });
  expect(caller.leg.notices).toContainEqual({ type: "connection.reconnected", provider: "alpha" });
});

test("a turn whose words are known is migrated as text and answered at once", async () => {
  const house = startHouse();
  const caller = house.dial();
  await caller.speaks(2_000);
  const first = house.provider("alpha").link;
  first.hearsTurn("c1", "a table for two, please", 500);
  first.tells({ type: "link.lost", fault: dropped });
  await house.clock.advance(50);
  const { request } = house.provider("alpha").link;
  expect(request.begin).toBe("answer");
  expect(request.conversation).toContainEqual({ type: "caller", id: "t1", text: "a table for two, please" });
});

test("a bad key hands the call to the next tier, with the conversation as it was heard", async () => {
  const house = startHouse({ tiers: ["alpha", "beta"] });
  const caller = house.dial();
  await caller.speaks(20);
  const { link } = house.provider("alpha");
  link.speaks("a1", "We have tables at seven and at nine.", 2_500, false);
  await caller.speaks(1_500);
  link.tells({ type: "link.lost", fault: badKey });
  await caller.speaks(100);
  const { request } = house.provider("beta").link;
  expect(request.begin).toBe("carry-on");
  expect(request.conversation).toEqual([{ type: "agent", id: "t1", text: "We have tables at seven and at nine.", interrupted: true }]);
  expect(caller.leg.notices).toContainEqual({ type: "handed-over", provider: "beta", restored: "full" });
  expect(house.events).toContainEqual(
    expect.objectContaining({ type: "call.handed-over", from: "alpha", to: "beta", mode: "failover", cause: "provider-key", items: 1 }),
  );
});

test("when every tier is gone the caller is told why and the call ends once", async () => {
  const house = startHouse();
  house.provider("alpha").refusal = badKey;
  const caller = house.dial();
  await house.clock.advance(100);
  expect(caller.leg.ended).toMatchObject({ reason: "fault", fault: { code: "provider-key" } });
  expect(house.events.filter((event) => event.type === "call.ended")).toHaveLength(1);
  expect(house.roster.size).toBe(0);
});

test("an unreachable provider is tried seven times with growing pauses", async () => {
  const house = startHouse();
  house.provider("alpha").refusal = new Fault("provider-unreachable", "connection refused");
  house.dial();
  await house.clock.advance(60_000);
  const waits = house.events.flatMap((event) => (event.type === "link.retrying" ? [event.backoffMs] : []));
  expect(waits[0]).toBe(0);
  expect(waits).toHaveLength(6);
  for (const [index, wait] of waits.slice(1).entries()) expect(Math.abs(wait / (1_000 * 2 ** index) - 1)).toBeLessThanOrEqual(0.1);
  expect(house.events.filter((event) => event.type === "link.failed")).toHaveLength(7);
});

test("with another tier at hand a caller waits for one reconnect, not for the ladder", async () => {
  const house = startHouse({ tiers: ["alpha", "beta"] });
  house.provider("alpha").refusal = new Fault("provider-unreachable", "connection refused");
  const caller = house.dial();
  await caller.speaks(100);
  expect(house.events.filter((event) => event.type === "link.failed")).toHaveLength(2);
  expect(house.provider("beta").link.heard).toEqual(caller.sent);
});

test("a provider that never answers a turn is taken for dead", async () => {
  const house = startHouse({ tiers: ["alpha", "beta"] });
  const caller = house.dial();
  await caller.speaks(1_000);
  house.provider("alpha").link.hearsTurn("c1", "hello?", 200);
  await caller.speaks(21_000);
  expect(house.provider("alpha").links).toHaveLength(1);
  expect(house.provider("beta").link.request.begin).toBe("answer");
});

test("a tool runs once, and its result reaches the link that is there when it is done", async () => {
  let runs = 0;
  let finish = (): void => {};
  const book: Tool = {
    spec: { name: "book", description: "", parameters: {} },
    run: async (args) => {
      runs += 1;
      await new Promise<void>((resolve) => (finish = resolve));
      return { booked: args };
    },
  };
  const house = startHouse({ tools: [book] });
  const caller = house.dial();
  await caller.speaks(1_000);
  const first = house.provider("alpha").link;
  first.hearsTurn("c1", "book it", 200);
  first.tells({ type: "tool.called", toolCallId: "x1", name: "book", arguments: '{"day":"friday"}' });
  await caller.speaks(200);
  first.tells({ type: "link.lost", fault: dropped });
  await caller.speaks(200);
  const second = house.provider("alpha").link;
  expect(second.request.conversation.at(-1)).toMatchObject({ type: "tool", name: "book", output: undefined });
  finish();
  await caller.speaks(100);
  expect(runs).toBe(1);
  expect(second.results).toEqual([
    { toolCallId: second.request.conversation.at(-1)?.id, name: "book", output: '{"booked":{"day":"friday"}}', failed: false },
  ]);
});

test("typed words stop the agent and are answered", async () => {
  const house = startHouse();
  const caller = house.dial();
  await caller.speaks(20);
  const { link } = house.provider("alpha");
  link.speaks("a1", "A long story.", 4_000);
  await caller.speaks(500);
  caller.line.signal({ type: "text", text: "what are your hours?" });
  expect(link.told).toEqual(["interrupt a1 500", "text what are your hours?"]);
  expect(caller.leg.notices.at(-1)).toEqual({ type: "phase", phase: "thinking" });
});

test("after a goodbye the line stays until it was heard, and stays on when the caller speaks", async () => {
  const house = startHouse();
  const caller = house.dial();
  await caller.speaks(20);
  const { link } = house.provider("alpha");
  link.tells({ type: "tool.called", toolCallId: "x1", name: "end_call", arguments: "{}" });
  link.speaks("a1", "Goodbye.", 1_000);
  await caller.speaks(500);
  link.tells({ type: "caller.spoke", turnId: "c1", uplinkMs: 400 });
  await caller.speaks(3_000);
  expect(caller.leg.ended).toBeUndefined();
  link.tells({ type: "tool.called", toolCallId: "x2", name: "end_call", arguments: "{}" });
  link.speaks("a2", "Goodbye then.", 1_000);
  await caller.speaks(1_500);
  expect(caller.leg.ended).toEqual({ reason: "done" });
});

test("speech that goes on after its end was called takes the reply back", async () => {
  const house = startHouse();
  const caller = house.dial();
  await caller.speaks(2_000);
  const { link } = house.provider("alpha");
  link.hearsTurn("c1", "I would like", 500);
  link.speaks("a1", "Yes?", 800);
  await caller.speaks(40);
  link.tells({ type: "caller.resumed", turnId: "c1" });
  expect(caller.leg.flushes).toBe(1);
  link.tells(
    { type: "caller.transcribed", turnId: "c1", text: "I would like a table", final: true },
    { type: "caller.finished", turnId: "c1", uplinkMs: 2_040 },
  );
  link.speaks("a2", "For how many?", 800);
  await caller.speaks(1_000);
  const captions = caller.leg.notices.flatMap((notice) => (notice.type === "caption" && notice.role === "caller" ? [notice.text] : []));
  expect(captions.at(-1)).toBe("I would like a table");
});

test("a caller whose network drops comes back into the same call and hears the rest", async () => {
  const house = startHouse();
  const caller = house.dial();
  await caller.speaks(20);
  house.provider("alpha").link.speaks("a1", "A long answer with many words in it.", 3_000);
  await caller.speaks(1_000);
  const token = caller.leg.resumeToken;
  caller.line.signal({ type: "lost", fault: undefined });
  await house.clock.advance(5_000);
  const again = house.dial(token);
  await house.clock.advance(3_000);
  expect(house.roster.size).toBe(1);
  expect(again.leg.playedMs).toBeGreaterThanOrEqual(2_000);
  expect(again.leg.playedMs).toBeLessThanOrEqual(2_200);
  caller.line.signal({ type: "hung-up" });
  expect(house.roster.size).toBe(1);
});

test("a caller who comes back is told how much of it arrived, and goes on where its player is", async () => {
  const house = startHouse();
  const caller = house.dial();
  await caller.speaks(1_020);
  house.provider("alpha").link.speaks("a1", "A long answer with many words in it.", 3_000);
  await caller.speaks(1_000);
  const told = caller.leg.notices.find((notice) => notice.type === "started");
  expect(told?.receivedMs).toBe(0);
  const again = house.dial(caller.leg.resumeToken, [], { arrived: { turnId: "t1", ms: 700 } });
  expect(again.leg.notices.find((notice) => notice.type === "started")?.receivedMs).toBe(2_020);
  await house.clock.advance(4_000);
  expect(again.leg.playedMs).toBe(2_300);
});

test("who wants to come back into a call that is over is told so, and begins no other", () => {
  const house = startHouse();
  expect(() => house.dial("back_0")).toThrow(expect.objectContaining({ code: "call-unknown" }));
  expect(house.roster.size).toBe(0);
});

test("a caller who stays away too long has hung up", async () => {
  const house = startHouse({ holdMs: 30_000 });
  const caller = house.dial();
  await caller.speaks(100);
  caller.line.signal({ type: "lost", fault: undefined });
  await house.clock.advance(31_000);
  expect(house.roster.size).toBe(0);
  expect(house.events).toContainEqual(expect.objectContaining({ type: "call.ended", dialect: "puppet", outcome: "abandoned" }));
});

test("the caller too many is refused in words, and the others go on", async () => {
  const house = startHouse({ calls: 1 });
  house.dial();
  expect(() => house.dial()).toThrow(/all 1 lines are busy/);
  house.provider("alpha").full = new Fault("provider-busy", "this machine can hear 1 call at once");
  expect(house.roster.size).toBe(1);
});

test("a draining node takes nobody new and lets calls end", async () => {
  const house = startHouse();
  const caller = house.dial();
  await caller.speaks(100);
  let drained = false;
  void house.roster.drain().then(() => (drained = true));
  expect(() => house.dial()).toThrow(/restarting/);
  await house.clock.advance(1_000);
  expect(drained).toBe(false);
  caller.line.signal({ type: "hung-up" });
  await house.clock.advance(1);
  expect(drained).toBe(true);
});

test.each<[who: string, resume: LegTraits["resume"], cause: "draining" | undefined]>([
  ["goes on elsewhere when its caller can come back", "token", undefined],
  ["is cut off, and told as that, when its caller has no way back", "none", "draining"],
])("a call that outlasts a drain %s", async (_, resume, cause) => {
  const house = startHouse({ leg: { resume } });
  const caller = house.dial();
  await caller.speaks(100);
  const drained = house.roster.drain();
  await house.clock.advance(60_000);
  await drained;
  expect(house.events.filter(({ type }) => type === "call.ended")).toMatchObject([{ outcome: "moved", cause }]);
});

test("nothing of a call is left when it is over: no timer keeps running", async () => {
  const house = startHouse();
  const caller = house.dial();
  await caller.speaks(1_000);
  house.provider("alpha").link.speaks("a1", "Hello.", 1_000);
  await caller.speaks(300);
  caller.line.signal({ type: "hung-up" });
  const before = house.events.length;
  await house.clock.advance(120_000);
  expect(house.events).toHaveLength(before);
  expect(house.clock.armed).toBe(0);
});

test("who would only hear that somebody calls back is told that the lines are busy, where calling again helps", async () => {
  const house = startHouse({ tiers: ["alpha", "bridge"], traits: { bridge: { stopgap: true } } });
  house.provider("alpha").full = new Fault("provider-busy", "all 8 places are taken");
  expect(() => house.dial()).toThrow(/all lines are busy/);
  house.provider("alpha").full = new Fault("provider-shut", "alpha keeps failing");
  await house.dial().speaks(100);
  expect(house.provider("bridge").links).toHaveLength(1);
});

test("each link tells the cheapest path that audio has: untouched where both sides speak the same, else by one transcoding", async () => {
  const house = startHouse({
    tiers: ["alpha", "beta"],
    leg: { uplink: "pcmu@8000", downlink: "pcmu@8000" },
    traits: {
      alpha: { hears: ["pcm16@24000", "pcmu@8000"], speaks: ["pcm16@24000", "pcmu@8000"] },
      beta: { hears: ["pcm16@48000", "pcm16@16000"], speaks: ["pcm16@24000"] },
    },
  });
  const caller = house.dial();
  await caller.speaks(500);
  house.provider("alpha").link.tells({ type: "link.lost", fault: badKey });
  await caller.speaks(500);
  const paths = house.events.flatMap((event) => (event.type === "link.opened" ? [{ provider: event.provider, ...event.path }] : []));
  expect(paths).toEqual([
    { provider: "alpha", up: ["pcmu@8000"], down: ["pcmu@8000"] },
    { provider: "beta", up: ["pcmu@8000", "pcm16@16000"], down: ["pcm16@24000", "pcmu@8000"] },
  ]);
});
