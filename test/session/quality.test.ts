import { expect, test } from "vitest";
import { startHouse, type House } from "./house.ts";

const measured = (house: House) => house.events.filter((event) => event.type === "leg.measured");

test("each leg of a call is measured, and its figures are told when it is over, before the end of the call", async () => {
  const house = startHouse();
  const caller = house.dial();
  await caller.speaks(1_000);
  const callId = house.events[0]?.callId ?? "";
  expect(house.roster.call(callId)?.quality?.mosEstimate).toBeCloseTo(4.41, 1);
  expect(house.roster.call(callId)?.quality?.caller.levelDb).toBeLessThan(0);
  caller.line.signal({ type: "lost", fault: undefined });
  expect(house.roster.call(callId)?.quality).toBeUndefined();
  expect(measured(house)).toHaveLength(1);
  const back = house.dial(caller.leg.resumeToken, caller.sent);
  await back.speaks(1_000);
  house.roster.hangUp(callId);
  expect(measured(house)).toHaveLength(2);
  const order = house.events.map(({ type }) => type).filter((type) => type === "leg.measured" || type === "call.ended");
  expect(order).toEqual(["leg.measured", "leg.measured", "call.ended"]);
});

test("how far the caller is away is half of what a mark takes beside the playing", async () => {
  const house = startHouse({ leg: { playback: "marks" } });
  const caller = house.dial();
  await caller.speaks(200);
  house.provider("alpha").link.speaks("a1", "Good day.", 2_000);
  await caller.speaks(3_000);
  // The leg gives each mark back 30 ms after its audio was played.
  expect(house.roster.call(house.events[0]?.callId ?? "")?.quality?.delayMs).toBeCloseTo(15, 5);
  expect(house.roster.call(house.events[0]?.callId ?? "")?.quality?.agent.levelDb).toBeLessThan(0);
});
