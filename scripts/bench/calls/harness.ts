// Whether the harness itself kept time.
import { performance } from "node:perf_hooks";
import { quantile } from "./books.ts";
import type { Pulse } from "./pulse.ts";

export interface HarnessFigures {
  /** Of its core. */
  readonly busyShare: number;
  /** By how much it sent its frames late. */
  readonly lateP99Ms: number;
}

/** Above this share of its own core, or later than this, the harness would measure itself. */
export const busiestHarness = 0.92;
export const latestHarnessMs = 10;

export const tooBusy = ({ busyShare, lateP99Ms }: HarnessFigures): boolean => busyShare > busiestHarness || lateP99Ms > latestHarnessMs;

export function watchHarness(pulse: Pulse): () => HarnessFigures {
  const before = performance.eventLoopUtilization();
  pulse.lateness = [];
  return () => ({
    busyShare: performance.eventLoopUtilization(before).utilization,
    lateP99Ms: quantile(Float64Array.from(pulse.lateness).sort(), 0.99),
  });
}
