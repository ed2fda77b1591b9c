import { expect, test } from "vitest";
import { Fault } from "../../src/kernel/fault.ts";
import type { Tool } from "../../src/session/tools.ts";
import { startHouse } from "./house.ts";

const dropped = new Fault("provider-dropped", "the socket closed with 1006");

/** A tool that is done when the test says so. */
function slowTool(name: string): { tool: Tool; finish: () => void } {
  const done = Promise.withResolvers<void>();
  const tool: Tool = { spec: { name, description: "", parameters: {} }, run: () => done.promise.then(() => ({ done: name })) };
  return { tool, finish: () => done.resolve() };
}

test("a tool that was called while the line was quiet is counted like any other", async () => {
  const { tool, finish } = slowTool("look_up");
  const house = startHouse({ tools: [tool] });
  const caller = house.dial();
  await caller.speaks(100);
  const { link } = house.provider("alpha");
  link.tells({ type: "tool.called", toolCallId: "x1", name: "look_up", arguments: "{}" });
  link.speaks("a1", "One moment.", 400);
  await caller.speaks(1_000);
  expect(caller.leg.notices.at(-1)).toEqual({ type: "phase", phase: "thinking" });
  finish();
  await caller.speaks(20);
  link.speaks("a2", "It is done.", 400);
  await caller.speaks(1_000);
  expect(caller.leg.notices.at(-1)).toEqual({ type: "phase", phase: "listening" });
  await caller.speaks(30_000);
  expect(house.provider("alpha").links).toHaveLength(1);
});

test("an answer that does not come is missed again after the next link opened", async () => {
  const house = startHouse();
  const caller = house.dial();
  await caller.speaks(1_000);
  const { link } = house.provider("alpha");
  link.hearsTurn("c1", "hello?", 200);
  house.provider("alpha").refusal = new Fault("provider-unreachable", "connection refused");
  link.tells({ type: "link.lost", fault: dropped });
  await caller.speaks(25_000);
  house.provider("alpha").refusal = undefined;
  await caller.speaks(20_000);
  expect(house.provider("alpha").links).toHaveLength(2);
  await caller.speaks(15_000);
  expect(house.provider("alpha").links).toHaveLength(3);
});

test("an answer is not missed by who still hears the question, at the pace of its replay", async () => {
  const house = startHouse({ tiers: ["alpha", "beta"], traits: { beta: { replayPace: 1.25 } } });
  const caller = house.dial();
  await caller.speaks(500);
  const alpha = house.provider("alpha");
  alpha.link.tells({ type: "caller.spoke", turnId: "c1", uplinkMs: 0 });
  await caller.speaks(40_000);
  alpha.link.tells({ type: "caller.finished", turnId: "c1", uplinkMs: alpha.link.heardMs });
  alpha.refusal = new Fault("provider-unreachable", "connection refused");
  alpha.link.tells({ type: "link.lost", fault: dropped });
  // 40 s at 1.25 times real time, and then the usual time for an answer.
  await caller.speaks(50_000);
  expect(house.provider("beta").links).toHaveLength(1);
  expect(house.events.filter(({ type }) => type === "link.lost")).toHaveLength(1);
  await caller.speaks(10_000);
  expect(house.events).toContainEqual(expect.objectContaining({ type: "link.lost", provider: "beta", code: "provider-silent" }));
});

test("a link that never answers is told as lost, and the hand-over as a failure", async () => {
  const house = startHouse({ tiers: ["alpha", "beta"] });
  const caller = house.dial();
  await caller.speaks(1_000);
  house.provider("alpha").link.hearsTurn("c1", "hello?", 200);
  await caller.speaks(45_000);
  expect(house.events).toContainEqual(expect.objectContaining({ type: "link.lost", provider: "alpha", code: "provider-silent" }));
  const moves = house.events.filter((event) => event.type === "call.handed-over");
  expect(moves[0]).toMatchObject({ from: "alpha", to: "beta", mode: "failover", cause: "provider-silent" });
});

