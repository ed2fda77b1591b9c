import { expect, test } from "vitest";
import type { GuardParts, GuardSettings } from "../../src/guard/guarded.ts";
import { Fault } from "../../src/kernel/fault.ts";
import type { Begin, Link } from "../../src/provider/contract.ts";
import { startHouse } from "../session/house.ts";
import { SimulatedClock } from "../simulated-clock.ts";
import { guardedAlone, usualGuards } from "./alone.ts";
import { plain, requestOn, ScriptedProvider, unreachable, type Conduct } from "./wire.ts";

/** A guarded provider on a simulated clock, and all that its guards told. */
function house(settings: Partial<GuardSettings> = {}, traits: Partial<ScriptedProvider["traits"]> = {}) {
  const clock = new SimulatedClock();
  const provider = new ScriptedProvider(clock, traits);
  const told: string[] = [];
  const levels: string[] = [];
  const watch: Partial<GuardParts["watch"]> = {
    changed: ({ from, to }) => void told.push(`${from} to ${to}`),
    called: (_, status) => void told.push(status),
    ordered: (_, order, state) => void told.push(`ordered ${order}, now ${state}`),
    healthChanged: ({ from, to }) => void levels.push(`${from} to ${to}`),
    limited: (_, waitMs) => void told.push(`limited for ${waitMs}`),
  };
  const guarded = guardedAlone(plain(provider), { clock, settings, watch });
  const dial = (signal = new AbortController().signal, begin?: Begin): Promise<Link> =>
    guarded.provider.open(requestOn(clock, signal, begin));
  const failed = async (): Promise<Fault> =>
    dial().then(
      () => new Fault("internal", "it opened"),
      (error: unknown) => (error instanceof Fault ? error : new Fault("internal", String(error))),
    );
  return { clock, provider, guarded, told, levels, dial, failed };
}

const silent = new Fault("provider-silent", "no answer within 10000 ms");
const turn = { type: "caller.finished", turnId: "c1", uplinkMs: 100 } as const;

test("a session that lives five seconds is a success, a handshake is none", async () => {
  const { clock, told, dial } = house();
  await dial();
  expect(told).toEqual(["attempted"]);
  await clock.advance(5_000);
  expect(told).toEqual(["attempted", "success"]);
});

test("it is none while an answer is owed, and becomes one when the answer begins", async () => {
  const { clock, told, dial, provider } = house();
  await dial();
  provider.tells(turn);
  await clock.advance(9_000);
  expect(told).toEqual(["attempted"]);
  provider.speaks("a1");
  expect(told).toEqual(["attempted", "success"]);
});

test("an answered turn is a success at once, a greeting is none", async () => {
  const { told, dial, provider } = house();
  await dial(undefined, "greet");
  provider.speaks("a1");
  provider.tells({ type: "agent.ended", turnId: "a1", outcome: "complete" });
  expect(told).toEqual(["attempted"]);
  provider.tells(turn);
  provider.speaks("a2");
  provider.tells({ type: "agent.ended", turnId: "a2", outcome: "complete" });
  expect(told).toEqual(["attempted", "success"]);
});

test("a caller who hangs up, while it opens or later, says nothing of the provider and leaves no timer", async () => {
  const { clock, told, dial, provider } = house();
  provider.conduct = { does: "hang" };
  const abort = new AbortController();
  const opening = dial(abort.signal);
  abort.abort();
  await expect(opening).rejects.toThrow("called off");
  provider.conduct = { does: "serve" };
  (await dial()).close();
  expect(clock.armed).toBe(0);
  expect(told).toEqual(["attempted", "attempted"]);
});

test("a session that the call gave up for a fault counts as a failure, while it opens or later, and is closed", async () => {
  const { told, dial, provider } = house();
  provider.conduct = { does: "hang" };
  const opening = new AbortController();
  const opened = dial(opening.signal);
  opening.abort(silent);
  await expect(opened).rejects.toThrow("called off");
  expect(told).toEqual(["attempted", "failure"]);

  provider.conduct = { does: "serve" };
  const open = new AbortController();
  const session = await dial(open.signal);
  open.abort(silent);
  session.close();
  expect(told).toEqual(["attempted", "failure", "attempted", "failure"]);
  expect(provider.sessions).toBe(0);
});

