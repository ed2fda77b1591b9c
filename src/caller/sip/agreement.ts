// How what two sides agreed on changes in the course of a call: RFC 3261 section 14, RFC 3311, RFC 3264 section 8, RFC 4028.
import { toFault } from "../../kernel/fault.ts";
import { supportedExtensions, type CallParts, type OwnDescription } from "./call-parts.ts";
import type { Dialog } from "./dialog.ts";
import type { Incoming } from "./exchange.ts";
import { withBody, type InDialog } from "./in-dialog.ts";
import type { Headers } from "./message/headers.ts";
import { parseCSeq, type SipRequest, type SipResponse } from "./message/message.ts";
import { responseTo } from "./message/respond.ts";
import { Repeats } from "./repeats.ts";
import { answerOffer, makeOffer, readAnswer, type Agreed } from "./sdp.ts";
import { agreeInterval, sessionInterval, SessionTimer, shortestSessionSeconds } from "./session-timer.ts";
import type { Hop } from "./wire/wire.ts";

interface AgreementParts {
  readonly call: CallParts;
  readonly dialog: Dialog;
  readonly wire: InDialog;
  readonly own: OwnDescription;
  /** They know UPDATE. */
  readonly peerUpdates: boolean;
  /** Told each time, also of what they already know. */
  readonly agreed: (agreed: Agreed) => void;
  /** The session cannot go on. */
  readonly giveUp: (why: string) => void;
}

/** What both sides of a call have agreed on for its sound, and that it still lives: offers, answers and refreshes from either side. */
export class Agreement {
  readonly #parts: AgreementParts;
  readonly #timer: SessionTimer;
  #agreed: Agreed | undefined;
  /** A re-INVITE of theirs that waits for its ACK, and with it perhaps for the answer to our offer. */
  #reinvite: { readonly repeats: Repeats; readonly number: number } | undefined;
  #ownOfferPending = false;

