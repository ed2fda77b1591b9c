import type { Timer } from "../../kernel/clock.ts";
import type { Encoding } from "../../audio/encodings.ts";
import { toFault, type Fault } from "../../kernel/fault.ts";
import type { CallerNotice, LegEnd, LegListener, LegQuality } from "../leg.ts";
import { allowedMethods, contactFor, supportedExtensions, type CallParts, type DialogOwner, type OwnDescription } from "./call-parts.ts";
import type { Dialog } from "./dialog.ts";
import type { Incoming } from "./exchange.ts";
import { infoDigit } from "./info.ts";
import { legQualityOf } from "./leg-quality.ts";
import type { Headers } from "./message/headers.ts";
import { parseCSeq, type SipRequest, type SipResponse } from "./message/message.ts";
import { responseTo } from "./message/respond.ts";
import { Repeats } from "./repeats.ts";
import type { LineQuality, Media, MediaListener } from "./rtp/media.ts";
import { answerOffer, makeOffer, readAnswer, type Agreed } from "./sdp.ts";
import { agreeInterval, sessionInterval, SessionTimer, shortestSessionSeconds } from "./session-timer.ts";
import type { LegLine } from "./sip-leg.ts";
import { Transfers } from "./transfer.ts";
import type { Hop } from "./wire/wire.ts";

export interface SipCallStart {
  readonly dialog: Dialog;
  readonly media: Media;
  /** What the leg speaks and hears, whatever the wire does. */
  readonly encoding: Encoding;
  readonly own: OwnDescription;
  readonly agreed: Agreed | undefined;
  readonly listener: LegListener;
  /** Where its messages came from; requests without a route go back there. */
  readonly peer: Hop;
  /** What the peer allows, from its INVITE or its answer. */
  readonly headers: Headers;
  /** The caller's, where known. */
  readonly language: string | undefined;
}

type State =
  /** Our 200 is repeated until its ACK comes. `ending`: we hung up meanwhile. */
  | { readonly name: "answered"; readonly repeats: Repeats; readonly ending: boolean }
  | { readonly name: "talking" }
  | { readonly name: "over" };

/** What waits to be heard before a goodbye is sent at most. */
const farewellLimitMs = 500;

/** A call that was accepted, by us or by them: its dialog, its sound, and everything that happens in it until BYE. */
export class SipCall implements DialogOwner, LegLine, MediaListener {
  readonly dialog: Dialog;
  readonly #parts: CallParts;
  readonly #media: Media;
  readonly #encoding: Encoding;
  readonly #own: OwnDescription;
  readonly #listener: LegListener;
  readonly #peer: Hop;
  readonly #timer: SessionTimer;
  readonly #registration: Disposable;
  readonly #peerUpdates: boolean;
  #agreed: Agreed | undefined;
  #state: State = { name: "talking" };
  /** A re-INVITE of theirs that waits for its ACK, and with it perhaps for the answer to our offer. */
  #reinvite: { readonly repeats: Repeats; readonly number: number } | undefined;
  #ownOfferPending = false;
  readonly #transfers: Transfers;
  readonly #language: string | undefined;
  #farewell: Timer | undefined;
  /** When the media were closed. */
  #lastQuality: LineQuality | undefined;

