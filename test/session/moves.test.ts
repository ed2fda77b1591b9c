import { expect, test } from "vitest";
import { Fault } from "../../src/kernel/fault.ts";
import { startHouse } from "./house.ts";

const dropped = new Fault("provider-dropped", "the socket closed with 1006");
const unreachable = new Fault("provider-unreachable", "connection refused");
const canWait = { alpha: { standby: true }, beta: { standby: true }, gamma: { standby: true } };
const tiers = ["alpha", "beta", "gamma"];

test("a lost provider is dialled again beside the next tier, and whichever is ready first has the call", async () => {
  const house = startHouse({ tiers });
  const caller = house.dial();
  await caller.speaks(1_000);
  house.provider("alpha").openMs = 300;
  house.provider("beta").openMs = 200;
  house.provider("alpha").link.tells({ type: "link.lost", fault: dropped });
  await caller.speaks(1_000);
  expect(house.provider("beta").link.heard).toEqual(caller.sent.slice(-house.provider("beta").link.heard.length));
  // The reconnect came second and was closed.
  expect(house.provider("alpha").links).toHaveLength(2);
  expect(house.provider("alpha").link.told).toEqual(["close"]);
  expect(house.provider("alpha").link.heard).toEqual([]);
  expect(house.provider("gamma").links).toEqual([]);
  expect(house.events).toContainEqual(expect.objectContaining({ type: "call.handed-over", from: "alpha", to: "beta", restored: "full" }));
});

test("a reconnect that is quicker than the next tier keeps the call where it was", async () => {
  const house = startHouse({ tiers });
  const caller = house.dial();
  await caller.speaks(1_000);
  house.provider("beta").openMs = 200;
  house.provider("alpha").link.tells({ type: "link.lost", fault: dropped });
  await caller.speaks(1_000);
  expect(house.provider("alpha").links).toHaveLength(2);
  expect(house.provider("beta").link.told).toEqual(["close"]);
  expect(house.events).toContainEqual(expect.objectContaining({ type: "link.recovered", provider: "alpha" }));
  expect(house.events.map(({ type }) => type)).not.toContain("call.handed-over");
});

test("a reconnect that is refused at once sends nobody past the next tier, which is still opening", async () => {
  const house = startHouse({ tiers });
  const caller = house.dial();
  await caller.speaks(1_000);
  house.provider("alpha").refusal = unreachable;
  house.provider("beta").openMs = 200;
  house.provider("alpha").link.tells({ type: "link.lost", fault: dropped });
  await caller.speaks(1_000);
  expect(house.events).toContainEqual(expect.objectContaining({ type: "link.failed", provider: "alpha" }));
  expect(house.events).toContainEqual(expect.objectContaining({ type: "call.handed-over", from: "alpha", to: "beta" }));
  expect(house.provider("gamma").links).toEqual([]);
});

test("who loses the race leaves no word of it with the caller", async () => {
  const house = startHouse({ tiers });
  const caller = house.dial();
  await caller.speaks(100);
  house.provider("alpha").openMs = 500;
  house.provider("beta").openMs = 500;
  house.provider("alpha").link.tells({ type: "link.lost", fault: dropped });
  await caller.speaks(600);
  const loser = house.provider("beta").link;
  loser.speaks("b1", "Hello from the loser.", 500);
  await caller.speaks(600);
  expect(caller.leg.playedMs).toBe(0);
});

test("a provider that is slow to open is not waited for alone", async () => {
  const house = startHouse({ tiers });
  house.provider("alpha").openMs = 4_000;
  const caller = house.dial();
  await caller.speaks(2_000);
  expect(house.provider("beta").link.heard).toEqual(caller.sent);
});

test("a provider that takes calls again is asked while another keeps the caller waiting", async () => {
  const house = startHouse({ tiers: ["alpha", "beta"] });
  house.provider("alpha").openMs = 60_000;
  house.provider("beta").full = new Fault("provider-shut", "it keeps failing");
  const caller = house.dial();
  await caller.speaks(2_000);
  expect(house.provider("beta").links).toEqual([]);
  house.provider("beta").full = undefined;
  house.tellCalls("beta", "recovered");
  await caller.speaks(1_000);
  expect(house.provider("beta").link.heard).toEqual(caller.sent);
});

