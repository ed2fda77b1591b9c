import type { DeepgramTransport, DeepgramTransportCloseEvent, DeepgramTransportFactory, DeepgramTransportMessage } from "@deepgram/sdk";
import { WebSocket } from "ws";
import type { Clock } from "../../kernel/clock.ts";
import { resumingOptions } from "../tls-sessions.ts";

/** How a connection came to its end. */
export type SocketEnd =
  | {
      /** The upgrade was answered by HTTP. `error` and `requestId` are Deepgram's headers, empty when absent. */
      readonly type: "refused";
      readonly status: number;
      readonly error: string;
      readonly requestId: string;
      readonly retryAfter: string | undefined;
      readonly body: string;
    }
  | { readonly type: "unreachable"; readonly reason: string }
  | { readonly type: "closed"; readonly code: number; readonly reason: string };

/** What the official client does not tell, or not well: see `WsTransport`. */
export interface SocketReport {
  /** A binary message, in order with the client's "message" events. The receiver may keep the bytes. */
  binary(bytes: Uint8Array): void;
  pong(): void;
  /** Once, and last. */
  ended(end: SocketEnd): void;
}

/** Audio comes in pieces far smaller; a peer that sends more in one message is not one to listen to. */
const maxMessageBytes = 16 * 2 ** 20;
const bodyLimit = 4_096;
const closeLimitMs = 2_000;

/**
 * The socket under one connection of the official client. Its own would connect again by itself and send nothing of what the session
 * needs, hide status and headers of a refused upgrade behind a close with 1000, and hand out audio as `Blob`s, whose bytes come
 * asynchronously and so after messages that followed them. This one dials once, tells everything, and keeps the order.
 */
export class WsTransport implements DeepgramTransport {
  readonly #clock: Clock;
  readonly #report: SocketReport;
  readonly #opened: (() => void)[] = [];
  readonly #texts: ((message: string) => void)[] = [];
  readonly #errors: ((error: Error) => void)[] = [];
  readonly #closes: ((event: DeepgramTransportCloseEvent) => void)[] = [];
  #socket: WebSocket | undefined;
  #trouble = "";
  #over = false;

  constructor(clock: Clock, report: SocketReport) {
    [this.#clock, this.#report] = [clock, report];
  }

  /** For `transportFactory`. Whoever calls it a second time wanted to reconnect. */
  readonly factory: DeepgramTransportFactory = (url, headers, { protocols }) => {
    if (this.#socket !== undefined || this.#over) throw new Error("this connection was dialled before");
    const options = { headers, perMessageDeflate: false, maxPayload: maxMessageBytes, ...resumingOptions(url) };
    const socket = new WebSocket(url, protocols, options);
    this.#socket = socket;
    let opened = false;
    socket.on("open", () => {
      opened = true;
      this.#opened.forEach((listener) => listener());
    });
    // The default `binaryType` gives one Buffer a message.
    socket.on("message", (data: Buffer, isBinary) => {
      if (this.#over) return;
      if (isBinary) this.#report.binary(data);
      else this.#tellText(data.toString());
    });
    socket.on("pong", () => this.#report.pong());
    socket.on("error", (error) => (this.#trouble = error.message));
    socket.on("unexpected-response", (_request, response) => {
      let body = "";
      const refused = (): void => {
        const { statusCode = 0, headers: told } = response;
        const header = (name: string): string => [told[name] ?? ""].flat().join(" ");
        const retryAfter = told["retry-after"];
        this.#end({ type: "refused", status: statusCode, error: header("dg-error"), requestId: header("dg-request-id"), retryAfter, body });
        socket.terminate();
      };
      response.setEncoding("utf8");
      response.on("data", (piece: string) => {
        if (body.length < bodyLimit) body += piece;
      });
      response.on("end", refused);
      response.on("error", refused);
    });
    socket.on("close", (code, reason) => {
      if (!opened) this.#end({ type: "unreachable", reason: this.#trouble });
      else this.#end({ type: "closed", code, reason: reason.length === 0 ? this.#trouble : reason.toString() });
    });
    return this;
  };

  /** Bytes that the socket has taken and not yet sent. */
  get queuedBytes(): number {
    return this.#socket?.bufferedAmount ?? 0;
  }

  isOpen(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  send(message: DeepgramTransportMessage): void {
    if (message instanceof Blob) throw new TypeError("bytes of a Blob cannot be sent in order; send a view");
    this.#socket?.send(message);
  }

  ping(): void {
    if (this.isOpen()) this.#socket?.ping();
  }

  /** Closes in order; a peer that does not answer is not waited for. Nothing is told any more. */
  close(code = 1000, reason?: string): void {
    if (this.#over) return;
    this.#over = true;
    const socket = this.#socket;
    if (socket === undefined || socket.readyState === WebSocket.CLOSED) return;
    socket.close(code, reason);
    const limit = this.#clock.setTimeout(() => socket.terminate(), closeLimitMs);
    socket.once("close", () => this.#clock.clearTimeout(limit));
  }

  /** Ends at once. Nothing is told any more. */
  terminate(): void {
    this.#over = true;
    this.#socket?.terminate();
  }

  onOpen(listener: () => void): void {
    this.#opened.push(listener);
  }

  onMessage(listener: (message: DeepgramTransportMessage) => void): void {
    this.#texts.push(listener);
  }

  onError(listener: (error: Error) => void): void {
    this.#errors.push(listener);
  }

  onClose(listener: (event: DeepgramTransportCloseEvent) => void): void {
    this.#closes.push(listener);
  }

  #tellText(message: string): void {
    for (const listener of this.#texts) listener(message);
  }

  #end(end: SocketEnd): void {
    if (this.#over) return;
    this.#over = true;
    this.#report.ended(end);
    if (end.type === "closed") this.#closes.forEach((listener) => listener({ code: end.code, reason: end.reason }));
    else this.#errors.forEach((listener) => listener(new Error(end.type === "refused" ? `HTTP ${end.status}` : end.reason)));
  }
}