test.each(["provider-busy", "provider-expired", "provider-limited"] as const)(
  "%s says nothing of how well the provider is",
  async (code) => {
    const { dial, provider, guarded, told } = house();
    await dial();
    provider.tells({ type: "link.lost", fault: new Fault(code, "not now") });
    expect(told.filter((each) => !each.startsWith("limited"))).toEqual(["attempted"]);
    expect(guarded.view()).toMatchObject({ errorRate: 0, lastFault: { code } });
  },
);

test("calls one at a time whose turns stay unanswered shut the provider, though each session lives and greets", async () => {
  const { clock, dial, failed, provider, told } = house();
  for (let call = 0; call < 5; call += 1) {
    const abort = new AbortController();
    const link = await dial(abort.signal, "greet");
    provider.speaks("a1");
    provider.tells({ type: "agent.ended", turnId: "a1", outcome: "complete" });
    await clock.advance(6_000);
    provider.tells(turn);
    await clock.advance(10_000);
    abort.abort(silent);
    link.close();
  }
  expect(told).toContain("closed to open");
  expect((await failed()).code).toBe("provider-shut");
  expect(provider.dials).toBe(5);
});

test("a provider that leaves every answer owed is shut for the next callers", async () => {
  const calls = startHouse({ tiers: ["alpha", "beta"], breakers: true, calls: 100 });
  const callers = Array.from({ length: 5 }, () => calls.dial());
  for (const caller of callers) await caller.speaks(40);
  for (const link of calls.provider("alpha").links) link.hearsTurn("c1", "hello?", 20);
  await calls.clock.advance(21_000);
  expect(calls.provider("beta").links).toHaveLength(5);
  calls.dial();
  await calls.clock.advance(100);
  expect(calls.provider("alpha").links).toHaveLength(5);
});

test.each([0, 200, 2_000])("accept-then-close after %i ms: three dials by one call that tries again, then none", async (ms) => {
  const { clock, dial, provider, guarded } = house();
  guarded.start();
  provider.conduct = { does: "drop", ms };
  for (let attempt = 0; attempt < 20; attempt += 1) {
    await dial().catch(() => {});
    await clock.advance(ms + 100);
    if (guarded.provider.admit() !== undefined) break;
  }
  expect(provider.dials).toBeLessThanOrEqual(3);
  const shutMs = clock.now();
  for (let waited = 0; waited < 8_000; waited += 100) {
    await dial().catch(() => {});
    await clock.advance(100);
  }
  expect(provider.dialledMs.filter((at) => at > shutMs)).toEqual([]);
  guarded.stop();
});

test.each([0, 200, 2_000])(
  "accept-then-close after %i ms: a call that goes elsewhere leaves the rest to the ladder, three dials in all",
  async (ms) => {
    for (const calledOff of [0, 1]) {
      const { clock, dial, provider, guarded } = house();
      guarded.start();
      provider.conduct = { does: "drop", ms };
      await dial().catch(() => {});
      await clock.advance(ms);
      // Of the race with the next tier: this one came second.
      for (let dials = 0; dials < calledOff; dials += 1) {
        const abort = new AbortController();
        const second = dial(abort.signal).catch(() => {});
        abort.abort();
        await second;
      }
      await clock.advance(8_000);
      expect(provider.dials).toBe(2 + calledOff);
      expect(guarded.view().breaker.state).toBe("open");
      guarded.stop();
    }
  },
);