test("a call is not given up for a key that was refused while another tier may soon take it again", async () => {
  const house = startHouse({ tiers: ["alpha", "beta"] });
  house.provider("alpha").refusal = new Fault("provider-key", "the key was refused");
  house.provider("beta").full = house.provider("beta").refusal = new Fault("provider-shut", "it keeps failing");
  const caller = house.dial();
  await caller.speaks(10_000);
  expect(caller.leg.ended).toBeUndefined();
  house.provider("beta").full = house.provider("beta").refusal = undefined;
  house.tellCalls("beta", "recovered");
  await caller.speaks(1_000);
  expect(house.provider("beta").link.heard).toEqual(caller.sent);
});

test("who kept a caller waiting until another was there has failed them, who was only second has not", async () => {
  const house = startHouse({ tiers });
  house.provider("alpha").openMs = 4_000;
  const caller = house.dial();
  await caller.speaks(2_000);
  const failed = (): unknown[] => house.events.filter(({ type }) => type === "link.failed");
  expect(failed()).toMatchObject([{ provider: "alpha", code: "provider-silent", durationMs: 1_500 }]);
  house.provider("gamma").openMs = 600;
  house.provider("beta").openMs = 500;
  house.provider("alpha").refusal = unreachable;
  house.provider("alpha").openMs = 0;
  house.provider("beta").link.tells({ type: "link.lost", fault: dropped });
  await caller.speaks(2_000);
  expect(failed().slice(1)).toMatchObject([{ provider: "alpha", code: "provider-unreachable" }]);
});

test("a sick provider is tried after those that are well, and before nobody at all", async () => {
  const house = startHouse({ tiers });
  house.provider("alpha").level = "unhealthy";
  house.provider("gamma").refusal = unreachable;
  const caller = house.dial();
  await caller.speaks(100);
  expect(house.provider("beta").links).toHaveLength(1);
  expect(house.provider("alpha").links).toEqual([]);
  house.provider("beta").refusal = unreachable;
  house.provider("beta").link.tells({ type: "link.lost", fault: dropped });
  await caller.speaks(100);
  expect(house.provider("alpha").link.heard).toEqual(caller.sent.slice(-house.provider("alpha").link.heard.length));
});

test("what can only bridge is dialled when nothing else is left, and left as soon as another tier is well", async () => {
  const house = startHouse({ tiers: ["alpha", "bridge"], traits: { alpha: { standby: true }, bridge: { stopgap: true } } });
  const caller = house.dial();
  await caller.speaks(500);
  house.provider("alpha").refusal = unreachable;
  house.provider("alpha").full = unreachable;
  house.provider("alpha").link.tells({ type: "link.lost", fault: dropped });
  await caller.speaks(100);
  expect(house.events).toContainEqual(expect.objectContaining({ type: "call.handed-over", to: "bridge", restored: "none" }));
  await caller.speaks(20_000);
  expect(house.provider("alpha").links).toHaveLength(1);
  house.provider("alpha").refusal = undefined;
  house.provider("alpha").full = undefined;
  await caller.speaks(11_000);
  expect(house.events).toContainEqual(
    expect.objectContaining({ type: "call.handed-over", from: "bridge", to: "alpha", mode: "planned", cause: "recovered" }),
  );
});

test("who does not speak the caller's language comes after what can only bridge, and is left as soon as somebody speaks it", async () => {
  const house = startHouse({
    tiers: ["alpha", "english", "bridge"],
    spec: { language: "de-CH" },
    traits: { english: { languages: ["en-US"] }, alpha: { languages: ["en", "de"] }, bridge: { stopgap: true, languages: [] } },
  });
  const moves = (): readonly unknown[] => house.events.filter(({ type }) => type === "call.handed-over");
  const caller = house.dial();
  await caller.speaks(500);
  const alpha = house.provider("alpha");
  alpha.refusal = alpha.full = unreachable;
  alpha.link.tells({ type: "link.lost", fault: dropped });
  await caller.speaks(100);
  expect(moves()).toMatchObject([{ to: "bridge", restored: "none", missing: ["conversation"] }]);
  await caller.speaks(20_000);
  expect(house.provider("english").links).toHaveLength(0);
  const bridge = house.provider("bridge");
  bridge.refusal = bridge.full = unreachable;
  bridge.link.tells({ type: "link.lost", fault: dropped });
  await caller.speaks(1_000);
  expect(moves().slice(1)).toMatchObject([{ to: "english", restored: "partial", missing: ["language"] }]);
  alpha.refusal = alpha.full = undefined;
  await caller.speaks(11_000);
  expect(moves().slice(2)).toMatchObject([{ to: "alpha", mode: "planned", cause: "recovered", restored: "full", missing: [] }]);
});

