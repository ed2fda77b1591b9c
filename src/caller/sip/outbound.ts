import type { Timer } from "../../kernel/clock.ts";
import { Fault, toFault } from "../../kernel/fault.ts";
import type { LegListener } from "../leg.ts";
import type { CallOrder } from "../outbound.ts";
import { sendAuthenticated } from "./authenticated.ts";
import { allowedMethods, contactFor, OwnDescription, supportedExtensions, type CallParts } from "./call-parts.ts";
import { Dialog } from "./dialog.ts";
import { withBody } from "./in-dialog.ts";
import { Headers } from "./message/headers.ts";
import { noBody, parseCSeq, type SipRequest, type SipResponse } from "./message/message.ts";
import { bracketed } from "./message/uri.ts";
import { Media } from "./rtp/media.ts";
import { makeOffer, readAnswer, type Agreed } from "./sdp.ts";
import { SipCall } from "./sip-call.ts";
import { SipLeg } from "./sip-leg.ts";
import { dialledUri, userAt, type Trunk } from "./trunk.ts";
import type { Hop } from "./wire/wire.ts";

type State =
  /** `ringing`: a provisional answer came, so that the call can be taken back. */
  | { readonly name: "calling"; readonly invite: SipRequest | undefined; readonly ringing: boolean; readonly limit: Timer }
  /** We took it back; a success that crosses is hung up at once. */
  | { readonly name: "cancelled" }
  | { readonly name: "answered"; readonly remoteTag: string; readonly acknowledge: () => void }
  | { readonly name: "over" };

/** `status`: what was answered, where anything was. */
type CallFailed = (fault: Fault, status: number | undefined) => void;

/** A call that we place, from INVITE to its answer. */
export class OutboundCall {
  readonly callId: string;
  readonly #parts: CallParts;
  readonly #order: CallOrder;
  readonly #trunk: Trunk | undefined;
  readonly #uri: string;
  readonly #hop: Hop;
  readonly #media: Media;
  readonly #own: OwnDescription;
  readonly #tag: string;
  readonly #taken = Promise.withResolvers<void>();
  readonly #failed: CallFailed;
  #talking: { readonly dialog: Dialog; readonly replaces: boolean } | undefined;
  #state: State;

