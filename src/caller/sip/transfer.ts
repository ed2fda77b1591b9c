// How a caller is sent on: RFC 3515, blind; RFC 3891 and RFC 5589, to a person who has been told.
import type { Clock, Timer } from "../../kernel/clock.ts";
import type { LegSignal } from "../leg.ts";
import type { Consult, ConsultEar, ConsultOrder } from "./call-parts.ts";
import type { Headers } from "./message/headers.ts";
import type { SipRequest, SipResponse } from "./message/message.ts";
import { parseUri } from "./message/uri.ts";

/** Whoever was asked has this long to say how it went, ms. */
const verdictLimitMs = 30_000;

/** The URI to name in Refer-To: a SIP URI as it is, a telephone number at the host of the one who is sent on. Undefined: neither. */
export function referTarget(target: string, remoteTarget: string): string | undefined {
  if (/^sips?:/i.test(target)) return parseUri(target) === undefined ? undefined : target;
  const number = /^(?:tel:)?(\+?[0-9*#]{1,32})$/i.exec(target.replace(/[ ().-]/g, ""))?.[1];
  const host = /@([^;>]+)/.exec(remoteTarget)?.[1] ?? /^sips?:([^;>]+)/i.exec(remoteTarget)?.[1];
  return number === undefined || host === undefined ? undefined : `sip:${number.replaceAll("#", "%23")}@${host}`;
}

export interface TransferParts {
  readonly clock: Clock;
  /** The other side of the call, as the dialog has it now. */
  readonly remoteTarget: () => string;
  /** Sends a REFER in the dialog. */
  refer(dress: (headers: Headers) => void, ear: { response(response: SipResponse): void; timedOut(): void }): void;
  /** Calls somebody to tell them something; undefined: this house cannot speak. */
  readonly consult: ((order: ConsultOrder, ear: ConsultEar) => Consult) | undefined;
  signal(signal: LegSignal): void;
  /** The caller was taken over. */
  transferred(): void;
}

type State =
  | { readonly name: "none" }
  | { readonly name: "consulting"; readonly consult: Consult }
  /** `consult`: the person in whose call the caller takes our place, `uri`: where the caller is sent without that. */
  | { readonly name: "referring"; readonly pending: PendingTransfer; readonly consult: Consult | undefined };

/** Where one call is sent on to. A person who shall be told something first is called, told, and the caller put in our place there. */
export class Transfers {
  readonly #parts: TransferParts;
  #state: State = { name: "none" };

  constructor(parts: TransferParts) {
    this.#parts = parts;
  }

  get isUnderWay(): boolean {
    return this.#state.name !== "none";
  }

  /** The caller has been asked to go: one who leaves now may have gone there. */
  get isReferring(): boolean {
    return this.#state.name === "referring";
  }

  /** Ends with `transferred`, or with a signal of why not. */
  begin(target: string, text: string, language: string | undefined): void {
    const { consult, remoteTarget } = this.#parts;
    const uri = referTarget(target, remoteTarget());
    if (uri === undefined) return this.#failed(`${target} is neither a number nor a SIP URI`);
    if (this.isUnderWay) return this.#failed("another transfer is under way");
    const inWriting = (): void => this.#parts.signal({ type: "unbriefed", target, briefing: text });
    if (text === "") return this.#refer(uri, undefined);
    if (consult === undefined) return (inWriting(), this.#refer(uri, undefined));
    const consulting = consult(
      { target, uri, text, language },
      {
        told: () => this.#putThrough(uri, consulting),
        failed: (why, isFinal) => {
          if (this.#state.name !== "consulting") return;
          this.#state = { name: "none" };
          if (isFinal) return this.#failed(why);
          inWriting();
          this.#refer(uri, undefined);
        },
      },
    );
    this.#state = { name: "consulting", consult: consulting };
  }

  /** A NOTIFY of a subscription that a REFER of ours made. False: there is none. */
  notified(request: SipRequest): boolean {
    if (this.#state.name !== "referring") return false;
    this.#state.pending.notified(request);
    return true;
  }

  /** The call is over. */
  abandon(): void {
    const state = this.#state;
    this.#state = { name: "none" };
    if (state.name === "referring") state.pending.abandon();
    if (state.name !== "none") state.consult?.end();
  }

  /** Where the person's telephone cannot take another in our place, it rings once more. */
  #putThrough(uri: string, consult: Consult): void {
    if (this.#state.name !== "consulting") return;
    const { place } = consult;
    if (place !== undefined) return this.#refer(place, consult, uri);
    consult.end();
    this.#refer(uri, undefined);
  }

  /** @param otherwise where the caller is sent when this cannot be had */
  #refer(uri: string, consult: Consult | undefined, otherwise?: string): void {
    const pending = new PendingTransfer(this.#parts.clock, (failure) => {
      this.#state = { name: "none" };
      consult?.end();
      if (failure === undefined) this.#parts.transferred();
      else if (otherwise === undefined || !failure.isOfTarget) this.#failed(failure.why);
      else this.#refer(otherwise, undefined);
    });
    this.#state = { name: "referring", pending, consult };
    this.#parts.refer((headers) => headers.add("Refer-To", `<${uri}>`), {
      response: (response) => response.status >= 200 && pending.answered(response),
      timedOut: () => pending.end({ why: "the transfer was not answered", isOfTarget: false }),
    });
  }

  #failed(why: string): void {
    this.#parts.signal({ type: "transfer-failed", why });
  }
}

/** `isOfTarget`: the caller tried, and whoever they were sent to did not take them. */
interface Failure {
  readonly why: string;
  readonly isOfTarget: boolean;
}

/** Waits for the verdict on one REFER, and tells it once. */
export class PendingTransfer {
  readonly #clock: Clock;
  readonly #tell: (failure: Failure | undefined) => void;
  readonly #limit: Timer;
  #isOver = false;

  /** @param tell `failure` undefined: the caller was taken over */
  constructor(clock: Clock, tell: (failure: Failure | undefined) => void) {
    this.#clock = clock;
    this.#tell = tell;
    const why = `no verdict on the transfer within ${verdictLimitMs / 1000} s`;
    this.#limit = clock.setTimeout(() => this.end({ why, isOfTarget: false }), verdictLimitMs);
  }

  /** The answer to REFER itself. */
  answered({ status, reason }: SipResponse): void {
    if (status >= 300) this.end({ why: `the transfer was refused: ${status} ${reason}`, isOfTarget: false });
  }

  /** A NOTIFY of its subscription. False: it tells nothing that we can read. */
  notified({ headers, body }: SipRequest): boolean {
    const status = Number(/^SIP\/2\.0 (\d{3})/.exec(body.toString("latin1"))?.[1]);
    const isOver = /^terminated/i.test(headers.get("Subscription-State") ?? "");
    if (status >= 200) this.end(status < 300 ? undefined : { why: `the target of the transfer answered ${status}`, isOfTarget: true });
    else if (isOver) this.end({ why: "the transfer ended without a verdict", isOfTarget: true });
    return Number.isInteger(status);
  }

  end(failure: Failure | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#clock.clearTimeout(this.#limit);
    this.#tell(failure);
  }

  /** The call is over for another reason: nobody is told any more. */
  abandon(): void {
    this.#isOver = true;
    this.#clock.clearTimeout(this.#limit);
  }
}