test("a call that was moved to who does not speak the caller's language, because somebody asked, stays there", async () => {
  const house = startHouse({ tiers: ["alpha", "english"], spec: { language: "de" }, traits: { english: { languages: ["en-US"] } } });
  const caller = house.dial();
  await caller.speaks(500);
  house.roster.switchProvider(house.roster.calls()[0]?.callId ?? "", "english");
  await caller.speaks(20_000);
  expect(house.roster.calls()).toMatchObject([{ provider: "english" }]);
});

test("where nobody speaks the caller's language the tiers are taken as they come", async () => {
  const house = startHouse({
    tiers: ["alpha", "bridge"],
    spec: { language: "de" },
    traits: { alpha: { languages: ["en-US"] }, bridge: { stopgap: true } },
  });
  await house.dial().speaks(500);
  expect(house.events).toContainEqual(expect.objectContaining({ type: "link.opened", provider: "alpha" }));
});

test("a move tells what its new provider is without", async () => {
  const house = startHouse({
    tiers: ["alpha", "beta"],
    tools: [{ spec: { name: "look_up", description: "", parameters: {} }, run: async () => ({}) }],
    traits: { beta: { tools: "none" } },
  });
  const caller = house.dial();
  await caller.speaks(500);
  house.provider("alpha").refusal = unreachable;
  // A turn of which no more than its last minute is kept.
  house.provider("alpha").link.tells({ type: "caller.spoke", turnId: "c1", uplinkMs: 0 });
  await caller.speaks(65_000);
  house.provider("alpha").link.tells({ type: "link.lost", fault: dropped });
  await caller.speaks(1_000);
  expect(house.events).toContainEqual(
    expect.objectContaining({ type: "call.handed-over", to: "beta", restored: "partial", missing: ["audio", "tools"] }),
  );
});

test("who only an operator can mend is not tried every few seconds by a call that was bridged", async () => {
  const house = startHouse({ tiers: ["alpha", "bridge"], traits: { alpha: { standby: true }, bridge: { stopgap: true } } });
  house.provider("alpha").refusal = new Fault("provider-key", "the key was refused");
  const caller = house.dial();
  await caller.speaks(50_000);
  expect(house.events.filter(({ type }) => type === "link.failed")).toHaveLength(1);
  await caller.speaks(20_000);
  expect(house.events.filter(({ type }) => type === "link.failed")).toHaveLength(2);
});

test("a reconnect that may still succeed is not beaten by what can only bridge", async () => {
  const house = startHouse({ tiers: ["alpha", "bridge"], traits: { bridge: { stopgap: true } } });
  const caller = house.dial();
  await caller.speaks(500);
  house.provider("alpha").openMs = 1_000;
  house.provider("alpha").link.tells({ type: "link.lost", fault: dropped });
  await caller.speaks(2_000);
  expect(house.provider("bridge").links).toEqual([]);
  expect(house.provider("alpha").link.heardMs).toBeGreaterThan(2_000);
});

test("a switch that was asked for is made between two turns, with the conversation, and no one notices", async () => {
  const house = startHouse({ tiers, traits: canWait });
  const caller = house.dial();
  await caller.speaks(1_000);
  const { link } = house.provider("alpha");
  link.hearsTurn("c1", "when do you open?", 200);
  house.roster.switchProvider(callIdOf(house), "gamma");
  link.speaks("a1", "We open at nine.", 1_000);
  await caller.speaks(500);
  const next = house.provider("gamma").link;
  expect(next.request.begin).toBe("wait");
  expect(next.heard).toEqual([]);
  await caller.speaks(2_000);
  expect(next.told[0]).toBe("take over with 2 more and listen");
  expect(next.heard).toEqual(caller.sent.slice(-next.heard.length));
  expect(link.told).toContain("close");
  expect(house.events).toContainEqual(
    expect.objectContaining({ type: "call.handed-over", from: "alpha", to: "gamma", mode: "planned", cause: "asked", durationMs: 0 }),
  );
});

