import { expect, test } from "vitest";
import { Fault } from "../../src/kernel/fault.ts";
import { seededRandom } from "../../src/kernel/random.ts";
import type { CallEvent } from "../../src/session/words.ts";
import { startHouse, type House } from "./house.ts";

const inNeed = "I want to kill myself";
const answers = (house: House): Extract<CallEvent, { type: "crisis.answered" }>[] =>
  house.events.filter((event) => event.type === "crisis.answered");
const detected = (house: House): number => house.events.filter((event) => event.type === "crisis.detected").length;

test("a caller in need whom the provider answers at once hears that answer and no fixed line", async () => {
  const house = startHouse();
  const caller = house.dial();
  await house.clock.advance(10);
  await caller.speaks(1_000);
  const { link } = house.provider("alpha");
  link.hearsTurn("c1", inNeed, 200);
  await house.clock.advance(600);
  link.speaks("a1", "I am here.", 1_000);
  await house.clock.advance(5_000);
  expect(detected(house)).toBe(1);
  expect(answers(house)).toMatchObject([{ provider: "alpha", tier: 1 }]);
  expect(answers(house)[0]?.responseMs).toBeLessThan(700);
  expect(caller.leg.notices.filter((notice) => notice.type === "caption" && notice.text === "crisis")).toEqual([]);
});

test("a caller in need whom nobody answers hears the fixed line, and a late answer after it", async () => {
  const house = startHouse();
  const caller = house.dial();
  await house.clock.advance(10);
  await caller.speaks(1_000);
  const { link } = house.provider("alpha");
  link.hearsTurn("c1", inNeed, 200);
  await house.clock.advance(1_450);
  expect(caller.leg.playedMs).toBe(0);
  await house.clock.advance(100);
  expect(caller.leg.playedMs).toBeGreaterThan(0);
  expect(answers(house)).toMatchObject([{ provider: "prompt", tier: 2 }]);
  expect(answers(house)[0]?.responseMs).toBeLessThanOrEqual(2_000);
  const linePlayedMs = caller.leg.playedMs;
  link.speaks("a1", "I am here.", 1_000);
  await house.clock.advance(6_000);
  expect(caller.leg.playedMs).toBeGreaterThan(linePlayedMs + 900);
  expect(house.roster.records(house.roster.calls()[0]?.callId ?? "").map(({ text }) => text)).toEqual([inNeed, "crisis", "I am here."]);
});

test("words that come while the caller still speaks are acted upon when they fall silent, and a caller who goes on is not talked over", async () => {
  const house = startHouse();
  const caller = house.dial();
  await house.clock.advance(10);
  await caller.speaks(1_000);
  const { link } = house.provider("alpha");
  link.tells(
    { type: "caller.spoke", turnId: "c1", uplinkMs: 200 },
    { type: "caller.transcribed", turnId: "c1", text: inNeed, final: false },
    { type: "caller.finished", turnId: "c1", uplinkMs: 900 },
  );
  expect(detected(house)).toBe(1);
  await house.clock.advance(1_000);
  link.tells({ type: "caller.resumed", turnId: "c1" });
  await caller.speaks(3_000);
  expect(caller.leg.playedMs).toBe(0);
  link.tells(
    { type: "caller.transcribed", turnId: "c1", text: `${inNeed} tonight`, final: true },
    { type: "caller.finished", turnId: "c1", uplinkMs: link.heardMs },
  );
  await house.clock.advance(2_000);
  expect(answers(house)).toMatchObject([{ provider: "prompt" }]);
  expect(detected(house)).toBe(1);
});

test("a provider that reports a crisis by its tool is believed", async () => {
  const house = startHouse();
  house.dial();
  await house.clock.advance(10);
  const { link } = house.provider("alpha");
  link.tells({ type: "tool.called", toolCallId: "x", name: "report_crisis", arguments: '{"reason":"she will jump"}' });
  await house.clock.advance(10);
  expect(house.events).toContainEqual(expect.objectContaining({ type: "crisis.detected", category: "reported" }));
  expect(link.results).toMatchObject([{ name: "report_crisis", failed: false }]);
});

test("where only a stopgap is there, the line that is made for it comes first and at once", async () => {
  const house = startHouse({ traits: { alpha: { stopgap: true } } });
  const caller = house.dial();
  await house.clock.advance(10);
  caller.line.signal({ type: "text", text: inNeed });
  house.provider("alpha").link.speaks("a1", "We have trouble.", 1_000);
  await house.clock.advance(100);
  expect(answers(house)).toMatchObject([{ provider: "prompt" }]);
  expect(house.roster.records(house.roster.calls()[0]?.callId ?? "").map(({ text }) => text)).toEqual([
    inNeed,
    "crisis",
    expect.stringContaining("We"),
  ]);
});