test("after an outage the breaker is closed within thirty seconds without a call, wherever the outage ends", async () => {
  for (let endsMs = 20_000; endsMs < 32_000; endsMs += 500) {
    const { clock, dial, provider, guarded } = house();
    guarded.start();
    provider.conduct = { does: "refuse", fault: unreachable };
    for (let call = 0; call < 5; call += 1) await dial().catch(() => {});
    expect(guarded.view()).toMatchObject({ health: "unhealthy", breaker: { state: "open" } });
    await clock.advance(endsMs);
    provider.conduct = { does: "serve", ms: 300 };
    await clock.advance(30_000);
    expect(guarded.view(), `ending after ${endsMs} ms`).toMatchObject({ health: "healthy", breaker: { state: "closed" } });
    guarded.stop();
    expect([provider.sessions, clock.armed]).toEqual([0, 0]);
  }
});

test("an outage that begins while nobody calls is found by probes, before a caller could pay for it", async () => {
  const { clock, provider, guarded } = house();
  guarded.start();
  provider.conduct = { does: "refuse", fault: unreachable };
  await clock.advance(60_000);
  expect(guarded.provider.admit()?.code).toBe("provider-shut");
  guarded.stop();
});

test("a provider that takes probes and drops them a moment later is not let back in", async () => {
  const { clock, dial, provider, guarded, told } = house();
  guarded.start();
  provider.conduct = { does: "refuse", fault: unreachable };
  for (let call = 0; call < 5; call += 1) await dial().catch(() => {});
  provider.conduct = { does: "drop", ms: 2_000 };
  await clock.advance(59_000);
  expect(told.filter((each) => each.includes(" to "))).toEqual(["closed to open"]);
  guarded.stop();
});

test("after a fault that may pass it is tried again on the ladder of its own, once a provider, until it works", async () => {
  const { clock, dial, provider, guarded } = house({ breaker: { ...usualGuards.breaker, failures: 100 } });
  guarded.start();
  provider.conduct = { does: "refuse", fault: unreachable };
  for (let call = 0; call < 10; call += 1) await dial().catch(() => {});
  await clock.advance(16_000);
  const ladder = provider.dialledMs.slice(10);
  const gaps = ladder.map((at, rung) => at - (ladder[rung - 1] ?? 0));
  expect(gaps).toHaveLength(4);
  for (const [rung, gap] of gaps.entries()) {
    expect(gap).toBeGreaterThanOrEqual(900 * 2 ** rung);
    expect(gap).toBeLessThanOrEqual(1_100 * 2 ** rung);
  }
  provider.conduct = { does: "serve" };
  await clock.advance(18_000);
  expect(provider.dials).toBe(15);
  await clock.advance(8_000);
  expect(provider.dials).toBe(15);
  guarded.stop();
});

test("neither on the ladder nor while it is shut is it tried before it wants to be, nor later than after five minutes", async () => {
  const { clock, dial, provider, guarded } = house();
  const full = (retryAfterMs: number): Conduct => ({
    does: "refuse",
    fault: new Fault("provider-overloaded", "HTTP 503", { retryAfterMs }),
  });
  guarded.start();
  provider.conduct = full(7_000);
  await dial().catch(() => {});
  await clock.advance(6_999);
  expect(provider.dials).toBe(1);
  await clock.advance(1);
  expect(provider.dials).toBe(2);
  provider.conduct = full(86_400_000);
  for (let call = 0; call < 3; call += 1) await dial().catch(() => {});
  expect(guarded.view().breaker.state).toBe("open");
  await clock.advance(299_999);
  expect(provider.dials).toBe(5);
  await clock.advance(1);
  expect(provider.dials).toBe(6);
  guarded.stop();
});

test.each([
  { name: "on", mode: "on", steady: 4, failing: true },
  { name: "faults", mode: "faults", steady: 0, failing: true },
  { name: "off", mode: "off", steady: 0, failing: false },
] as const)("probes $name: $steady in two idle minutes; while it fails: $failing", async ({ mode, steady, failing }) => {
  const { clock, dial, provider, guarded } = house({ probes: mode });
  guarded.start();
  await clock.advance(121_000);
  expect(provider.dials).toBe(steady);
  expect([...new Set(provider.requests.map(({ begin }) => begin))]).toEqual(steady === 0 ? [] : ["listen"]);
  provider.conduct = { does: "refuse", fault: unreachable };
  await dial().catch(() => {});
  const before = provider.dials;
  await clock.advance(10_000);
  expect(provider.dials > before).toBe(failing);
  guarded.stop();
});

