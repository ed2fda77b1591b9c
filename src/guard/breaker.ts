import type { Clock } from "../kernel/clock.ts";
import { Fault } from "../kernel/fault.ts";

export interface BreakerSettings {
  /** Failures in a row that open it. */
  readonly failures: number;
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

export const defaultBreaker: BreakerSettings = { failures: 5, openMs: 60_000, longestOpenMs: 300_000, trials: 3, successes: 2, probes: 2 };

type State =
  | { readonly name: "closed"; readonly failures: number }
  | { readonly name: "open"; readonly sinceMs: number; readonly untilMs: number; readonly goodProbes: number }
  | { readonly name: "half_open"; readonly inFlight: number; readonly successes: number; readonly early: boolean };

export type BreakerStateName = State["name"];

export interface BreakerChange {
  readonly provider: string;
  readonly from: BreakerStateName;
  readonly to: BreakerStateName;
  /** Failures in a row that opened it, or successes in a row that closed it. */
  readonly count: number;
  readonly openForMs: number;
  readonly early: boolean;
}

export interface BreakerWatch {
  changed(change: BreakerChange): void;
  called(provider: string, status: "attempted" | "success" | "failure" | "rejected", durationMs: number): void;
}

/** One attempt to use the provider, as long as its session lives. */
export interface Trial {
  /** Counts once. */
  succeeded(): void;
  /** Counts once, also after a success: a session lost in mid-call is a failure of its own. */
  failed(): void;
  /** The caller hung up before anything was known. */
  abandoned(): void;
}

/** The circuit breaker of one provider, shared by all its calls, so that only the first caller of an outage pays for it. */
export class Breaker {
  readonly #provider: string;
  readonly #settings: BreakerSettings;
  readonly #clock: Clock;
  readonly #watch: BreakerWatch;
  #state: State = { name: "closed", failures: 0 };
  /** Counts the changes of state. */
  #period = 0;
  /** Trips since it last closed. */
  #trips = 0;
  /** What an operator ordered; it stands until taken back. */
  #order: "auto" | "open" | "closed" = "auto";

  constructor(provider: string, settings: BreakerSettings, clock: Clock, watch: BreakerWatch) {
    this.#provider = provider;
    this.#settings = settings;
    this.#clock = clock;
    this.#watch = watch;
  }

  get state(): BreakerStateName {
    return this.#order === "auto" ? this.#state.name : this.#order;
  }

  order(order: "auto" | "open" | "closed"): void {
    this.#order = order;
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
  begin(): Trial {
    const refusal = this.refusal();
    if (refusal !== undefined) {
      this.#watch.called(this.#provider, "rejected", 0);
      throw refusal;
    }
    if (this.#state.name === "open" && this.#order === "auto") this.#halfOpen(false);
    if (this.#state.name === "half_open") this.#state = { ...this.#state, inFlight: this.#state.inFlight + 1 };
    this.#watch.called(this.#provider, "attempted", 0);
    return this.#trial(this.#state.name === "half_open" ? this.#period : undefined);
  }

  /** A health probe came back. Good ones let a trial through early; bad ones only take that back. */
  probed(good: boolean): void {
    if (this.#state.name !== "open") return;
    const goodProbes = good ? this.#state.goodProbes + 1 : 0;
    if (goodProbes >= this.#settings.probes) this.#halfOpen(true);
    else this.#state = { ...this.#state, goodProbes };
  }

  /** `period`: in which half-open spell it began; undefined when closed. One from an earlier spell frees and proves nothing. */
  #trial(period: number | undefined): Trial {
    const sinceMs = this.#clock.now();
    let stage: "running" | "proven" | "over" = "running";
    const current = (): boolean => this.#state.name === "closed" || period === this.#period;
    const leave = (next: "proven" | "over"): void => {
      if (stage === "running" && this.#state.name === "half_open" && current()) {
        this.#state = { ...this.#state, inFlight: this.#state.inFlight - 1 };
      }
      stage = next;
    };
    const told = (status: "success" | "failure"): void => this.#watch.called(this.#provider, status, this.#clock.now() - sinceMs);
    return {
      succeeded: () => {
        if (stage !== "running") return;
        leave("proven");
        told("success");
        if (current()) this.#succeed();
      },
      failed: () => {
        if (stage === "over") return;
        leave("over");
        told("failure");
        if (current()) this.#fail();
      },
      abandoned: () => {
        if (stage !== "over") leave("over");
      },
    };
  }

  #succeed(): void {
    const state = this.#state;
    if (state.name === "closed") this.#state = { name: "closed", failures: 0 };
    if (state.name !== "half_open") return;
    const successes = state.successes + 1;
    this.#state = { ...state, successes };
    if (successes < this.#settings.successes) return;
    this.#trips = 0;
    this.#become({ name: "closed", failures: 0 }, successes);
  }

  #fail(): void {
    const state = this.#state;
    if (state.name === "open") return;
    const failures = state.name === "closed" ? state.failures + 1 : 1;
    if (state.name === "closed" && failures < this.#settings.failures) {
      this.#state = { name: "closed", failures };
      return;
    }
    const { openMs, longestOpenMs } = this.#settings;
    const sinceMs = this.#clock.now();
    const openForMs = Math.min(longestOpenMs, openMs * 2 ** this.#trips);
    this.#trips += 1;
    this.#become({ name: "open", sinceMs, untilMs: sinceMs + openForMs, goodProbes: 0 }, failures);
  }

  #halfOpen(early: boolean): void {
    this.#become({ name: "half_open", inFlight: 0, successes: 0, early }, 0);
  }

  #become(next: State, count: number): void {
    const before = this.#state;
    this.#state = next;
    this.#period += 1;
    const openForMs = before.name === "open" ? this.#clock.now() - before.sinceMs : 0;
    const early = next.name === "half_open" && next.early;
    this.#watch.changed({ provider: this.#provider, from: before.name, to: next.name, count, openForMs, early });
  }
}
