import type { Admitted, Carrier, CarrierLine } from "../caller/carrier.ts";
import { plainLine } from "../caller/carrier.ts";
import type { Knock } from "../caller/dialect.ts";
import type { CallStart } from "../caller/leg.ts";
import { answerText, type Asked, type Route } from "../http/answer.ts";
import type { Clock } from "../kernel/clock.ts";
import { Fault } from "../kernel/fault.ts";
import type { Log } from "../kernel/log.ts";
import { isOneOf, shownSecret } from "./proof.ts";
import { withoutProof } from "./token-carrier.ts";
import { Book, type PhoneCall } from "./book.ts";
import { Tickets, type TicketBox } from "./tickets.ts";

/** A request of a carrier, before it is believed. */
export interface Inquiry {
  /** The address as the carrier knows it. */
  readonly url: string;
  readonly method: string;
  readonly headers: Knock["headers"];
  readonly query: URLSearchParams;
  readonly body: Buffer;
  /** What a form or the top level of a JSON body says, as text. */
  readonly fields: Readonly<Record<string, string>>;
}

/** What a request tells of its call. */
export interface Told {
  readonly callId: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
  /** "running": the carrier wants to know what is next; "news": it only tells; "over": the caller is gone. */
  readonly state: "running" | "news" | "over";
  /** After a dialling of ours: whether somebody took the caller over. */
  readonly taken: boolean;
}

interface StreamOrder {
  /** wss, with all that lets the stream in. */
  readonly url: string;
  /** The same without its query, and what stood there. */
  readonly bareUrl: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** Asked when the stream is over. */
  readonly afterUrl: string;
}

export interface DialOrder {
  readonly target: string;
  readonly ringLimitS: number;
  /** Asked when that is over. */
  readonly afterUrl: string;
}

/** What differs between carriers that ask what to do with a call and go on asking when our stream is over. Pure. */
export interface Manners {
  readonly dialect: string;
  /** Says which setting it takes to know the carrier by its signature. */
  readonly setting: string;
  /** Undefined: without that setting a signature says nothing. */
  isSigned(inquiry: Inquiry): boolean | undefined;
  /** The upgrade itself is signed; false where that is not done. */
  isSignedUpgrade(knock: Knock): boolean;
  /** What lets a stream in comes with its start, because the carrier drops an address's query. */
  readonly lateProof: boolean;
  readonly contentType: string;
  /** Undefined: it names no call. */
  read(inquiry: Inquiry): Told | undefined;
  stream(order: StreamOrder): string;
  dial(order: DialOrder): string;
  hangUp(): string;
  busy(): string;
  /** Silence for so long, then it asks there; undefined: it has no words for that. */
  waitThenAsk(url: string, seconds: number): string | undefined;
  /** The answer to mere news, and to a call that is over. */
  nothing(): string;
}

export interface AskingParts {
  /** Tokens that let a stream in that no answer of ours has asked for; newest first. */
  readonly tokens: () => readonly string[];
  readonly publicUrl: () => string;
  readonly refusal: () => Fault | undefined;
  readonly rejected: (code: Fault["code"]) => void;
  /** The call is in progress on this node, with or without its caller. */
  readonly holds: (callId: string) => boolean;
  readonly hangUp: (callId: string) => void;
  /** Ends the carrier's own call where it can be told to, for those that would go on without our stream. */
  readonly hangUpThere: (carrierCallId: string) => void;
  readonly tickets: TicketBox;
  readonly clock: Clock;
  readonly log: Log;
}

const bodyLimitBytes = 64 * 1024;
/** A call that comes back more often than this within the time is not helped by another stream. */
const returnsLimit = 3;
const returnsWithinMs = 60_000;
/** Shorter than a call is held: who is not put through comes back to the same agent. */
const ringLimitS = 20;
/** While another node takes over, or this one starts again. */
const waitS = 2;
const namesLimit = 64;
/** What an address said of the agent and of who placed the call, and the token that it came with. */
const keptNames: ReadonlySet<string> = new Set(["agent", "language", "direction", "machine", "token"]);

/** A carrier that asks by webhook: answers with a stream, lets that in by a ticket, and leads it back when it breaks. */
export class AskingCarrier implements Carrier {
  readonly dialect: string;
  readonly #manners: Manners;
  readonly #parts: AskingParts;
  readonly #book: Book;
  readonly #tickets: Tickets;
  /** Those who came with more than a ticket. */
  readonly #proven = new WeakSet<Knock>();

  constructor(manners: Manners, parts: AskingParts) {
    this.dialect = manners.dialect;
    this.#manners = manners;
    this.#parts = parts;
    this.#book = new Book(parts.clock);
    const { ownSecret, used } = parts.tickets;
    this.#tickets = new Tickets(() => [...parts.tokens(), `${this.dialect} ${ownSecret}`], parts.clock, used);
  }

