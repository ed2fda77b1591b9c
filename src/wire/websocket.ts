import type { Duplex } from "node:stream";
import type { Clock, Timer } from "../kernel/clock.ts";
import { noClose, opcodes } from "./codes.ts";
import { FrameReader, type Breach, type FrameLimits } from "./frame-reader.ts";
import { asciiHeader, closeFrame, frameOf, textFrame } from "./frames.ts";

/** What a peer does. */
export interface SocketListener {
  /** `bytes`: how long it was on the wire. */
  text(text: string, bytes: number): void;
  /** The bytes are the listener's to keep, though they may lie in a chunk of many messages. */
  binary(bytes: Uint8Array): void;
  pinged(): void;
  ponged(): void;
  /** The peer did what the protocol forbids, and is being closed for it; `closed` follows. */
  broke(breach: Breach): void;
  /** Once, and last. 1005: in order but without a code; 1006: not in order. */
  closed(code: number): void;
}

export interface SocketOptions extends FrameLimits {
  readonly clock: Clock;
  /** How long a peer may take to close its side after us, before it is cut off. */
  readonly closeLimitMs: number;
}

/** `closing`: our close frame is sent, and the peer's is awaited. `ended`: nothing is read or sent any more. */
type State = "open" | "closing" | "ended";

const pingFrame = frameOf(opcodes.ping, new Uint8Array(0));

/**
 * One WebSocket with a client, on a connection that was upgraded. Pings are answered here. What a peer does not read waits in the
 * stream; whoever sends watches `bufferedAmount`.
 */
export class WireSocket {
  readonly #stream: Duplex;
  readonly #options: SocketOptions;
  #state: State = "open";
  /** How the peer closed. */
  #code = noClose;
  #cutOff: Timer | undefined;

  constructor(stream: Duplex, options: SocketOptions) {
    this.#stream = stream;
    this.#options = options;
  }

  /** Begins to read; what had come before waited. */
  listen(listener: SocketListener): void {
    const stream = this.#stream;
    const reader = new FrameReader(this.#options, {
      text: (text, bytes) => this.#state === "open" && listener.text(text, bytes),
      binary: (bytes) => this.#state === "open" && listener.binary(bytes),
      ping: (payload) => this.#answer(payload, listener),
      pong: () => listener.ponged(),
      close: (code) => this.#closedBy(code),
      broke: (breach) => this.#refuse(breach, listener),
    });
    stream.on("error", () => stream.destroy());
    // Whoever has closed their side is told nothing more; this stream would let us.
    stream.once("end", () => this.#end());
    stream.once("close", () => {
      reader.stop();
      this.#state = "ended";
      this.#options.clock.clearTimeout(this.#cutOff);
      listener.closed(this.#code);
    });
    stream.on("data", (chunk: Buffer) => reader.take(chunk));
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  /** Bytes that wait for the peer to read. */
  get bufferedAmount(): number {
    return this.#stream.writableLength;
  }

  sendText(text: string): void {
    if (this.#state !== "open") return;
    const header = Buffer.byteLength(text) === text.length ? asciiHeader(text.length) : undefined;
    if (header === undefined) this.#stream.write(textFrame(text));
    else this.#stream.write(header + text, "latin1");
  }

  sendBinary(bytes: Uint8Array): void {
    if (this.#state === "open") this.#stream.write(frameOf(opcodes.binary, bytes));
  }

  ping(): void {
    if (this.#state === "open") this.#stream.write(pingFrame);
  }

  close(code: number, reason: string): void {
    if (this.#state !== "open") return;
    this.#state = "closing";
    this.#stream.write(closeFrame(code, reason));
    this.#limitClose();
  }

  /** At once, without a word. */
  terminate(): void {
    this.#state = "ended";
    this.#stream.destroy();
  }

  #answer(payload: Buffer, listener: SocketListener): void {
    if (this.#state !== "open") return;
    // To whoever reads nothing, nothing is owed; else pings would fill the memory with pongs.
    if (!this.#stream.writableNeedDrain) this.#stream.write(frameOf(opcodes.pong, payload));
    listener.pinged();
  }

  #closedBy(code: number): void {
    this.#code = code;
    if (this.#state === "open") this.#stream.write(closeFrame(code, ""));
    this.#end();
  }

  #refuse(breach: Breach, listener: SocketListener): void {
    const wasOpen = this.#state === "open";
    if (wasOpen) this.#stream.write(closeFrame(breach.code, ""));
    this.#end();
    if (wasOpen) listener.broke(breach);
  }

  /** What the peer still sends is read and thrown away, until it closes: else it might not hear why we did. */
  #end(): void {
    if (this.#state === "ended") return;
    if (this.#state === "open") this.#limitClose();
    this.#state = "ended";
    this.#stream.end();
  }

  #limitClose(): void {
    this.#cutOff = this.#options.clock.setTimeout(() => this.#stream.destroy(), this.#options.closeLimitMs);
  }
}
