import { expect, test } from "vitest";
import { Guards } from "../../src/guard/guards.ts";
import type { GuardPeers, PeerNews } from "../../src/guard/peers.ts";
import { Fault } from "../../src/kernel/fault.ts";
import { SimulatedClock } from "../simulated-clock.ts";
import { partsOn, usualGuards } from "./alone.ts";
import { plain, requestOn, ScriptedProvider, unreachable } from "./wire.ts";

/** Carries news between processes as a wire would: as text, to all but the one that told. */
class Wire {
  readonly carried: PeerNews[] = [];
  readonly #listeners = new Set<(news: PeerNews) => void>();

  join(): GuardPeers {
    const joined = new Set<(news: PeerNews) => void>();
    return {
      publish: (news) => {
        const text = JSON.stringify(news);
        this.carried.push(news);
        // What was just made of such news.
        for (const listener of this.#listeners) if (!joined.has(listener)) listener(JSON.parse(text) as PeerNews);
      },
      follow: (listener) => {
        joined.add(listener);
        this.#listeners.add(listener);
        return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
      },
    };
  }
}

/** One process with one provider; the outage is everybody's. */
function process(clock: SimulatedClock, wire: Wire) {
  const provider = new ScriptedProvider(clock);
  const followed: string[] = [];
  const parts = partsOn(clock, { changed: ({ from, to, byPeer }) => void (byPeer && followed.push(`${from} to ${to}`)) });
  const guards = new Guards([plain(provider)], () => ({ ...usualGuards, probes: "off" }), parts);
  const joined = guards.join(wire.join());
  const guarded = guards.providers.get("alpha") ?? plain(provider);
  const dial = (): Promise<"live" | string> =>
    guarded.open(requestOn(clock, new AbortController().signal)).then(
      () => "live",
      (error: unknown) => (error instanceof Fault ? error.code : String(error)),
    );
  const refusedFor = (): number => Math.round((guarded.admit()?.retryAfterMs ?? 0) / 1_000);
  return { provider, guards, joined, dial, refusedFor, followed, state: () => guards.views()[0]?.breaker.state };
}

function house() {
  const clock = new SimulatedClock();
  const wire = new Wire();
  const [one, two] = [process(clock, wire), process(clock, wire)];
  const outage = async (): Promise<void> => {
    one.provider.conduct = two.provider.conduct = { does: "refuse", fault: unreachable };
    for (let call = 0; call < 5; call += 1) await one.dial();
  };
  const recovery = (): void => {
    one.provider.conduct = two.provider.conduct = { does: "serve" };
  };
  return { clock, wire, one, two, outage, recovery };
}

test("an outage that one process found out costs the other nothing, and is over for both at the same time", async () => {
  const { clock, one, two, outage } = house();
  await outage();
  expect(await two.dial()).toBe("provider-shut");
  expect(two.provider.dials).toBe(0);
  await clock.advance(20_000);
  expect([one.refusedFor(), two.refusedFor()]).toEqual([40, 40]);
});

test("what was taken on from another process is not published again", async () => {
  const { wire, two, outage } = house();
  await outage();
  expect(two.followed).toEqual(["closed to open"]);
  expect(wire.carried).toMatchObject([{ provider: "alpha", kind: "breaker", report: { state: "open", trips: 1 } }]);
});

test("while one process tries the provider the other waits, and goes on with it once that worked", async () => {
  const { clock, one, two, outage, recovery } = house();
  await outage();
  recovery();
  await clock.advance(60_000);
  expect(await one.dial()).toBe("live");
  expect(await two.dial()).toBe("provider-shut");
  expect(await one.dial()).toBe("live");
  await clock.advance(5_000);
  expect([one.state(), two.state()]).toEqual(["closed", "closed"]);
  expect(await two.dial()).toBe("live");
});

test("a process that fell silent while it tried is waited for 15 seconds, no longer", async () => {
  const { clock, one, two, outage, recovery } = house();
  await outage();
  recovery();
  await clock.advance(60_000);
  await one.dial();
  one.joined[Symbol.dispose]();
  await clock.advance(14_900);
  expect(await two.dial()).toBe("provider-shut");
  await clock.advance(200);
  expect(await two.dial()).toBe("live");
});

test("a trial that failed shuts it for both, for twice as long, whichever tries next", async () => {
  const { clock, one, two, outage } = house();
  await outage();
  await clock.advance(60_000);
  await one.dial();
  expect([one.refusedFor(), two.refusedFor()]).toEqual([120, 120]);
  await clock.advance(120_000);
  await two.dial();
  expect([one.refusedFor(), two.refusedFor()]).toEqual([240, 240]);
});

test("a provider that kept one process waiting is tried last by the other too, for half a minute", async () => {
  const { clock, one, two } = house();
  one.provider.conduct = { does: "refuse", fault: new Fault("provider-silent", "opening alpha: no session within 5000 ms") };
  await one.dial();
  expect([one.guards.levelOf("alpha"), two.guards.levelOf("alpha")]).toEqual(["unhealthy", "unhealthy"]);
  await clock.advance(31_000);
  expect(two.guards.levelOf("alpha")).not.toBe("unhealthy");
});

test("an operator's order holds on both, until it is taken back on either", () => {
  const { one, two, wire } = house();
  one.guards.order("alpha", "open");
  expect(two.state()).toBe("open");
  two.guards.order("alpha", "auto");
  expect(one.state()).toBe("closed");
  expect(wire.carried).toHaveLength(2);
});

test("news that come late, twice or of a provider that is not known here do no harm", async () => {
  const { clock, wire, one, two, outage } = house();
  await outage();
  const peers = wire.join();
  for (const news of [...wire.carried]) peers.publish(news);
  peers.publish({ provider: "omega", kind: "stalled" });
  expect([one.refusedFor(), two.refusedFor()]).toEqual([60, 60]);
  const opened = wire.carried[0];
  await clock.advance(61_000);
  const three = process(clock, wire);
  if (opened !== undefined) peers.publish(opened);
  expect(three.state()).toBe("closed");
});

test("a wall clock that is wrong shuts nothing for longer than a breaker may", async () => {
  const { clock, wire, two } = house();
  const peers = wire.join();
  const untilMs = clock.wallNow() + 86_400_000;
  peers.publish({ provider: "alpha", kind: "breaker", report: { state: "open", untilMs, trips: 1 } });
  expect(two.refusedFor()).toBe(300);
});

test("who has left neither hears nor tells", async () => {
  const { one, two, wire, outage } = house();
  two.joined[Symbol.dispose]();
  one.joined[Symbol.dispose]();
  await outage();
  expect(wire.carried).toEqual([]);
  expect(two.state()).toBe("closed");
});
