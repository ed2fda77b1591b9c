import type { Log } from "../kernel/log.ts";
import type { CallEvent, SessionWatch } from "../session/words.ts";
import { callLog, type CallLogOptions } from "./call-log.ts";
import { callMetrics, type CallMetricsOptions } from "./call-metrics.ts";
import type { Metrics } from "./metrics.ts";

export interface CallWatchOptions extends CallMetricsOptions, CallLogOptions {
  /** Others who want to know, such as records, traces and costs; told first, in this order. */
  readonly others?: readonly SessionWatch[];
}

/** Every event of every call: its metrics, its log line, and whoever else wants to know. One that breaks keeps no other from knowing. */
export function watchCalls(log: Log, metrics: Metrics, options: CallWatchOptions): SessionWatch {
  const watches = [...(options.others ?? []), callMetrics(metrics, options), callLog(log, options)];
  return {
    tell(event: CallEvent): void {
      for (const watch of watches) {
        try {
          watch.tell(event);
        } catch (error) {
          // A call must not end because somebody who looks on has a defect.
          log.error("watch_failed", { callId: event.callId, type: event.type, err: error });
        }
      }
    },
  };
}
