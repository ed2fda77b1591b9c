// The four transaction machines of RFC 3261 section 17, with the accepted states of RFC 6026.
import type { Clock, Timer } from "../../kernel/clock.ts";
import type { SipRequest, SipResponse } from "./message/message.ts";
import { tagOf } from "./message/respond.ts";

/** RFC 3261 table 4, ms. */
export const t1Ms = 500;
export const t2Ms = 4_000;
const t4Ms = 5_000;
export const transactionLimitMs = 64 * t1Ms;

/** What a transaction needs of the world. */
export interface TransactionParts {
  readonly clock: Clock;
  /** TCP and TLS: nothing is sent twice, and nothing lingers for what cannot come twice. */
  readonly reliable: boolean;
  /** The transaction has ended; nothing of it is left. */
  over(): void;
}

/** A timer that can be set anew; at most one runs. */
class Alarm {
  readonly #clock: Clock;
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  set(delayMs: number, run: () => void): void {
    this.stop();
    this.#timer = this.#clock.setTimeout(run, delayMs);
  }

  stop(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

/** Sends something again and again, at growing distances, until stopped. */
class Repeater {
  readonly #alarm: Alarm;

  constructor(clock: Clock) {
    this.#alarm = new Alarm(clock);
  }

  start(send: () => void, everyMs: number, longestMs: number): void {
    this.#alarm.set(everyMs, () => {
      send();
      this.start(send, Math.min(2 * everyMs, longestMs), longestMs);
    });
  }

  stop(): void {
    this.#alarm.stop();
  }
}

/** Our side of a request that came: repeats of it get the answer again, and the answer is said until it was heard. */
export class ServerTransaction {
  readonly request: SipRequest;
  readonly #parts: TransactionParts;
  readonly #send: (response: SipResponse) => void;
  readonly #repeater: Repeater;
  readonly #end: Alarm;
  #last: SipResponse | undefined;
  #state: "proceeding" | "accepted" | "completed" | "confirmed" | "over" = "proceeding";

  constructor(request: SipRequest, parts: TransactionParts, send: (response: SipResponse) => void) {
    this.request = request;
    this.#parts = parts;
    this.#send = send;
    this.#repeater = new Repeater(parts.clock);
    this.#end = new Alarm(parts.clock);
  }

  /** A final answer was given. */
  get answered(): boolean {
    return this.#state !== "proceeding";
  }

