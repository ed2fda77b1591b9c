import { backoffMs } from "../kernel/backoff.ts";
import type { Clock, Timer } from "../kernel/clock.ts";
import type { Fault } from "../kernel/fault.ts";
import type { Random } from "../kernel/random.ts";
import type { Breaker } from "./breaker.ts";
import type { ProbeResult, ProbeStay } from "./probe.ts";

/**
 * When a provider is probed: `on` each 30 s and while it fails; `faults` only while it fails; `off` never, so that only callers find out
 * that it is back.
 */
export type ProbeMode = "on" | "faults" | "off";

export interface ProberParts {
  readonly breaker: Breaker;
  readonly mode: ProbeMode;
  readonly clock: Clock;
  readonly random: Random;
  probe(stay: ProbeStay, signal: AbortSignal): Promise<ProbeResult>;
  /** Calls showed that it works, within the last `ms`. */
  provedWithin(ms: number): boolean;
  /** A call is trying it just now, and will tell. */
  isTried(): boolean;
  /** Told at each turn of the clock, so that what fades with time is looked at. */
  ticked(): void;
}

const steadyMs = 30_000;
const openMs = 10_000;
/** To the second good probe, and between the trials that close the breaker. */
const confirmMs = 1_000;
/** Whatever it asks, a provider is tried again after this. */
const longestAskedMs = 300_000;
/** Rungs of the ladder 1, 2, 4, 8, 16 s. */
const rungs = 5;

/**
 * Tries a provider in the background, one try at a time, whatever the number of its calls: each 30 s while all is well, on the ladder
 * after a fault that may pass, each 10 s while its breaker is open.
 */
export class Prober {
  readonly #parts: ProberParts;
  /** Of the ladder; 0: not on it. */
  #rung = 0;
  /** How long the provider itself asked to be left alone, when it failed last. */
  #askedMs = 0;
  /** How long the last try took: while the breaker is open, tries begin at even intervals, however long each hangs. */
  #triedMs = 0;
  #now: { name: "stopped" } | { name: "waiting"; timer: Timer } | { name: "probing"; abort: AbortController } = { name: "stopped" };

  constructor(parts: ProberParts) {
    this.#parts = parts;
  }

  start(): void {
    if (this.#now.name === "stopped") this.#wait();
  }

  stop(): void {
    const now = this.#now;
    this.#now = { name: "stopped" };
    if (now.name === "waiting") this.#parts.clock.clearTimeout(now.timer);
    if (now.name === "probing") now.abort.abort();
  }

  /** A call left the provider for a fault that may pass. */
  suspect(fault: Fault): void {
    this.putOff(fault);
    if (this.#rung > 0 || this.#parts.mode === "off") return;
    this.#rung = 1;
    this.lookAgain();
  }

  /** The next try waits as long as the provider asked, if it did. */
  putOff({ retryAfterMs = 0 }: Fault): void {
    this.#askedMs = Math.min(longestAskedMs, Math.max(this.#askedMs, retryAfterMs));
  }

  /** A session showed that it works. */
  relieve(): void {
    if (this.#rung === 0) return;
    this.#rung = 0;
    this.lookAgain();
  }

  /** Whatever is waited for, there may be reason to wait for something else: the breaker changed. */
  lookAgain(): void {
    if (this.#now.name !== "waiting") return;
    this.#parts.clock.clearTimeout(this.#now.timer);
    this.#wait();
  }

  #wait(): void {
    this.#now = { name: "waiting", timer: this.#parts.clock.setTimeout(() => void this.#turn(), this.#waitMs()) };
  }

  #waitMs(): number {
    const { breaker, random, mode } = this.#parts;
    // Only ever earlier, so that what is found out within so long stays so.
    const early = 1 - random.next() / 10;
    if (breaker.ordered === "open" || mode === "off") return early * steadyMs;
    if (breaker.state === "open") {
      const plannedMs = breaker.goodProbes > 0 ? early * confirmMs : early * openMs - this.#triedMs;
      return Math.max(0, this.#askedMs, plannedMs);
    }
    if (breaker.state === "half_open") return early * confirmMs;
    return this.#rung > 0 ? backoffMs(this.#rung + 1, random, this.#askedMs) : early * steadyMs;
  }

  async #turn(): Promise<void> {
    this.#parts.ticked();
    if (this.#isDue()) {
      const abort = new AbortController();
      this.#now = { name: "probing", abort };
      this.#askedMs = 0;
      const { breaker, clock } = this.#parts;
      const sinceMs = clock.now();
      const isSteady = breaker.state === "closed" && this.#rung === 0;
      const result = await this.#parts.probe(breaker.state === "open" ? "short" : isSteady ? "no" : "proven", abort.signal);
      if (abort.signal.aborted) return;
      this.#triedMs = clock.now() - sinceMs;
      this.#climb(result);
    }
    this.#wait();
  }

  #isDue(): boolean {
    const { breaker, mode } = this.#parts;
    if (breaker.ordered === "open" || mode === "off") return false;
    if (breaker.state !== "closed") return true;
    if (this.#rung > 0) return !this.#parts.isTried();
    return mode === "on" && !this.#parts.provedWithin(steadyMs);
  }

  /** The ladder ends with its last rung or the first success; with an open breaker it is not needed. */
  #climb(result: ProbeResult): void {
    if (result === "good" || this.#parts.breaker.state !== "closed" || this.#rung === rungs) this.#rung = 0;
    else if (this.#rung > 0) this.#rung += 1;
    else if (result === "bad") this.#rung = 1;
  }
}