  constructor(parts: CallParts, start: SipCallStart) {
    this.#parts = parts;
    this.dialog = start.dialog;
    this.#media = start.media;
    this.#encoding = start.encoding;
    this.#own = start.own;
    this.#agreed = start.agreed;
    this.#listener = start.listener;
    this.#peer = start.peer;
    this.#peerUpdates = start.headers.options("Allow").includes("update");
    this.#timer = new SessionTimer(
      parts.clock,
      () => this.#refresh(),
      () => this.#giveUp("the session was not refreshed"),
    );
    this.#language = start.language;
    this.#transfers = new Transfers({
      clock: parts.clock,
      consult: parts.consult,
      remoteTarget: () => this.dialog.remoteTarget,
      refer: (dress, ear) =>
        this.#send(
          "REFER",
          (headers) => {
            dress(headers);
            headers.add("Referred-By", this.dialog.local.replace(/;tag=.*$/, ""));
          },
          ear,
        ),
      signal: (signal) => this.#listener.signal(signal),
      transferred: () => this.#transferred(),
    });
    this.#registration = parts.register(this);
  }

  /** Our answer to their INVITE; repeated until its ACK. */
  accept(ok: SipResponse, send: () => void): void {
    const repeats = new Repeats(this.#parts.clock, send, () => this.#giveUp("the answer was not acknowledged"));
    this.#state = { name: "answered", repeats, ending: false };
    const interval = sessionInterval(ok.headers);
    if (interval !== undefined) this.#timer.start(interval.seconds, interval.refresher === "uas");
    if (this.#agreed !== undefined) this.#startMedia(this.#agreed);
    this.#media.holdBack(true);
    repeats.start();
  }

  /** Their answer to our INVITE came and was acknowledged. */
  accepted(ok: SipResponse): void {
    const interval = sessionInterval(ok.headers);
    if (interval !== undefined) this.#timer.start(interval.seconds, interval.refresher !== "uas");
    if (this.#agreed !== undefined) this.#startMedia(this.#agreed);
  }

  acknowledged(request: SipRequest): void {
    const number = parseCSeq(request.headers.get("CSeq"))?.number;
    this.#takeLateAnswer(request);
    if (this.#reinvite?.number === number) {
      this.#reinvite?.repeats.stop();
      this.#reinvite = undefined;
    }
    if (this.#state.name !== "answered") return;
    const { repeats, ending } = this.#state;
    repeats.stop();
    this.#state = { name: "talking" };
    this.#media.holdBack(false);
    if (ending) this.#bye();
  }

  request(incoming: Incoming): void {
    const { request } = incoming;
    if (this.#state.name === "over") return incoming.refuse(481);
    if (!this.dialog.inOrder(request)) return incoming.refuse(500, "Out of Order");
    switch (request.method) {
      case "BYE":
        incoming.respond(responseTo(request, 200, undefined));
        return this.#ended({ type: "hung-up" });
      case "INVITE":
        return this.#reinvited(incoming);
      case "UPDATE":
        return this.#updated(incoming);
      case "INFO":
        return this.#informed(incoming);
      case "NOTIFY":
        return this.#notified(incoming);
      case "OPTIONS":
        return incoming.respond(this.#withContact(responseTo(request, 200, undefined)));
      case "REFER":
        // Whom an agent's caller may send where is not the caller's to decide.
        return incoming.refuse(603);
      default: {
        const refusal = responseTo(request, 405, undefined);
        refusal.headers.add("Allow", allowedMethods);
        incoming.respond(refusal);
      }
    }
  }

  audio(frame: Uint8Array): void {
    if (this.#state.name !== "over") this.#listener.audio(frame);
  }

  dtmf(digit: string): void {
    if (this.#state.name !== "over") this.#listener.signal({ type: "dtmf", digit });
  }

  broke(error: unknown): void {
    this.#parts.log.error("leg_failed", { dialect: "sip", code: "internal", err: error });
    this.#giveUp("its sound cannot go on");
  }

  silent(): void {
    this.#giveUp("no audio came for too long");
  }

  play(frame: Uint8Array): boolean {
    return this.#state.name !== "over" && this.#media.play(frame);
  }

  flush(): void {
    this.#media.flush();
  }

  notify(_notice: CallerNotice): void {}

  sendDtmf(digits: string): void {
    this.#media.sendDtmf(digits);
  }

  quality(): LegQuality {
    return legQualityOf(this.#media.quality() ?? this.#lastQuality);
  }

  transfer(target: string, briefing: string): void {
    if (this.#state.name !== "over") this.#transfers.begin(target, briefing, this.#language);
  }

  close(end: LegEnd): void {
    if (this.#state.name === "over") return;
    if (this.#state.name === "answered") this.#state = { ...this.#state, ending: true };
    else if (end.reason !== "done") this.#bye();
    else this.#sayRest(this.#parts.clock.now());
  }

  abandon(): void {
    if (this.#state.name !== "over") this.#ended({ type: "hung-up" });
  }

  /** The last words are heard, then BYE. */
  #sayRest(sinceMs: number): void {
    const { clock } = this.#parts;
    if (this.#media.queuedMs === 0 || clock.now() - sinceMs >= farewellLimitMs) return this.#bye();
    this.#farewell = clock.setTimeout(() => this.#sayRest(sinceMs), 20);
  }

  #bye(): void {
    if (this.#state.name === "over") return;
    this.#send("BYE", () => {}, { response: () => {}, timedOut: () => {} });
    this.#ended(undefined);
  }

  /** The line is dead as far as we can tell: a goodbye to whoever hears it, and `lost` for the session. */
  #giveUp(why: string): void {
    if (this.#state.name === "over") return;
    this.#parts.log.info("leg_lost", { dialect: "sip", message: why });
    this.#send("BYE", () => {}, { response: () => {}, timedOut: () => {} });
    this.#ended({ type: "lost", fault: undefined });
  }

  #ended(signal: { type: "hung-up" } | { type: "lost"; fault: Fault | undefined } | { type: "transferred" } | undefined): void {
    const before = this.#state;
    this.#state = { name: "over" };
    if (before.name === "answered") before.repeats.stop();
    this.#reinvite?.repeats.stop();
    this.#timer.stop();
    if (this.#farewell !== undefined) this.#parts.clock.clearTimeout(this.#farewell);
    // Who was asked to take the caller over has done so when the caller leaves before the verdict.
    const wasTransferred = this.#transfers.isReferring && signal?.type === "hung-up";
    this.#transfers.abandon();
    const quality = this.#media.quality();
    this.#lastQuality = quality;
    this.#media.close();
    this.#registration[Symbol.dispose]();
    if (quality !== undefined) this.#parts.ended(quality);
    if (signal !== undefined) this.#listener.signal(wasTransferred ? { type: "transferred" } : signal);
  }

  #reinvited(incoming: Incoming): void {
    const { request } = incoming;
    if (this.#state.name === "answered" || this.#reinvite !== undefined) return this.#tooSoon(incoming);
    if (this.#ownOfferPending) return incoming.refuse(491);
    const ok = this.#renegotiated(incoming, true);
    if (ok === undefined) return;
    const repeats = new Repeats(
      this.#parts.clock,
      () => incoming.transaction.repeat(ok),
      () => this.#giveUp("the answer to a re-INVITE was not acknowledged"),
    );
    this.#reinvite = { repeats, number: parseCSeq(request.headers.get("CSeq"))?.number ?? 0 };
    incoming.respond(ok);
    repeats.start();
  }

  /** RFC 3261 section 14.2: two offers at once; they may try again in a while. */
  #tooSoon(incoming: Incoming): void {
    const refusal = responseTo(incoming.request, 500, undefined);
    refusal.headers.add("Retry-After", String(Math.floor(this.#parts.random.next() * 10)));
    incoming.respond(refusal);
  }

  #updated(incoming: Incoming): void {
    const { request } = incoming;
    if (this.#ownOfferPending && request.body.length > 0) return incoming.refuse(491);
    const ok = this.#renegotiated(incoming, false);
    if (ok !== undefined) incoming.respond(ok);
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
    let body = "";
    try {
      if (request.body.length > 0) body = this.#takeOffer(request.body.toString());
      else if (offersWithout) body = makeOffer(this.#own.next(from));
    } catch (error) {
      const fault = toFault(error, "internal", "taking a new offer");
      respond(responseTo(request, fault.row.sipStatus, undefined));
      return undefined;
    }
    this.dialog.refreshTarget(request.headers);
    const ok = this.#withContact(responseTo(request, 200, undefined));
    const interval = agreeInterval(request.headers);
    if (interval !== undefined) {
      ok.headers.add("Session-Expires", `${interval.seconds};refresher=${interval.refresher}`).add("Require", "timer");
      this.#timer.start(interval.seconds, interval.refresher === "uas");
    }
    return withBody(ok, body);
  }

  #takeOffer(text: string): string {
    const { agreed, answer } = answerOffer(text, this.#own.next(this.#peer), this.#agreed?.codec.name);
    this.#startMedia(agreed);
    return answer;
  }

  /** An ACK may carry the answer to an offer that we made in our 200. */
  #takeLateAnswer({ body }: SipRequest): void {
    const awaited = this.#agreed === undefined || this.#reinvite !== undefined;
    if (!awaited || body.length === 0) return this.#missLateAnswer();
    try {
      this.#startMedia(readAnswer(body.toString(), this.#own.current(this.#peer)));
    } catch (error) {
      this.#giveUp(toFault(error, "caller-malformed", "reading a late answer").message);
    }
  }

  #missLateAnswer(): void {
    if (this.#agreed === undefined) this.#giveUp("the call has no session description");
  }

  #startMedia(agreed: Agreed): void {
    const wasHeld = this.#isHeld;
    this.#agreed = agreed;
    this.#media.start(agreed, this.#encoding, this);
    if (this.#isHeld !== wasHeld) this.#listener.signal({ type: wasHeld ? "resumed" : "paused" });
  }

  /** They hear nothing of us: they said so, in their description. */
  get #isHeld(): boolean {
    return this.#agreed?.sends === false;
  }

  #informed(incoming: Incoming): void {
    const { request } = incoming;
    const digit = infoDigit(request);
    if (digit === undefined && request.body.length > 0) return incoming.refuse(415);
    incoming.respond(responseTo(request, 200, undefined));
    if (digit !== undefined) this.dtmf(digit);
  }

  #notified(incoming: Incoming): void {
    const { request } = incoming;
    const event = (request.headers.get("Event") ?? "").split(";")[0]?.trim().toLowerCase();
    if (event !== "refer" || !this.#transfers.isReferring) return incoming.refuse(event === "refer" ? 481 : 489);
    incoming.respond(responseTo(request, 200, undefined));
    this.#transfers.notified(request);
  }

  #transferred(): void {
    if (this.#state.name === "over") return;
    this.#send("BYE", () => {}, { response: () => {}, timedOut: () => {} });
    this.#ended({ type: "transferred" });
  }

  /** Our turn to say that the session is alive: UPDATE where the peer knows it, else a re-INVITE with what is agreed already. */
  #refresh(): void {
    if (this.#state.name !== "talking") return;
    const isInvite = !this.#peerUpdates;
    const body = isInvite ? makeOffer(this.#own.next(this.#peer)) : "";
    this.#ownOfferPending = isInvite;
    this.#send(
      isInvite ? "INVITE" : "UPDATE",
      (headers) => headers.add("Supported", supportedExtensions).add("Session-Expires", "1800;refresher=uac"),
      {
        response: (response, request, hop) => this.#refreshed(response, request, hop),
        timedOut: () => this.#giveUp("the session could not be refreshed"),
      },
      body,
    );
  }

  #refreshed(response: SipResponse, request: SipRequest, hop: Hop): void {
    if (response.status < 200) return;
    this.#ownOfferPending = false;
    if (response.status >= 300) {
      // 408 and 481 mean that the other side knows nothing of this call; anything else leaves it as it was.
      if (response.status === 408 || response.status === 481) this.#giveUp(`the refresh was answered ${response.status}`);
      return;
    }
    if (request.method === "INVITE") {
      const number = parseCSeq(request.headers.get("CSeq"))?.number ?? 1;
      this.#parts.exchange.send(this.dialog.request("ACK", number).request, hop);
      if (response.body.length > 0) this.#startMedia(readAnswer(response.body.toString(), this.#own.current(this.#peer)));
    }
    const interval = sessionInterval(response.headers);
    if (interval !== undefined) this.#timer.start(interval.seconds, interval.refresher !== "uas");
  }

  /** A request in the dialog; where it goes is looked up first, if it is a name. */
  #send(
    method: string,
    dress: (headers: Headers) => unknown,
    ear: { response(response: SipResponse, request: SipRequest, hop: Hop): void; timedOut(): void },
    body = "",
  ): void {
    const { request: bare, hop: uri } = this.dialog.request(method);
    const request = withBody(bare, body);
    const { exchange } = this.#parts;
    const go = (hop: Hop): void => {
      request.headers.add("Contact", contactFor(this.#parts, hop));
      dress(request.headers);
      exchange.request(request, hop, { response: (response) => ear.response(response, request, hop), timedOut: () => ear.timedOut() });
    };
    // A connection that the peer opened is the only way back through its NAT.
    if (this.#peer.transport !== "udp" && uri === this.dialog.remoteTarget) return go(this.#peer);
    exchange.locate(uri).then(go, () => go(this.#peer));
  }

  #withContact(response: SipResponse): SipResponse {
    response.headers.add("Contact", contactFor(this.#parts, this.#peer)).add("Allow", allowedMethods).add("Supported", supportedExtensions);
    return response;
  }
}

/** The same message with a session description, or as it is. */
export function withBody<M extends SipRequest | SipResponse>(message: M, body: string): M {
  if (body === "") return message;
  message.headers.set("Content-Type", "application/sdp");
  return { ...message, body: Buffer.from(body) };
}
