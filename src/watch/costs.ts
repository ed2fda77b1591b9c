import type { Log } from "../kernel/log.ts";
import { labelOf } from "./labels.ts";
import type { Metrics } from "./metrics.ts";

const periods = ["day", "month"] as const;

/** What is spent, and the steps of a budget that are reached: metrics, and a log line a step. */
export function watchCosts(log: Log, metrics: Metrics, options: { readonly providers: readonly string[] }) {
  return {
    spent(provider: string, usd: number): void {
      metrics.cost.inc({ provider: labelOf(provider, options.providers) }, usd);
    },
    unpriced(provider: string, model: string): void {
      log.warning("price_unknown", {
        provider,
        model,
        message: `${model} of ${provider} is in no price list: what it costs is unknown; add it to "prices" in the config file`,
      });
    },
    reached(period: "day" | "month", step: 80 | 90 | 100, usedRatio: number): void {
      log.warning("cost_budget", { period, used_ratio: Math.round(usedRatio * 10_000) / 10_000, step });
    },
    fileFailed(error: unknown): void {
      log.error("costs_not_kept", { message: "what was spent could not be read or written; a restart forgets it", err: error });
    },
    /** For a scrape: a new day begins without anything being spent. */
    show(usedRatio: (period: "day" | "month") => number | undefined): void {
      for (const period of periods) {
        const ratio = usedRatio(period);
        if (ratio !== undefined) metrics.budgetUsed.set({ period }, ratio);
      }
    },
  };
}
