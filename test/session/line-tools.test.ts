import { expect, test } from "vitest";
import { startHouse, type HouseOptions } from "./house.ts";

const people = [{ name: "manager", about: "complaints", target: "+15550777", briefed: true }];

async function inCall(options: HouseOptions = {}) {
  const house = startHouse({ manners: { people }, leg: { transfer: true }, ...options });
  const caller = house.dial(undefined, [], { from: "+15550100" });
  await caller.speaks(1_000);
  const { link } = house.provider("alpha");
  const callId = house.events[0]?.callId ?? "";
  let used = 0;
  const uses = async (name: string, args: object): Promise<void> => {
    used += 1;
    house.provider("alpha").link.tells({ type: "tool.called", toolCallId: `u${used}`, name, arguments: JSON.stringify(args) });
    await house.clock.advance(100);
  };
  return { house, caller, link, callId, uses };
}

test("an agent puts its caller through to somebody of its directory, briefed, once its sentence was heard", async () => {
  const { house, caller, link, uses } = await inCall();
  link.hearsTurn("c1", "my soup was cold", 200);
  link.speaks("a1", "I put you through.", 1_000);
  await uses("transfer_call", { to: "manager", reason: "a complaint" });
  await house.clock.advance(500);
  expect(caller.leg.sentTo).toBeUndefined();
  await house.clock.advance(1_000);
  expect(caller.leg.sentTo).toBe("+15550777");
  expect(caller.leg.briefing).toBe("A call for you from +15550100. a complaint. Caller: my soup was cold Agent: I put you through.");
  caller.line.signal({ type: "transferred" });
  expect(house.events.find(({ type }) => type === "call.ended")).toMatchObject({ outcome: "completed" });
});

test("a caller who is being sent on hears music, and not when nobody took them", async () => {
  const { house, caller, uses } = await inCall();
  await uses("transfer_call", { to: "manager", reason: "a complaint" });
  await house.clock.advance(5_000);
  expect(caller.leg.playedMs).toBeGreaterThan(4_500);
  caller.line.signal({ type: "transfer-failed", why: "busy" });
  await house.clock.advance(100);
  const before = caller.leg.playedMs;
  await house.clock.advance(1_000);
  expect(caller.leg.playedMs).toBe(before);
});

test("a briefing that the leg cannot speak is told to people", async () => {
  const { house, caller } = await inCall();
  caller.line.signal({ type: "unbriefed", target: "+15550777", briefing: "A call for you." });
  expect(house.events.at(-1)).toMatchObject({ type: "human.briefed", target: "+15550777", briefing: "A call for you." });
});

test("an agent whose caller nobody took is told so in words, and the caller is still there", async () => {
  const { house, caller, link, uses } = await inCall();
  await uses("transfer_call", { to: "manager", reason: "a complaint" });
  await house.clock.advance(30_000);
  expect(link.results).toEqual([]);
  caller.line.signal({ type: "transfer-failed", why: "busy" });
  await house.clock.advance(10);
  expect(link.results[0]).toMatchObject({
    failed: false,
    output: expect.stringContaining("Not put through: busy. The caller is still here."),
  });
  link.speaks("a2", "Nobody is there. Once more?", 500);
  await house.clock.advance(1_000);
  await uses("transfer_call", { to: "manager", reason: "again" });
  await house.clock.advance(131_000);
  expect(link.results[1]?.output).toContain("nobody answered in time");
});

test("an agent sends nobody to a number of its own choice, and none from a line that cannot", async () => {
  const { caller, house, link, uses } = await inCall();
  await uses("transfer_call", { to: "+49900123456", reason: "x" });
  await house.clock.advance(20_000);
  expect(link.results[0]).toMatchObject({ failed: true, output: expect.stringContaining("known are manager") });
  expect(caller.leg.sentTo).toBeUndefined();

  const browser = await inCall({ leg: {} });
  await browser.uses("transfer_call", { to: "manager", reason: "x" });
  expect(browser.link.results[0]).toMatchObject({ failed: true, output: expect.stringContaining("cannot be sent on") });
});

test("an agent without a directory has no tool to put anybody through with", async () => {
  const { link } = await inCall({ manners: {} });
  const names = link.request.agent.tools.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(["hold_caller", "resume_caller", "send_keys"]));
  expect(names).not.toContain("transfer_call");
});

test("an agent that forgets whom it holds has them back after two minutes, and what an operator holds it cannot take back", async () => {
  const { house, callId, link, uses } = await inCall();
  await uses("hold_caller", {});
  expect(house.roster.call(callId)).toMatchObject({ held: true });
  link.speaks("a1", "Never mind.", 200);
  await house.clock.advance(120_000);
  expect(house.roster.call(callId)).toMatchObject({ held: false });
  house.roster.hold(callId, true);
  await uses("resume_caller", {});
  expect(house.roster.call(callId)).toMatchObject({ held: true });
  expect(house.provider("alpha").link.results.at(-1)?.output).toContain("An operator holds this call");
});

test("keys that are none, or that a line cannot send, are refused in words", async () => {
  const { link, uses } = await inCall();
  await uses("send_keys", { keys: "12345x" });
  await uses("send_keys", { keys: "1#" });
  expect(link.results.map(({ failed, output }) => [failed, output])).toEqual([
    [true, "keys: expected 1 to 32 of 0-9, *, #, A-D"],
    [true, "no digits can be sent to a caller by puppet"],
  ]);
});
