import type { Clock } from "../kernel/clock.ts";
import { Fault } from "../kernel/fault.ts";

export interface BreakerSettings {
  /** Failures in a row that open it. */
  readonly failures: number;
  /**
   * Sessions in a row that were accepted and lost before they were proven, within `flapMs`, that open it. One of a probe counts twice:
   * there was nothing of a caller's in it that could be to blame.
   */
  readonly flaps: number;
  readonly flapMs: number;
  /** How long it stays open the first time, ms; every further trip doubles that. */
  readonly openMs: number;
  readonly longestOpenMs: number;
  /** Trials in flight at most while half-open. */
  readonly trials: number;
  /** Successes that close it again. */
  readonly successes: number;
  /** Good health probes in a row that let a trial through before its time. */
  readonly probes: number;
}

export const defaultBreaker: BreakerSettings = {
  failures: 5,
  flaps: 3,
  flapMs: 60_000,
  openMs: 60_000,
  longestOpenMs: 300_000,
  trials: 3,
  successes: 2,
  probes: 2,
};

type State =
  | { readonly name: "closed"; readonly losses: number; readonly flaps: number; readonly flapsSinceMs: number }
  | { readonly name: "open"; readonly sinceMs: number; readonly untilMs: number; readonly goodProbes: number }
  | { readonly name: "half_open"; readonly inFlight: number; readonly successes: number; readonly early: boolean };

const sound = { name: "closed", losses: 0, flaps: 0, flapsSinceMs: 0 } as const;

export type BreakerStateName = State["name"];
/** What an operator ordered; `auto`: nothing. */
export type BreakerOrder = "auto" | "open" | "closed";

/**
 * What a session showed of its provider: it lived for a while with nothing owed, or it answered a turn of the caller's. The first
 * says nothing of whether turns are answered.
 */
export type Proof = "lived" | "answered";
/** How a session failed: it did not open or was lost; was accepted and lost before it was proven; or left a turn unanswered. */
export type Failing = "lost" | "flapped" | "unanswered";

/** What a process tells the others of its breaker. */
export type BreakerReport =
  /** `untilMs` on the wall clock, Unix time; `trips` since it was last known to be sound. */
  | { readonly state: "open"; readonly untilMs: number; readonly trips: number }
  | { readonly state: "half_open" }
  | { readonly state: "closed"; readonly trips: number };

export interface BreakerChange {
  readonly provider: string;
  readonly from: BreakerStateName;
  readonly to: BreakerStateName;
  /** Failures in a row that opened it, or successes in a row that closed it. */
  readonly count: number;
  /** How many it took. */
  readonly threshold: number;
  readonly openForMs: number;
  readonly early: boolean;
  /** Another process found out. */
  readonly byPeer: boolean;
}

/** While another process tries the provider this one does not, for so long at most, ms. */
const trialElsewhereMs = 15_000;

export interface BreakerWatch {
  changed(change: BreakerChange): void;
  called(provider: string, status: "attempted" | "success" | "failure" | "rejected", durationMs: number): void;
}

/** One attempt to use the provider, as long as its session lives. */
export interface Trial {
  /** Each proof counts once. */
  succeeded(proof: Proof): void;
  /** Counts once, also after a success: a session lost in mid-call is a failure of its own. */
  failed(how: Failing): void;
  /** The caller hung up before anything was known. */
  abandoned(): void;
}

/**
 * The circuit breaker of one provider, shared by all its calls, so that only the first callers of an outage pay for it. Unanswered turns
 * are counted apart from lost sessions: a session that merely lives erases only the latter, else a provider that takes every call and
 * answers none would never be shut while calls come one at a time.
 */
export class Breaker {
  readonly #provider: string;
  readonly #settings: BreakerSettings;
  readonly #clock: Clock;
  readonly #watch: BreakerWatch;
  #state: State = sound;
  /** Turns in a row that were left unanswered; only an answer erases it, in whatever state. */
  #unanswered = 0;
  /** Counts the changes of state. */
  #period = 0;
  /** Trips since it was last known to be sound. */
  #trips = 0;
  #order: BreakerOrder = "auto";

