// Blind transfer: RFC 3515, as far as the side that sends it is concerned.
import type { Clock, Timer } from "../../kernel/clock.ts";
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

/** Waits for the verdict on one transfer, and tells it once. */
export class PendingTransfer {
  readonly #clock: Clock;
  readonly #tell: (failure: string | undefined) => void;
  readonly #limit: Timer;
  #isOver = false;

  /** @param tell `failure` undefined: the caller was taken over */
  constructor(clock: Clock, tell: (failure: string | undefined) => void) {
    this.#clock = clock;
    this.#tell = tell;
    this.#limit = clock.setTimeout(() => this.end(`no verdict on the transfer within ${verdictLimitMs / 1000} s`), verdictLimitMs);
  }

  /** The answer to REFER itself. */
  answered({ status, reason }: SipResponse): void {
    if (status >= 300) this.end(`the transfer was refused: ${status} ${reason}`);
  }

  /** A NOTIFY of its subscription. False: it tells nothing that we can read. */
  notified({ headers, body }: SipRequest): boolean {
    const status = Number(/^SIP\/2\.0 (\d{3})/.exec(body.toString("latin1"))?.[1]);
    const isOver = /^terminated/i.test(headers.get("Subscription-State") ?? "");
    if (status >= 200) this.end(status < 300 ? undefined : `the target of the transfer answered ${status}`);
    else if (isOver) this.end("the transfer ended without a verdict");
    return Number.isInteger(status);
  }

  end(failure: string | undefined): void {
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
