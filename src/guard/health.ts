import type { Clock } from "../kernel/clock.ts";
import type { BreakerStateName } from "./breaker.ts";
import type { AdaptiveLimit } from "./pace.ts";
import { Recent } from "./recent.ts";

export type HealthLevel = "healthy" | "degraded" | "unhealthy";

/** What a level is judged by. */
export interface HealthFigures {
  /** The worse of opening and answering, ms; undefined when there was too little of either. */
  readonly latencyMs: number | undefined;
  /** Share of openings, sessions and turns that failed, 0 to 1. */
  readonly errorRate: number;
}

const window = { spanMs: 300_000, size: 500 };
/** With fewer events than this one failure is not yet a rate, and the slowest answer not yet a percentile: the median stands in. */
const enough = 10;
/** With fewer than this nothing is said of how fast it is. */
const few = 3;
const degraded = { latencyMs: 2_000, errorRate: 0.05 };
const unhealthy = { latencyMs: 5_000, errorRate: 0.1 };

/** How well a provider did in the last five minutes, by everything that was tried with it: calls and probes. */
export class Health {
  readonly #outcomes: Recent;
  readonly #times: readonly AdaptiveLimit[];

  /** @param times what it took lately, by kind of wait */
  constructor(clock: Clock, times: readonly AdaptiveLimit[]) {
    this.#outcomes = new Recent(clock, window);
    this.#times = times;
  }

  went(well: boolean): void {
    this.#outcomes.add(well ? 0 : 1);
  }

  /** An outage is over: what went wrong in it says nothing of now. */
  restart(): void {
    this.#outcomes.forget();
    for (const time of this.#times) time.forget();
  }

  figures(): HealthFigures {
    const times = this.#times.flatMap((time) => {
      if (time.samples < few) return [];
      return (time.samples < enough ? time.p50 : time.p95) ?? [];
    });
    return {
      latencyMs: times.length === 0 ? undefined : Math.max(...times),
      errorRate: this.#outcomes.sum / Math.max(enough, this.#outcomes.count),
    };
  }

  level(breaker: BreakerStateName): HealthLevel {
    const { latencyMs = 0, errorRate } = this.figures();
    if (breaker === "open" || latencyMs > unhealthy.latencyMs || errorRate > unhealthy.errorRate) return "unhealthy";
    if (breaker === "half_open" || latencyMs >= degraded.latencyMs || errorRate >= degraded.errorRate) return "degraded";
    return "healthy";
  }
}