test("a hand-over tells since when it was wanted, and when it was decided", async () => {
  const house = startHouse({ tiers, traits: canWait });
  const caller = house.dial();
  await caller.speaks(1_000);
  const { link } = house.provider("alpha");
  link.hearsTurn("c1", "when do you open?", 200);
  house.roster.switchProvider(callIdOf(house), "gamma");
  await caller.speaks(300);
  link.speaks("a1", "We open at nine.", 1_000);
  await caller.speaks(2_000);
  const told = (to: string) => house.events.find((event) => event.type === "call.handed-over" && event.to === to);
  const planned = told("gamma");
  expect(planned).toMatchObject({ since: { faultMs: undefined, decidedMs: 0 } });
  // It waited for the end of the answer.
  expect(planned?.type === "call.handed-over" && planned.since.detectedMs).toBeGreaterThan(1_000);

  house.provider("gamma").refusal = unreachable;
  house.provider("alpha").openMs = 70;
  house.provider("gamma").link.tells({
    type: "link.lost",
    fault: new Fault("provider-silent", "no sign of life", { foundAfterMs: 900 }),
  });
  await caller.speaks(1_000);
  expect(told("alpha")).toMatchObject({ mode: "failover", durationMs: 970, since: { faultMs: 970, detectedMs: 70, decidedMs: 70 } });
});

test("a switch to a provider that cannot be had leaves the call where it is", async () => {
  const house = startHouse({ tiers, traits: canWait });
  const caller = house.dial();
  await caller.speaks(1_000);
  house.provider("beta").refusal = unreachable;
  house.roster.switchProvider(callIdOf(house), "beta");
  await caller.speaks(6_000);
  expect(house.provider("alpha").links).toHaveLength(1);
  expect(house.provider("alpha").link.heardMs).toBe(7_000);
});

test("a provider whose links cannot wait is opened beside, and the caller stays with the old one until it is there", async () => {
  const house = startHouse({ tiers });
  const caller = house.dial();
  await caller.speaks(1_000);
  house.provider("beta").openMs = 3_000;
  house.roster.switchProvider(callIdOf(house), "beta");
  await caller.speaks(2_500);
  expect(house.provider("alpha").link.heardMs).toBe(3_500);
  await caller.speaks(1_000);
  expect(house.provider("alpha").link.told).toContain("close");
  expect(house.provider("beta").link.heard).toEqual(caller.sent.slice(-house.provider("beta").link.heard.length));
  expect(house.events).toContainEqual(
    expect.objectContaining({ type: "call.handed-over", to: "beta", mode: "planned", restored: "full", durationMs: 0 }),
  );
});

test("one whose links cannot wait is opened between two turns, once, and knows all that was said", async () => {
  const house = startHouse({ tiers });
  const caller = house.dial();
  await caller.speaks(1_000);
  const { link } = house.provider("alpha");
  link.speaks("a1", "Good day.", 3_000);
  house.roster.switchProvider(callIdOf(house), "beta");
  await caller.speaks(500);
  link.hearsTurn("c1", "a table, please", 1_000);
  link.speaks("a2", "For when?", 500);
  await caller.speaks(400);
  expect(house.provider("beta").links).toEqual([]);
  await caller.speaks(1_600);
  expect(house.provider("beta").links).toHaveLength(1);
  expect(saidTo(house, "beta")).toEqual(["Good", "a table, please", "For when?"]);
});

test("one whose links cannot wait and that missed a turn while it opened is opened anew, and the caller stays until then", async () => {
  const house = startHouse({ tiers });
  const caller = house.dial();
  await caller.speaks(1_000);
  const { link } = house.provider("alpha");
  house.provider("beta").openMs = 1_000;
  house.roster.switchProvider(callIdOf(house), "beta");
  await caller.speaks(500);
  link.hearsTurn("c1", "a table, please", 1_000);
  link.speaks("a1", "For when?", 1_000);
  await caller.speaks(1_800);
  expect(link.heardMs).toBe(3_300);
  expect(link.told).not.toContain("close");
  await caller.speaks(1_000);
  expect(house.provider("beta").links).toHaveLength(2);
  expect(house.provider("beta").links[0]?.told).toEqual(["close"]);
  expect(saidTo(house, "beta")).toEqual(["a table, please", "For when?"]);
  expect(house.events).toContainEqual(
    expect.objectContaining({ type: "call.handed-over", to: "beta", mode: "planned", restored: "full", durationMs: 0 }),
  );
});