test("what real calls showed within half a minute is not probed again", async () => {
  const { clock, dial, provider, guarded } = house();
  guarded.start();
  for (let call = 0; call < 12; call += 1) {
    (await dial()).close();
    await clock.advance(10_000);
  }
  expect(provider.requests.filter(({ callId }) => callId !== "call_1")).toEqual([]);
  guarded.stop();
});

test("a call that works ends the ladder", async () => {
  const { clock, dial, provider, guarded } = house();
  guarded.start();
  provider.conduct = { does: "refuse", fault: unreachable };
  await dial().catch(() => {});
  await clock.advance(1_200);
  expect(provider.dials).toBe(2);
  provider.conduct = { does: "serve" };
  await dial();
  provider.tells(turn);
  provider.speaks("a1");
  provider.tells({ type: "agent.ended", turnId: "a1", outcome: "complete" });
  await clock.advance(25_000);
  expect(provider.dials).toBe(3);
  guarded.stop();
});

test("one that is full or at its rate limit is not probed", async () => {
  const { clock, dial, provider, guarded } = house();
  guarded.start();
  provider.full = new Fault("provider-busy", "all lines of this machine are busy");
  await clock.advance(65_000);
  expect(provider.dials).toBe(0);
  provider.full = undefined;
  provider.conduct = { does: "refuse", fault: new Fault("provider-limited", "HTTP 429", { retryAfterMs: 100_000 }) };
  await dial().catch(() => {});
  await clock.advance(65_000);
  expect(provider.dials).toBe(1);
  guarded.stop();
});

test("openings and answers that ran out of time make the next ones wait longer", async () => {
  const { clock, dial, provider, guarded } = house();
  for (let call = 0; call < 20; call += 1) {
    const link = await dial();
    provider.tells(turn);
    provider.speaks("a1");
    link.close();
  }
  expect(guarded.view().timeouts).toEqual({ openMs: 1_000, answerMs: 1_000 });
  const abort = new AbortController();
  await dial(abort.signal);
  provider.tells(turn);
  await clock.advance(1_000);
  abort.abort(silent);
  expect(guarded.view().timeouts).toEqual({ openMs: 1_000, answerMs: 2_000 });
  provider.conduct = { does: "hang" };
  const late = new AbortController();
  const opening = dial(late.signal);
  await clock.advance(1_000);
  late.abort(silent);
  await expect(opening).rejects.toThrow("called off");
  expect(guarded.view().timeouts).toEqual({ openMs: 2_000, answerMs: 2_000 });
});

test("with nobody calling and no probes, what went wrong fades all the same, and that is told", async () => {
  const { clock, dial, provider, guarded, levels } = house({ probes: "off" });
  guarded.start();
  provider.conduct = { does: "refuse", fault: unreachable };
  await dial().catch(() => {});
  await clock.advance(335_000);
  expect(levels).toEqual(["healthy to degraded", "degraded to healthy"]);
  guarded.stop();
});

test("what can only bridge is neither probed nor ever refused", async () => {
  const { clock, dial, provider, guarded } = house({}, { stopgap: true });
  guarded.start();
  provider.conduct = { does: "refuse", fault: unreachable };
  for (let call = 0; call < 20; call += 1) await dial().catch(() => {});
  await clock.advance(120_000);
  expect(provider.dials).toBe(20);
  expect(guarded.provider.admit()).toBeUndefined();
  guarded.stop();
});

test("a refusal for a rate limit keeps everybody away for as long as it says, and no longer", async () => {
  const { clock, dial, failed, provider, guarded, told } = house();
  provider.conduct = { does: "refuse", fault: new Fault("provider-limited", "HTTP 429", { retryAfterMs: 7_000 }) };
  await failed();
  provider.conduct = { does: "serve" };
  expect(guarded.provider.admit()).toMatchObject({ code: "provider-limited", retryAfterMs: 7_000 });
  expect((await failed()).code).toBe("provider-limited");
  expect(told).toEqual(["attempted", "limited for 7000"]);
  await clock.advance(7_001);
  expect(guarded.provider.admit()).toBeUndefined();
  await dial();
  expect(provider.dials).toBe(2);
});

