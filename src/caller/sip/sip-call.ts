import type { Timer } from "../../kernel/clock.ts";
import type { Encoding } from "../../audio/encodings.ts";
import type { Fault } from "../../kernel/fault.ts";
import type { CallerNotice, LegEnd, LegListener, LegQuality } from "../leg.ts";
import { Agreement } from "./agreement.ts";
import { allowedMethods, type CallParts, type DialogOwner, type OwnDescription } from "./call-parts.ts";
import type { Dialog } from "./dialog.ts";
import type { Incoming } from "./exchange.ts";
import { InDialog } from "./in-dialog.ts";
import { infoDigit } from "./info.ts";
import { legQualityOf } from "./leg-quality.ts";
import type { Headers } from "./message/headers.ts";
import type { SipRequest, SipResponse } from "./message/message.ts";
import { responseTo } from "./message/respond.ts";
import { Repeats } from "./repeats.ts";
import type { LineQuality, Media, MediaListener } from "./rtp/media.ts";
import type { Agreed } from "./sdp.ts";
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
  readonly #listener: LegListener;
  readonly #wire: InDialog;
  readonly #agreement: Agreement;
  readonly #registration: Disposable;
  readonly #transfers: Transfers;
  readonly #language: string | undefined;
  #state: State = { name: "talking" };
  /** They hear nothing of us, by their own wish. */
  #isHeld = false;
  #farewell: Timer | undefined;
  /** When the media were closed. */
  #lastQuality: LineQuality | undefined;

  constructor(parts: CallParts, start: SipCallStart) {
    this.#parts = parts;
    this.dialog = start.dialog;
    this.#media = start.media;
    this.#encoding = start.encoding;
    this.#listener = start.listener;
    this.#wire = new InDialog(parts, start.dialog, start.peer);
    this.#agreement = new Agreement(
      {
        call: parts,
        dialog: start.dialog,
        wire: this.#wire,
        own: start.own,
        peerUpdates: start.headers.options("Allow").includes("update"),
        agreed: (agreed) => this.#startMedia(agreed),
        giveUp: (why) => this.#giveUp(why),
      },
      start.agreed,
    );
    this.#language = start.language;
    this.#transfers = new Transfers({
      clock: parts.clock,
      consult: parts.consult,
      remoteTarget: () => this.dialog.remoteTarget,
      refer: (dress, ear) =>
        this.#wire.send(
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
    this.#agreement.begin(ok, "uas");
    this.#media.holdBack(true);
    repeats.start();
  }

  /** Their answer to our INVITE came and was acknowledged. */
  accepted(ok: SipResponse): void {
    this.#agreement.begin(ok, "uac");
  }

  acknowledged(request: SipRequest): void {
    this.#agreement.acknowledged(request);
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
        return this.#agreement.reinvited(incoming, this.#state.name === "answered");
      case "UPDATE":
        return this.#agreement.updated(incoming);
      case "INFO":
        return this.#informed(incoming);
      case "NOTIFY":
        return this.#notified(incoming);
      case "OPTIONS":
        return incoming.respond(this.#wire.withContact(responseTo(request, 200, undefined)));
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
    this.#wire.bye();
    this.#ended(undefined);
  }

  /** The line is dead as far as we can tell: a goodbye to whoever hears it, and `lost` for the session. */
  #giveUp(why: string): void {
    if (this.#state.name === "over") return;
    this.#parts.log.info("leg_lost", { dialect: "sip", message: why });
    this.#wire.bye();
    this.#ended({ type: "lost", fault: undefined });
  }

  #ended(signal: { type: "hung-up" } | { type: "lost"; fault: Fault | undefined } | { type: "transferred" } | undefined): void {
    const before = this.#state;
    this.#state = { name: "over" };
    if (before.name === "answered") before.repeats.stop();
    this.#agreement.stop();
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

  /** Who hears nothing of us has said so in their description. */
  #startMedia(agreed: Agreed): void {
    this.#media.start(agreed, this.#encoding, this);
    if (agreed.sends !== this.#isHeld) return;
    this.#isHeld = !agreed.sends;
    this.#listener.signal({ type: agreed.sends ? "resumed" : "paused" });
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
    this.#wire.bye();
    this.#ended({ type: "transferred" });
  }
}