test("a provider that asks for a minute's wait is not waited for where another tier is", async () => {
  const house = startHouse({ tiers: ["alpha", "beta"] });
  house.provider("alpha").refusal = new Fault("provider-limited", "429", { retryAfterMs: 60_000 });
  const caller = house.dial();
  await caller.speaks(200);
  expect(house.provider("beta").links).toHaveLength(1);
});

test.each([
  { where: "on the way to the caller's ear", defect: "play" },
  { where: "in an action of the chart", defect: "notify" },
] as const)("a defect $where ends that call, once, as ours, and no other", async ({ defect }) => {
  const house = startHouse();
  const other = house.dial();
  await other.speaks(100);
  const others = house.provider("alpha").link;
  const caller = house.dial();
  await caller.speaks(100);
  const { link } = house.provider("alpha");
  link.speaks("a1", "Hello.", 2_000);
  await caller.speaks(100);
  caller.leg.defect = defect;
  link.tells({ type: "caller.spoke", turnId: "c1", uplinkMs: 100 });
  link.speaks("a2", "Hello again.", 2_000);
  await caller.speaks(100);
  const ends = house.events.filter((event) => event.type === "call.ended");
  expect(ends).toMatchObject([{ outcome: "failed", cause: "internal" }]);
  expect(link.told).toContain("close");
  expect(house.roster.size).toBe(1);
  others.speaks("b1", "Hello.", 500);
  await other.speaks(1_000);
  expect(other.leg.playedMs).toBe(500);
  other.line.signal({ type: "hung-up" });
  await house.clock.advance(60_000);
  expect(house.clock.armed).toBe(0);
});

test("a link that reports what cannot be is lost, and the next tier has the call", async () => {
  const house = startHouse({ tiers: ["alpha", "beta"] });
  const caller = house.dial();
  await caller.speaks(100);
  house.provider("alpha").link.request.report.audio(new Uint8Array(3), "a1");
  await caller.speaks(100);
  expect(house.events).toContainEqual(expect.objectContaining({ type: "link.lost", provider: "alpha", code: "internal" }));
  expect(house.provider("beta").link.heard).toEqual(caller.sent);
});

test("a tool whose end cannot be told ends its call and no other", async () => {
  const { tool, finish } = slowTool("look_up");
  const house = startHouse({ tools: [tool] });
  const caller = house.dial();
  await caller.speaks(100);
  house.provider("alpha").link.tells({ type: "tool.called", toolCallId: "x1", name: "look_up", arguments: "{}" });
  caller.leg.defect = "notify";
  finish();
  await house.clock.advance(100);
  expect(house.events.filter((event) => event.type === "call.ended")).toMatchObject([{ outcome: "failed", cause: "internal" }]);
});

test("the socket that a returned caller left behind is closed", async () => {
  const house = startHouse();
  const caller = house.dial();
  await caller.speaks(100);
  const again = house.dial(caller.leg.resumeToken);
  expect(caller.leg.ended).toEqual({ reason: "done" });
  caller.line.signal({ type: "lost", fault: undefined });
  caller.line.audio(new Uint8Array(640));
  await again.speaks(100);
  expect(house.provider("alpha").link.heard).toEqual([...caller.sent, ...again.sent]);
  expect(house.roster.size).toBe(1);
});

test("a caller who is lost twice comes back twice, with a new token each time", async () => {
  const house = startHouse();
  const caller = house.dial();
  await caller.speaks(100);
  const first = caller.leg.resumeToken;
  caller.line.signal({ type: "lost", fault: undefined });
  await house.clock.advance(20_000);
  const second = house.dial(first);
  second.line.signal({ type: "lost", fault: undefined });
  await house.clock.advance(20_000);
  const third = house.dial(second.leg.resumeToken);
  expect(house.roster.size).toBe(1);
  expect(() => house.dial(first)).toThrow("the call to come back to is over");
  expect(house.roster.size).toBe(1);
  third.line.signal({ type: "hung-up" });
  expect(house.roster.size).toBe(0);
});