  get routes(): readonly Route[] {
    const route = (path: string, answer: (told: Told, query: URLSearchParams) => string): Route => {
      const handler = async (asked: Asked, response: Parameters<typeof answerText>[0]): Promise<void> => {
        const inquiry = inquiryOf(asked, this.#parts.publicUrl());
        this.#mustBeCarrier(inquiry, asked.peer.local);
        const told = this.#manners.read(inquiry);
        if (told === undefined) throw new Fault("caller-malformed", `${this.dialect} named no call`);
        answerText(response, 200, this.#manners.contentType, answer(told, inquiry.query));
      };
      return { path: `/${this.dialect}/${path}`, for: "everybody", answers: { POST: handler, GET: handler }, bodyLimitBytes };
    };
    return [
      route("voice", (told, query) => this.#voice(told, query)),
      route("after", (told, query) => this.#after(told, query)),
      route("dialled", (told, query) => this.#dialled(told, query)),
      route("status", ({ callId, state }) => this.#news(callId, state === "over" ? "over" : "news")),
    ];
  }

  mayConnect(knock: Knock, local: boolean): void {
    const { dialect, lateProof, setting } = this.#manners;
    const tokens = this.#parts.tokens();
    const isProven = isOneOf(tokens, shownSecret(knock.headers, knock.query)) || this.#manners.isSignedUpgrade(knock);
    if (isProven || (local && !this.#isGuarded)) this.#proven.add(knock);
    else if (!this.#isGuarded || !(lateProof || knock.query.has("ticket"))) {
      throw new Fault(
        "caller-refused",
        `${dialect} is known neither by a ticket nor by a token; see ${setting} and LINEKEEPER_CARRIER_TOKEN`,
      );
    }
  }

  admit(start: CallStart, knock: Knock): Admitted {
    const given = (name: string): string | undefined => knock.query.get(name) ?? start.parameters[name];
    const ticket = given("ticket");
    if (ticket === undefined && (this.#proven.has(knock) || isOneOf(this.#parts.tokens(), start.parameters["token"]))) {
      return { start: withoutProof(start), line: this.#lineOfOthers(start.carrierCallId) };
    }
    const admission = {
      callSid: given("call") ?? "",
      agent: given("agent"),
      language: given("language"),
      from: given("from"),
      resume: given("resume"),
    };
    this.#tickets.take(ticket, admission);
    const { callSid, ...vouched } = admission;
    this.#book.at(callSid).state = { name: "streaming" };
    const plain = withoutProof(start);
    const parameters = { ...plain.parameters, ...set({ direction: given("direction"), machine: given("machine") }) };
    return { start: { ...plain, ...vouched, carrierCallId: callSid, parameters }, line: this.#book.lineOf(callSid, false) };
  }

  /** Somebody from elsewhere can be known, so that nobody is let in unseen from here. */
  get #isGuarded(): boolean {
    return this.#parts.tokens().length > 0 || this.#manners.isSigned(nobodysInquiry) !== undefined;
  }

  #mustBeCarrier(inquiry: Inquiry, local: boolean): void {
    const { dialect, setting } = this.#manners;
    const signed = this.#manners.isSigned(inquiry);
    if (signed === true) return;
    if (signed === undefined) {
      const tokens = this.#parts.tokens();
      if (tokens.length === 0 ? local : isOneOf(tokens, shownSecret(inquiry.headers, inquiry.query))) return;
    }
    const how = signed === undefined ? `its signature cannot be checked: set ${setting}` : `check ${setting}, and PUBLIC_URL`;
    throw new Fault("caller-refused", `only ${dialect} may ask here, and this request is not known to be its: ${how}`);
  }

  #voice(told: Told, query: URLSearchParams): string {
    const { callId, state } = told;
    if (state !== "running") return this.#news(callId, state);
    const refusal = this.#parts.refusal();
    const waits = refusal?.code === "draining" ? this.#manners.waitThenAsk(this.#url("voice", query), waitS) : undefined;
    if (waits !== undefined) return waits;
    if (refusal !== undefined) {
      this.#parts.rejected(refusal.code);
      this.#parts.log.warning("carrier_call_rejected", { carrier_call_id: callId, code: refusal.code, message: refusal.message });
      return this.#manners.busy();
    }
    this.#book.at(callId);
    return this.#stream(told, undefined, query);
  }

  /** A stream is over: by our will, or because something broke. */
  #after(told: Told, query: URLSearchParams): string {
    if (told.state !== "running") return this.#news(told.callId, told.state);
    const call = this.#book.at(told.callId);
    switch (call.state.name) {
      case "sent-on":
        return this.#manners.dial({ target: call.state.target, ringLimitS, afterUrl: this.#url("dialled", query) });
      case "ended":
        if (call.state.end.reason !== "drained") return this.#manners.hangUp();
        call.state = { name: "streaming" };
        return this.#comeBack(call, told, query);
      case "streaming":
        return this.#comeBack(call, told, query);
    }
  }

  /** What came of a transfer. */
  #dialled(told: Told, query: URLSearchParams): string {
    const call = this.#book.at(told.callId);
    const { state } = call;
    if (told.taken) {
      if (state.name === "sent-on") state.report({ type: "transferred" });
      call.state = { name: "ended", end: { reason: "done" } };
      return told.state === "running" ? this.#manners.hangUp() : this.#manners.nothing();
    }
    if (told.state !== "running") return this.#news(told.callId, told.state);
    if (state.name === "sent-on") state.report({ type: "transfer-failed", why: `nobody took the call at ${state.target}` });
    call.state = { name: "streaming" };
    return this.#comeBack(call, told, query);
  }

  /** The same call on a new stream, unless that was tried too often. */
  #comeBack(call: PhoneCall, told: Told, query: URLSearchParams): string {
    const isHere = call.callId !== undefined && this.#parts.holds(call.callId);
    const isLeaving = !isHere && this.#parts.refusal()?.code === "draining";
    // Whoever comes after us has the call by then, and is asked.
    const waits = isLeaving ? this.#manners.waitThenAsk(this.#url("after", query), waitS) : undefined;
    if (waits !== undefined) return waits;
    const now = this.#parts.clock.now();
    const recent = call.returns.filter((atMs) => now - atMs < returnsWithinMs);
    call.returns.splice(0, call.returns.length, ...recent, now);
    if (recent.length >= returnsLimit) {
      this.#parts.log.error("carrier_gave_up", { carrier_call_id: told.callId, returns: recent.length });
      return this.#manners.hangUp();
    }
    return this.#stream(told, call.resume, query);
  }

  #news(callId: string, state: "news" | "over"): string {
    const call = this.#book.find(callId);
    if (state === "over" && call !== undefined) {
      if (call.state.name === "sent-on") call.state.report({ type: "hung-up" });
      else if (call.state.name === "streaming" && call.callId !== undefined) this.#parts.hangUp(call.callId);
      this.#book.remove(callId);
    }
    return this.#manners.nothing();
  }

  #stream(told: Told, resume: string | undefined, query: URLSearchParams): string {
    const [agent, language, direction, machine] = ["agent", "language", "direction", "machine"].map((name) => query.get(name) ?? undefined);
    // The person at the telephone: of a call that we placed, that is whom we called.
    const from = direction === "outbound" ? told.to : told.from;
    const callSid = told.callId;
    const ticket = this.#tickets.issue({ callSid, agent, language, from, resume });
    const parameters = set({ call: callSid, agent, language, from, resume, ticket, direction, machine });
    const bareUrl = `${this.#parts.publicUrl().replace(/^http/, "ws")}/${this.dialect}`;
    const url = `${bareUrl}?${new URLSearchParams(parameters).toString()}`;
    return this.#manners.stream({ url, bareUrl, parameters, afterUrl: this.#url("after", query) });
  }

  /** With what the first webhook's address said. */
  #url(path: string, query: URLSearchParams): string {
    const kept = new URLSearchParams([...query].filter(([name]) => keptNames.has(name)));
    return `${this.#parts.publicUrl()}/${this.dialect}/${path}${kept.size > 0 ? `?${kept.toString()}` : ""}`;
  }

  /** A stream that no answer of ours has asked for: nobody will ask us what comes after it. */
  #lineOfOthers(callSid: string | undefined): CarrierLine {
    return {
      ...plainLine,
      ended: (end) => {
        if (callSid !== undefined && end.reason !== "drained") this.#parts.hangUpThere(callSid);
      },
    };
  }
}

/** Without what is undefined. */
const set = (rows: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(Object.entries(rows).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])));

