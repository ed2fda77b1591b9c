import { expect, test } from "vitest";
import { Breaker, defaultBreaker } from "../../src/guard/breaker.ts";
import { withBreaker } from "../../src/guard/with-breaker.ts";
import { Fault } from "../../src/kernel/fault.ts";
import { silentLog } from "../../src/kernel/log.ts";
import { seededRandom } from "../../src/kernel/random.ts";
import type { Link, LinkNotice, OpenRequest, Provider, ProviderTraits } from "../../src/provider/contract.ts";
import { startHouse } from "../session/house.ts";
import { SimulatedClock } from "../simulated-clock.ts";

const traits: ProviderTraits = {
  hears: ["pcm16@16000"],
  speaks: ["pcm16@16000"],
  endpointing: ["provider"],
  replayPace: Infinity,
  trailingSilenceMs: 0,
  seeding: "items",
  tools: "parallel",
  text: true,
  callerTranscript: "final",
  memoryAfterInterrupt: "cut-to-heard",
  standby: false,
  resumable: false,
  sessionLimitMs: Infinity,
  languages: "any",
  voices: "any",
  usage: [],
  stopgap: false,
  offline: true,
};

const link: Link = { hear: () => true, takeOver() {}, takeText() {}, commitTurn() {}, interrupt() {}, answerTool() {}, close() {} };

/** A guarded provider, what opening it does, and the breaker's books. */
function house(open: (request: OpenRequest) => Promise<Link> = () => Promise.resolve(link)) {
  const clock = new SimulatedClock();
  const told: string[] = [];
  const breaker = new Breaker("alpha", defaultBreaker, clock, {
    changed: ({ from, to }) => told.push(`${from} to ${to}`),
    called: (_, status) => told.push(status),
  });
  let report: (notice: LinkNotice) => void = () => {};
  const provider: Provider = {
    name: "alpha",
    traits,
    admit: () => undefined,
    close: async () => {},
    open(request) {
      report = (notice) => request.report.notice(notice);
      return open(request);
    },
  };
  const guarded = withBreaker(provider, breaker);
  const dial = (signal: AbortSignal): Promise<Link> =>
    guarded.open({
      callId: "call_1",
      agent: { name: "", instructions: "", greeting: undefined, language: "en", voice: undefined, tools: [], providerSettings: {} },
      uplink: "pcm16@16000",
      downlink: "pcm16@16000",
      endpointing: "provider",
      conversation: [],
      begin: "listen",
      resumption: undefined,
      openLimitMs: 5_000,
      report: { audio() {}, notice() {} },
      signal,
      clock,
      random: seededRandom(1),
      log: silentLog,
    });
  return { clock, told, breaker, guarded, dial, tells: (notice: LinkNotice) => report(notice) };
}

test("a session that lives five seconds is a success, a handshake is none", async () => {
  const { clock, told, dial } = house();
  await dial(new AbortController().signal);
  expect(told).toEqual(["attempted"]);
  await clock.advance(5_000);
  expect(told).toEqual(["attempted", "success"]);
});

test("a caller who hangs up, while it opens or later, says nothing of the provider and leaves no timer", async () => {
  const stalled = house(({ signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted")))));
  const abort = new AbortController();
  const opening = stalled.dial(abort.signal);
  abort.abort();
  await expect(opening).rejects.toThrow("aborted");
  expect(stalled.told).toEqual(["attempted"]);

  const { clock, told, dial } = house();
  (await dial(new AbortController().signal)).close();
  expect(clock.armed).toBe(0);
  expect(told).toEqual(["attempted"]);
});

test("a session that the call gave up for a fault counts as a failure, while it opens or later", async () => {
  const silent = new Fault("provider-silent", "no answer within 20000 ms");
  const stalled = house(({ signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted")))));
  const opening = new AbortController();
  const opened = stalled.dial(opening.signal);
  opening.abort(silent);
  await expect(opened).rejects.toThrow("aborted");
  expect(stalled.told).toEqual(["attempted", "failure"]);

  const { told, dial } = house();
  const open = new AbortController();
  const session = await dial(open.signal);
  open.abort(silent);
  session.close();
  expect(told).toEqual(["attempted", "failure"]);
});

test.each(["provider-busy", "provider-expired"] as const)("%s says nothing of how well the provider is", async (code) => {
  const full = house(async () => {
    throw new Fault(code, "not now");
  });
  for (let count = 0; count < 6; count += 1) await expect(full.dial(new AbortController().signal)).rejects.toThrow("not now");
  expect(full.breaker.state).toBe("closed");

  const { told, dial, tells } = house();
  await dial(new AbortController().signal);
  tells({ type: "link.lost", fault: new Fault(code, "not now") });
  expect(told).toEqual(["attempted"]);
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