  constructor(parts: AgreementParts, agreed: Agreed | undefined) {
    this.#parts = parts;
    this.#agreed = agreed;
    this.#timer = new SessionTimer(
      parts.call.clock,
      () => this.#refresh(),
      () => parts.giveUp("the session was not refreshed"),
    );
  }

  /** The call is accepted. @param we who answered: we, or they */
  begin({ headers }: SipResponse, we: "uas" | "uac"): void {
    this.#keepAlive(headers, we);
    if (this.#agreed !== undefined) this.#take(this.#agreed);
  }

  stop(): void {
    this.#reinvite?.repeats.stop();
    this.#timer.stop();
  }

  /** An ACK came: of our answer to a re-INVITE, or with the answer to an offer that we made in our 200. */
  acknowledged(request: SipRequest): void {
    this.#takeLateAnswer(request);
    if (this.#reinvite?.number !== parseCSeq(request.headers.get("CSeq"))?.number) return;
    this.#reinvite?.repeats.stop();
    this.#reinvite = undefined;
  }

  /** @param isAnswered the call's own INVITE still waits for its ACK */
  reinvited(incoming: Incoming, isAnswered: boolean): void {
    const { request } = incoming;
    if (isAnswered || this.#reinvite !== undefined) return this.#tooSoon(incoming);
    if (this.#ownOfferPending) return incoming.refuse(491);
    const ok = this.#renegotiated(incoming, true);
    if (ok === undefined) return;
    const repeats = new Repeats(
      this.#parts.call.clock,
      () => incoming.transaction.repeat(ok),
      () => this.#parts.giveUp("the answer to a re-INVITE was not acknowledged"),
    );
    this.#reinvite = { repeats, number: parseCSeq(request.headers.get("CSeq"))?.number ?? 0 };
    incoming.respond(ok);
    repeats.start();
  }

  updated(incoming: Incoming): void {
    const { request } = incoming;
    if (this.#ownOfferPending && request.body.length > 0) return incoming.refuse(491);
    const ok = this.#renegotiated(incoming, false);
    if (ok !== undefined) incoming.respond(ok);
  }

  /** RFC 3261 section 14.2: two offers at once; they may try again in a while. */
  #tooSoon(incoming: Incoming): void {
    const refusal = responseTo(incoming.request, 500, undefined);
    refusal.headers.add("Retry-After", String(Math.floor(this.#parts.call.random.next() * 10)));
    incoming.respond(refusal);
  }

  /** The 200 for a new offer or a refresh; undefined: it was refused, and everything stays as it was. */
  #renegotiated({ request, respond, from }: Incoming, offersWithout: boolean): SipResponse | undefined {
    const asked = sessionInterval(request.headers);
    if (asked !== undefined && asked.seconds < shortestSessionSeconds) {
      const refusal = responseTo(request, 422, undefined);
      refusal.headers.add("Min-SE", String(shortestSessionSeconds));
      respond(refusal);
      return undefined;
    }
    const { own, dialog, wire } = this.#parts;
    let body = "";
    try {
      if (request.body.length > 0) body = this.#takeOffer(request.body.toString());
      else if (offersWithout) body = makeOffer(own.next(from));
    } catch (error) {
      const fault = toFault(error, "internal", "taking a new offer");
      respond(responseTo(request, fault.row.sipStatus, undefined));
      return undefined;
    }
    dialog.refreshTarget(request.headers);
    const ok = wire.withContact(responseTo(request, 200, undefined));
    const interval = agreeInterval(request.headers);
    if (interval !== undefined) {
      ok.headers.add("Session-Expires", `${interval.seconds};refresher=${interval.refresher}`).add("Require", "timer");
      this.#timer.start(interval.seconds, interval.refresher === "uas");
    }
    return withBody(ok, body);
  }

  #takeOffer(text: string): string {
    const { agreed, answer } = answerOffer(text, this.#parts.own.next(this.#parts.wire.peer), this.#agreed?.codec.name);
    this.#take(agreed);
    return answer;
  }

  #takeLateAnswer({ body }: SipRequest): void {
    const { own, wire, giveUp } = this.#parts;
    const isAwaited = this.#agreed === undefined || this.#reinvite !== undefined;
    if (!isAwaited || body.length === 0) {
      if (this.#agreed === undefined) giveUp("the call has no session description");
      return;
    }
    try {
      this.#take(readAnswer(body.toString(), own.current(wire.peer)));
    } catch (error) {
      giveUp(toFault(error, "caller-malformed", "reading a late answer").message);
    }
  }

  #take(agreed: Agreed): void {
    this.#agreed = agreed;
    this.#parts.agreed(agreed);
  }

  /** Our turn to say that the session is alive: UPDATE where the peer knows it, else a re-INVITE with what is agreed already. */
  #refresh(): void {
    const { own, peerUpdates, wire, giveUp } = this.#parts;
    const isInvite = !peerUpdates;
    const body = isInvite ? makeOffer(own.next(wire.peer)) : "";
    this.#ownOfferPending = isInvite;
    wire.send(
      isInvite ? "INVITE" : "UPDATE",
      (headers) => headers.add("Supported", supportedExtensions).add("Session-Expires", "1800;refresher=uac"),
      {
        response: (response, request, hop) => this.#refreshed(response, request, hop),
        timedOut: () => giveUp("the session could not be refreshed"),
      },
      body,
    );
  }

  #refreshed(response: SipResponse, request: SipRequest, hop: Hop): void {
    const { call, dialog, own, wire, giveUp } = this.#parts;
    if (response.status < 200) return;
    this.#ownOfferPending = false;
    if (response.status >= 300) {
      // 408 and 481 mean that the other side knows nothing of this call; anything else leaves it as it was.
      if (response.status === 408 || response.status === 481) giveUp(`the refresh was answered ${response.status}`);
      return;
    }
    if (request.method === "INVITE") {
      const number = parseCSeq(request.headers.get("CSeq"))?.number ?? 1;
      call.exchange.send(dialog.request("ACK", number).request, hop);
      if (response.body.length > 0) this.#take(readAnswer(response.body.toString(), own.current(wire.peer)));
    }
    this.#keepAlive(response.headers, "uac");
  }

  #keepAlive(headers: Headers, we: "uas" | "uac"): void {
    const interval = sessionInterval(headers);
    if (interval !== undefined)
      this.#timer.start(interval.seconds, we === "uas" ? interval.refresher === "uas" : interval.refresher !== "uas");
  }
}
