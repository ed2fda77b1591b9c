import { expect, test } from "vitest";
import { startHouse, type House } from "./house.ts";

const told = (house: House, type: string) => house.events.filter((event) => event.type === type);
const ended = (house: House) => house.events.find((event) => event.type === "call.ended");

/** A call whose caller was greeted. */
async function greeted(options: Parameters<typeof startHouse>[0] = {}) {
  const house = startHouse(options);
  const caller = house.dial();
  await house.clock.advance(100);
  const { link } = house.provider("alpha");
  link.speaks("a1", "Good day.", 500);
  await house.clock.advance(600);
  return { house, caller, link };
}

test.each(["clock", "marks", "reports"] as const)(
  "an agent whom the caller holds in the middle of a sentence says the rest when it is taken back (%s)",
  async (playback) => {
    const { house, caller, link } = await greeted({ leg: { playback } });
    link.speaks("a2", "One two three four five six seven eight.", 4_000);
    await house.clock.advance(1_500);
    caller.line.signal({ type: "paused" });
    const before = caller.leg.playedMs;
    await house.clock.advance(60_000);
    expect(caller.leg.playedMs).toBe(before);
    caller.line.signal({ type: "resumed" });
    await house.clock.advance(6_000);
    // What was sent ahead and not heard, and a syllable of overlap, are sent again.
    const againMs = caller.leg.playedMs - 500 - 4_000;
    expect(againMs).toBeGreaterThan(0);
    expect(againMs).toBeLessThanOrEqual(360);
    const turns = house.roster.call(house.events[0]?.callId ?? "")?.turns;
    expect(turns?.at(-1)).toMatchObject({ text: "One two three four five six seven eight.", interrupted: false });
    expect(link.told.filter((each) => each.startsWith("interrupt"))).toEqual([]);
  },
);

test("who holds the agent is not asked whether they are there, and hung up on only after half an hour", async () => {
  const idle = { repromptAfterMs: 10_000, reprompts: 2, endAfterMs: 300_000 };
  const { house, caller } = await greeted({ manners: { idle } });
  caller.line.signal({ type: "paused" });
  await house.clock.advance(29 * 60_000);
  expect(told(house, "caller.reprompted")).toEqual([]);
  expect(ended(house)).toBeUndefined();
  await house.clock.advance(61_000);
  expect(ended(house)).toMatchObject({ outcome: "completed", reason: "idle" });
});

test("silence counts again from when the agent is taken back", async () => {
  const idle = { repromptAfterMs: 10_000, reprompts: 2, endAfterMs: 300_000 };
  const { house, caller } = await greeted({ manners: { idle } });
  await house.clock.advance(8_000);
  caller.line.signal({ type: "paused" });
  await house.clock.advance(60_000);
  caller.line.signal({ type: "resumed" });
  await house.clock.advance(9_500);
  expect(told(house, "caller.reprompted")).toEqual([]);
  await house.clock.advance(1_000);
  expect(told(house, "caller.reprompted")).toHaveLength(1);
});

test("a provider that owes an answer while the caller holds is not taken for dead, and what it says is kept", async () => {
  const { house, caller, link } = await greeted({ tiers: ["alpha", "beta"] });
  await caller.speaks(1_000);
  link.hearsTurn("c1", "what is my balance", 0);
  caller.line.signal({ type: "paused" });
  await house.clock.advance(60_000);
  expect(told(house, "link.lost")).toEqual([]);
  link.speaks("a2", "Three crowns.", 1_000);
  await house.clock.advance(10_000);
  expect(caller.leg.playedMs).toBe(500);
  caller.line.signal({ type: "resumed" });
  await house.clock.advance(2_000);
  expect(caller.leg.playedMs).toBe(1_500);
});

test("a sentence that the caller broke off to hold comes to its end for the provider", async () => {
  const { house, caller, link } = await greeted();
  await caller.speaks(1_000);
  const before = link.heardMs;
  caller.line.signal({ type: "paused" });
  await house.clock.advance(100);
  expect(link.heardMs - before).toBe(1_000);
  expect(link.heard.slice(-1_000).every((byte) => byte === 0)).toBe(true);
});

test("a goodbye that the caller has not heard is said when the agent is taken back, and then the call ends", async () => {
  const idle = { repromptAfterMs: undefined, reprompts: 2, endAfterMs: 20_000 };
  const { house, caller } = await greeted({ manners: { idle } });
  await house.clock.advance(20_050);
  caller.line.signal({ type: "paused" });
  await house.clock.advance(60_000);
  expect(ended(house)).toBeUndefined();
  caller.line.signal({ type: "resumed" });
  await house.clock.advance(1_000);
  expect(ended(house)).toMatchObject({ outcome: "completed", reason: "idle" });
});

test("a caller who vanishes while holding comes back to all that was not heard", async () => {
  const { house, caller, link } = await greeted();
  link.speaks("a2", "A long answer.", 3_000);
  await house.clock.advance(1_000);
  caller.line.signal({ type: "paused" });
  await house.clock.advance(5_000);
  caller.line.signal({ type: "lost", fault: undefined });
  await house.clock.advance(1_000);
  const back = house.dial(caller.leg.resumeToken);
  await house.clock.advance(4_000);
  expect(back.leg.playedMs).toBeGreaterThanOrEqual(2_000);
  expect(back.leg.playedMs).toBeLessThanOrEqual(2_500);
});
