import { expect, test } from "vitest";
import { startHouse, type House, type HouseOptions } from "./house.ts";

const idle = { repromptAfterMs: 10_000, reprompts: 2, endAfterMs: 300_000 };
const told = (house: House, type: string) => house.events.filter((event) => event.type === type);
const ended = (house: House) => house.events.find((event) => event.type === "call.ended");

/** A call whose caller was greeted, and says nothing. */
async function greeted(options: HouseOptions) {
  const house = startHouse(options);
  const caller = house.dial();
  await house.clock.advance(100);
  house.provider("alpha").link.speaks("a1", "Good day.", 500);
  await house.clock.advance(600);
  return { house, caller };
}

test("a call in which nobody speaks for five minutes ends with a goodbye, as completed and idle", async () => {
  const { house, caller } = await greeted({});
  await house.clock.advance(299_000);
  expect(ended(house)).toBeUndefined();
  await house.clock.advance(3_000);
  expect(ended(house)).toMatchObject({ outcome: "completed", reason: "idle" });
  expect(told(house, "caller.reprompted")).toEqual([]);
  // The greeting and the goodbye, of half a second each.
  expect(caller.leg.playedMs).toBe(1_000);
});

test("an agent that takes notes asks in its own words, and the note is no part of the conversation", async () => {
  const { house } = await greeted({ manners: { idle }, traits: { alpha: { offline: false } } });
  await house.clock.advance(10_100);
  const { link } = house.provider("alpha");
  expect(link.told.at(-1)).toMatch(/^text \(The caller has said nothing/);
  link.speaks("a2", "Are you there?", 400);
  await house.clock.advance(500);
  const callId = house.events[0]?.callId ?? "";
  expect(house.roster.call(callId)?.turns.map(({ text }) => text)).toEqual(["Good day.", "Are you there?"]);
});

test("a provider that would take a note for the caller's words is not told: a fixed line asks", async () => {
  const { house } = await greeted({ manners: { idle } });
  await house.clock.advance(10_600);
  expect(told(house, "caller.reprompted")).toMatchObject([{ count: 1, by: "prompt" }]);
  const callId = house.events[0]?.callId ?? "";
  expect(house.roster.call(callId)?.turns.at(-1)).toMatchObject({ role: "agent", text: "still-there" });
});

test("who was asked twice in vain is said goodbye to", async () => {
  const { house } = await greeted({ manners: { idle } });
  await house.clock.advance(40_000);
  expect(told(house, "caller.reprompted")).toHaveLength(2);
  expect(ended(house)).toMatchObject({ outcome: "completed", reason: "idle" });
});

test("who answers is asked anew the next time, and who speaks over the goodbye stays", async () => {
  const { house, caller } = await greeted({ manners: { idle } });
  const { link } = house.provider("alpha");
  await house.clock.advance(22_000);
  expect(told(house, "caller.reprompted")).toHaveLength(2);
  await caller.speaks(1_000);
  link.hearsTurn("c1", "yes", 0);
  link.speaks("a2", "Fine.", 300);
  await house.clock.advance(400);
  await house.clock.advance(31_100);
  expect(told(house, "caller.reprompted")).toHaveLength(4);
  // The goodbye has just begun.
  link.tells({ type: "caller.spoke", turnId: "c2", uplinkMs: 1_000 });
  await house.clock.advance(1_000);
  expect(ended(house)).toBeUndefined();
  house.roster.hangUp(house.events[0]?.callId ?? "");
  expect(ended(house)).toMatchObject({ outcome: "completed", reason: undefined });
});

test("who is on hold or muted is not asked, and not hung up on", async () => {
  for (const order of ["hold", "mute"] as const) {
    const { house } = await greeted({ manners: { idle } });
    house.roster[order](house.events[0]?.callId ?? "", true);
    await house.clock.advance(400_000);
    expect(told(house, "caller.reprompted"), order).toEqual([]);
    expect(ended(house), order).toBeUndefined();
    // Silence counts from when that is over.
    house.roster[order](house.events[0]?.callId ?? "", false);
    await house.clock.advance(9_900);
    expect(told(house, "caller.reprompted"), order).toEqual([]);
    await house.clock.advance(200);
    expect(told(house, "caller.reprompted"), order).toHaveLength(1);
  }
});
