import type { Clock } from "../kernel/clock.ts";
import type { Log } from "../kernel/log.ts";
import { labelOf } from "./labels.ts";
import type { Metrics } from "./metrics.ts";
import { indicatorsOf } from "./objectives.ts";

type StateName = "closed" | "half_open" | "open";

/** What a circuit breaker tells when its state changes. */
export interface BreakerNews {
  readonly provider: string;
  readonly from: StateName;
  readonly to: StateName;
  /** Failures in a row that opened it, or successes in a row that closed it. */
  readonly count: number;
  /** How many it took. */
  readonly threshold: number;
  readonly openForMs: number;
  /** Let go on by good health probes before its time. */
  readonly early: boolean;
  /** Another process found out, and has told whoever is to know. */
  readonly byPeer: boolean;
}

const states: readonly StateName[] = ["closed", "half_open", "open"];
/** From the start at 0: a series that begins at 1 has had no increase in the eyes of an alert rule. */
const ways = [
  { from_state: "closed", to_state: "open" },
  { from_state: "open", to_state: "half_open" },
  { from_state: "half_open", to_state: "closed" },
  { from_state: "half_open", to_state: "open" },
] as const;

/**
 * Every change and every use of the providers' circuit breakers: metrics, and one log line a change.
 * @param providers those that have a breaker; each is shown as closed from the start
 */
export function watchBreakers(log: Log, metrics: Metrics, providers: readonly string[], clock: Clock) {
  const slo = indicatorsOf(metrics);
  const now = new Map<string, { state: StateName; sinceMs: number }>();
  const labels = (provider: string): { name: string; provider: string } => {
    const known = labelOf(provider, providers);
    return { name: `${known}_provider`, provider: known };
  };
  /** The seconds since it was counted last are those of the state that it was in. */
  const countSeconds = (provider: string): void => {
    const known = now.get(provider);
    if (known === undefined) return;
    const seconds = (clock.now() - known.sinceMs) / 1_000;
    slo.share("breaker_open", seconds, known.state === "open" ? 0 : seconds, provider);
    known.sinceMs = clock.now();
  };
  const show = (provider: string, state: StateName): void => {
    const known = labels(provider);
    countSeconds(known.provider);
    now.set(known.provider, { state, sinceMs: clock.now() });
    metrics.breakerState.set(known, states.indexOf(state));
    for (const each of states) metrics.breakerNow.set({ provider: known.provider, state: each }, each === state ? 1 : 0);
  };
  metrics.beforeScrape(() => now.forEach((_, provider) => countSeconds(provider)));
  for (const provider of providers) {
    show(provider, "closed");
    for (const way of ways) metrics.breakerChanges.inc({ ...labels(provider), ...way }, 0);
  }

  return {
    changed({ provider, from, to, count, threshold, openForMs, early, byPeer }: BreakerNews): void {
      show(provider, to);
      metrics.breakerChanges.inc({ ...labels(provider), from_state: from, to_state: to });
      if (byPeer) {
        log.info("circuit_breaker_followed", { provider, state: to });
      } else if (to === "open") {
        log.error("circuit_breaker_opened", { provider, consecutive_failures: count, threshold });
      } else if (to === "closed") {
        log.info("circuit_breaker_closed", { provider, consecutive_successes: count });
      } else {
        log.info("circuit_breaker_half_open", { provider, open_for: openForMs / 1_000, early_probe: early });
      }
    },
    /** An operator shut it, forced it closed, or left it to itself again. */
    ordered(provider: string, order: "auto" | "open" | "closed", state: StateName): void {
      show(provider, state);
      log.warning("circuit_breaker_ordered", { provider, order, state });
    },
    called(provider: string, status: "attempted" | "success" | "failure" | "rejected", durationMs: number): void {
      metrics.breakerCalls.inc({ ...labels(provider), status });
      // Nothing has lasted yet when a call is let through or turned away.
      if (status !== "success" && status !== "failure") return;
      metrics.breakerSeconds.observe({ ...labels(provider), status }, durationMs / 1_000);
      slo.event("connect_success", status === "success");
    },
  };
}
