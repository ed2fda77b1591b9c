import type { Fault } from "../kernel/fault.ts";
import type { Call } from "./call.ts";
import type { CallOutcome } from "./words.ts";

/** What the chart starts with. */
export interface SessionInput {
  /** What actions call; guards never read it. */
  readonly call: Call;
  /** Provider names, best first; never empty. */
  readonly tiers: readonly string[];
  readonly attemptLimit: number;
  readonly holdLimitMs: number;
  readonly drainLimitMs: number;
}

/** What the chart knows: plain data beside the call. */
export interface SessionContext extends SessionInput {
  readonly tier: number;
  /** Links opened on the present tier since one worked, that one included. */
  readonly attempt: number;
  readonly retryInMs: number;
  readonly toolsRunning: number;
  /** Why the last link was lost. */
  readonly fault: Fault | undefined;
  readonly outcome: CallOutcome;
}

/** What the actor of one link starts with. */
export interface LinkInput {
  readonly call: Call;
  readonly provider: string | undefined;
  readonly attempt: number;
}