test("a call that outlives the drain is told to come back, and counts as moved", async () => {
  const house = startHouse();
  const caller = house.dial();
  await caller.speaks(100);
  const drains = Promise.all([house.roster.drain(), house.roster.drain()]);
  await caller.speaks(61_000);
  await drains;
  expect(caller.leg.ended).toEqual({ reason: "drained" });
  expect(house.events).toContainEqual(expect.objectContaining({ type: "call.ended", outcome: "moved" }));
});

test("a server that closes at once tells its callers to come back", async () => {
  const house = startHouse();
  const caller = house.dial();
  await caller.speaks(100);
  house.roster.endAll();
  expect(caller.leg.ended).toEqual({ reason: "drained" });
});

test("words that come after the answer was heard still join the conversation, and the turn is not asked again", async () => {
  const house = startHouse();
  const caller = house.dial();
  await caller.speaks(1_000);
  const { link } = house.provider("alpha");
  link.tells({ type: "caller.spoke", turnId: "c1", uplinkMs: 200 }, { type: "caller.finished", turnId: "c1", uplinkMs: 1_000 });
  link.speaks("a1", "We open at nine.", 400);
  await caller.speaks(1_000);
  link.tells({ type: "caller.transcribed", turnId: "c1", text: "when do you open?", final: true });
  link.tells({ type: "link.lost", fault: dropped });
  await caller.speaks(3_000);
  const next = house.provider("alpha").link;
  expect(next.request.conversation.map((item) => ("text" in item ? item.text : ""))).toEqual(["when do you open?", "We open at nine."]);
  expect(next.heardMs).toBeLessThanOrEqual(3_000 + 1_000);
});

test("a turn that goes on after its answer was heard keeps its first words when the link dies, and the rest is replayed", async () => {
  const house = startHouse();
  const caller = house.dial();
  await caller.speaks(2_000);
  const { link } = house.provider("alpha");
  link.hearsTurn("c1", "I would like", 500);
  const settled = caller.sent.length;
  link.speaks("a1", "Yes?", 200);
  await caller.speaks(600);
  link.tells({ type: "caller.resumed", turnId: "c1" });
  await caller.speaks(4_000);
  link.tells({ type: "caller.transcribed", turnId: "c1", text: "I would like a ta", final: false });
  link.tells({ type: "link.lost", fault: dropped });
  await caller.speaks(100);
  const next = house.provider("alpha").link;
  expect(next.request.conversation).toContainEqual({ type: "caller", id: "t1", text: "I would like" });
  expect(next.heard).toEqual(caller.sent.slice(settled));
});

test("a turn that goes on after its answer was heard is answered whole", async () => {
  const house = startHouse();
  const caller = house.dial();
  await caller.speaks(2_000);
  const { link } = house.provider("alpha");
  link.hearsTurn("c1", "I would like", 500);
  link.speaks("a1", "Yes?", 200);
  await caller.speaks(600);
  link.tells(
    { type: "caller.resumed", turnId: "c1" },
    { type: "caller.transcribed", turnId: "c1", text: "I would like a table", final: true },
    { type: "caller.finished", turnId: "c1", uplinkMs: 2_600 },
  );
  expect(caller.leg.notices.at(-1)).toEqual({ type: "phase", phase: "thinking" });
  const captions = caller.leg.notices.flatMap((notice) => (notice.type === "caption" && notice.role === "caller" ? [notice.text] : []));
  expect(captions.at(-1)).toBe("I would like a table");
});

