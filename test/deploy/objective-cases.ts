import type { RuleCase } from "./rule-cases.ts";

interface Promised {
  readonly slo: string;
  readonly window: "7d" | "30d";
  readonly ratio: number;
}

const setUp: Promised = { slo: "call_setup_success", window: "7d", ratio: 0.99 };
const setUpTime: Promised = { slo: "setup_time", window: "7d", ratio: 0.95 };
const gold: Promised = { slo: "turn_latency_gold", window: "30d", ratio: 0.999 };
const turns: Promised = { slo: "turn_success", window: "30d", ratio: 0.99 };
const connections: Promised = { slo: "connect_success", window: "7d", ratio: 0.99 };
/** Longer than any of these tests looks. */
const long = 200;

/** The counters of a service level, and what is promised. */
const judged = ({ slo, window, ratio }: Promised, valid: string, good: string): string[] => [
  `slo_objective_ratio{slo="${slo}",window="${window}"} ${ratio}+0x${long}`,
  `slo_valid_events_total{slo="${slo}"} ${valid}`,
  `slo_good_events_total{slo="${slo}"} ${good}`,
];
/** So many good ones of 1,000 at each step. */
const steady = (promise: Promised, good: number): string[] => judged(promise, `0+1000x${long}`, `0+${good}x${long}`);

export const objectiveCases: readonly RuleCase[] = [
  {
    alert: "SloBurnFast",
    every: "1m",
    severity: "SEV2",
    ofSlo: setUp.slo,
    at: "65m",
    fires: steady(setUp, 860),
    silent: steady(setUp, 870),
  },
  {
    // Both windows must burn: not what began a minute ago, nor what is over.
    alert: "SloBurnFast",
    every: "1m",
    severity: "SEV2",
    ofSlo: setUp.slo,
    at: "65m",
    fires: judged(setUp, "0+1000x100", "0+1000x45 45500+500x50"),
    silent: judged(setUp, "0+1000x100", "0+1000x61 61500+500x50"),
  },
  {
    alert: "SloBurnFast",
    every: "1m",
    severity: "SEV2",
    ofSlo: setUp.slo,
    at: "65m",
    fires: judged(setUp, "0+1000x100", "0+800x100"),
    silent: judged(setUp, "0+1000x100", "0+800x59 48200+1000x50"),
  },
  {
    // Too few to say.
    alert: "SloBurnFast",
    every: "1m",
    severity: "SEV2",
    ofSlo: setUp.slo,
    at: "65m",
    fires: judged(setUp, "0+0x61 6 12 18 24+0x50", "0+0x100"),
    silent: judged(setUp, "0+0x61 4 8 12 16+0x50", "0+0x100"),
  },
  {
    // The factor of 30 days: 14.4.
    alert: "SloBurnFast",
    every: "1m",
    severity: "SEV2",
    ofSlo: turns.slo,
    at: "65m",
    fires: steady(turns, 855),
    silent: steady(turns, 857),
  },
  { alert: "SloBurnFast", every: "1m", severity: "SEV1", ofSlo: gold.slo, at: "65m", fires: steady(gold, 985), silent: steady(gold, 986) },
  { alert: "SloBurnSlow", every: "5m", ofSlo: setUp.slo, at: "7h", fires: steady(setUp, 964), silent: steady(setUp, 966) },
  { alert: "SloBurnSlow", every: "5m", ofSlo: gold.slo, at: "7h", fires: steady(gold, 993), silent: steady(gold, 995) },
  // What is slow opens a ticket and wakes nobody.
  { alert: "SloBurnSlow", every: "5m", ofSlo: setUp.slo, at: "7h", fires: steady(setUp, 500), silent: steady(setUpTime, 500) },
  { alert: "SloBurnTicket", every: "30m", ofSlo: setUp.slo, at: "25h", fires: steady(setUp, 985), silent: steady(setUp, 987) },
  { alert: "SloBurnTicket", every: "30m", ofSlo: setUpTime.slo, at: "25h", fires: steady(setUpTime, 929), silent: steady(setUpTime, 931) },
  { alert: "SloBurnTrickle", every: "30m", ofSlo: setUp.slo, at: "74h", fires: steady(setUp, 990), silent: steady(setUp, 990.3) },
  {
    alert: "HardDown",
    every: "15s",
    ofSlo: turns.slo,
    at: "3m",
    fires: judged(turns, "0+4x40", "0+2x40"),
    silent: judged(turns, "0+4x40", "0+3x40"),
  },
  // Too few to say.
  {
    alert: "HardDown",
    every: "15s",
    ofSlo: turns.slo,
    at: "3m",
    fires: judged(turns, "0+2x40", "0+0x40"),
    silent: judged(turns, "0+1x40", "0+0x40"),
  },
  // A provider that is down while another answers.
  {
    alert: "HardDown",
    every: "15s",
    ofSlo: setUp.slo,
    at: "3m",
    fires: judged(setUp, "0+4x40", "0+0x40"),
    silent: judged(connections, "0+4x40", "0+0x40"),
  },
  { alert: "BudgetExhausted", every: "5m", ofSlo: setUp.slo, at: "6h", fires: steady(setUp, 989), silent: steady(setUp, 991) },
  // Of the turns' budget half a percent may be for want of capacity.
  {
    alert: "BudgetExhausted",
    every: "5m",
    ofSlo: "capacity_failures",
    at: "6h",
    fires: steady({ slo: "capacity_failures", window: "30d", ratio: 0.995 }, 994),
    silent: steady({ slo: "response_start", window: "7d", ratio: 0.5 }, 100),
  },
  { alert: "SlaApproaching", every: "5m", ofSlo: setUp.slo, at: "6h", fires: steady(setUp, 991), silent: steady(setUp, 993) },
  // All of it is another alert.
  { alert: "SlaApproaching", every: "5m", ofSlo: setUp.slo, at: "6h", fires: steady(setUp, 991), silent: steady(setUp, 980) },
  {
    alert: "BudgetForecast",
    severity: "SEV2",
    every: "30m",
    ofSlo: setUp.slo,
    at: "12h",
    fires: judged(setUp, `0+1000x${long}`, `0+1000x12 12990+990x${long}`),
    silent: judged(setUp, `0+1000x${long}`, `0+1000x12 12997.6+997.6x${long}`),
  },
  {
    alert: "BudgetForecast",
    severity: "SEV3",
    every: "30m",
    ofSlo: setUp.slo,
    at: "12h",
    fires: judged(setUp, `0+1000x${long}`, `0+1000x12 12997.6+997.6x${long}`),
    silent: steady(setUp, 997.6),
  },
];
