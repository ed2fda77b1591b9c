import type { Duplex } from "node:stream";
import type { Clock, Timer } from "../kernel/clock.ts";
import { noClose, opcodes } from "./codes.ts";
import { FrameReader, type Breach, type End, type FrameLimits, type FrameListener, type Scanner } from "./frame-reader.ts";
import { takeIn } from "./intake.ts";
import type { Envelope } from "./envelope.ts";
import { OutgoingTexts } from "./outgoing.ts";
import { Outlet } from "./outlet.ts";
import { closePayload, frameOf, maskedFrameOf } from "./frames.ts";

/** What a peer does. */
export interface SocketListener extends Scanner {
  /** `bytes`: how long it was on the wire. */
  text(text: string, bytes: number): void;
  /** The bytes are valid until it returns. */
  binary(bytes: Uint8Array): void;
  pinged(): void;
  ponged(): void;
  /** The peer did what the protocol forbids, and is being closed for it; `closed` follows. */
  broke(breach: Breach): void;
  /** Once, and last. 1005: in order but without a code; 1006: not in order. */
  closed(code: number, reason: string): void;
}

export interface SocketOptions extends FrameLimits {
  readonly clock: Clock;
  /** How long a peer may take to close its side after us, before it is cut off. */
  readonly closeLimitMs: number;
  /** Who the peer is; a client unless it is said. */
  readonly peer?: End;
}

/** `closing`: our close frame is sent, and the peer's is awaited. `ended`: nothing is read or sent any more. */
type State = "open" | "closing" | "ended";

const nothing = new Uint8Array(0);
/** Texts go out one after the other, whatever the connection. */
const outgoing = new OutgoingTexts();

/**
 * One end of a WebSocket, on a connection that was upgraded. Pings are answered here. What a peer does not read waits in or
 * beneath the stream; whoever sends watches `bufferedAmount`.
 */
export class WireSocket {
  readonly #stream: Duplex;
  readonly #outlet: Outlet;
  readonly #options: SocketOptions;
  #state: State = "open";
  /** Frames go out under masks. */
  readonly #isClient: boolean;
  #reader: FrameReader | undefined;
  /** How the peer closed. */
  #code = noClose;
  #reason = "";
  #cutOff: Timer | undefined;

  constructor(stream: Duplex, options: SocketOptions) {
    this.#stream = stream;
    this.#outlet = new Outlet(stream);
    this.#options = options;
    this.#isClient = options.peer === "server";
  }

  /** Begins to read; what had come before waited. */
  listen(listener: SocketListener): void {
    const stream = this.#stream;
    const wants: Wants = {
      listener,
      ping: (payload) => this.#answer(payload, listener),
      close: (code, reason) => this.#closedBy(code, reason),
      broke: (breach) => this.#refuse(breach, listener),
    };
    const reader = new FrameReader(this.#options, new Frames(this, wants), this.#options.peer, listener);
    this.#reader = reader;
    stream.on("error", () => stream.destroy());
    // Whoever has closed their side is told nothing more; this stream would let us.
    stream.once("end", () => this.#end());
    stream.once("close", () => {
      reader.stop();
      this.#become("ended");
      this.#options.clock.clearTimeout(this.#cutOff);
      listener.closed(this.#code, this.#reason);
    });
    takeIn(stream, reader);
    if (stream.readableEnded) this.#end();
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  /** Bytes that wait for the peer to read. */
  get bufferedAmount(): number {
    return this.#outlet.bufferedAmount;
  }

  sendText(text: string): void {
    if (this.#state === "open" && !this.#outlet.write(outgoing.frameOf(text, this.#isClient))) outgoing.moveOn();
  }

  /** As a text, with `audio` in base64. */
  sendEnveloped(envelope: Envelope, audio: Uint8Array): void {
    if (this.#state === "open" && !this.#outlet.write(outgoing.frameAround(envelope, audio, this.#isClient))) outgoing.moveOn();
  }

  sendBinary(bytes: Uint8Array): void {
    if (this.#state === "open") this.#send(opcodes.binary, bytes);
  }

  ping(): void {
    if (this.#state === "open") this.#send(opcodes.ping, nothing);
  }

  close(code: number, reason: string): void {
    if (this.#state !== "open") return;
    this.#become("closing");
    this.#send(opcodes.close, closePayload(code, reason));
    this.#limitClose();
  }

  /** At once, without a word. */
  terminate(): void {
    this.#become("ended");
    this.#stream.destroy();
  }

  #become(state: "closing" | "ended"): void {
    this.#state = state;
    this.#reader?.scanNoMore();
  }

  #answer(payload: Buffer, listener: SocketListener): void {
    if (this.#state !== "open") return;
    // To whoever reads nothing, nothing is owed; else pings would fill the memory with pongs.
    if (this.bufferedAmount <= this.#stream.writableHighWaterMark) this.#send(opcodes.pong, payload);
    listener.pinged();
  }

  #closedBy(code: number, reason: string): void {
    this.#code = code;
    this.#reason = reason;
    if (this.#state === "open") this.#send(opcodes.close, closePayload(code, ""));
    this.#end();
  }

  #refuse(breach: Breach, listener: SocketListener): void {
    const wasOpen = this.#state === "open";
    if (wasOpen) this.#send(opcodes.close, closePayload(breach.code, ""));
    this.#end();
    if (wasOpen) listener.broke(breach);
  }

  #send(opcode: number, payload: Uint8Array): void {
    this.#outlet.write(this.#isClient ? maskedFrameOf(opcode, payload) : frameOf(opcode, payload));
  }

  /** What the peer still sends is read and thrown away, until it closes: else it might not hear why we did. */
  #end(): void {
    if (this.#state === "ended") return;
    if (this.#state === "open") this.#limitClose();
    this.#become("ended");
    this.#stream.end();
  }

  #limitClose(): void {
    this.#cutOff = this.#options.clock.setTimeout(() => this.#stream.destroy(), this.#options.closeLimitMs);
  }
}

/** What the socket itself does about what its peer sends. */
interface Wants {
  readonly listener: SocketListener;
  ping(payload: Buffer): void;
  close(code: number, reason: string): void;
  broke(breach: Breach): void;
}

/** The peer's frames, for the socket and for who listens to it. */
class Frames implements FrameListener {
  readonly #socket: WireSocket;
  readonly #listener: SocketListener;
  readonly #wants: Wants;

  constructor(socket: WireSocket, wants: Wants) {
    this.#socket = socket;
    this.#listener = wants.listener;
    this.#wants = wants;
  }

  text(text: string, bytes: number): void {
    if (this.#socket.isOpen) this.#listener.text(text, bytes);
  }

  binary(bytes: Buffer): void {
    if (this.#socket.isOpen) this.#listener.binary(bytes);
  }

  ping(payload: Buffer): void {
    this.#wants.ping(payload);
  }

  pong(): void {
    this.#listener.ponged();
  }

  close(code: number, reason: string): void {
    this.#wants.close(code, reason);
  }

  broke(breach: Breach): void {
    this.#wants.broke(breach);
  }
}
