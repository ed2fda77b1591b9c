import fc from "fast-check";
import { expect, test } from "vitest";
import { noLimits } from "../../src/guard/limits.ts";
import { Fault } from "../../src/kernel/fault.ts";
import type { Link } from "../../src/provider/contract.ts";
import { SimulatedClock } from "../simulated-clock.ts";
import { guardedAlone } from "./alone.ts";
import { plain, requestOn, ScriptedProvider, unreachable, type Conduct } from "./wire.ts";

const conduct: fc.Arbitrary<Conduct> = fc.oneof(
  fc.record({ does: fc.constant("serve" as const), ms: fc.nat(900) }),
  fc.record({ does: fc.constant("drop" as const), ms: fc.constantFrom(0, 200, 2_000, 4_000) }),
  fc.constant({ does: "refuse" as const, fault: unreachable }),
  fc.constant({ does: "refuse" as const, fault: new Fault("provider-limited", "HTTP 429", { retryAfterMs: 3_000 }) }),
  fc.constant({ does: "hang" as const }),
);
const step = fc.oneof(
  fc.record({ what: fc.constant("provider" as const), conduct }),
  fc.record({ what: fc.constant("call" as const), answered: fc.boolean() }),
  fc.record({ what: fc.constant("hangUp" as const) }),
  fc.record({ what: fc.constant("wait" as const), ms: fc.nat(20_000) }),
);
const edges = new Set(["closed to open", "open to half_open", "half_open to closed", "half_open to open"]);

/** A call as the session holds it: gives an opening five seconds and an answer ten. */
async function call(clock: SimulatedClock, open: (signal: AbortSignal) => Promise<Link>): Promise<() => void> {
  const abort = new AbortController();
  const silent = (): void => abort.abort(new Fault("provider-silent", "no session in time"));
  const limit = clock.setTimeout(silent, 5_000);
  const opened = open(abort.signal).catch(() => undefined);
  void opened.then(() => clock.clearTimeout(limit));
  return () => {
    clock.clearTimeout(limit);
    abort.abort();
    void opened.then((link) => link?.close());
  };
}

test("whatever a provider and its callers do: only lawful changes, no dial past a shut breaker but a probe's, nothing left open, and half a minute after the faults stop it is back", async () => {
  const reached = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 120, size: "max" }), async (steps) => {
      const clock = new SimulatedClock();
      const provider = new ScriptedProvider(clock);
      const changes: string[] = [];
      const guarded = guardedAlone(plain(provider), {
        clock,
        settings: { limits: noLimits },
        watch: { changed: ({ from, to }) => void changes.push(`${from} to ${to}`) },
      });
      guarded.start();
      const calls: (() => void)[] = [];
      for (const each of steps) {
        const before = { dials: provider.dials, isShut: guarded.provider.admit() !== undefined };
        if (each.what === "provider") provider.conduct = each.conduct;
        else if (each.what === "wait") await clock.advance(each.ms);
        else if (each.what === "hangUp") calls.shift()?.();
        else {
          calls.push(await call(clock, (signal) => guarded.provider.open(requestOn(clock, signal))));
          await clock.advance(0);
          if (before.isShut) expect(provider.dials).toBe(before.dials);
          else if (each.answered) {
            provider.tells({ type: "caller.finished", turnId: "c1", uplinkMs: 100 });
            provider.speaks("a1");
            provider.tells({ type: "agent.ended", turnId: "a1", outcome: "complete" });
          }
        }
      }
      for (const hangUp of calls) hangUp();
      provider.conduct = { does: "serve", ms: 200 };
      await clock.advance(30_000);
      expect(guarded.view()).toMatchObject({ breaker: { state: "closed" }, limitedForMs: 0 });
      guarded.stop();
      // An opening that was called off takes its time to notice.
      await clock.advance(1_000);
      expect([provider.sessions, guarded.view().activeSessions, clock.armed]).toEqual([0, 0, 0]);
      for (const change of changes) {
        expect(edges).toContain(change);
        reached.add(change);
      }
    }),
    { numRuns: Number(process.env["LINEKEEPER_SEEDS"] ?? 300) },
  );
  expect(reached).toEqual(edges);
});
