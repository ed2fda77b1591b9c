import type { Clock, Timer } from "../../kernel/clock.ts";
import { Fault } from "../../kernel/fault.ts";
import type { WsTransport } from "./transport.ts";

const beatMs = 500;
/** How long a ping may stay unanswered with nothing else coming; longer while much of ours is still on its way out. */
const pongLimitMs = 1_500;
const busyPongLimitMs = 6_000;
/** With nothing owed a dead peer is found soon enough. */
const idlePingMs = 15_000;

/**
 * Finds a peer that is gone without a close: pings it while something is owed, and now and then otherwise.
 * A beat that comes late itself proves nothing against the peer.
 */
export class Pulse {
  readonly #clock: Clock;
  readonly #transport: Pick<WsTransport, "ping" | "queuedBytes">;
  readonly #owed: () => boolean;
  readonly #dead: (fault: Fault) => void;
  #timer: Timer | undefined;
  #heardAt = 0;
  /** When the oldest unanswered ping went out. */
  #pingedAt: number | undefined;

  constructor(clock: Clock, transport: Pick<WsTransport, "ping" | "queuedBytes">, owed: () => boolean, dead: (fault: Fault) => void) {
    [this.#clock, this.#transport, this.#owed, this.#dead] = [clock, transport, owed, dead];
  }

  /** Something came from the peer, whatever it is. */
  heard(): void {
    this.#heardAt = this.#clock.now();
    this.#pingedAt = undefined;
  }

  begin(): void {
    this.heard();
    this.#wait();
  }

  end(): void {
    this.#clock.clearTimeout(this.#timer);
  }

  #wait(): void {
    const dueAt = this.#clock.now() + beatMs;
    this.#timer = this.#clock.setTimeout(() => {
      if (this.#clock.now() - dueAt > beatMs) this.#pingedAt = undefined;
      this.#beat();
    }, beatMs);
  }

  #beat(): void {
    const now = this.#clock.now();
    const limitMs = this.#transport.queuedBytes > 0 ? busyPongLimitMs : pongLimitMs;
    if (this.#pingedAt !== undefined && now - this.#pingedAt > limitMs)
      return this.#dead(new Fault("provider-silent", `talking: no sign of life for ${Math.round(now - this.#heardAt)} ms`));
    if (this.#pingedAt === undefined && (this.#owed() || now - this.#heardAt > idlePingMs)) {
      this.#pingedAt = now;
      this.#transport.ping();
    }
    this.#wait();
  }
}