const nobodysInquiry: Inquiry = {
  url: "http://localhost/",
  method: "GET",
  headers: {},
  query: new URLSearchParams(),
  body: Buffer.alloc(0),
  fields: {},
};

function inquiryOf({ request, query, body }: Asked, publicUrl: string): Inquiry {
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, [value ?? []].flat().join(", ")]));
  const { method = "GET", url = "/" } = request;
  return { url: `${publicUrl}${url}`, method, headers, query, body, fields: fieldsOf(headers["content-type"] ?? "", body) };
}

function fieldsOf(type: string, body: Buffer): Record<string, string> {
  const text = body.toString("utf8");
  if (!type.includes("json")) return Object.fromEntries([...new URLSearchParams(text)].slice(0, namesLimit));
  let wire: unknown;
  try {
    wire = JSON.parse(text);
  } catch (error) {
    throw new Fault("caller-malformed", "the body is no JSON", { cause: error });
  }
  if (typeof wire !== "object" || wire === null) throw new Fault("caller-malformed", "the body is no JSON object");
  const rows = Object.entries(wire).flatMap(([name, value]) =>
    typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? [[name, String(value)] as const] : [],
  );
  return Object.fromEntries(rows);
}

/** An id of a carrier's, if it can be one. */
export const idOf = (text: string | undefined): string | undefined =>
  text !== undefined && /^[\w:.@+/=-]{1,256}$/.test(text) ? text : undefined;
