import type { Log } from "../kernel/log.ts";
import type { Metrics } from "./metrics.ts";

interface Reading {
  readonly lagMs: number;
  readonly busy: number;
}

/** When this process begins to refuse calls because of its load, and when it takes them again: a metric, and a line each. */
export function watchLoad(log: Log, metrics: Metrics) {
  metrics.overloaded.set(0);
  const fields = ({ lagMs, busy }: Reading): object => ({ lag_ms: Math.round(lagMs), load: Math.round(busy * 100) / 100 });
  return {
    began(reading: Reading): void {
      metrics.overloaded.set(1);
      log.warning("overload_began", { ...fields(reading), message: "no new call is taken until the load falls; calls in progress go on" });
    },
    ended(reading: Reading): void {
      metrics.overloaded.set(0);
      log.info("overload_ended", { ...fields(reading) });
    },
  };
}
