import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import type { Settings } from "../config/settings.ts";
import { LoadGate, type LoadReading } from "../guard/load.ts";
import { systemClock } from "../kernel/clock.ts";
import type { Log } from "../kernel/log.ts";
import { watchLoad } from "../watch/load.ts";
import type { Metrics } from "../watch/metrics.ts";

/** The figures contain the sampling period. */
const periodMs = 10;

/** What this process can still carry, measured. */
export function openLoadGate(settings: Settings, log: Log, metrics: Metrics): LoadGate {
  const limits = { lagMs: settings.get("LINEKEEPER_MAX_LAG_MS"), busy: settings.get("LINEKEEPER_MAX_LOAD_PERCENT") / 100 };
  return new LoadGate(limits, loadReader(), systemClock, watchLoad(log.with({ logger: "load" }), metrics));
}

function loadReader(): () => LoadReading {
  const delay = monitorEventLoopDelay({ resolution: periodMs });
  delay.enable();
  let before = performance.eventLoopUtilization();
  return () => {
    const lagMs = Math.max(0, delay.percentile(99) / 1e6 - periodMs);
    delay.reset();
    const now = performance.eventLoopUtilization();
    const busy = performance.eventLoopUtilization(now, before).utilization;
    before = now;
    return { lagMs, busy };
  };
}
