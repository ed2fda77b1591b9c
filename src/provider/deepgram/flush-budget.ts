import type { Clock } from "../../kernel/clock.ts";
import { flushLimit, flushWindowMs } from "./speak-wire.ts";

/** How many `Flush` messages may still be sent: the service counts them over a window, and leaves those above its limit undone. */
export class FlushBudget {
  readonly #clock: Clock;
  /** Oldest first, never more than the limit. */
  readonly #sentAt: number[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get left(): number {
    const sinceMs = this.#clock.now() - flushWindowMs;
    while (this.#sentAt[0] !== undefined && this.#sentAt[0] <= sinceMs) this.#sentAt.shift();
    return flushLimit - this.#sentAt.length;
  }

  spend(): void {
    this.#sentAt.push(this.#clock.now());
  }
}
