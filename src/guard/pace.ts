import type { Clock } from "../kernel/clock.ts";
import { Recent } from "./recent.ts";

/** How long a provider may take, by what it took lately: asked anew for each wait. */
export interface Pace {
  /** From asking for a session until it is ready, ms. */
  openLimitMs(provider: string): number;
  /** From a turn that is owed an answer to its first audio or tool call, ms. */
  answerLimitMs(provider: string): number;
}

/** A limit is p95 of the last samples times this. */
const factor = 1.5;
const secondMs = 1_000;
/** With fewer samples than this the longest limit holds. */
const enough = 20;
const window = { spanMs: 300_000, size: 200 };

/**
 * A limit that follows what it limits: p95 of the last five minutes × 1.5, never under `shortestMs`, never over `longestMs`.
 * A wait that ran out doubles it until something comes in its old time again, and counts as one that took so long: else a provider
 * that got slower would be cut off for good, since what is cut off is never measured.
 */
export class AdaptiveLimit {
  readonly #longestMs: number;
  readonly #shortestMs: number;
  readonly #taken: Recent;
  /** The limit is this many times what the samples say, after waits that ran out. */
  #slack = 1;

  constructor(clock: Clock, longestMs: number, shortestMs = secondMs) {
    this.#longestMs = longestMs;
    this.#shortestMs = shortestMs;
    this.#taken = new Recent(clock, window);
  }

  get ms(): number {
    return Math.min(this.#longestMs, this.#slack * (this.#learned() ?? this.#longestMs));
  }

  /** How many there were in the last five minutes. */
  get samples(): number {
    return this.#taken.count;
  }

  /** The median and the 95th percentile of the last five minutes, ms; undefined without samples. */
  get p50(): number | undefined {
    return this.#taken.quantile(0.5);
  }

  get p95(): number | undefined {
    return this.#taken.quantile(0.95);
  }

  took(ms: number): void {
    if (ms <= (this.#learned() ?? this.#longestMs)) this.#slack = 1;
    this.#taken.add(ms);
  }

  /** Nothing had come after `ms`. */
  ranOut(ms: number): void {
    if (this.ms < this.#longestMs) this.#slack *= 2;
    this.#taken.add(ms);
  }

  /** What it took before says nothing of what it takes now. */
  forget(): void {
    this.#taken.forget();
    this.#slack = 1;
  }

  #learned(): number | undefined {
    const p95 = this.#taken.count < enough ? undefined : this.#taken.quantile(0.95);
    return p95 === undefined ? undefined : Math.min(this.#longestMs, Math.max(this.#shortestMs, factor * p95));
  }
}
