// Our registration at a trunk: RFC 3261 section 10.2.
import { backoffMs } from "../../kernel/backoff.ts";
import type { Timer } from "../../kernel/clock.ts";
import { sendAuthenticated } from "./authenticated.ts";
import { contactFor, type CallParts } from "./call-parts.ts";
import { Headers } from "./message/headers.ts";
import { noBody, type SipRequest, type SipResponse } from "./message/message.ts";
import { parseNameAddr } from "./message/uri.ts";
import { registrarOf, userAt, type Trunk } from "./trunk.ts";
import type { Hop } from "./wire/wire.ts";

const askedSeconds = 600;
/** So long before it runs out a registration is renewed. */
const marginSeconds = 30;
const goodbyeSeconds = 0;

/** Keeps the trunk told where we are, until stopped. */
export class Registration {
  readonly #parts: CallParts;
  readonly #trunk: Trunk;
  readonly #callId: string;
  readonly #tag: string;
  #number = 0;
  #seconds = askedSeconds;
  #failures = 0;
  #timer: Timer | undefined;
  #hop: Hop | undefined;
  /** The trunk has taken it, and it has not run out. */
  active = false;

  constructor(parts: CallParts, trunk: Trunk) {
    this.#parts = parts;
    this.#trunk = trunk;
    this.#callId = parts.random.id("", 24);
    this.#tag = parts.exchange.newTag();
  }

  start(): void {
    this.#parts.exchange.locate(registrarOf(this.#trunk)).then(
      (hop) => {
        this.#hop = hop;
        this.#register(hop, this.#seconds);
      },
      (error: unknown) => this.#failed(error instanceof Error ? error.message : String(error)),
    );
  }

  /** Takes the registration back; nobody waits for the answer. */
  stop(): void {
    this.#parts.clock.clearTimeout(this.#timer);
    if (this.active && this.#hop !== undefined) this.#register(this.#hop, goodbyeSeconds);
    this.active = false;
  }

  #register(hop: Hop, seconds: number): void {
    const first = this.#number + 1;
    const { exchange, random } = this.#parts;
    sendAuthenticated(
      { exchange, random, credentials: this.#trunk.credentials },
      (number) => this.#request(hop, seconds, (this.#number = number)),
      first,
      hop,
      {
        response: (response) => {
          if (seconds !== goodbyeSeconds && response.status >= 200) this.#answered(response, hop);
        },
        timedOut: () => {
          if (seconds !== goodbyeSeconds) this.#failed("no answer");
        },
      },
    );
  }

  #request(hop: Hop, seconds: number, number: number): SipRequest {
    const user = this.#trunk.credentials?.username ?? "linekeeper";
    const own = `<${userAt(this.#trunk, user)}>`;
    const headers = new Headers([
      ["Max-Forwards", "70"],
      ["From", `${own};tag=${this.#tag}`],
      ["To", own],
      ["Call-ID", this.#callId],
      ["CSeq", `${number} REGISTER`],
      ["Contact", contactFor(this.#parts, hop)],
      ["Expires", String(seconds)],
    ]);
    return { kind: "request", method: "REGISTER", uri: registrarOf(this.#trunk), headers, body: noBody };
  }

  #answered(response: SipResponse, hop: Hop): void {
    if (response.status === 423) {
      // Too brief for them; what they want is said in Min-Expires.
      this.#seconds = Math.max(this.#seconds + 1, Math.min(86_400, Number(response.headers.get("Min-Expires") ?? 0) || 0));
      return this.#failures === 0 ? this.#register(hop, this.#seconds) : this.#failed("423 Interval Too Brief");
    }
    if (response.status >= 300) return this.#failed(`${response.status} ${response.reason}`);
    if (!this.active) this.#parts.log.info("sip_registered", { trunk: registrarOf(this.#trunk) });
    this.active = true;
    this.#failures = 0;
    const granted = grantedSeconds(response, contactFor(this.#parts, hop)) ?? this.#seconds;
    this.#after(Math.max(granted / 2, granted - marginSeconds) * 1000);
  }

  #failed(why: string): void {
    this.active = false;
    this.#failures += 1;
    this.#parts.log.warning("sip_registration_failed", { trunk: registrarOf(this.#trunk), message: why, attempt: this.#failures });
    // Never at once: a registrar that refuses is not asked again in the same breath.
    this.#after(backoffMs(this.#failures + 1, this.#parts.random));
  }

  #after(delayMs: number): void {
    this.#timer = this.#parts.clock.setTimeout(() => this.start(), delayMs);
  }
}

/** How long our own contact lasts, as the registrar says it. */
function grantedSeconds({ headers }: SipResponse, contact: string): number | undefined {
  const own = headers.all("Contact").find((each) => parseNameAddr(each)?.uri === parseNameAddr(contact)?.uri);
  const text = parseNameAddr(own ?? "")?.params.get("expires") ?? headers.get("Expires");
  return text !== undefined && /^\d{1,9}$/.test(text) && Number(text) > 0 ? Number(text) : undefined;
}
