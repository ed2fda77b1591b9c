import { expect, test } from "vitest";
import { Fault } from "../../src/kernel/fault.ts";
import { startHouse, type House } from "./house.ts";

const dropped = new Fault("provider-dropped", "the socket closed with 1006");
const unreachable = new Fault("provider-unreachable", "connection refused");
const key = new Fault("provider-key", "the key was refused");

/** The provider of the first call's link. */
const holder = (house: House): string | undefined => house.roster.calls()[0]?.provider;

test("a call that backs off dials when a provider takes calls again, and does not sit out the ladder", async () => {
  const house = startHouse();
  const caller = house.dial();
  await caller.speaks(500);
  const alpha = house.provider("alpha");
  alpha.refusal = unreachable;
  alpha.link.tells({ type: "link.lost", fault: dropped });
  await caller.speaks(17_000);
  const waits = house.events.filter((event) => event.type === "link.retrying");
  expect(waits.at(-1)?.backoffMs).toBeGreaterThan(14_000);
  alpha.refusal = undefined;
  await caller.speaks(1_000);
  expect(alpha.links).toHaveLength(1);
  house.tellCalls("alpha", "recovered");
  await caller.speaks(500);
  expect(alpha.links).toHaveLength(2);
  expect(alpha.link.heardMs).toBeGreaterThan(10_000);
});

test("calls that wait for the same provider come to it one after the other, and not if others have filled it", async () => {
  const house = startHouse();
  const callers = Array.from({ length: 6 }, () => house.dial());
  const alpha = house.provider("alpha");
  await house.clock.advance(100);
  const links = [...alpha.links];
  alpha.refusal = unreachable;
  for (const link of links) link.tells({ type: "link.lost", fault: dropped });
  await house.clock.advance(17_000);
  alpha.refusal = undefined;
  house.tellCalls("alpha", "recovered");
  const dials: number[] = [];
  for (let waited = 0; waited < 500; waited += 10) {
    if (alpha.links.length >= links.length + 3) alpha.full = new Fault("provider-shut", "being tried by 3 calls already");
    await house.clock.advance(10);
    dials.push(alpha.links.length);
  }
  expect(dials.at(-1)).toBe(links.length + 3);
  expect(dials[0]).toBeLessThan(links.length + 3);
  for (const caller of callers) caller.line.signal({ type: "hung-up" });
});

test("a bridged call leaves for a provider that an operator mended as soon as that is known", async () => {
  const house = startHouse({ tiers: ["alpha", "bridge"], traits: { bridge: { stopgap: true } } });
  const alpha = house.provider("alpha");
  alpha.refusal = key;
  const caller = house.dial();
  await caller.speaks(6_000);
  expect(holder(house)).toBe("bridge");
  alpha.refusal = undefined;
  await caller.speaks(6_000);
  expect(holder(house)).toBe("bridge");
  house.tellCalls("alpha", "recovered");
  await caller.speaks(1_000);
  expect(holder(house)).toBe("alpha");
});

test("what can only bridge is left for any tier that can talk, also one that stands after it", async () => {
  const house = startHouse({ tiers: ["alpha", "bridge", "beta"], traits: { bridge: { stopgap: true } } });
  for (const name of ["alpha", "beta"]) house.provider(name).refusal = unreachable;
  const caller = house.dial();
  await caller.speaks(1_000);
  expect(holder(house)).toBe("bridge");
  house.provider("beta").refusal = undefined;
  house.tellCalls("beta", "recovered");
  await caller.speaks(1_000);
  expect(holder(house)).toBe("beta");
});

test("a bridged call whose move to one tier fails tries the next at once", async () => {
  const house = startHouse({ tiers: ["alpha", "beta", "bridge"], traits: { bridge: { stopgap: true } } });
  for (const name of ["alpha", "beta"]) house.provider(name).refusal = unreachable;
  const caller = house.dial();
  await caller.speaks(1_000);
  house.provider("beta").refusal = undefined;
  await caller.speaks(9_000);
  expect(holder(house)).toBe("bridge");
  // Ten seconds after they failed both are looked at again, the better one first, which fails once more.
  await caller.speaks(6_000);
  expect(holder(house)).toBe("beta");
  const [failed] = house.events.filter((event) => event.type === "handover.failed");
  expect(failed).toMatchObject({ from: "bridge", to: "alpha" });
});

test("a call that waits for a provider alone goes on to the next tier when another has waited for it in vain, and no further", async () => {
  const house = startHouse({ tiers: ["alpha", "beta", "gamma"] });
  house.provider("alpha").openMs = 60_000;
  house.provider("beta").openMs = 300;
  const caller = house.dial();
  await caller.speaks(500);
  house.tellCalls("alpha", "stalled");
  await caller.speaks(200);
  house.tellCalls("alpha", "stalled");
  await caller.speaks(300);
  expect(holder(house)).toBe("beta");
  expect(house.provider("gamma").links).toEqual([]);
});
