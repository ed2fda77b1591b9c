import type { Clock } from "../kernel/clock.ts";
import { Fault } from "../kernel/fault.ts";
import { beatMs, everyBeat } from "./beats.ts";

/** How long a ping may stay unanswered with nothing else coming; longer while much of ours is still on its way out. */
const usualPongLimitMs = 1_500;
const busyPongLimitMs = 6_000;
/** A peer of whom something came just now need not be asked. */
const freshMs = 100;
/** With nothing owed a dead peer is found soon enough. */
const idlePingMs = 15_000;

interface PulsePlan {
  readonly clock: Clock;
  readonly peer: { ping(): void; readonly queuedBytes: number };
  /** Whether somebody waits for the peer just now. */
  readonly owed: () => boolean;
  readonly dead: (fault: Fault) => void;
  /** Of a peer that is known for slow pongs. */
  readonly pongLimitMs?: number;
}

/**
 * Finds a peer that is gone without a close: pings it while something is owed, and now and then otherwise.
 * A beat that comes late itself proves nothing against the peer.
 */
export class Pulse {
  readonly #plan: PulsePlan;
  #beats: Disposable | undefined;
  #beatAt = 0;
  /** In whole ms: it is noted with each message, and a number with fractions has memory of its own. */
  #heardAt = 0;
  /** When the oldest unanswered ping went out. */
  #pingedAt: number | undefined;

  constructor(plan: PulsePlan) {
    this.#plan = plan;
  }

  /** Something came from the peer, whatever it is, a pong included. */
  heard(nowMs = this.#plan.clock.now()): void {
    this.#heardAt = Math.trunc(nowMs);
    this.#pingedAt = undefined;
  }

  begin(): void {
    this.heard();
    this.end();
    this.#beatAt = this.#heardAt;
    this.#beats = everyBeat(this.#plan.clock, () => this.#beat());
  }

  end(): void {
    this.#beats?.[Symbol.dispose]();
    this.#beats = undefined;
  }

  #beat(): void {
    const { clock, peer, owed, dead, pongLimitMs = usualPongLimitMs } = this.#plan;
    const now = clock.now();
    if (now - this.#beatAt > 2 * beatMs) this.#pingedAt = undefined;
    this.#beatAt = now;
    const limitMs = peer.queuedBytes > 0 ? Math.max(busyPongLimitMs, pongLimitMs) : pongLimitMs;
    if (this.#pingedAt !== undefined && now - this.#pingedAt > limitMs) {
      const message = `talking: no sign of life for ${Math.round(now - this.#heardAt)} ms`;
      this.end();
      return dead(new Fault("provider-silent", message, { foundAfterMs: now - this.#pingedAt }));
    }
    const silentMs = now - this.#heardAt;
    if (this.#pingedAt === undefined && silentMs >= freshMs && (silentMs > idlePingMs || owed())) {
      this.#pingedAt = now;
      peer.ping();
    }
  }
}
