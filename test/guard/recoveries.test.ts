import { expect, test } from "vitest";
import type { GuardSettings } from "../../src/guard/guarded.ts";
import { Fault } from "../../src/kernel/fault.ts";
import type { Link } from "../../src/provider/contract.ts";
import { SimulatedClock } from "../simulated-clock.ts";
import { guardedAlone } from "./alone.ts";
import { plain, requestOn, ScriptedProvider, unreachable } from "./wire.ts";

/** A guarded provider, and when calls that turned away from it were told that they may come back, s. */
function house(settings: Partial<GuardSettings> = {}) {
  const clock = new SimulatedClock();
  const provider = new ScriptedProvider(clock);
  const told: number[] = [];
  const stalls: number[] = [];
  const guarded = guardedAlone(plain(provider), {
    clock,
    settings,
    told: (news) => void (news === "recovered" ? told.push(Math.round(clock.now() / 1_000)) : stalls.push(clock.now())),
  });
  const dial = (): Promise<Link> => guarded.provider.open(requestOn(clock, new AbortController().signal));
  const failing = async (fault: Fault, calls: number): Promise<void> => {
    provider.conduct = { does: "refuse", fault };
    for (let call = 0; call < calls; call += 1) await dial().catch(() => {});
    provider.conduct = { does: "serve" };
  };
  return { clock, provider, guarded, told, stalls, dial, failing };
}

test("probes that let calls through long before the minute is over tell those who wait", async () => {
  const { clock, guarded, told, failing } = house();
  guarded.start();
  await failing(unreachable, 5);
  await clock.advance(9_000);
  expect(told).toEqual([]);
  await clock.advance(11_000);
  expect(told).toHaveLength(1);
  guarded.stop();
});

test("who was turned away because three others tried is told when one of them is done", async () => {
  const { clock, told, dial, failing } = house({ probes: "off" });
  await failing(unreachable, 5);
  await clock.advance(60_000);
  const trials = await Promise.all([dial(), dial(), dial()]);
  await expect(dial()).rejects.toThrow(/being tried by 3 calls/);
  const before = told.length;
  trials[0]?.close();
  expect(told).toHaveLength(before + 1);
});

test("an operator who takes back their order tells those who wait", () => {
  const { guarded, told } = house();
  guarded.order("open");
  expect(told).toEqual([]);
  guarded.order("auto");
  expect(told).toHaveLength(1);
});

test("one that failed a few calls and never was shut is told of when a session has lived, not when it opens", async () => {
  const { clock, told, dial, failing } = house({ probes: "off" });
  await failing(unreachable, 2);
  await dial();
  await clock.advance(4_000);
  expect(told).toEqual([]);
  await clock.advance(1_000);
  expect(told).toEqual([5]);
});

test("a key that is taken again is told of when the next session opens", async () => {
  const { told, dial, failing } = house({ probes: "off" });
  await failing(new Fault("provider-key", "the key was refused"), 2);
  await dial();
  expect(told).toEqual([0]);
});

test("while all is well, nothing is told", async () => {
  const { clock, guarded, told, dial } = house();
  guarded.start();
  await dial();
  await clock.advance(120_000);
  expect(told).toEqual([]);
  guarded.stop();
});

test("an opening that came to nothing in time is told to those who wait, a refusal is not", async () => {
  const { stalls, failing } = house({ probes: "off" });
  await failing(unreachable, 1);
  expect(stalls).toEqual([]);
  await failing(new Fault("provider-silent", "opening alpha: no session within 5000 ms"), 1);
  expect(stalls).toEqual([0]);
});
