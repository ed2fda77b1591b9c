import type { Knock } from "./dialect.ts";
import type { CallerNotice, CallStart, LegEnd } from "./leg.ts";

/** Whoever stands between the caller and a dialect's socket: proves who it is, and does beside the socket what the wire has no words for. */
export interface Carrier {
  readonly dialect: string;
  /**
   * Asked before the upgrade. `local`: the peer is on this machine and speaks for nobody else.
   * @throws {Fault} caller-refused
   */
  mayConnect(knock: Knock, local: boolean): void;
  /**
   * Asked once with the start. What the caller need not know any further is taken out of the start, what is known of the call from
   * elsewhere is put in.
   * @throws {Fault} caller-refused
   */
  admit(start: CallStart, knock: Knock): Admitted;
}

export interface Admitted {
  readonly start: CallStart;
  readonly line: CarrierLine;
}

/** One leg, as its carrier sees it beside the socket: by REST, or in answer to webhooks. It never throws. */
export interface CarrierLine {
  /** Everything that a caller with a screen would see; the resume token above all. */
  notice(notice: CallerNotice): void;
  /**
   * Taken or briefed: the carrier sends the caller on; the shell closes the socket, waits for what `report` tells, and gives up after
   * 2 min. Briefed: whoever answers hears `briefing` before they are put through. Left: the wire has words for it.
   */
  transfer(target: string, report: (outcome: TransferOutcome) => void, briefing: string): "left" | "taken" | "briefed";
  /** We ended the leg: now is the time to hang up where a closed socket does not. */
  ended(end: LegEnd): void;
}

export type TransferOutcome =
  | { readonly type: "transferred" }
  | { readonly type: "transfer-failed"; readonly why: string }
  /** The caller did not wait. */
  | { readonly type: "hung-up" };

/** A wire that can say all that is ever said. */
export const plainLine: CarrierLine = { notice: () => {}, transfer: () => "left", ended: () => {} };