test("slow answers make it degraded, failing ones unhealthy, and each change is told once", async () => {
  const { clock, dial, provider, levels } = house();
  await dial();
  for (let answers = 0; answers < 12; answers += 1) {
    provider.tells(turn);
    await clock.advance(2_500);
    provider.speaks(`a${answers}`);
  }
  for (let losses = 0; losses < 2; losses += 1) {
    await dial();
    provider.tells({ type: "link.lost", fault: unreachable });
  }
  expect(levels).toEqual(["healthy to degraded", "degraded to unhealthy"]);
});

test("one that lets an opening hang is unhealthy at once, until another one opens, or for half a minute", async () => {
  for (const another of [true, false]) {
    const { clock, dial, guarded, provider, failed } = house();
    provider.conduct = { does: "refuse", fault: silent };
    await failed();
    await clock.advance(29_000);
    expect(guarded.level).toBe("unhealthy");
    provider.conduct = { does: "serve" };
    if (another) await dial();
    else await clock.advance(1_500);
    expect(guarded.level).not.toBe("unhealthy");
  }
});

test("its time-outs follow what openings and answers take", async () => {
  const { clock, dial, provider, guarded } = house();
  expect(guarded.view().timeouts).toEqual({ openMs: 5_000, answerMs: 10_000 });
  provider.conduct = { does: "serve", ms: 900 };
  for (let call = 0; call < 20; call += 1) {
    const opening = dial();
    await clock.advance(900);
    const link = await opening;
    provider.tells(turn);
    await clock.advance(1_200);
    provider.speaks("a1");
    link.close();
  }
  expect(guarded.view()).toMatchObject({
    timeouts: { openMs: 1_350, answerMs: 1_800 },
    latencyMs: { open: { p50: 900, p95: 900 }, answer: { p50: 1_200, p95: 1_200 } },
  });
});

test("an operator shuts it, opens it and leaves it to itself; shut, it is not even probed", async () => {
  const { clock, failed, provider, guarded, told } = house();
  guarded.start();
  guarded.order("open");
  expect((await failed()).message).toBe("alpha was shut by an operator");
  await clock.advance(120_000);
  expect(provider.dials).toBe(0);
  expect(guarded.view()).toMatchObject({ health: "unhealthy", breaker: { state: "open", order: "open" } });
  guarded.order("auto");
  expect(guarded.provider.admit()).toBeUndefined();
  expect(told).toEqual(["ordered open, now open", "rejected", "ordered auto, now closed"]);
  guarded.stop();
});

test("the view says what is wrong and since when, without the secret that a provider repeated", async () => {
  const { clock, failed, provider, guarded } = house();
  provider.conduct = { does: "refuse", fault: new Fault("provider-key", "HTTP 401: hunter2 is no key") };
  for (let call = 0; call < 5; call += 1) await failed();
  await clock.advance(12_000);
  const view = guarded.view();
  expect(view).toMatchObject({
    provider: "alpha",
    breaker: { state: "open", order: "auto", openForMs: 12_000, retryInMs: 48_000 },
    errorRate: 0.5,
    activeSessions: 0,
    lastFault: { code: "provider-key", message: "HTTP 401: [hidden] is no key", at: "2026-01-05T09:00:00.000Z" },
  });
  expect(JSON.stringify(view)).not.toContain("hunter2");
});

test("a provider that never finishes opening, against its contract, costs a probe no more than its limit", async () => {
  const { clock, provider, guarded } = house();
  const hanging: Conduct = { does: "hang" };
  provider.conduct = hanging;
  guarded.start();
  await clock.advance(36_000);
  expect(guarded.view()).toMatchObject({ errorRate: 0.1, lastFault: { code: "provider-silent" } });
  guarded.stop();
});