test("a switch of a call that waits to dial again gives it a link at once, and no second one later", async () => {
  const house = startHouse({ tiers, traits: canWait });
  const caller = house.dial();
  await caller.speaks(1_000);
  const { link } = house.provider("alpha");
  for (const name of tiers) house.provider(name).refusal = unreachable;
  link.tells({ type: "caller.spoke", turnId: "c1", uplinkMs: 900 });
  link.tells({ type: "link.lost", fault: dropped });
  await caller.speaks(5_000);
  for (const name of tiers) house.provider(name).refusal = undefined;
  house.roster.switchProvider(callIdOf(house), "gamma");
  await caller.speaks(200);
  const next = house.provider("gamma").link;
  expect(next.heard.length).toBeGreaterThan(0);
  await caller.speaks(20_000);
  expect(tiers.map((name) => house.provider(name).links.length)).toEqual([1, 0, 1]);
  expect(next.heard).toEqual(caller.sent.slice(-next.heard.length));
  expect(next.told).not.toContain("close");
});

test("a move whose last dial fails dials again", async () => {
  const house = startHouse({ tiers: ["alpha", "beta"] });
  const caller = house.dial();
  await caller.speaks(1_000);
  const { link } = house.provider("alpha");
  house.provider("beta").openMs = 1_000;
  link.speaks("a1", "Good day.", 9_000);
  house.roster.switchProvider(callIdOf(house), "beta");
  // Nobody falls silent until the move is due, nor while its link opens.
  await caller.speaks(5_500);
  link.hearsTurn("c1", "a table, please", 6_000);
  link.speaks("a2", "For when?", 3_000);
  await caller.speaks(600);
  expect(link.told).toContain("close");
  for (const name of ["alpha", "beta"]) house.provider(name).refusal = unreachable;
  await caller.speaks(2_000);
  for (const name of ["alpha", "beta"]) house.provider(name).refusal = undefined;
  await caller.speaks(10_000);
  const [last] = [house.provider("alpha"), house.provider("beta")]
    .map(({ links }) => links.at(-1))
    .filter((each) => each !== undefined && !each.told.includes("close"));
  expect(last?.heard).toEqual(caller.sent.slice(-(last?.heard.length ?? 0)));
  expect(last?.heard.length).toBeGreaterThan(0);
});

test("a provider that fell silent is asked again when all others keep the caller waiting", async () => {
  const house = startHouse({ tiers });
  const caller = house.dial();
  await caller.speaks(1_000);
  house.provider("beta").openMs = 60_000;
  house.provider("gamma").openMs = 60_000;
  house.provider("alpha").link.tells({ type: "link.lost", fault: new Fault("provider-silent", "no pong") });
  await caller.speaks(2_900);
  expect(house.provider("alpha").links).toHaveLength(1);
  await caller.speaks(200);
  expect(house.provider("alpha").links).toHaveLength(2);
  expect(house.provider("alpha").link.heard).toEqual(caller.sent.slice(-house.provider("alpha").link.heard.length));
});

test("a provider that fell silent is asked again when all others turn the call away", async () => {
  const house = startHouse({ tiers: ["alpha", "beta"] });
  const caller = house.dial();
  await caller.speaks(1_000);
  house.provider("beta").refusal = new Fault("provider-limited", "too many calls", { retryAfterMs: 60_000 });
  house.provider("alpha").link.tells({ type: "link.lost", fault: new Fault("provider-silent", "no pong") });
  await caller.speaks(100);
  expect(house.provider("alpha").links).toHaveLength(2);
  expect(house.provider("alpha").link.heard).toEqual(caller.sent.slice(-house.provider("alpha").link.heard.length));
});

test("tiers that take a call and drop it, one after the other, do not keep what can bridge from being there in time", async () => {
  const house = startHouse({ tiers: ["alpha", "beta", "gamma", "stopgap"], traits: { stopgap: { stopgap: true } } });
  const caller = house.dial();
  await caller.speaks(1_000);
  house.provider("gamma").openMs = 60_000;
  house.provider("alpha").openMs = 60_000;
  const { link } = house.provider("alpha");
  house.provider("beta").openMs = 1_000;
  link.tells({ type: "link.lost", fault: dropped });
  await caller.speaks(1_100);
  house.provider("beta").openMs = 60_000;
  house.provider("beta").link.tells({ type: "link.lost", fault: dropped });
  await caller.speaks(1_800);
  expect(house.provider("stopgap").links).toEqual([]);
  await caller.speaks(200);
  expect(house.provider("stopgap").links).toHaveLength(1);
});

