import { expect, test } from "vitest";
import { Fault } from "../../src/kernel/fault.ts";
import { startHouse } from "./house.ts";

test("a new call takes its tiers in the order that the budget leaves", async () => {
  const house = startHouse({ tiers: ["alpha", "beta"], admit: (tiers) => tiers.toReversed() });
  const caller = house.dial();
  await caller.speaks(200);
  expect(house.provider("beta").links).toHaveLength(1);
  expect(house.provider("alpha").links).toHaveLength(0);
  expect(house.events).toContainEqual(expect.objectContaining({ type: "call.started", tiers: ["beta", "alpha"] }));
});

test("a spent budget refuses new calls in words, and leaves those in progress alone, also when their caller comes back", async () => {
  let spent = false;
  const house = startHouse({ admit: (tiers) => (spent ? new Fault("busy", "the budget of this day is spent") : tiers) });
  const caller = house.dial();
  await caller.speaks(200);
  spent = true;
  expect(() => house.dial()).toThrow("the budget of this day is spent");
  expect(house.roster.refusal()?.message).toContain("budget");
  caller.line.signal({ type: "lost", fault: undefined });
  const again = house.dial(caller.leg.resumeToken, caller.sent);
  await again.speaks(200);
  expect(house.provider("alpha").link.heard).toEqual(caller.sent);
});
