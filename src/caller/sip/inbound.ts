import type { Timer } from "../../kernel/clock.ts";
import { Fault, toFault } from "../../kernel/fault.ts";
import type { CallerNotice, CallStart, LegEnd, LegListener, LegQuality } from "../leg.ts";
import type { AgentOf } from "./agents.ts";
import { allowedMethods, contactFor, OwnDescription, supportedExtensions, type CallParts } from "./call-parts.ts";
import { Dialog } from "./dialog.ts";
import type { Incoming } from "./exchange.ts";
import { withBody } from "./in-dialog.ts";
import { legQualityOf } from "./leg-quality.ts";
import { splitList } from "./message/grammar.ts";
import type { Headers } from "./message/headers.ts";
import { responseTo } from "./message/respond.ts";
import { parseNameAddr, parseUri } from "./message/uri.ts";
import { codecs } from "./rtp/codecs.ts";
import { Media } from "./rtp/media.ts";
import { answerOffer, makeOffer, type Agreed } from "./sdp.ts";
import { agreeInterval, sessionInterval, shortestSessionSeconds } from "./session-timer.ts";
import { SipCall } from "./sip-call.ts";
import { SipLeg, type LegLine } from "./sip-leg.ts";

type State =
  | { readonly name: "arriving" }
  | { readonly name: "ringing"; readonly listener: LegListener; readonly limit: Timer }
  | { readonly name: "answered"; readonly call: SipCall }
  | { readonly name: "over" };

/** An INVITE from its arrival until it is answered, refused or taken back. It rings while the agent gets ready. */
export class InboundCall implements LegLine {
  readonly #parts: CallParts;
  readonly #incoming: Incoming;
  readonly #dialog: Dialog;
  readonly #keyAndSalt: Buffer;
  #state: State = { name: "arriving" };
  #media: Media | undefined;
  #own: OwnDescription | undefined;
  #leg: SipLeg | undefined;
  #agreed: Agreed | undefined;
  #body = "";

  readonly #left: () => void;

  /**
   * @param keyAndSalt of our own stream, from a secure source
   * @param left called once, when the INVITE has its final answer
   */
  constructor(parts: CallParts, incoming: Incoming, keyAndSalt: Buffer, left: () => void) {
    this.#parts = parts;
    this.#incoming = incoming;
    this.#keyAndSalt = keyAndSalt;
    this.#left = left;
    this.#dialog = Dialog.called(incoming.request, parts.exchange.newTag());
  }

