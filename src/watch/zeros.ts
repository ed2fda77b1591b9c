import { faultLabels } from "./labels.ts";
import type { Metrics } from "./metrics.ts";

export interface ZeroLabels {
  readonly providers: readonly string[];
  readonly tiers: readonly string[];
  readonly lossCauses: readonly string[];
}

/**
 * Shows what was never counted as 0. A series that begins at 1 has had no increase in the eyes of an alert rule, so the first caller in
 * need who got no answer would alert nobody. Only for closed sets that stay small.
 */
export function startAtZero(metrics: Metrics, { providers, tiers, lossCauses }: ZeroLabels): void {
  const errorTypes = new Set(Object.values(faultLabels).map(({ errorType }) => errorType));
  for (const provider of providers) {
    for (const status of ["success", "failure"]) metrics.requests.inc({ provider, status }, 0);
    for (const success of ["true", "false"]) metrics.reconnections.inc({ provider, success }, 0);
    for (const error_type of errorTypes) metrics.errors.inc({ provider, error_type }, 0);
    for (const reason of ["end_turn", "max_tool_calls"]) metrics.turnStops.inc({ provider, reason }, 0);
    metrics.activeSessions.inc({ provider }, 0);
  }
  for (const outcome of ["answered", "unanswered"]) for (const tier of tiers) metrics.crisisTurns.inc({ outcome, tier }, 0);
  for (const result of ["hit", "miss"]) metrics.emergencyCache.inc({ result }, 0);
  for (const status of ["ok", "failed", "timeout"]) metrics.toolCalls.inc({ status }, 0);
  for (const mode of ["planned", "failover"]) metrics.handoverSeconds.zero({ mode });
  for (const direction of ["uplink", "downlink"]) for (const cause of lossCauses) metrics.audioLost.inc({ direction, cause }, 0);
}
