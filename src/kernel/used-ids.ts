/** Ids that may be used once each: which were, for as long as they would be accepted otherwise. */
export class UsedIds {
  readonly #limit: number;
  readonly #told: (id: string, untilMs: number) => void;
  /** With the Unix time, ms, from which each may be forgotten; oldest first. */
  readonly #used = new Map<string, number>();

  /**
   * @param limit more are not remembered, the oldest are forgotten
   * @param told of each use here, for those who accept the same ids
   */
  constructor(limit: number, told: (id: string, untilMs: number) => void = () => {}) {
    this.#limit = limit;
    this.#told = told;
  }

  has(id: string): boolean {
    return this.#used.has(id);
  }

  /** At the limit the oldest is forgotten for it. */
  use(id: string, untilMs: number, nowMs: number): void {
    for (const [each, until] of this.#used) {
      if (until >= nowMs) break;
      this.#used.delete(each);
    }
    this.learn(id, untilMs);
    this.#told(id, untilMs);
  }

  /** It was used elsewhere. */
  learn(id: string, untilMs: number): void {
    const [oldest] = this.#used.keys();
    if (this.#used.size >= this.#limit && oldest !== undefined) this.#used.delete(oldest);
    this.#used.set(id, untilMs);
  }
}