  constructor(provider: string, settings: BreakerSettings, clock: Clock, watch: BreakerWatch) {
    this.#provider = provider;
    this.#settings = settings;
    this.#clock = clock;
    this.#watch = watch;
  }

  get state(): BreakerStateName {
    return this.#order === "auto" ? this.#state.name : this.#order;
  }

  get ordered(): BreakerOrder {
    return this.#order;
  }

  /** How long it has been open, and how long until calls may try again, ms; undefined while it is not open. */
  get opening(): { readonly openForMs: number; readonly retryInMs: number } | undefined {
    const nowMs = this.#clock.now();
    if (this.#state.name !== "open") return undefined;
    return { openForMs: nowMs - this.#state.sinceMs, retryInMs: Math.max(0, this.#state.untilMs - nowMs) };
  }

  /** Good health probes in a row since it opened. */
  get goodProbes(): number {
    return this.#state.name === "open" ? this.#state.goodProbes : 0;
  }

  /** An operator's order stands until it is taken back. */
  order(order: BreakerOrder): void {
    this.#order = order;
  }

  get report(): BreakerReport {
    const state = this.#state;
    if (state.name === "half_open") return { state: "half_open" };
    if (state.name === "closed") return { state: "closed", trips: this.#trips };
    return { state: "open", untilMs: this.#clock.wallNow() + state.untilMs - this.#clock.now(), trips: this.#trips };
  }

  /** Another process saw its breaker of this provider change. */
  hear(report: BreakerReport): void {
    if (report.state === "open") this.#hearOpened(report.untilMs - this.#clock.wallNow(), report.trips);
    else if (report.state === "half_open") this.#wait(trialElsewhereMs);
    else this.#hearClosed(report.trips);
  }

  /** Why no attempt would be let through just now, or undefined. Changes nothing. */
  refusal(): Fault | undefined {
    if (this.#order !== "auto")
      return this.#order === "open" ? new Fault("provider-shut", `${this.#provider} was shut by an operator`) : undefined;
    const state = this.#state;
    if (state.name === "open") {
      const waitMs = state.untilMs - this.#clock.now();
      if (waitMs > 0)
        return new Fault("provider-shut", `${this.#provider} keeps failing; tried again in ${Math.ceil(waitMs / 1000)} s`, {
          retryAfterMs: waitMs,
        });
    }
    if (state.name === "half_open" && state.inFlight >= this.#settings.trials) {
      return new Fault("provider-shut", `${this.#provider} is being tried by ${state.inFlight} calls already`);
    }
    return undefined;
  }

  /** @throws {Fault} provider-shut when no attempt is let through */
  begin(by: "call" | "probe" = "call"): Trial {
    const refusal = this.refusal();
    if (refusal !== undefined) {
      this.#watch.called(this.#provider, "rejected", 0);
      throw refusal;
    }
    if (this.#state.name === "open" && this.#order === "auto") this.#halfOpen(false);
    if (this.#state.name === "half_open") this.#state = { ...this.#state, inFlight: this.#state.inFlight + 1 };
    this.#watch.called(this.#provider, "attempted", 0);
    return this.#trial(this.#state.name === "half_open" ? this.#period : undefined, by === "probe" ? 2 : 1);
  }

  /** A health probe came back. Good ones let a trial through early; bad ones only take that back. */
  probed(good: boolean): void {
    if (this.#state.name !== "open") return;
    const goodProbes = good ? this.#state.goodProbes + 1 : 0;
    if (goodProbes >= this.#settings.probes) this.#halfOpen(true);
    else this.#state = { ...this.#state, goodProbes };
  }

  /** `period`: in which half-open spell it began; undefined when closed. One from an earlier spell frees and proves nothing. */
  #trial(period: number | undefined, flapWeight: number): Trial {
    const sinceMs = this.#clock.now();
    let stage: "running" | Proof | "over" = "running";
    let hasPlace = period !== undefined;
    const current = (): boolean => this.#state.name === "closed" || period === this.#period;
    const freePlace = (): void => {
      if (hasPlace && this.#state.name === "half_open" && current()) this.#state = { ...this.#state, inFlight: this.#state.inFlight - 1 };
      hasPlace = false;
    };
    const told = (status: "success" | "failure"): void => this.#watch.called(this.#provider, status, this.#clock.now() - sinceMs);
    return {
      succeeded: (proof) => {
        if (stage === "over" || stage === "answered" || stage === proof) return;
        if (stage === "running") told("success");
        stage = proof;
        if (!current()) return freePlace();
        if (proof === "answered") this.#unanswered = 0;
        if (this.#state.name === "closed") this.#state = sound;
        if (!hasPlace) return;
        freePlace();
        this.#succeed();
      },
      failed: (how) => {
        if (stage === "over") return;
        stage = "over";
        told("failure");
        freePlace();
        if (current()) this.#fail(how, flapWeight);
      },
      abandoned: () => {
        stage = "over";
        freePlace();
      },
    };
  }

  #hearOpened(leftMs: number, trips: number): void {
    if (leftMs <= 0) return;
    const openForMs = Math.min(this.#settings.longestOpenMs, leftMs);
    this.#trips = Math.max(this.#trips, trips);
    if (this.#state.name === "open") return this.#wait(openForMs);
    const sinceMs = this.#clock.now();
    this.#become({ name: "open", sinceMs, untilMs: sinceMs + openForMs, goodProbes: 0 }, 0, 0, true);
  }

  #hearClosed(trips: number): void {
    this.#trips = trips;
    if (trips === 0) this.#unanswered = 0;
    if (this.#state.name !== "closed") this.#become(sound, 0, 0, true);
  }

  /** Stays open for so long at least, whatever probes have found until now. */
  #wait(ms: number): void {
    if (this.#state.name !== "open") return;
    this.#state = { ...this.#state, untilMs: Math.max(this.#state.untilMs, this.#clock.now() + ms), goodProbes: 0 };
  }

  #succeed(): void {
    if (this.#state.name !== "half_open") return;
    const successes = this.#state.successes + 1;
    this.#state = { ...this.#state, successes };
    if (successes < this.#settings.successes) return;
    // Whether it answers is not known yet: one more turn without an answer shuts it again, for longer.
    if (this.#unanswered === 0) this.#trips = 0;
    this.#become(sound, successes, this.#settings.successes);
  }

  #fail(how: Failing, flapWeight: number): void {
    const state = this.#state;
    if (state.name === "open") return;
    if (how === "unanswered") this.#unanswered += 1;
    if (state.name === "half_open") return this.#trip(1, 1);
    const losses = how === "unanswered" ? state.losses : state.losses + 1;
    const nowMs = this.#clock.now();
    const isNewRow = state.flaps === 0 || nowMs - state.flapsSinceMs > this.#settings.flapMs;
    const flaps = how === "flapped" ? flapWeight + (isNewRow ? 0 : state.flaps) : state.flaps;
    this.#state = { name: "closed", losses, flaps, flapsSinceMs: isNewRow ? nowMs : state.flapsSinceMs };
    if (losses + this.#unanswered >= this.#settings.failures) this.#trip(losses + this.#unanswered, this.#settings.failures);
    else if (flaps >= this.#settings.flaps) this.#trip(flaps, this.#settings.flaps);
  }

  #trip(count: number, threshold: number): void {
    const { openMs, longestOpenMs } = this.#settings;
    const sinceMs = this.#clock.now();
    const openForMs = Math.min(longestOpenMs, openMs * 2 ** this.#trips);
    this.#trips += 1;
    this.#unanswered = Math.min(this.#unanswered, this.#settings.failures - 1);
    this.#become({ name: "open", sinceMs, untilMs: sinceMs + openForMs, goodProbes: 0 }, count, threshold);
  }

  #halfOpen(early: boolean): void {
    this.#become({ name: "half_open", inFlight: 0, successes: 0, early }, 0, 0);
  }

  #become(next: State, count: number, threshold: number, byPeer = false): void {
    const before = this.#state;
    this.#state = next;
    this.#period += 1;
    const openForMs = before.name === "open" ? this.#clock.now() - before.sinceMs : 0;
    const early = next.name === "half_open" && next.early;
    this.#watch.changed({ provider: this.#provider, from: before.name, to: next.name, count, threshold, openForMs, early, byPeer });
  }
}