test("audio that comes after its turn was over is not for the caller", async () => {
  const house = startHouse();
  const caller = house.dial();
  await caller.speaks(100);
  const { link } = house.provider("alpha");
  link.speaks("a1", "Hello.", 400);
  link.request.report.audio(new Uint8Array(6_400), "a1");
  await caller.speaks(600);
  link.request.report.audio(new Uint8Array(6_400), "a1");
  link.speaks("a2", "A long story.", 2_000, false);
  await caller.speaks(100);
  link.tells({ type: "caller.spoke", turnId: "c1", uplinkMs: 700 }, { type: "agent.ended", turnId: "a2", outcome: "interrupted" });
  const before = caller.leg.playedMs;
  link.request.report.audio(new Uint8Array(6_400), "a2");
  await caller.speaks(1_000);
  expect(caller.leg.playedMs).toBe(before);
  expect(caller.leg.notices.at(-1)).toEqual({ type: "phase", phase: "listening" });
});

test("an answer that failed halfway is carried on by the next link", async () => {
  const house = startHouse();
  const caller = house.dial();
  await caller.speaks(1_000);
  const { link } = house.provider("alpha");
  link.hearsTurn("c1", "when do you open?", 200);
  link.speaks("a1", "We open at", 400, false);
  link.tells({ type: "agent.ended", turnId: "a1", outcome: "failed" });
  await caller.speaks(600);
  expect(house.provider("alpha").links).toHaveLength(2);
  expect(house.provider("alpha").link.request.begin).toBe("carry-on");
  house.provider("alpha").link.speaks("b1", " nine.", 400);
  await caller.speaks(600);
  const told = house.events.filter(({ type }) => type === "turn.broken" || type === "turn.ended");
  expect(told).toMatchObject([
    { type: "turn.broken", cause: "provider-overloaded" },
    { type: "turn.ended", outcome: "complete" },
  ]);
});

test("a tool that is called twice by the same name of the call runs once", async () => {
  let runs = 0;
  const tool: Tool = { spec: { name: "book", description: "", parameters: {} }, run: async () => (runs += 1) };
  const house = startHouse({ tools: [tool] });
  const caller = house.dial();
  await caller.speaks(100);
  const { link } = house.provider("alpha");
  for (let time = 0; time < 2; time += 1) link.tells({ type: "tool.called", toolCallId: "x1", name: "book", arguments: "{}" });
  await caller.speaks(100);
  expect(runs).toBe(1);
  expect(link.results).toHaveLength(1);
});

test("several tools across a lost link: each runs once, and what is still running is waited for before the answer", async () => {
  const fast = slowTool("fast");
  const slow = slowTool("slow");
  const house = startHouse({ tools: [fast.tool, slow.tool] });
  const caller = house.dial();
  await caller.speaks(1_000);
  const { link } = house.provider("alpha");
  link.hearsTurn("c1", "do both", 200);
  link.tells(
    { type: "tool.called", toolCallId: "x1", name: "fast", arguments: "{}" },
    { type: "tool.called", toolCallId: "x2", name: "slow", arguments: "{}" },
  );
  link.speaks("a1", "One moment.", 200);
  await caller.speaks(500);
  house.provider("alpha").refusal = new Fault("provider-unreachable", "connection refused");
  link.tells({ type: "link.lost", fault: dropped });
  await caller.speaks(100);
  fast.finish();
  await caller.speaks(100);
  house.provider("alpha").refusal = undefined;
  await caller.speaks(2_000);
  const next = house.provider("alpha").link;
  expect(next.request.begin).toBe("listen");
  expect(next.request.conversation.filter((item) => item.type === "tool").map((item) => item.output)).toEqual([
    '{"done":"fast"}',
    undefined,
  ]);
  slow.finish();
  await caller.speaks(100);
  expect(next.results.map((result) => result.name)).toEqual(["slow"]);
});

test("a tool that finished while no link was there is answered, though the agent had spoken meanwhile", async () => {
  const { tool, finish } = slowTool("look_up");
  const house = startHouse({ tools: [tool] });
  const caller = house.dial();
  await caller.speaks(1_000);
  const { link } = house.provider("alpha");
  link.hearsTurn("c1", "look it up", 200);
  link.tells({ type: "tool.called", toolCallId: "x1", name: "look_up", arguments: "{}" });
  link.speaks("a1", "One moment.", 200);
  await caller.speaks(500);
  house.provider("alpha").refusal = new Fault("provider-unreachable", "connection refused");
  link.tells({ type: "link.lost", fault: dropped });
  await caller.speaks(100);
  finish();
  house.provider("alpha").refusal = undefined;
  await caller.speaks(2_000);
  expect(house.provider("alpha").link.request.begin).toBe("answer");
});