test("with everything hanging, what can only bridge is there in time, however many tiers are left", async () => {
  const house = startHouse({ tiers: ["alpha", "beta", "gamma", "delta", "stopgap"], traits: { stopgap: { stopgap: true } } });
  const caller = house.dial();
  await caller.speaks(1_000);
  const { link } = house.provider("alpha");
  for (const name of ["alpha", "beta", "gamma", "delta"]) house.provider(name).openMs = 60_000;
  link.tells({ type: "link.lost", fault: dropped });
  await caller.speaks(3_100);
  expect(house.provider("stopgap").links).toHaveLength(1);
});

test("a standby that is lost again and again leaves one timer, and none after the call", async () => {
  const house = startHouse({ tiers, traits: canWait, standby: "warm" });
  const caller = house.dial();
  await caller.speaks(6_000);
  house.provider("beta").link.tells({ type: "link.lost", fault: dropped });
  house.roster.switchProvider(callIdOf(house), "beta");
  house.provider("beta").refusal = unreachable;
  await caller.speaks(1_000);
  house.provider("beta").link.tells({ type: "link.lost", fault: dropped });
  await caller.speaks(1_000);
  caller.line.signal({ type: "hung-up" });
  await house.clock.advance(1_000);
  expect(house.clock.armed).toBe(0);
});

test("a session that its provider ends is renewed before, between two turns", async () => {
  const house = startHouse({ tiers: ["alpha"], traits: canWait });
  const caller = house.dial();
  await caller.speaks(1_000);
  const { link } = house.provider("alpha");
  link.hearsTurn("c1", "tell me all", 200);
  link.tells({ type: "link.expiring", inMs: 30_000 });
  link.speaks("a1", "It is a long story.", 5_000);
  await caller.speaks(4_000);
  expect(link.told).not.toContain("close");
  await caller.speaks(3_000);
  expect(house.provider("alpha").links).toHaveLength(2);
  expect(link.told).toContain("close");
  expect(house.provider("alpha").link.told[0]).toBe("take over with 2 more and listen");
  expect(caller.leg.playedMs).toBe(5_000);
  expect(house.events).toContainEqual(expect.objectContaining({ type: "link.renewed", provider: "alpha", cause: "expiring" }));
});

test("a turn that would outlive the session is broken off in time and carried on", async () => {
  const house = startHouse({ tiers: ["alpha"], traits: canWait });
  const caller = house.dial();
  await caller.speaks(1_000);
  const { link } = house.provider("alpha");
  link.hearsTurn("c1", "tell me all", 200);
  link.speaks("a1", "It is a long story and has no end.", 20_000, false);
  link.tells({ type: "link.expiring", inMs: 10_000 });
  await caller.speaks(9_000);
  expect(house.provider("alpha").link.told[0]).toMatch(/and carry-on$/);
});

test("a warm standby takes over within the frame in which the link is lost", async () => {
  const house = startHouse({ tiers, traits: canWait, standby: "warm" });
  const caller = house.dial();
  await caller.speaks(6_000);
  const standby = house.provider("beta").link;
  expect(standby.request.begin).toBe("wait");
  const { link } = house.provider("alpha");
  link.hearsTurn("c1", "when do you open?", 5_000);
  link.tells({ type: "link.lost", fault: dropped });
  await house.clock.advance(0);
  expect(standby.told).toEqual(["take over with 1 more and answer"]);
  expect(house.provider("alpha").links).toHaveLength(1);
  await caller.speaks(100);
  expect(standby.heard).toEqual(caller.sent.slice(-standby.heard.length));
});

test("a standby that is lost is opened again after a while, and once at a time", async () => {
  const house = startHouse({ tiers, traits: canWait, standby: "warm" });
  const caller = house.dial();
  await caller.speaks(6_000);
  house.provider("beta").link.tells({ type: "link.lost", fault: dropped });
  await caller.speaks(20_000);
  expect(house.provider("beta").links).toHaveLength(1);
  await caller.speaks(12_000);
  expect(house.provider("beta").links).toHaveLength(2);
});

test("a standby whose own session ends is opened anew", async () => {
  const house = startHouse({ tiers, traits: canWait, standby: "warm" });
  const caller = house.dial();
  await caller.speaks(6_000);
  const first = house.provider("beta").link;
  first.tells({ type: "link.expiring", inMs: 60_000 });
  await caller.speaks(100);
  expect(first.told).toEqual(["close"]);
  house.provider("alpha").link.tells({ type: "link.lost", fault: dropped });
  await caller.speaks(100);
  expect(house.provider("beta").links).toHaveLength(2);
  expect(house.provider("beta").link.told[0]).toMatch(/^take over/);
});

