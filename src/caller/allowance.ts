/** A token bucket: so much at once, so much a second. */
export class Allowance {
  readonly #perMs: number;
  readonly #burst: number;
  /** Whole ones. */
  #left: number;
  #atMs: number;

  constructor(perSecond: number, burst: number, nowMs: number) {
    this.#perMs = perSecond / 1000;
    this.#burst = burst;
    this.#left = burst;
    this.#atMs = nowMs;
  }

  /** False: there is not so much left, and nothing was taken. */
  take(amount: number, nowMs: number): boolean {
    this.refill(nowMs);
    return this.takeOften(amount, nowMs);
  }

  /** The same for who takes with every message and refills on a beat: the time matters only where not enough is left. */
  takeOften(amount: number, nowMs: number): boolean {
    if (this.#left < amount) this.refill(nowMs);
    if (this.#left < amount) return false;
    this.#left -= amount;
    return true;
  }

  full(nowMs: number): boolean {
    this.refill(nowMs);
    return this.#left >= this.#burst;
  }

  /** How long until `amount` can be taken, ms. */
  waitMs(amount: number, nowMs: number): number {
    this.refill(nowMs);
    return Math.max(0, (amount - this.#left) / this.#perMs - (nowMs - this.#atMs));
  }

  /** What has come since is there; what would be more than fits is gone. */
  refill(nowMs: number): void {
    const come = Math.floor(Math.max(0, nowMs - this.#atMs) * this.#perMs);
    if (this.#left + come >= this.#burst) {
      this.#left = this.#burst;
      this.#atMs = Math.max(this.#atMs, nowMs);
    } else if (come > 0) {
      this.#left += come;
      this.#atMs += come / this.#perMs;
    }
  }
}