  private constructor(
    parts: CallParts,
    order: CallOrder,
    trunk: Trunk | undefined,
    uri: string,
    hop: Hop,
    media: Media,
    keyAndSalt: Buffer,
    failed: CallFailed,
  ) {
    this.#parts = parts;
    this.#failed = failed;
    this.#order = order;
    this.#trunk = trunk;
    this.#uri = uri;
    this.#hop = hop;
    this.#media = media;
    this.#own = new OwnDescription(parts, media.port, keyAndSalt);
    this.#tag = parts.exchange.newTag();
    this.callId = parts.random.id("", 24);
    const limit = parts.clock.setTimeout(() => this.#ringsTooLong(), order.ringLimitS * 1000);
    this.#state = { name: "calling", invite: undefined, ringing: false, limit };
  }

  /**
   * Calls; resolves when the other side has taken the order, be it only that it is trying.
   * @param failed told when nothing comes of it, also after that
   * @throws {Fault} call-unable, busy
   */
  static async place(
    parts: CallParts,
    order: CallOrder,
    trunk: Trunk | undefined,
    keyAndSalt: Buffer,
    failed: CallFailed,
  ): Promise<OutboundCall> {
    const uri = dialledUri(order.to, trunk);
    const hop = await locate(parts, uri);
    const call = new OutboundCall(parts, order, trunk, uri, hop, await Media.reserve(parts.media), keyAndSalt, failed);
    call.#begin();
    await call.#taken.promise;
    return call;
  }

  /**
   * For Refer-To: whoever goes there takes our place in the call, RFC 3891 section 3. Undefined: it is not answered, or the other side
   * does not know how.
   */
  get place(): string | undefined {
    if (this.#talking?.replaces !== true) return undefined;
    const { callId, remoteTag, localTag, remoteTarget } = this.#talking.dialog;
    const replaces = encodeURIComponent(`${callId};to-tag=${remoteTag};from-tag=${localTag}`);
    return `${remoteTarget.replace(/[?].*$/, "")}?Replaces=${replaces}`;
  }

  /** Takes it back as long as nobody has answered. */
  takeBack(): void {
    this.#giveUp(new Fault("call-unable", `calling ${this.#order.to}: it was taken back`));
  }

  #begin(): void {
    const { exchange, random } = this.#parts;
    const offer = makeOffer(this.#own.next(this.#hop));
    sendAuthenticated(
      { exchange, random, credentials: this.#trunk?.credentials },
      (number) => {
        const invite = withBody(this.#invite(number), offer);
        if (this.#state.name === "calling") this.#state = { ...this.#state, invite, ringing: false };
        return invite;
      },
      1,
      this.#hop,
      {
        response: (response, request) => this.#answered(response, request),
        timedOut: () => this.#fail(new Fault("call-unable", `calling ${this.#order.to}: no answer from ${this.#hop.address}`)),
      },
    );
  }

  #invite(number: number): SipRequest {
    const headers = new Headers([
      ["Max-Forwards", "70"],
      ["From", `<${this.#fromUri()}>;tag=${this.#tag}`],
      ["To", `<${this.#uri}>`],
      ["Call-ID", this.callId],
      ["CSeq", `${number} INVITE`],
      ["Contact", contactFor(this.#parts, this.#hop)],
      ["Allow", allowedMethods],
      ["Supported", supportedExtensions],
      ["Session-Expires", "1800"],
    ]);
    return { kind: "request", method: "INVITE", uri: this.#uri, headers, body: noBody };
  }

  #fromUri(): string {
    const from = this.#order.from ?? this.#trunk?.from;
    if (from !== undefined && /^sips?:/i.test(from)) return from;
    if (this.#trunk !== undefined) return userAt(this.#trunk, from ?? this.#trunk.credentials?.username ?? "linekeeper");
    return `sip:${from ?? "linekeeper"}@${bracketed(this.#parts.ownAddress(this.#hop).address)}`;
  }

  #answered(response: SipResponse, invite: SipRequest): void {
    if (response.status < 200) return this.#trying();
    if (response.status >= 300) {
      const fault = new Fault("call-unable", `calling ${this.#order.to}: ${response.status} ${response.reason}`);
      return this.#fail(fault, "over", response.status);
    }
    const dialog = Dialog.calling(invite, response);
    const state = this.#state;
    // The same success once more: our ACK was lost.
    if (state.name === "answered" && state.remoteTag === dialog.remoteTag) return state.acknowledge();
    const acknowledge = this.#acknowledger(dialog, invite);
    acknowledge();
    // Another phone picked up too, or it was taken back meanwhile.
    if (state.name !== "calling") return this.#sendInDialog(dialog.request("BYE"));
    this.#parts.clock.clearTimeout(state.limit);
    this.#state = { name: "answered", remoteTag: dialog.remoteTag, acknowledge };
    this.#taken.resolve();
    this.#talk(dialog, response);
  }

  #trying(): void {
    if (this.#state.name === "calling") this.#state = { ...this.#state, ringing: true };
    this.#taken.resolve();
  }

  #talk(dialog: Dialog, response: SipResponse): void {
    let agreed: Agreed;
    try {
      agreed = readAnswer(response.body.toString(), this.#own.current(this.#hop));
    } catch (error) {
      this.#sendInDialog(dialog.request("BYE"));
      return this.#fail(toFault(error, "internal", "reading an answer"));
    }
    let listener: LegListener | undefined;
    const call = new SipCall(this.#parts, {
      dialog,
      media: this.#media,
      encoding: agreed.codec.encoding,
      own: this.#own,
      agreed,
      listener: { audio: (frame) => listener?.audio(frame), signal: (signal) => listener?.signal(signal) },
      peer: this.#hop,
      headers: response.headers,
      language: this.#order.language,
    });
    this.#talking = { dialog, replaces: response.headers.options("Supported").includes("replaces") };
    call.accepted(response);
    const leg = new SipLeg(agreed.codec.encoding, call);
    const { agent, language, machine, to } = this.#order;
    try {
      listener = this.#parts.reception.receive(leg, {
        dialect: "sip",
        carrierCallId: this.callId,
        agent,
        language,
        resume: undefined,
        from: to,
        parameters: { to, direction: "outbound", ...(machine !== undefined && { machine }) },
      });
      // It was said in the answer, when nobody listened yet.
      if (!agreed.sends) listener.signal({ type: "paused" });
    } catch (error) {
      const fault = toFault(error, "internal", "taking a call that was placed");
      this.#parts.log.warning("outbound_failed", { to, code: fault.code, message: fault.message });
      call.close({ reason: "fault", fault });
    }
  }

  #ringsTooLong(): void {
    this.#giveUp(new Fault("call-unable", `calling ${this.#order.to}: nobody answered within ${this.#order.ringLimitS} s`));
  }

  #giveUp(fault: Fault): void {
    const state = this.#state;
    if (state.name !== "calling") return;
    if (state.ringing && state.invite !== undefined) this.#parts.exchange.cancel(state.invite, this.#hop);
    // As if it had said so itself.
    this.#fail(fault, "cancelled", state.ringing ? 408 : undefined);
  }

  #fail(fault: Fault, name: "over" | "cancelled" = "over", status?: number): void {
    if (this.#state.name === "calling") this.#parts.clock.clearTimeout(this.#state.limit);
    else if (this.#state.name !== "answered") return;
    this.#state = { name };
    this.#media.close();
    this.#parts.log.info("outbound_failed", { to: this.#order.to, code: fault.code, message: fault.message });
    this.#taken.reject(fault);
    this.#failed(fault, status);
  }

  #acknowledger(dialog: Dialog, invite: SipRequest): () => void {
    const number = parseCSeq(invite.headers.get("CSeq"))?.number ?? 1;
    return () => {
      const ack = dialog.request("ACK", number);
      for (const name of ["Authorization", "Proxy-Authorization"]) {
        const value = invite.headers.get(name);
        if (value !== undefined) ack.request.headers.add(name, value);
      }
      this.#withHop(ack.hop, (hop) => this.#parts.exchange.send(ack.request, hop));
    };
  }

  #sendInDialog({ request, hop: uri }: { request: SipRequest; hop: string }): void {
    this.#withHop(uri, (hop) => this.#parts.exchange.request(request, hop, { response: () => {}, timedOut: () => {} }));
  }

  /** Over the connection that is there, else where the URI leads. */
  #withHop(uri: string, go: (hop: Hop) => void): void {
    this.#parts.exchange.locate(uri).then(go, () => go(this.#hop));
  }
}

async function locate(parts: CallParts, uri: string): Promise<Hop> {
  try {
    return await parts.exchange.locate(uri);
  } catch (error) {
    throw toFault(error, "call-unable", `calling ${uri}`);
  }
}
