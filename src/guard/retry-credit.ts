import type { Clock } from "../kernel/clock.ts";

export interface RetryCreditSettings {
  /** Retries there may be at a time, as a share of the work in flight. */
  readonly share: number;
  /** And beside that, so that a quiet node may retry at all. */
  readonly spare: number;
  /** No retry is under way longer than this, ms: then its credit is there again. */
  readonly lastsMs: number;
}

const defaultRetryCredit: RetryCreditSettings = { share: 0.2, spare: 3, lastsMs: 5_000 };

/**
 * Bounds how many retries are under way at once, in the whole process: when everything fails at once, retries must not be the storm
 * that keeps it down. Who is refused goes on without a retry, to the next tier; who has no other way does not ask.
 */
export class RetryCredit {
  readonly #inFlight: () => number;
  readonly #clock: Clock;
  readonly #settings: RetryCreditSettings;
  /** When the credit of each retry is there again, oldest first. */
  readonly #backMs: number[] = [];

  /** @param inFlight the work that there is now: the calls of this node */
  constructor(inFlight: () => number, clock: Clock, settings: RetryCreditSettings = defaultRetryCredit) {
    this.#inFlight = inFlight;
    this.#clock = clock;
    this.#settings = settings;
  }

  /** Asked before a retry; true: it may begin. */
  take(): boolean {
    const { share, spare, lastsMs } = this.#settings;
    const nowMs = this.#clock.now();
    while ((this.#backMs[0] ?? Infinity) <= nowMs) this.#backMs.shift();
    if (this.#backMs.length + 1 > share * this.#inFlight() + spare) return false;
    this.#backMs.push(nowMs + lastsMs);
    return true;
  }
}
