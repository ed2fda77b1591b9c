import { allowedMethods, contactFor, supportedExtensions, type CallParts } from "./call-parts.ts";
import type { Dialog } from "./dialog.ts";
import type { Headers } from "./message/headers.ts";
import type { SipRequest, SipResponse } from "./message/message.ts";
import type { Hop } from "./wire/wire.ts";

/** What comes of a request of ours. */
interface RequestEar {
  response(response: SipResponse, request: SipRequest, hop: Hop): void;
  timedOut(): void;
}

/** Our side of one dialog on the wire: requests find their way, and every message says where we are. */
export class InDialog {
  readonly #parts: CallParts;
  readonly #dialog: Dialog;
  /** Where its messages came from; requests without a route go back there. */
  readonly peer: Hop;

  constructor(parts: CallParts, dialog: Dialog, peer: Hop) {
    this.#parts = parts;
    this.#dialog = dialog;
    this.peer = peer;
  }

  /** A request in the dialog; where it goes is looked up first, if it is a name. */
  send(method: string, dress: (headers: Headers) => unknown, ear: RequestEar, body = ""): void {
    const { request: bare, hop: uri } = this.#dialog.request(method);
    const request = withBody(bare, body);
    const { exchange } = this.#parts;
    const go = (hop: Hop): void => {
      request.headers.add("Contact", contactFor(this.#parts, hop));
      dress(request.headers);
      exchange.request(request, hop, { response: (response) => ear.response(response, request, hop), timedOut: () => ear.timedOut() });
    };
    // A connection that the peer opened is the only way back through its NAT.
    if (this.peer.transport !== "udp" && uri === this.#dialog.remoteTarget) return go(this.peer);
    exchange.locate(uri).then(go, () => go(this.peer));
  }

  /** Whatever is answered, the call is over for us. */
  bye(): void {
    this.send("BYE", () => {}, { response: () => {}, timedOut: () => {} });
  }

  withContact(response: SipResponse): SipResponse {
    response.headers.add("Contact", contactFor(this.#parts, this.peer)).add("Allow", allowedMethods).add("Supported", supportedExtensions);
    return response;
  }
}

/** The same message with a session description, or as it is. */
export function withBody<M extends SipRequest | SipResponse>(message: M, body: string): M {
  if (body === "") return message;
  message.headers.set("Content-Type", "application/sdp");
  return { ...message, body: Buffer.from(body) };
}