  async begin(): Promise<void> {
    this.#incoming.respond(responseTo(this.#incoming.request, 100, undefined));
    try {
      const media = await Media.reserve(this.#parts.media);
      if (this.#state.name === "over") return media.close();
      this.#media = media;
      this.#negotiate(media);
      this.#receive();
    } catch (error) {
      this.#refuse(toFault(error, "internal", "taking a SIP call"));
    }
  }

  /** The caller has hung up before we answered. */
  cancelled(): void {
    if (this.#state.name === "answered" || this.#state.name === "over") return;
    const state = this.#state;
    this.#incoming.respond(responseTo(this.#incoming.request, 487, this.#dialog.localTag));
    this.#release();
    if (state.name === "ringing") state.listener.signal({ type: "hung-up" });
  }

  play(frame: Uint8Array): boolean {
    // Whoever has something to say has to be heard: the phone is picked up.
    if (this.#state.name === "ringing") this.#answer(this.#state.listener);
    return this.#state.name === "answered" && this.#state.call.play(frame);
  }

  notify(notice: CallerNotice): void {
    if (notice.type === "phase" && notice.phase !== "connecting" && this.#state.name === "ringing") this.#answer(this.#state.listener);
  }

  close(end: LegEnd): void {
    if (this.#state.name === "answered") return this.#state.call.close(end);
    this.#refuse(
      end.reason === "fault"
        ? end.fault
        : new Fault(end.reason === "drained" ? "draining" : "busy", "the call was ended before it was answered"),
    );
  }

  transfer(): void {}

  quality(): LegQuality {
    return legQualityOf(undefined);
  }

  flush(): void {}
  sendDtmf(): void {}

  #negotiate(media: Media): void {
    const { request, from } = this.#incoming;
    this.#own = new OwnDescription(this.#parts, media.port, this.#keyAndSalt);
    if (request.body.length === 0) {
      this.#body = makeOffer(this.#own.next(from));
      return;
    }
    const { agreed, answer } = answerOffer(request.body.toString(), this.#own.next(from), undefined);
    [this.#agreed, this.#body] = [agreed, answer];
  }

  #receive(): void {
    const encoding = this.#agreed?.codec.encoding ?? codecs[this.#parts.codecs[0] ?? "PCMU"].encoding;
    const leg = new SipLeg(encoding, this);
    this.#leg = leg;
    const listener = this.#parts.reception.receive(leg, callStart(this.#incoming, this.#parts.agentOf));
    // The reception may have ended the leg in the same breath.
    if (this.#state.name !== "arriving") return;
    const limit = this.#parts.clock.setTimeout(() => this.#answer(listener), this.#parts.answerLimitMs);
    this.#state = { name: "ringing", listener, limit };
    const ringing = responseTo(this.#incoming.request, 180, this.#dialog.localTag);
    ringing.headers.add("Contact", contactFor(this.#parts, this.#incoming.from));
    this.#incoming.respond(ringing);
  }

  #answer(listener: LegListener): void {
    if (this.#state.name !== "ringing" || this.#media === undefined || this.#own === undefined || this.#leg === undefined) return;
    this.#parts.clock.clearTimeout(this.#state.limit);
    const { request, from, transaction } = this.#incoming;
    const call = new SipCall(this.#parts, {
      dialog: this.#dialog,
      media: this.#media,
      encoding: this.#leg.uplink,
      own: this.#own,
      agreed: this.#agreed,
      listener,
      peer: from,
      headers: request.headers,
      language: languageOf(request.headers),
    });
    this.#state = { name: "answered", call };
    this.#left();
    this.#leg.handTo(call);
    const ok = responseTo(request, 200, this.#dialog.localTag);
    ok.headers.add("Contact", contactFor(this.#parts, from)).add("Allow", allowedMethods).add("Supported", supportedExtensions);
    const interval = agreeInterval(request.headers);
    if (interval !== undefined) {
      ok.headers.add("Session-Expires", `${interval.seconds};refresher=${interval.refresher}`);
      if (interval.refresher === "uac") ok.headers.add("Require", "timer");
    }
    const answer = withBody(ok, this.#body);
    this.#incoming.respond(answer);
    call.accept(answer, () => transaction.repeat(answer));
  }

  #refuse(fault: Fault): void {
    if (this.#state.name === "answered" || this.#state.name === "over") return;
    if (fault.code === "internal") this.#parts.log.error("leg_failed", { dialect: "sip", code: fault.code, err: fault.cause ?? fault });
    else this.#parts.log.info("leg_refused", { dialect: "sip", code: fault.code, message: fault.message });
    const refusal = responseTo(this.#incoming.request, fault.row.sipStatus, this.#dialog.localTag);
    if (fault.retryAfterMs !== undefined) refusal.headers.add("Retry-After", String(Math.ceil(fault.retryAfterMs / 1000)));
    if (fault.code === "call-unable") refusal.headers.add("Warning", `304 linekeeper "${fault.message.replaceAll('"', "'")}"`);
    this.#incoming.respond(refusal);
    this.#release();
  }

  #release(): void {
    if (this.#state.name === "ringing") this.#parts.clock.clearTimeout(this.#state.limit);
    this.#state = { name: "over" };
    this.#left();
    this.#media?.close();
  }
}

/** What this INVITE asks that we cannot do: the status, and what RFC 3261 section 8.2 wants said with it. */
export function refusalOf({ request }: Incoming): { status: number; name?: string; value?: string } | undefined {
  const { headers, uri, body } = request;
  const unknown = headers.options("Require").filter((option) => option !== supportedExtensions);
  if (unknown.length > 0) return { status: 420, name: "Unsupported", value: unknown.join(", ") };
  if (!/^(?:sips?|tel):/i.test(uri)) return { status: 416 };
  const type = headers.get("Content-Type")?.split(";")[0]?.trim().toLowerCase();
  if (body.length > 0 && (type !== "application/sdp" || headers.get("Content-Encoding") !== undefined)) {
    return { status: 415, name: "Accept", value: "application/sdp" };
  }
  const asked = sessionInterval(headers);
  if (asked !== undefined && asked.seconds < shortestSessionSeconds)
    return { status: 422, name: "Min-SE", value: String(shortestSessionSeconds) };
  return undefined;
}

function callStart({ request }: Incoming, agentOf: AgentOf): CallStart {
  const { headers, uri } = request;
  const from = parseNameAddr(headers.get("From") ?? "");
  const replaces = headers.get("Replaces")?.split(";")[0]?.trim();
  const dialled = userOf(uri);
  return {
    dialect: "sip",
    carrierCallId: headers.get("Call-ID"),
    agent: agentOf(dialled),
    language: languageOf(headers),
    resume: replaces,
    from: userOf(from?.uri),
    parameters: { to: dialled ?? "" },
  };
}

/** The first that they would hear. */
function languageOf(headers: Headers): string | undefined {
  const [first = ""] = splitList(headers.get("Accept-Language") ?? "");
  return first.split(";")[0]?.trim() || undefined;
}

/** The number or name in a URI, without escapes. */
function userOf(uri: string | undefined): string | undefined {
  const user = parseUri(uri ?? "")?.user ?? /^tel:([^;]+)/i.exec(uri ?? "")?.[1];
  try {
    return user === undefined ? undefined : decodeURIComponent(user.split(";")[0] ?? "");
  } catch {
    return user;
  }
}
