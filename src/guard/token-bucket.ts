import type { Clock } from "../kernel/clock.ts";

/** So much a minute, and as much at once. It may be overdrawn, for what something costs is often known only afterwards. */
export class TokenBucket {
  readonly #clock: Clock;
  readonly perMinute: number;
  #left: number;
  #atMs: number;

  constructor(clock: Clock, perMinute: number) {
    this.#clock = clock;
    this.perMinute = perMinute;
    this.#left = perMinute;
    this.#atMs = clock.now();
  }

  /** Below zero when overdrawn. */
  get left(): number {
    const nowMs = this.#clock.now();
    this.#left = Math.min(this.perMinute, this.#left + ((nowMs - this.#atMs) * this.perMinute) / 60_000);
    this.#atMs = nowMs;
    return this.#left;
  }

  take(amount: number): void {
    this.#left = this.left - amount;
  }

  /** How long until there is `amount`, ms. */
  waitMs(amount: number): number {
    return Math.max(0, ((amount - this.left) * 60_000) / this.perMinute);
  }
}
