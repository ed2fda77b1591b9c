import type { Fault } from "../kernel/fault.ts";
import type { MoveCause } from "./board.ts";
import type { Call } from "./call.ts";
import type { Manners } from "./manners.ts";
import type { CallOutcome, EndReason } from "./words.ts";

/** What the chart starts with. */
export interface SessionInput {
  /** What actions call; guards never read it. */
  readonly call: Call;
  readonly attemptLimit: number;
  readonly holdLimitMs: number;
  readonly drainLimitMs: number;
  readonly manners: Manners;
  /** We called them. */
  readonly isPlaced: boolean;
  /** Taken up where another node left it: nobody is there yet. */
  readonly isRestored: boolean;
}

/** A move to another link while the present one still works. */
export interface Move {
  readonly to: string;
  readonly cause: MoveCause;
  /** It is made by then, also in the middle of a turn; one to a better tier only where nothing is lost by it. */
  readonly withinMs: number;
}

/** What the chart knows: plain data beside the call. */
export interface SessionContext extends SessionInput {
  /** Dials in a row of the provider that was tried last. */
  readonly attempt: number;
  readonly retryInMs: number;
  readonly move: Move | undefined;
  /** The time within which it was to be made is over. */
  readonly moveIsDue: boolean;
  /** Where the caller is sent on to. */
  readonly target: { readonly to: string; readonly briefing: string };
  readonly toolsRunning: number;
  /** Why the last link was lost. */
  readonly fault: Fault | undefined;
  readonly outcome: CallOutcome;
  /** What ended the call, where its outcome does not say it. */
  readonly reason: EndReason | undefined;
  /** How often in a row the caller was asked whether they are there. */
  readonly reprompted: number;
}
