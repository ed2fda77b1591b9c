// Who matches what to which transaction: RFC 3261 sections 17.1.3, 17.2.3 and 18.
import type { Clock } from "../../kernel/clock.ts";
import type { Random } from "../../kernel/random.ts";
import { Headers } from "./message/headers.ts";
import { noBody, parseCSeq, writeMessage, type SipRequest, type SipResponse } from "./message/message.ts";
import { readMessage } from "./message/parse.ts";
import { responseTo, tagOf } from "./message/respond.ts";
import { bracketed, parseUri, parseVia, type Via } from "./message/uri.ts";
import { ClientTransaction, ServerTransaction, transactionLimitMs, type ClientEar } from "./transaction.ts";
import { locate } from "./wire/locate.ts";
import type { Hop, TransportName, Wire } from "./wire/wire.ts";

/** A request that wants an answer. */
export interface Incoming {
  readonly request: SipRequest;
  readonly from: Hop;
  readonly transaction: ServerTransaction;
  respond(response: SipResponse): void;
  /** Answers with nothing but a status. */
  refuse(status: number, reason?: string): void;
}

/** Whom requests are for. */
export interface ExchangeEar {
  /** Before anything is remembered of a request. False: it is not for us, and was answered if it was to be. */
  welcomes(request: SipRequest, from: Hop, refuse: (status: number) => void): boolean;
  /** A new request; ACK and CANCEL come by themselves. */
  request(incoming: Incoming): void;
  /** The ACK of a success. */
  acknowledged(request: SipRequest): void;
  /** The caller takes back an INVITE that has no final answer yet. */
  cancelled(invite: ServerTransaction): void;
}

export interface ExchangeCounts {
  malformed: number;
  unmatched: number;
  overflow: number;
}

interface ExchangeParts {
  readonly clock: Clock;
  readonly random: Random;
  /** What our Via says for a peer of this transport. */
  readonly sentBy: (to: Hop) => { readonly address: string; readonly port: number };
}

const magicCookie = "z9hG4bK";
/** Beyond this new requests are not taken: somebody floods us. */
const transactionLimit = 10_000;

/** All transactions of one endpoint, over all its wires. */
export class Exchange {
  readonly counts: ExchangeCounts = { malformed: 0, unmatched: 0, overflow: 0 };
  readonly #parts: ExchangeParts;
  readonly #ear: ExchangeEar;
  readonly #wires = new Map<TransportName, Wire>();
  readonly #servers = new Map<string, ServerTransaction>();
  readonly #clients = new Map<string, ClientTransaction>();
  /** INVITEs by caller and call, to find one that came by two ways (section 8.2.2.2). */
  readonly #merged = new Map<string, ServerTransaction>();

  constructor(parts: ExchangeParts, ear: ExchangeEar) {
    this.#parts = parts;
    this.#ear = ear;
  }

  attach(wire: Wire): void {
    this.#wires.set(wire.transport, wire);
  }

  has(transport: TransportName): boolean {
    return this.#wires.has(transport);
  }

