import type { Clock, Timer } from "../../kernel/clock.ts";
import { t1Ms, t2Ms, transactionLimitMs } from "./transaction.ts";

/** A success is said again until its ACK comes, on streams too, and for 32 s (RFC 3261 section 13.3.1.4). */
export class Repeats {
  readonly #clock: Clock;
  readonly #send: () => void;
  readonly #unheard: () => void;
  #timer: Timer | undefined;

  constructor(clock: Clock, send: () => void, unheard: () => void) {
    this.#clock = clock;
    this.#send = send;
    this.#unheard = unheard;
  }

  start(): void {
    const sinceMs = this.#clock.now();
    const again = (waitMs: number): void => {
      this.#timer = this.#clock.setTimeout(() => {
        if (this.#clock.now() - sinceMs >= transactionLimitMs) return this.#unheard();
        this.#send();
        again(Math.min(2 * waitMs, t2Ms));
      }, waitMs);
    };
    again(t1Ms);
  }

  stop(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
  }
}
