import { expect, test } from "vitest";
import { Fault } from "../../src/kernel/fault.ts";
import { startHouse, type House } from "./house.ts";

const dropped = new Fault("provider-dropped", "the socket closed with 1006");
const unreachable = new Fault("provider-unreachable", "connection refused");
const callIdOf = (house: House): string => house.events[0]?.callId ?? "";

test("who waits for an answer because of a fault hears that the line is alive, and no more of it once the agent speaks", async () => {
  const house = startHouse();
  const caller = house.dial();
  await caller.speaks(1_000);
  const { link } = house.provider("alpha");
  link.hearsTurn("c1", "when do you open?", 200);
  house.provider("alpha").refusal = unreachable;
  link.tells({ type: "link.lost", fault: dropped });
  await caller.speaks(1_400);
  expect(caller.leg.playedMs).toBe(0);
  await caller.speaks(400);
  expect(caller.leg.playedMs).toBeGreaterThan(0);
  await caller.speaks(600);
  expect(caller.leg.playedMs).toBe(500);
  house.provider("alpha").refusal = undefined;
  await caller.speaks(3_000);
  house.provider("alpha").link.speaks("a1", "We open at nine.", 1_000);
  await caller.speaks(20_000);
  expect(caller.leg.playedMs).toBe(1_500);
  expect(house.roster.call(callIdOf(house))?.turns.map(({ text }) => text)).toEqual(["when do you open?", "We open at nine."]);
});

test("an answer that takes its time without any fault is waited for in silence", async () => {
  const house = startHouse();
  const caller = house.dial();
  await caller.speaks(1_000);
  house.provider("alpha").link.hearsTurn("c1", "when do you open?", 200);
  await caller.speaks(5_000);
  expect(caller.leg.playedMs).toBe(0);
});

test("a fault while nobody waits for anything is not heard of", async () => {
  const house = startHouse();
  const caller = house.dial();
  await caller.speaks(1_000);
  const { link } = house.provider("alpha");
  link.speaks("a1", "Good day.", 500);
  await caller.speaks(1_000);
  house.provider("alpha").refusal = unreachable;
  link.tells({ type: "link.lost", fault: dropped });
  await caller.speaks(6_000);
  expect(caller.leg.playedMs).toBe(500);
});

test("who is on hold hears music, is not heard, and is spoken to by nobody", async () => {
  const house = startHouse();
  const caller = house.dial();
  await caller.speaks(1_000);
  const { link } = house.provider("alpha");
  link.speaks("a1", "A long story.", 5_000);
  await caller.speaks(500);
  house.roster.hold(callIdOf(house), true);
  const before = { heard: link.heard.length, playedMs: caller.leg.playedMs };
  expect(link.told).toContain("interrupt a1 500");
  await caller.speaks(2_000);
  expect(caller.leg.playedMs - before.playedMs).toBeGreaterThanOrEqual(2_000);
  expect(link.heard.slice(before.heard).every((byte) => byte === 0)).toBe(true);
  link.speaks("a2", "Are you still there?", 500);
  expect(link.told).toContain("interrupt a2 0");
  house.roster.hold(callIdOf(house), false);
  const heldMs = caller.leg.playedMs;
  await caller.speaks(1_000);
  expect(caller.leg.playedMs).toBe(heldMs);
  expect(link.heard.slice(-100)).toEqual(caller.sent.slice(-100));
  expect(link.heardMs).toBe(4_500);
});

test("who is muted is silent to the provider and hears it all the same", async () => {
  const house = startHouse();
  const caller = house.dial();
  await caller.speaks(500);
  house.roster.mute(callIdOf(house), true);
  const { link } = house.provider("alpha");
  await caller.speaks(500);
  link.speaks("a1", "Hello.", 400);
  await caller.speaks(500);
  expect(link.heard.slice(-1_000).every((byte) => byte === 0)).toBe(true);
  expect(caller.leg.playedMs).toBe(400);
  expect(house.roster.call(callIdOf(house))).toMatchObject({ muted: true, held: false });
});