  /** The tag that our answers gave to To, if one did. */
  get localTag(): string | undefined {
    return tagOf(this.#last?.headers.get("To"));
  }

  /** An INVITE that was accepted: its ACK belongs to the dialog, not here. */
  get succeeded(): boolean {
    return this.#state === "accepted";
  }

  /** Provisional answers any number of times, then one final answer; more are ignored. */
  respond(response: SipResponse): void {
    if (this.#state !== "proceeding") return;
    this.#last = response;
    this.#send(response);
    if (response.status < 200) return;
    const isInvite = this.request.method === "INVITE";
    if (isInvite && response.status < 300) {
      // RFC 6026: repeats of the INVITE are swallowed here; the 2xx is repeated by whoever holds the dialog.
      this.#state = "accepted";
      this.#end.set(transactionLimitMs, () => this.#finish());
      return;
    }
    this.#state = "completed";
    if (isInvite && !this.#parts.reliable) this.#repeater.start(() => this.#send(response), t1Ms, t2Ms);
    if (isInvite || !this.#parts.reliable) this.#end.set(transactionLimitMs, () => this.#finish());
    else this.#finish();
  }

  /** Says the success once more: the dialog's side of an accepted INVITE. */
  repeat(ok: SipResponse): void {
    this.#send(ok);
  }

  /** The request came once more. */
  repeated(): void {
    if (this.#last !== undefined && (this.#state === "proceeding" || this.#state === "completed")) this.#send(this.#last);
  }

  /** The ACK of a final answer that was no success. */
  acknowledged(): void {
    if (this.#state !== "completed" || this.request.method !== "INVITE") return;
    this.#state = "confirmed";
    this.#repeater.stop();
    if (this.#parts.reliable) this.#finish();
    else this.#end.set(t4Ms, () => this.#finish());
  }

  /** Forgets everything at once: the house closes. */
  abandon(): void {
    if (this.#state !== "over") this.#finish();
  }

  #finish(): void {
    this.#state = "over";
    this.#repeater.stop();
    this.#end.stop();
    this.#parts.over();
  }
}

export interface ClientEar {
  /** Provisional and final answers; of an INVITE every 2xx, also repeats and those of other branches. */
  response(response: SipResponse): void;
  /** No final answer within the limit, or it could not be sent: 408 as far as the caller is concerned. */
  timedOut(): void;
}

/** Our side of a request that we sent. */
export class ClientTransaction {
  readonly request: SipRequest;
  readonly #parts: TransactionParts;
  readonly #send: (request: SipRequest) => void;
  readonly #acknowledge: (response: SipResponse) => void;
  readonly #ear: ClientEar;
  readonly #repeater: Repeater;
  readonly #end: Alarm;
  #state: "calling" | "proceeding" | "accepted" | "completed" | "over" = "calling";

  /** @param acknowledge sends the ACK of an answer that is no success; for INVITE only */
  constructor(
    request: SipRequest,
    parts: TransactionParts,
    send: (request: SipRequest) => void,
    acknowledge: (response: SipResponse) => void,
    ear: ClientEar,
  ) {
    this.request = request;
    this.#parts = parts;
    this.#send = send;
    this.#acknowledge = acknowledge;
    this.#ear = ear;
    this.#repeater = new Repeater(parts.clock);
    this.#end = new Alarm(parts.clock);
  }

  start(): void {
    const again = (): void => this.#send(this.request);
    again();
    if (!this.#parts.reliable) this.#repeater.start(again, t1Ms, this.#isInvite ? Infinity : t2Ms);
    this.#end.set(transactionLimitMs, () => this.#timeOut());
  }

  received(response: SipResponse): void {
    const final = response.status >= 200;
    switch (this.#state) {
      case "calling":
      case "proceeding":
        if (!final) this.#provisional(response);
        else if (this.#isInvite) this.#inviteAnswered(response);
        else this.#complete(response, this.#parts.reliable ? 0 : t4Ms);
        return;
      case "accepted":
        if (final && response.status < 300) this.#ear.response(response);
        return;
      case "completed":
        if (final && this.#isInvite && response.status >= 300) this.#acknowledge(response);
        return;
      case "over":
    }
  }

  /** The final answer is here. */
  get answered(): boolean {
    return this.#state !== "calling" && this.#state !== "proceeding";
  }

  /** The wire says it cannot be sent. */
  failed(): void {
    if (this.#state === "calling" || this.#state === "proceeding") this.#timeOut();
  }

  abandon(): void {
    if (this.#state !== "over") this.#finish();
  }

  get #isInvite(): boolean {
    return this.request.method === "INVITE";
  }

  #provisional(response: SipResponse): void {
    if (this.#state === "calling") {
      this.#state = "proceeding";
      this.#repeater.stop();
      if (this.#isInvite) this.#end.stop();
      else if (!this.#parts.reliable) this.#repeater.start(() => this.#send(this.request), t2Ms, t2Ms);
    }
    this.#ear.response(response);
  }

  #inviteAnswered(response: SipResponse): void {
    if (response.status >= 300) {
      this.#acknowledge(response);
      return this.#complete(response, this.#parts.reliable ? 0 : transactionLimitMs);
    }
    this.#state = "accepted";
    this.#repeater.stop();
    this.#end.set(transactionLimitMs, () => this.#finish());
    this.#ear.response(response);
  }

  #complete(response: SipResponse, lingerMs: number): void {
    this.#state = "completed";
    this.#repeater.stop();
    if (lingerMs === 0) this.#finish();
    else this.#end.set(lingerMs, () => this.#finish());
    this.#ear.response(response);
  }

  #timeOut(): void {
    this.#finish();
    this.#ear.timedOut();
  }

  #finish(): void {
    this.#state = "over";
    this.#repeater.stop();
    this.#end.stop();
    this.#parts.over();
  }
}
