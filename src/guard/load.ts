import type { Clock, Timer } from "../kernel/clock.ts";
import { Fault } from "../kernel/fault.ts";

/** How hard this process worked since it was last asked. */
export interface LoadReading {
  /** How late its event loop came to its work, 99th percentile, ms. */
  readonly lagMs: number;
  /** Share of the time in which the loop had work, 0 to 1: of one core, for there is one loop. */
  readonly busy: number;
}

/** From where on no new call is taken; 0: whatever it is. */
export type LoadLimits = LoadReading;

export interface LoadWatch {
  began(reading: LoadReading): void;
  ended(reading: LoadReading): void;
}

const windowMs = 1_000;
/** One bad second may be a collection of garbage, or a page of the console. */
const badWindows = 2;
/** It is over when it was well under the limits for so long: else the first caller let in would bring it back. */
const goodWindows = 3;
const wellUnder = 0.8;
const retryAfterMs = 5_000;

/**
 * Refuses new calls while those in progress need all there is. What the loop is late, every frame of every caller is late: better a
 * clear refusal to the next one than a bad line for all.
 */
export class LoadGate implements Disposable {
  readonly #limits: LoadLimits;
  readonly #read: () => LoadReading;
  readonly #clock: Clock;
  readonly #watch: LoadWatch;
  #timer: Timer;
  /** `windows`: in a row that speak for the other state. */
  #state: { readonly name: "open" | "shut"; readonly windows: number } = { name: "open", windows: 0 };
  #last: LoadReading = { lagMs: 0, busy: 0 };

  constructor(limits: LoadLimits, read: () => LoadReading, clock: Clock, watch: LoadWatch) {
    this.#limits = limits;
    this.#read = read;
    this.#clock = clock;
    this.#watch = watch;
    // What was before the first call says nothing of calls.
    read();
    this.#timer = clock.setTimeout(() => this.#look(), windowMs);
  }

  /** Of the last second. */
  get last(): LoadReading {
    return this.#last;
  }

  /** Why no new call is taken just now; undefined: because of the load none is refused. */
  refusal(): Fault | undefined {
    if (this.#state.name === "open") return undefined;
    return new Fault("overload", "this server is at the limit of what it can carry; call again in a moment", { retryAfterMs });
  }

  [Symbol.dispose](): void {
    this.#clock.clearTimeout(this.#timer);
  }

  #look(): void {
    this.#timer = this.#clock.setTimeout(() => this.#look(), windowMs);
    this.#last = this.#read();
    const { name, windows } = this.#state;
    const speaks = name === "open" ? this.#exceeds(1) : !this.#exceeds(wellUnder);
    const needed = name === "open" ? badWindows : goodWindows;
    if (!speaks) this.#state = { name, windows: 0 };
    else if (windows + 1 < needed) this.#state = { name, windows: windows + 1 };
    else {
      this.#state = { name: name === "open" ? "shut" : "open", windows: 0 };
      if (name === "open") this.#watch.began(this.#last);
      else this.#watch.ended(this.#last);
    }
  }

  #exceeds(share: number): boolean {
    const over = (value: number, limit: number): boolean => limit > 0 && value > limit * share;
    return over(this.#last.lagMs, this.#limits.lagMs) || over(this.#last.busy, this.#limits.busy);
  }
}