  /** Requests of ours that are not answered yet. */
  get waiting(): number {
    return [...this.#clients.values()].filter((each) => !each.answered).length;
  }

  received(bytes: Buffer, from: Hop): void {
    const reading = readMessage(bytes);
    if (reading.name === "flawed") {
      this.counts.malformed += 1;
      const { request, status, flaw } = reading;
      // Nobody answers strangers about their grammar.
      if (request !== undefined && this.#ear.welcomes(request, from, () => {})) {
        this.#reply(responseTo(noteSource(request, from), status, this.newTag(), flaw), from, request);
      }
    } else if (reading.message.kind === "response") {
      this.#receivedResponse(reading.message);
    } else {
      this.#receivedRequest(noteSource(reading.message, from), from);
    }
  }

  /** Sends a request in a transaction of its own. The request gets a Via. */
  request(request: SipRequest, hop: Hop, ear: ClientEar): ClientTransaction {
    const branch = `${magicCookie}${this.#parts.random.id("", 20)}`;
    request.headers.prepend("Via", this.#via(hop, branch));
    return this.#open(request, hop, `${branch}|${request.method}`, ear);
  }

  /** The CANCEL of an INVITE: same branch, same hop (section 9.1). */
  cancel(invite: SipRequest, hop: Hop): void {
    const [via = ""] = invite.headers.all("Via");
    const cancel = shadowOf(invite, "CANCEL", via);
    const branch = parseVia(via)?.params.get("branch") ?? "";
    this.#open(cancel, hop, `${branch}|CANCEL`, { response: () => {}, timedOut: () => {} });
  }

  /** Sends a request that has no answer: the ACK of a success. */
  send(request: SipRequest, hop: Hop): void {
    request.headers.prepend("Via", this.#via(hop, `${magicCookie}${this.#parts.random.id("", 20)}`));
    this.#write(writeMessage(request), hop, () => {});
  }

  /** Where a URI leads, on a wire that we have. Rejects when it leads nowhere. */
  async locate(uri: string): Promise<Hop> {
    const parsed = parseUri(uri);
    if (parsed === undefined) throw new Error(`${uri} is no SIP address`);
    const hop = await locate(parsed);
    if (!this.#wires.has(hop.transport)) throw new Error(`SIP over ${hop.transport} is not set up here`);
    return hop;
  }

  newTag(): string {
    return this.#parts.random.id("", 16);
  }

  abandon(): void {
    for (const each of [...this.#servers.values(), ...this.#clients.values()]) each.abandon();
  }

  #open(request: SipRequest, hop: Hop, key: string, ear: ClientEar): ClientTransaction {
    const bytes = writeMessage(request);
    const transaction: ClientTransaction = new ClientTransaction(
      request,
      { clock: this.#parts.clock, reliable: hop.transport !== "udp", over: () => this.#clients.delete(key) },
      () => this.#write(bytes, hop, () => transaction.failed()),
      (response) => this.#acknowledgeRefusal(request, response, hop),
      ear,
    );
    this.#clients.set(key, transaction);
    transaction.start();
    return transaction;
  }

  /** The ACK of a refusal goes the way of its INVITE, with its branch (section 17.1.1.3). */
  #acknowledgeRefusal(invite: SipRequest, response: SipResponse, hop: Hop): void {
    const [via = ""] = invite.headers.all("Via");
    const ack = shadowOf(invite, "ACK", via);
    ack.headers.set("To", response.headers.get("To") ?? "");
    this.#write(writeMessage(ack), hop, () => {});
  }

  #receivedResponse(response: SipResponse): void {
    const branch = parseVia(response.headers.all("Via")[0] ?? "")?.params.get("branch") ?? "";
    const method = parseCSeq(response.headers.get("CSeq"))?.method ?? "";
    const transaction = this.#clients.get(`${branch}|${method}`);
    if (transaction === undefined) this.counts.unmatched += 1;
    else transaction.received(response);
  }

  #receivedRequest(request: SipRequest, from: Hop): void {
    const key = serverKey(request);
    const known = this.#servers.get(`${key}|${request.method === "ACK" ? "INVITE" : request.method}`);
    if (known !== undefined && request.method === "ACK" && !known.succeeded) return known.acknowledged();
    if (known !== undefined && request.method !== "ACK") return known.repeated();
    if (!this.#ear.welcomes(request, from, (status) => this.#reply(responseTo(request, status, this.newTag()), from, request))) return;
    if (request.method === "ACK") return this.#ear.acknowledged(request);
    if (this.#servers.size >= transactionLimit) return void (this.counts.overflow += 1);
    const incoming = this.#serve(request, from, `${key}|${request.method}`);
    if (request.method === "CANCEL") return this.#cancelled(incoming, this.#servers.get(`${key}|INVITE`));
    if (this.#isMerged(incoming)) return incoming.refuse(482);
    this.#ear.request(incoming);
  }

  #serve(request: SipRequest, from: Hop, key: string): Incoming {
    const reliable = from.transport !== "udp";
    const over = (): void => void this.#servers.delete(key);
    const transaction = new ServerTransaction(request, { clock: this.#parts.clock, reliable, over }, (response) =>
      this.#reply(response, from, request),
    );
    this.#servers.set(key, transaction);
    return {
      request,
      from,
      transaction,
      respond: (response) => transaction.respond(response),
      refuse: (status, reason) => transaction.respond(responseTo(request, status, this.newTag(), reason)),
    };
  }

  #cancelled(incoming: Incoming, invite: ServerTransaction | undefined): void {
    if (invite === undefined) return incoming.refuse(481);
    incoming.respond(responseTo(incoming.request, 200, invite.localTag ?? this.newTag()));
    if (!invite.answered) this.#ear.cancelled(invite);
  }

  /** The same request by another way: a proxy forked, and both forks lead here. */
  #isMerged({ request, transaction }: Incoming): boolean {
    if (request.method !== "INVITE" || tagOf(request.headers.get("To")) !== undefined) return false;
    const { headers } = request;
    const key = `${tagOf(headers.get("From")) ?? ""}|${headers.get("Call-ID") ?? ""}|${headers.get("CSeq") ?? ""}`;
    const other = this.#merged.get(key);
    if (other !== undefined && other !== transaction) return true;
    this.#merged.set(key, transaction);
    this.#parts.clock.setTimeout(() => this.#merged.delete(key), transactionLimitMs);
    return false;
  }

  #reply(response: SipResponse, from: Hop, request: SipRequest): void {
    this.#write(writeMessage(response), replyHop(request, from), () => {});
  }

  #write(bytes: Buffer, hop: Hop, failed: () => void): void {
    const wire = this.#wires.get(hop.transport);
    if (wire === undefined) failed();
    else wire.send(bytes, hop, failed);
  }

  #via(hop: Hop, branch: string): string {
    const { address, port } = this.#parts.sentBy(hop);
    return `SIP/2.0/${hop.transport.toUpperCase()} ${bracketed(address)}:${port};branch=${branch};rport`;
  }
}

/** CANCEL and the ACK of a refusal repeat what names their INVITE. */
function shadowOf(invite: SipRequest, method: string, via: string): SipRequest {
  const headers = new Headers([
    ["Via", via],
    ["Max-Forwards", "70"],
  ]);
  for (const route of invite.headers.all("Route")) headers.add("Route", route);
  for (const name of ["From", "To", "Call-ID"]) headers.add(name, invite.headers.get(name) ?? "");
  headers.add("CSeq", `${parseCSeq(invite.headers.get("CSeq"))?.number ?? 1} ${method}`);
  return { ...invite, method, headers, body: noBody };
}

/** RFC 3261 branches name a transaction by themselves; older ones by everything that stays the same in repeats. */
function serverKey(request: SipRequest): string {
  const [top = ""] = request.headers.all("Via");
  const via = parseVia(top);
  const branch = via?.params.get("branch") ?? "";
  if (branch.startsWith(magicCookie) && branch.length > magicCookie.length) return `${branch}|${via?.host ?? ""}:${via?.port ?? ""}`;
  const { headers, uri } = request;
  const sequence = parseCSeq(headers.get("CSeq"))?.number ?? 0;
  return [uri, tagOf(headers.get("From")) ?? "", headers.get("Call-ID") ?? "", sequence, `${via?.host ?? ""}:${via?.port ?? ""}`].join("|");
}

/** Puts into the top Via where the request really came from (section 18.2.1, RFC 3581). */
function noteSource(request: SipRequest, from: Hop): SipRequest {
  const [top = ""] = request.headers.all("Via");
  const via = parseVia(top);
  if (via === undefined) return request;
  const wantsPort = via.params.get("rport") === "";
  let noted = wantsPort ? top.replace(/;[ \t]*rport(?=[ \t]*(?:;|$))/i, `;rport=${from.port}`) : top;
  if (wantsPort || via.host !== from.address) noted += `;received=${from.address}`;
  if (noted !== top) request.headers.set("Via", noted);
  return request;
}

function replyHop(request: SipRequest, from: Hop): Hop {
  if (from.transport !== "udp") return from;
  const via: Via | undefined = parseVia(request.headers.all("Via")[0] ?? "");
  return via?.params.has("rport") === true ? from : { ...from, port: via?.port ?? 5060 };
}
