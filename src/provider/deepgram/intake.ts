import { bytesOf, encodings, msOf, type Encoding } from "../../audio/encodings.ts";
import type { Clock } from "../../kernel/clock.ts";
import { Timeline } from "./timeline.ts";

/** Audio waiting in the socket; about eight seconds of the widest. */
const queueLimitBytes = 384 * 1024;
/** Results may be a little ahead of what we counted: services round. */
const aheadLimitMs = 250;

/** Caller audio on its way to a recogniser: bounded, counted, and with silence filled in where a wire cannot do without audio. */
export class Intake {
  readonly timeline = new Timeline();
  readonly #uplink: Encoding;
  readonly #clock: Clock;
  readonly #socket: { readonly queuedBytes: number };
  readonly #send: (bytes: Uint8Array) => boolean;
  /** When anything last went out, audio or not. */
  #sentAt: number;
  #usedMs = 0;

  constructor(uplink: Encoding, clock: Clock, socket: { readonly queuedBytes: number }, send: (bytes: Uint8Array) => boolean) {
    [this.#uplink, this.#clock, this.#socket, this.#send] = [uplink, clock, socket, send];
    this.#sentAt = clock.now();
  }

  hear(frame: Uint8Array): boolean {
    if (this.#socket.queuedBytes > queueLimitBytes) return false;
    // An empty binary message would end the stream.
    if (frame.length === 0) return true;
    if (!this.#send(frame)) return false;
    this.timeline.hear(msOf(frame.length, this.#uplink));
    this.#sentAt = this.#clock.now();
    return true;
  }

  fill(ms: number): void {
    const bytes = new Uint8Array(bytesOf(ms, this.#uplink)).fill(encodings[this.#uplink].silence);
    if (this.#send(bytes)) this.timeline.fill(ms);
  }

  /** Something other than audio went out that keeps the connection alive. */
  kept(): void {
    this.#sentAt = this.#clock.now();
  }

  /** How long nothing was sent but filling. */
  get idleMs(): number {
    return this.#clock.now() - this.#sentAt;
  }

  /** Whether a recogniser can have heard so far: what lies beyond was never said. */
  canReach(socketMs: number): boolean {
    return socketMs <= this.timeline.sentMs + aheadLimitMs;
  }

  /** Audio sent since this was last taken, ms. The service bills it, silence included. */
  get usedMs(): number {
    return Math.round(this.timeline.sentMs) - this.#usedMs;
  }

  takeUsedMs(): number {
    const { usedMs } = this;
    this.#usedMs += usedMs;
    return usedMs;
  }
}
