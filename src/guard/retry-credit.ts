export interface RetryCreditSettings {
  /** Retries there may be at a time, as a share of the work in flight. */
  readonly share: number;
  /** And beside that, so that a quiet node may retry at all. */
  readonly spare: number;
}

const defaultRetryCredit: RetryCreditSettings = { share: 0.2, spare: 3 };

/**
 * Bounds how many retries are under way at once, in the whole process: when everything fails at once, retries must not be the storm
 * that keeps it down. Who is refused goes on without a retry: to the next tier, or to its next turn on the ladder.
 */
export class RetryCredit {
  readonly #inFlight: () => number;
  readonly #settings: RetryCreditSettings;
  #taken = 0;

  /** @param inFlight the work that there is now, retries included: the calls of this node */
  constructor(inFlight: () => number, settings: RetryCreditSettings = defaultRetryCredit) {
    this.#inFlight = inFlight;
    this.#settings = settings;
  }

  /** Retries under way. */
  get taken(): number {
    return this.#taken;
  }

  /** Asked before a retry; true: it may begin, and `giveBack` is called once it has come to an end, whichever. */
  take(): boolean {
    if (this.#taken + 1 > this.#settings.share * this.#inFlight() + this.#settings.spare) return false;
    this.#taken += 1;
    return true;
  }

  giveBack(): void {
    this.#taken = Math.max(0, this.#taken - 1);
  }
}