test("words typed while no link is there are answered by the next one, once", async () => {
  const house = startHouse();
  const caller = house.dial();
  await caller.speaks(100);
  house.provider("alpha").refusal = new Fault("provider-unreachable", "connection refused");
  house.provider("alpha").link.tells({ type: "link.lost", fault: dropped });
  await caller.speaks(100);
  caller.line.signal({ type: "text", text: "what are your hours?" });
  house.provider("alpha").refusal = undefined;
  await caller.speaks(2_000);
  const next = house.provider("alpha").link;
  expect(next.request).toMatchObject({ begin: "answer", conversation: [{ type: "caller", text: "what are your hours?" }] });
  expect(next.told).toEqual([]);
});

test("a turn that was answered in full is not asked again, though its words never came", async () => {
  const house = startHouse();
  const caller = house.dial();
  await caller.speaks(5_000);
  const { link } = house.provider("alpha");
  link.tells({ type: "caller.spoke", turnId: "c1", uplinkMs: 200 }, { type: "caller.finished", turnId: "c1", uplinkMs: 4_000 });
  link.speaks("a1", "We open at nine.", 400);
  await caller.speaks(1_000);
  link.tells({ type: "link.lost", fault: dropped });
  await caller.speaks(20);
  expect(house.provider("alpha").link.heardMs).toBe(2_020);
  expect(house.provider("alpha").link.request.begin).toBe("listen");
});

test("a turn that ended while the answer to the one before was heard is asked again when its words never came", async () => {
  const house = startHouse();
  const caller = house.dial();
  await caller.speaks(3_000);
  const { link } = house.provider("alpha");
  link.hearsTurn("c1", "when do you open?", 200);
  await caller.speaks(500);
  link.tells({ type: "caller.spoke", turnId: "c2", uplinkMs: 3_200 });
  link.speaks("a1", "At nine.", 1_500);
  await caller.speaks(500);
  link.tells({ type: "caller.finished", turnId: "c2", uplinkMs: 3_800 });
  await caller.speaks(2_000);
  link.tells({ type: "link.lost", fault: dropped });
  await caller.speaks(20);
  const next = house.provider("alpha").link;
  expect(next.request.conversation.map((item) => ("text" in item ? item.text : ""))).toEqual(["when do you open?", "At nine."]);
  expect(next.heardMs).toBeGreaterThanOrEqual(6_020 - 3_200);
});

test("a reason that has passed is not told of what happens later", async () => {
  const house = startHouse();
  const caller = house.dial();
  await caller.speaks(100);
  house.provider("alpha").link.tells({ type: "link.lost", fault: dropped });
  await caller.speaks(100);
  house.provider("alpha").link.hearsTurn("c1", "hello?", 20);
  const changes = house.events.flatMap((event) => (event.type === "state.changed" ? [event] : []));
  expect(changes.at(-1)).toMatchObject({ region: "turn", to: "thinking", reason: "event" });
});

test("a node in which a hundred tools are called at once runs sixteen and refuses the rest in words", async () => {
  const { tool } = slowTool("look_up");
  const house = startHouse({ tools: [tool] });
  const caller = house.dial();
  await caller.speaks(100);
  const { link } = house.provider("alpha");
  for (let call = 0; call < 100; call += 1) link.tells({ type: "tool.called", toolCallId: `x${call}`, name: "look_up", arguments: "{}" });
  await caller.speaks(100);
  expect(link.results).toHaveLength(84);
  expect(link.results[0]).toMatchObject({ failed: true, output: "Too many tools are running already; wait for their results." });
});