test("a caller in need is not hung up on though no provider will ever take the call, and is talked with once one does", async () => {
  const house = startHouse();
  const caller = house.dial();
  await house.clock.advance(10);
  await caller.speaks(1_000);
  const alpha = house.provider("alpha");
  alpha.link.hearsTurn("c1", inNeed, 200);
  alpha.refusal = new Fault("provider-key", "the key was refused");
  alpha.link.tells({ type: "link.lost", fault: alpha.refusal });
  await house.clock.advance(60_000);
  expect(answers(house)).toMatchObject([{ provider: "prompt" }]);
  expect(caller.leg.ended).toBeUndefined();
  alpha.refusal = undefined;
  await house.clock.advance(20_000);
  expect(house.roster.calls()).toMatchObject([{ provider: "alpha" }]);
  caller.line.signal({ type: "hung-up" });
  await house.clock.advance(10);
  expect(house.events.findLast(({ type }) => type === "call.ended")).toMatchObject({ outcome: "completed" });
});

test("a caller who hangs up unanswered is told of as such", async () => {
  const house = startHouse();
  const caller = house.dial();
  await house.clock.advance(10);
  await caller.speaks(500);
  house.provider("alpha").link.hearsTurn("c1", inNeed, 100);
  await house.clock.advance(300);
  caller.line.signal({ type: "hung-up" });
  await house.clock.advance(10);
  expect(answers(house)).toMatchObject([{ provider: "alpha", responseMs: undefined }]);
  expect(house.clock.armed).toBe(0);
});

test("with every provider gone at any moment, each caller in need is answered within two seconds", { timeout: 60_000 }, async () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const random = seededRandom(seed);
    const house = startHouse({ tiers: ["alpha", "beta"], seed });
    const caller = house.dial();
    await house.clock.advance(10);
    await caller.speaks(400);
    const { link } = house.provider("alpha");
    const die = (): void => {
      for (const provider of house.providers.values()) provider.refusal = new Fault("provider-unreachable", "it is gone");
      link.tells({ type: "link.lost", fault: new Fault("provider-dropped", "it went") });
    };
    link.hearsTurn("c1", inNeed, 100);
    await house.clock.advance(random.next() * 1_400);
    die();
    await house.clock.advance(2_000);
    const [answer] = answers(house);
    expect(answer?.responseMs, `seed ${seed}`).toBeLessThanOrEqual(2_000);
    expect(caller.leg.playedMs, `seed ${seed}`).toBeGreaterThan(0);
  }
});

test("a caller in need is let through to a provider that is shut to others, and told so to its guard", async () => {
  const house = startHouse({ tiers: ["alpha", "beta", "bridge"], traits: { bridge: { stopgap: true } } });
  const caller = house.dial();
  await caller.speaks(1_000);
  const { link } = house.provider("alpha");
  link.hearsTurn("c1", inNeed, 200);
  house.provider("beta").full = new Fault("provider-shut", "beta keeps failing");
  link.tells({ type: "link.lost", fault: new Fault("provider-key", "refused") });
  await caller.speaks(100);
  expect(house.provider("beta").link.request.urgent).toBe(true);
  expect(house.provider("bridge").links).toEqual([]);
});

test("a caller in need is sent on to people where they can be, after they were answered", async () => {
  const house = startHouse({ personAt: "+441234567890", leg: { transfer: true } });
  const caller = house.dial();
  await caller.speaks(1_000);
  const { link } = house.provider("alpha");
  link.hearsTurn("c1", inNeed, 200);
  link.speaks("a1", "I am here. I connect you to somebody.", 1_000);
  await caller.speaks(500);
  expect(caller.leg.sentTo).toBeUndefined();
  await caller.speaks(1_000);
  expect(caller.leg.sentTo).toBe("+441234567890");
  caller.line.signal({ type: "transferred" });
  expect(house.events).toContainEqual(expect.objectContaining({ type: "call.ended", outcome: "completed" }));
});

test("who cannot be sent on stays, and a transfer that fails leaves the caller where they are", async () => {
  const house = startHouse({ personAt: "+441234567890", leg: { transfer: true } });
  const caller = house.dial();
  await caller.speaks(500);
  const callId = house.roster.calls()[0]?.callId ?? "";
  house.roster.transfer(callId, "sip:desk@example.org");
  await caller.speaks(100);
  expect(caller.leg.sentTo).toBe("sip:desk@example.org");
  caller.line.signal({ type: "transfer-failed", why: "busy" });
  await caller.speaks(500);
  expect(house.provider("alpha").link.heardMs).toBe(1_100);
  const other = startHouse();
  await other.dial().speaks(100);
  expect(() => other.roster.transfer(other.roster.calls()[0]?.callId ?? "", "+1")).toThrow(/cannot be sent on/);
});
