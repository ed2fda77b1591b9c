import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Gauge } from "prom-client";

/** How often the loop is looked at. To wake up each millisecond would cost more than all other metrics together. */
const periodMs = 10;

interface LagGauges {
  readonly p50: Gauge;
  readonly p90: Gauge;
  readonly p99: Gauge;
  readonly max: Gauge;
}

/** Measures how late this process' event loop comes to its work. @returns what sets the gauges, to what was since it was last called */
export function watchEventLoop({ p50, p90, p99, max }: LagGauges): () => void {
  const delay = monitorEventLoopDelay({ resolution: periodMs });
  delay.enable();
  // What is measured is the time between two looks.
  const seconds = (betweenNs: number): number => Math.max(0, betweenNs / 1e9 - periodMs / 1e3);
  return () => {
    p50.set(seconds(delay.percentile(50)));
    p90.set(seconds(delay.percentile(90)));
    p99.set(seconds(delay.percentile(99)));
    max.set(seconds(delay.max));
    delay.reset();
  };
}
