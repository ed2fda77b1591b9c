// RFC 3261 section 12: what two sides of a call remember of each other.
import { Headers } from "./message/headers.ts";
import { noBody, parseCSeq, type SipRequest, type SipResponse } from "./message/message.ts";
import { tagOf } from "./message/respond.ts";
import { parseNameAddr, parseUri } from "./message/uri.ts";

export interface DialogParts {
  readonly callId: string;
  /** From and To of our requests, tags and all. */
  readonly local: string;
  readonly remote: string;
  readonly remoteTarget: string;
  /** In the order in which our requests carry them. */
  readonly routes: readonly string[];
  readonly localNumber: number;
  readonly remoteNumber: number;
}

/** One dialog. It builds our requests in it and keeps the order of theirs. */
export class Dialog {
  readonly callId: string;
  readonly local: string;
  readonly remote: string;
  readonly #routes: readonly string[];
  #remoteTarget: string;
  #localNumber: number;
  #remoteNumber: number;

  constructor(parts: DialogParts) {
    this.callId = parts.callId;
    this.local = parts.local;
    this.remote = parts.remote;
    this.#routes = parts.routes;
    this.#remoteTarget = parts.remoteTarget;
    this.#localNumber = parts.localNumber;
    this.#remoteNumber = parts.remoteNumber;
  }

  /** As the one who was called: the route set is that of the INVITE, in order (section 12.1.1). */
  static called(invite: SipRequest, localTag: string): Dialog {
    const { headers } = invite;
    return new Dialog({
      callId: headers.get("Call-ID") ?? "",
      local: `${headers.get("To") ?? ""};tag=${localTag}`,
      remote: headers.get("From") ?? "",
      remoteTarget: targetOf(headers) ?? parseNameAddr(headers.get("From") ?? "")?.uri ?? "",
      routes: headers.all("Record-Route"),
      localNumber: 0,
      remoteNumber: parseCSeq(headers.get("CSeq"))?.number ?? 0,
    });
  }

  /** As the one who calls: the route set of the answer, reversed (section 12.1.2). */
  static calling(invite: SipRequest, response: SipResponse): Dialog {
    const { headers } = response;
    return new Dialog({
      callId: headers.get("Call-ID") ?? "",
      local: invite.headers.get("From") ?? "",
      remote: headers.get("To") ?? "",
      remoteTarget: targetOf(headers) ?? invite.uri,
      routes: headers.all("Record-Route").toReversed(),
      localNumber: parseCSeq(invite.headers.get("CSeq"))?.number ?? 1,
      remoteNumber: 0,
    });
  }

  get localTag(): string {
    return tagOf(this.local) ?? "";
  }

  get remoteTag(): string {
    return tagOf(this.remote) ?? "";
  }

  get remoteTarget(): string {
    return this.#remoteTarget;
  }

  /** Is this request, which has our tag in To, of this dialog? */
  isOf(request: SipRequest): boolean {
    const from = tagOf(request.headers.get("From")) ?? "";
    return from === this.remoteTag;
  }

  /** Notes the number of a request that came; false: it is older than one that was taken. ACK and CANCEL carry old numbers by right. */
  inOrder(request: SipRequest): boolean {
    const number = parseCSeq(request.headers.get("CSeq"))?.number ?? 0;
    if (number <= this.#remoteNumber) return false;
    this.#remoteNumber = number;
    return true;
  }

  /** Their Contact moved: target refresh by INVITE and UPDATE. */
  refreshTarget(headers: Headers): void {
    this.#remoteTarget = targetOf(headers) ?? this.#remoteTarget;
  }

  /**
   * A request in the dialog, without Via and Contact, and the URI it has to be sent to.
   * @param number the number of the INVITE for its ACK, which does not count up
   */
  request(method: string, number?: number): { request: SipRequest; hop: string } {
    if (number === undefined) this.#localNumber += 1;
    const headers = new Headers();
    const [first] = this.#routes;
    const firstUri = first === undefined ? undefined : parseNameAddr(first)?.uri;
    const isStrict = firstUri !== undefined && parseUri(firstUri)?.params.has("lr") !== true;
    const routes = isStrict ? [...this.#routes.slice(1), `<${this.#remoteTarget}>`] : this.#routes;
    for (const route of routes) headers.add("Route", route);
    headers.add("Max-Forwards", "70");
    headers.add("From", this.local).add("To", this.remote).add("Call-ID", this.callId);
    headers.add("CSeq", `${number ?? this.#localNumber} ${method}`);
    const uri = isStrict ? firstUri : this.#remoteTarget;
    return { request: { kind: "request", method, uri, headers, body: noBody }, hop: firstUri ?? this.#remoteTarget };
  }
}

const targetOf = (headers: Headers): string | undefined => parseNameAddr(headers.all("Contact")[0] ?? "")?.uri;
