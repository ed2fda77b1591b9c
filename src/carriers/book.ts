import type { CarrierLine, TransferOutcome } from "../caller/carrier.ts";
import type { LegEnd } from "../caller/leg.ts";
import type { Clock } from "../kernel/clock.ts";

/** Where a telephone call stands between its carrier and us. */
type PhoneState =
  /** A stream is open, or was asked for, or broke off. */
  | { readonly name: "streaming" }
  | { readonly name: "sent-on"; readonly target: string; readonly briefing: string; readonly report: (outcome: TransferOutcome) => void }
  /** We ended it. */
  | { readonly name: "ended"; readonly end: LegEnd };

/** One telephone call, by its carrier's id of it. */
export interface PhoneCall {
  readonly callSid: string;
  state: PhoneState;
  /** How its call is found again when it comes back on another stream; the call's id stands in until the first stream tells. */
  resume: string;
  /** Our id of the call, once it has one. */
  callId: string | undefined;
  /** When it was led back to us, ms on the clock. */
  readonly returns: number[];
  seenMs: number;
}

/** Calls that nothing was heard of for so long are over. */
const forgottenAfterMs = 6 * 3_600_000;
const limit = 20_000;

/** What this node knows of the telephone calls that go through it. A node that does not know a call treats it as one that broke off. */
export class Book {
  readonly #clock: Clock;
  /** The one seen longest ago first. */
  readonly #calls = new Map<string, PhoneCall>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#calls.size;
  }

  find(callSid: string): PhoneCall | undefined {
    return this.#calls.get(callSid);
  }

  /** The call, new or known, as seen just now. */
  at(callSid: string): PhoneCall {
    const seenMs = this.#clock.now();
    const call = this.#calls.get(callSid) ?? {
      callSid,
      state: { name: "streaming" },
      resume: callSid,
      callId: undefined,
      returns: [],
      seenMs,
    };
    call.seenMs = seenMs;
    this.#calls.delete(callSid);
    this.#forget(seenMs);
    this.#calls.set(callSid, call);
    return call;
  }

  /**
   * What a leg says beside its socket is written down here, for when the carrier asks.
   * @param briefs whether whoever the caller is sent on to hears a briefing
   */
  lineOf(callSid: string, briefs: boolean): CarrierLine {
    return {
      notice: (notice) => {
        if (notice.type !== "started") return;
        const call = this.at(callSid);
        call.resume = notice.resumeToken;
        call.callId = notice.callId;
      },
      transfer: (target, report, briefing) => {
        this.at(callSid).state = { name: "sent-on", target, briefing, report };
        return briefs ? "briefed" : "taken";
      },
      ended: (end) => {
        const call = this.at(callSid);
        // Who is being sent on is no longer ours to hang up on.
        if (call.state.name === "streaming") call.state = { name: "ended", end };
      },
    };
  }

  remove(callSid: string): void {
    this.#calls.delete(callSid);
  }

  #forget(nowMs: number): void {
    for (const [callSid, { seenMs }] of this.#calls) {
      if (nowMs - seenMs < forgottenAfterMs && this.#calls.size < limit) return;
      this.#calls.delete(callSid);
    }
  }
}
