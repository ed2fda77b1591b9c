import { faultLabels } from "./labels.ts";
import type { Metrics } from "./metrics.ts";

type Window = "7d" | "30d";

/** What is promised of one kind of event. */
interface Objective {
  /** The share of its events that must be good. */
  readonly ratio: number;
  /** Over which that is judged. */
  readonly windows: readonly Window[];
  /** Which burn-rate alerts watch it: all, those that open a ticket only, or none (other rules or reports do). */
  readonly burn: "all" | "tickets" | "none";
  /** An event that has a duration is good when it took no longer, ms. */
  readonly limitMs?: number;
  /** Judged for each provider on its own. */
  readonly perProvider?: true;
}

/** The service levels that single events decide. `deploy/prometheus/rules/objectives.yml` alerts on them. */
export const objectives = {
  connect_success: { ratio: 0.99, windows: ["7d"], burn: "all" },
  call_setup_success: { ratio: 0.99, windows: ["7d"], burn: "all" },
  setup_time: { ratio: 0.95, windows: ["7d"], burn: "tickets", limitMs: 2_000 },
  first_transcript: { ratio: 0.95, windows: ["7d"], burn: "tickets", limitMs: 1_000 },
  response_start: { ratio: 0.5, windows: ["7d"], burn: "none", limitMs: 300 },
  turn_latency_p50: { ratio: 0.5, windows: ["7d"], burn: "none", limitMs: 500 },
  turn_latency: { ratio: 0.95, windows: ["7d"], burn: "tickets", limitMs: 2_000 },
  turn_latency_gold: { ratio: 0.999, windows: ["30d"], burn: "all", limitMs: 2_000 },
  turn_complete_plain: { ratio: 0.95, windows: ["7d"], burn: "none", limitMs: 8_000 },
  turn_complete_tool: { ratio: 0.95, windows: ["7d"], burn: "none", limitMs: 20_000 },
  api_error: { ratio: 0.999, windows: ["30d"], burn: "all" },
  turn_success: { ratio: 0.99, windows: ["7d", "30d"], burn: "all" },
  stream_completion: { ratio: 0.995, windows: ["7d"], burn: "all" },
  tool_success: { ratio: 0.99, windows: ["7d"], burn: "tickets" },
  provider_error: { ratio: 0.99, windows: ["7d"], burn: "all", perProvider: true },
  capacity_failures: { ratio: 0.995, windows: ["30d"], burn: "none" },
  request_shape_failures: { ratio: 0.998, windows: ["30d"], burn: "none" },
  reconnect_success: { ratio: 0.9, windows: ["7d"], burn: "none" },
  breaker_open: { ratio: 0.99, windows: ["7d"], burn: "none", perProvider: true },
  failover_time: { ratio: 0.999, windows: ["30d"], burn: "none", limitMs: 3_000 },
  failover_success: { ratio: 0.9999, windows: ["30d"], burn: "none" },
  handover_planned: { ratio: 0.99, windows: ["30d"], burn: "none", limitMs: 1_000 },
  crisis_response: { ratio: 0.999, windows: ["30d"], burn: "none", limitMs: 2_000 },
  crisis_answered: { ratio: 1, windows: ["30d"], burn: "none" },
  emergency_cache: { ratio: 0.998, windows: ["30d"], burn: "none" },
  human_notify: { ratio: 0.999, windows: ["30d"], burn: "none", limitMs: 5_000 },
  audio_continuity: { ratio: 0.999, windows: ["7d"], burn: "none" },
} as const satisfies Record<string, Objective>;

type Slo = keyof typeof objectives;
type TimedSlo = { [S in Slo]: (typeof objectives)[S] extends { readonly limitMs: number } ? S : never }[Slo];

/** Counts the events that decide on a service level. What is the caller's own doing is not to be given. */
export interface Indicators {
  event(slo: Slo, isGood: boolean, provider?: string): void;
  /** Good is what was within the limit; undefined: it never came. */
  lasted(slo: TimedSlo, durationMs: number | undefined): void;
  /** Many at once, or parts of one: seconds, chunks. */
  share(slo: Slo, valid: number, good: number, provider?: string): void;
}

export function indicatorsOf({ sloValid, sloGood }: Pick<Metrics, "sloValid" | "sloGood">): Indicators {
  const share = (slo: Slo, valid: number, good: number, provider?: string): void => {
    const labels = provider === undefined ? { slo } : { slo, provider };
    sloValid.inc(labels, valid);
    sloGood.inc(labels, good);
  };
  const event = (slo: Slo, isGood: boolean, provider?: string): void => share(slo, 1, isGood ? 1 : 0, provider);
  return {
    event,
    share,
    lasted: (slo, durationMs) => event(slo, durationMs !== undefined && durationMs <= objectives[slo].limitMs),
  };
}

/** The promises as figures, and every count at 0: what begins at 1 has had no increase in the eyes of a rule. */
export function showObjectives(metrics: Metrics, providers: readonly string[]): void {
  const { share } = indicatorsOf(metrics);
  // The keys of an object literal are its own names.
  for (const slo of Object.keys(objectives) as Slo[]) {
    const { ratio, windows, perProvider }: Objective = objectives[slo];
    for (const window of windows) metrics.sloObjective.set({ slo, window }, ratio);
    if (perProvider === undefined) share(slo, 0, 0);
    else for (const provider of providers) share(slo, 0, 0, provider);
  }
}

const capacityClasses = ["rate_limit", "overloaded", "resource_exhausted"];
export const isForCapacity = (failureClass: string): boolean => capacityClasses.includes(failureClass);
export const isForShape = (failureClass: string): boolean => failureClass === faultLabels["provider-refused"].failureClass;
