import type { WebSocket } from "ws";
import type { Clock, Timer } from "../../kernel/clock.ts";
import { Fault } from "../../kernel/fault.ts";

const beatMs = 500;
/** How long a ping may stay unanswered, with nothing else coming either; longer while much of ours is still on its way out. */
const pongLimitMs = 1_500;
const busyPongLimitMs = 6_000;
/** With nothing owed a dead peer is found soon enough. */
const idlePingMs = 15_000;

/**
 * Finds a peer that is gone without a close: pings it every beat while something is owed, and now and then otherwise.
 * A beat that comes late itself proves nothing against the peer.
 */
export class Pulse {
  readonly #clock: Clock;
  readonly #socket: WebSocket;
  readonly #owed: () => boolean;
  readonly #dead: (fault: Fault) => void;
  #timer: Timer | undefined;
  #heardAt = 0;
  /** When the oldest unanswered ping went out. */
  #pingedAt: number | undefined;

  constructor(clock: Clock, socket: WebSocket, owed: () => boolean, dead: (fault: Fault) => void) {
    [this.#clock, this.#socket, this.#owed, this.#dead] = [clock, socket, owed, dead];
    socket.on("pong", () => this.heard());
  }

  heard(): void {
    this.#heardAt = this.#clock.now();
    this.#pingedAt = undefined;
  }

  begin(): void {
    const dueAt = this.#clock.now() + beatMs;
    this.#timer = this.#clock.setTimeout(() => {
      const late = this.#clock.now() - dueAt > beatMs;
      if (late) this.#pingedAt = undefined;
      this.#beat();
    }, beatMs);
  }

  end(): void {
    this.#clock.clearTimeout(this.#timer);
  }

  #beat(): void {
    const now = this.#clock.now();
    const limitMs = this.#socket.bufferedAmount > 0 ? busyPongLimitMs : pongLimitMs;
    if (this.#pingedAt !== undefined && now - this.#pingedAt > limitMs) {
      return this.#dead(new Fault("provider-silent", `talking: no sign of life for ${Math.round(now - this.#heardAt)} ms`));
    }
    if (this.#pingedAt === undefined && (this.#owed() || now - this.#heardAt > idlePingMs)) {
      this.#pingedAt = now;
      this.#socket.ping();
    }
    this.begin();
  }
}