test("a call goes back to a better tier only where that is configured, and when it has been well for a minute", async () => {
  for (const switchBack of ["never", "when-well"] as const) {
    const house = startHouse({ tiers, traits: canWait, switchBack });
    const caller = house.dial();
    await caller.speaks(500);
    house.provider("alpha").refusal = unreachable;
    house.provider("alpha").link.tells({ type: "link.lost", fault: dropped });
    await caller.speaks(500);
    house.provider("alpha").refusal = undefined;
    await caller.speaks(50_000);
    expect(house.events.filter(({ type }) => type === "call.handed-over")).toHaveLength(1);
    await caller.speaks(20_000);
    expect(house.events.filter(({ type }) => type === "call.handed-over")).toHaveLength(switchBack === "never" ? 1 : 2);
  }
});

test("a dropped call leaves no link, no standby and no timer", async () => {
  const house = startHouse({ tiers, traits: canWait, standby: "warm" });
  const caller = house.dial();
  await caller.speaks(6_000);
  caller.line.signal({ type: "hung-up" });
  await house.clock.advance(60_000);
  expect([...house.providers.values()].flatMap(({ links }) => links).every((link) => link.told.at(-1) === "close")).toBe(true);
  expect(house.clock.armed).toBe(0);
});

function callIdOf(house: ReturnType<typeof startHouse>): string {
  const [started] = house.events;
  return started?.callId ?? "";
}

function saidTo(house: ReturnType<typeof startHouse>, provider: string): readonly string[] {
  return house.provider(provider).link.request.conversation.map((item) => ("text" in item ? item.text : ""));
}

test("a call that has lost its provider and finds no other is a fail-over that failed; one that never had any is none", async () => {
  const house = startHouse({ tiers: ["alpha", "beta"] });
  const caller = house.dial();
  await caller.speaks(1_000);
  const { link } = house.provider("alpha");
  for (const name of ["alpha", "beta"]) house.provider(name).refusal = new Fault("provider-key", "the key is wrong");
  link.tells({ type: "link.lost", fault: new Fault("provider-dropped", "the socket closed with 1006") });
  await caller.speaks(5_000);
  house.dial();
  await house.clock.advance(5_000);
  expect(house.events.filter(({ type }) => type === "call.ended")).toMatchObject([{ outcome: "failed" }, { outcome: "failed" }]);
  const failed = house.events.filter(({ type }) => type === "handover.failed");
  expect(failed).toMatchObject([{ from: "alpha", to: "none", mode: "failover", cause: "provider-dropped" }]);
});

test("a provider that calls tools without end is left, and whoever takes over may call its own", async () => {
  const tool = { spec: { name: "look_up", description: "", parameters: {} }, run: async () => "nothing found" };
  const house = startHouse({ tiers: ["alpha", "beta"], tools: [tool] });
  const caller = house.dial();
  await caller.speaks(1_000);
  const { link } = house.provider("alpha");
  link.hearsTurn("c1", "where is my order?", 200);
  house.provider("alpha").refusal = unreachable;
  for (let number = 0; number < 49; number += 1) {
    link.tells({ type: "tool.called", toolCallId: `x${number}`, name: "look_up", arguments: "{}" });
    await caller.speaks(20);
  }
  await caller.speaks(1_000);
  expect(house.events).toContainEqual(expect.objectContaining({ type: "link.lost", provider: "alpha", code: "provider-malformed" }));
  const next = house.provider("beta").link;
  next.tells({ type: "tool.called", toolCallId: "y1", name: "look_up", arguments: "{}" });
  await caller.speaks(100);
  next.speaks("a1", "I find no such order.", 400);
  await caller.speaks(2_000);
  const ended = house.events.filter(({ type }) => type === "tool.ended");
  expect(ended.map((event) => event.type === "tool.ended" && event.status).toSpliced(1, 22)).toEqual([
    ...["ok", "ok"],
    ...Array.from({ length: 25 }, () => "failed"),
    "ok",
  ]);
  expect(house.events.findLast(({ type }) => type === "turn.ended")).toMatchObject({
    provider: "beta",
    outcome: "complete",
    stop: undefined,
  });
});
