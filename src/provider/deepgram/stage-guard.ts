import type { Clock } from "../../kernel/clock.ts";
import { Fault, toFault, type FaultCode } from "../../kernel/fault.ts";
import type { Log } from "../../kernel/log.ts";
import type { StageGuard, StageGuards } from "./stages.ts";

/** Failures in a row that shut a service. */
const failureLimit = 3;
/** How long it stays shut before one call may try it again. */
const shutMs = 10_000;
/** What only a person can mend; a service that is left alone for that says so. */
const forPeople: ReadonlySet<FaultCode> = new Set(["provider-key", "provider-quota", "provider-model"]);
/** These shut it at once, and for longer. A refused key does not: a new one counts from the next answer on. */
const lasting: ReadonlySet<FaultCode> = new Set(["provider-quota", "provider-model"]);
const lastingShutMs = 60_000;

type State =
  | { readonly name: "open"; readonly failures: number }
  | { readonly name: "shut"; readonly untilMs: number }
  | { readonly name: "trying" };

/** Guards in the small: they choose between the services of one stage; whether the provider as a whole is used is not theirs to say. */
export function stageGuards(clock: Clock, log: Log): StageGuards {
  const guards = new Map<string, StageGuard>();
  return (service) => {
    const known = guards.get(service) ?? new CountingGuard(service, clock, log);
    guards.set(service, known);
    return known;
  };
}

class CountingGuard implements StageGuard {
  readonly #service: string;
  readonly #clock: Clock;
  readonly #log: Log;
  #state: State = { name: "open", failures: 0 };
  #last: Fault | undefined;

  constructor(service: string, clock: Clock, log: Log) {
    [this.#service, this.#clock, this.#log] = [service, clock, log];
  }

  get open(): boolean {
    return this.#state.name === "open" || (this.#state.name === "shut" && this.#clock.now() >= this.#state.untilMs);
  }

  async run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (!this.open) {
      const why = this.#last === undefined ? "" : `, at last with: ${this.#last.message}`;
      const code = this.#last !== undefined && forPeople.has(this.#last.code) ? this.#last.code : "provider-shut";
      throw new Fault(code, `${this.#service} is left alone for a while${why}`);
    }
    if (this.#state.name === "shut") this.#state = { name: "trying" };
    try {
      const done = await work();
      this.#state = { name: "open", failures: 0 };
      return done;
    } catch (error) {
      if (!signal.aborted) this.#failedWith(toFault(error, "internal", `using ${this.#service}`));
      // A trial that nobody waited for proved nothing.
      else if (this.#state.name === "trying") this.#state = { name: "shut", untilMs: this.#clock.now() };
      throw error;
    }
  }

  failed(): void {
    this.#count(failureLimit, shutMs);
  }

  #failedWith(fault: Fault): void {
    this.#last = fault;
    if (lasting.has(fault.code)) this.#count(1, lastingShutMs);
    else this.#count(failureLimit, Math.max(shutMs, fault.retryAfterMs ?? 0));
  }

  #count(limit: number, forMs: number): void {
    const failures = this.#state.name === "open" ? this.#state.failures + 1 : limit;
    if (failures < limit) this.#state = { name: "open", failures };
    else {
      if (this.#state.name === "open") this.#log.warning("stage_shut", { service: this.#service, failures, for_ms: forMs });
      this.#state = { name: "shut", untilMs: this.#clock.now() + forMs };
    }
  }
}
