import type { FaultCode } from "../kernel/fault.ts";
import type { BreakerOrder, BreakerStateName } from "./breaker.ts";
import type { HealthLevel } from "./health.ts";
import type { LimitView } from "./limits.ts";

/** Median and 95th percentile of the last five minutes, ms; undefined without samples. */
interface Percentiles {
  readonly p50: number | undefined;
  readonly p95: number | undefined;
}

/** One provider as its guards see it. Plain data of this moment. */
export interface GuardView {
  readonly provider: string;
  readonly health: HealthLevel;
  readonly breaker: {
    readonly state: BreakerStateName;
    readonly order: BreakerOrder;
    /** Both undefined while it is not open by itself. */
    readonly openForMs: number | undefined;
    readonly retryInMs: number | undefined;
  };
  readonly latencyMs: { readonly open: Percentiles; readonly answer: Percentiles };
  /** Share of openings, sessions and turns of the last five minutes that failed, 0 to 1. */
  readonly errorRate: number;
  readonly limits: readonly LimitView[];
  /** How long nothing will be asked of it because a limit is spent; 0: none is, or it lasts until a session ends. */
  readonly limitedForMs: number;
  readonly timeouts: { readonly openMs: number; readonly answerMs: number };
  /** Sessions that are open or being opened, probes included. */
  readonly activeSessions: number;
  readonly lastFault: { readonly code: FaultCode; readonly message: string; readonly at: string } | undefined;
}