test("an answer that stops in the middle is given by the next link, unless a tool is at work", async () => {
  const { tool, finish } = slowTool("look_up");
  const house = startHouse({ tools: [tool] });
  const caller = house.dial();
  await caller.speaks(1_000);
  const { link } = house.provider("alpha");
  link.hearsTurn("c1", "when do you open?", 200);
  link.speaks("a1", "Let me see.", 1_000, false);
  link.tells({ type: "tool.called", toolCallId: "x1", name: "look_up", arguments: "{}" });
  await caller.speaks(9_000);
  finish();
  await caller.speaks(100);
  link.request.report.audio(new Uint8Array(32_000), "a1");
  await caller.speaks(20_000);
  expect(house.provider("alpha").links).toHaveLength(1);
  await caller.speaks(2_000);
  expect(house.provider("alpha").links).toHaveLength(2);
  expect(house.provider("alpha").link.request.begin).toBe("answer");
});

test("what was lost last on the way to a slow caller is told before the end of the call, and nothing after it", async () => {
  const house = startHouse();
  const caller = house.dial();
  await caller.speaks(100);
  caller.leg.play = () => false;
  house.provider("alpha").link.speaks("a1", "We open at nine.", 5_000);
  await caller.speaks(1_500);
  caller.line.signal({ type: "hung-up" });
  const told = house.events.filter(({ type }) => type === "audio.lost" || type === "call.ended");
  expect(told.at(-1)).toMatchObject({ type: "call.ended" });
  const lostMs = told.reduce((sum, event) => (event.type === "audio.lost" && event.direction === "downlink" ? sum + event.ms : sum), 0);
  expect(lostMs).toBeGreaterThanOrEqual(1_600);
});

test("an answer is not missed while its caller is away", async () => {
  const house = startHouse();
  const caller = house.dial();
  await caller.speaks(1_000);
  house.provider("alpha").link.hearsTurn("c1", "hello?", 200);
  caller.line.signal({ type: "lost", fault: undefined });
  await house.clock.advance(25_000);
  expect(house.provider("alpha").links).toHaveLength(1);
  const again = house.dial(caller.leg.resumeToken, caller.sent);
  await again.speaks(30_000);
  expect(house.provider("alpha").links.length).toBeGreaterThan(1);
});

test("a breaker that opens under a call's feet does not end it: without another tier it waits out the whole ladder", async () => {
  const house = startHouse({ breakers: true });
  const caller = house.dial();
  await caller.speaks(500);
  house.provider("alpha").refusal = new Fault("provider-unreachable", "connection refused");
  house.provider("alpha").link.tells({ type: "link.lost", fault: dropped });
  await caller.speaks(25_000);
  expect(house.roster.size).toBe(1);
  await caller.speaks(40_000);
  expect(house.events).toContainEqual(expect.objectContaining({ type: "link.retrying", attempt: 7, attemptLimit: 7 }));
  expect(house.events.filter(({ type }) => type === "call.ended")).toMatchObject([{ outcome: "failed" }]);
});

test("what a link was replayed and lost with its dead socket is replayed to the next", async () => {
  const house = startHouse({ tiers: ["alpha", "beta", "gamma"] });
  const caller = house.dial();
  await caller.speaks(1_000);
  const { link } = house.provider("alpha");
  link.tells({ type: "caller.spoke", turnId: "c1", uplinkMs: 500 });
  await caller.speaks(4_000);
  house.provider("alpha").refusal = new Fault("provider-unreachable", "connection refused");
  link.tells({ type: "link.lost", fault: dropped });
  // Its socket takes all of it, and nothing arrives.
  await caller.speaks(1_500);
  house.provider("beta").refusal = new Fault("provider-unreachable", "connection refused");
  house.provider("beta").link.tells({ type: "link.lost", fault: dropped });
  await caller.speaks(500);
  const { heard, heardMs } = house.provider("gamma").link;
  expect(heardMs).toBeGreaterThanOrEqual(6_500);
  expect(heard).toEqual(caller.sent.slice(-heard.length));
});
