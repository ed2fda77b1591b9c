import type { Log } from "../kernel/log.ts";
import { labelOf } from "./labels.ts";
import type { Metrics } from "./metrics.ts";

type Level = "unhealthy" | "degraded" | "healthy";

/** What changed of how well a provider does. */
export interface HealthNews {
  readonly provider: string;
  readonly from: Level;
  readonly to: Level;
  /** Undefined when nothing was timed lately. */
  readonly latencyMs: number | undefined;
  /** 0 to 1. */
  readonly errorRate: number;
}

/** By the figure that stands for each. */
const levels: readonly Level[] = ["unhealthy", "degraded", "healthy"];

/**
 * How well the providers do, how long they are waited for, and their rate limits: metrics, and one log line a change.
 * @param wallNow Unix time, ms
 */
export function watchHealth(log: Log, metrics: Metrics, providers: readonly string[], wallNow: () => number) {
  const named = (provider: string): string => labelOf(provider, providers);
  for (const provider of providers) metrics.health.set({ provider }, levels.indexOf("healthy"));

  return {
    healthChanged({ provider, from, to, latencyMs, errorRate }: HealthNews): void {
      metrics.health.set({ provider: named(provider) }, levels.indexOf(to));
      const latency = latencyMs === undefined ? undefined : Math.round(latencyMs) / 1_000;
      log.warning("health_changed", { provider, from, to, latency, error_rate: Math.round(errorRate * 1_000) / 1_000 });
    },
    paced(provider: string, answerLimitMs: number): void {
      metrics.timeout.set({ provider: named(provider) }, answerLimitMs / 1_000);
    },
    /** `waitMs` 0: until a session ends. */
    limited(provider: string, waitMs: number): void {
      log.warning("rate_limit_hit", { provider, reset_time: waitMs === 0 ? undefined : new Date(wallNow() + waitMs).toISOString() });
    },
  };
}
