import type { Log, LogFields } from "../../src/kernel/log.ts";

type Level = "debug" | "info" | "warning" | "error";

interface Line {
  readonly level: Level;
  readonly event: string;
  readonly fields: LogFields;
}

/** What operators' tools know of each event: its level, and the fields that it always has. */
const promised: Readonly<Record<string, readonly [Level, ...string[]]>> = {
  call_started: ["info", "callId", "dialect", "agent", "tiers"],
  call_ended: ["info", "callId", "dialect", "outcome", "duration"],
  connection_established: ["info", "callId", "provider"],
  connection_failed: ["error", "callId", "provider", "error", "retry_count"],
  reconnection_attempt: ["info", "callId", "provider", "attempt", "max_attempts", "backoff_delay", "is_reconnecting"],
  reconnection_success: ["info", "callId", "provider", "attempts", "duration"],
  reconnection_failed: ["error", "callId", "provider", "reason", "total_attempts"],
  circuit_breaker_opened: ["error", "provider", "consecutive_failures", "threshold"],
  circuit_breaker_closed: ["info", "provider", "consecutive_successes"],
  circuit_breaker_half_open: ["info", "provider", "open_for", "early_probe"],
  audio_buffering: ["debug", "callId", "provider", "buffer_size", "is_reconnecting"],
  audio_replay: ["info", "callId", "provider", "replayed_count", "total_buffered"],
  audio_overflow: ["warning", "callId", "provider", "lost_ms", "cause"],
  rate_limit_hit: ["warning", "provider", "reset_time"],
  state_transition: ["info", "callId", "provider", "from_state", "to_state", "reason"],
  handover: ["info", ...["callId", "from_provider", "to_provider", "mode", "cause", "duration", "history_items", "replayed_count"]],
  failover_exhausted: ["error", "callId", "tried", "reason"],
  crisis_detected: ["warning", "callId"],
  crisis_response: ["warning", "callId", "tier", "duration"],
  human_escalation: ["warning", "callId", "channel", "result"],
  provider_request: ["info", "callId", "provider", "kind", "status"],
  provider_error: ["error", "callId", "provider", "error_type", "retryable", "attempt"],
  health_changed: ["warning", "provider", "from", "to", "error_rate"],
  cost_budget: ["warning", "period", "used_ratio", "step"],
  auth_rejected: ["warning", "reason", "ip_hash"],
  origin_rejected: ["warning", "reason", "ip_hash"],
  signature_rejected: ["warning", "reason", "ip_hash"],
  limit_hit: ["warning", "scope"],
  input_sanitized: ["warning", "callId", "rules", "source"],
  remediation_action: ["warning", "action", "target", "trigger", "dry_run", "result"],
  // Only what is about an incident has its id.
  notification_sent: ["info", "channel", "step", "result"],
  audit: ["info", "actor", "action", "target", "result"],
};

/** A log whose lines are kept, with the fields that each of them carries. */
export function keptLog(): { readonly log: Log; readonly lines: readonly Line[] } {
  const lines: Line[] = [];
  const logWith = (bound: LogFields): Log => {
    const at =
      (level: Level) =>
      (event: string, fields?: LogFields): void =>
        void lines.push({ level, event, fields: { ...bound, ...fields } });
    return {
      debug: at("debug"),
      info: at("info"),
      warning: at("warning"),
      error: at("error"),
      with: (more) => logWith({ ...bound, ...more }),
    };
  };
  return { log: logWith({}), lines };
}

/** What lines have otherwise, each kind once. */
export function brokenLines(lines: readonly Line[]): string[] {
  const broken = lines.flatMap(({ level, event, fields }) => {
    const row = promised[event];
    if (row === undefined) return [];
    const [wanted, ...names] = row;
    return [
      ...(level === wanted ? [] : [`${event} is told as ${level}`]),
      ...names.filter((name) => fields[name] === undefined).map((name) => `${event} lacks ${name}`),
    ];
  });
  return [...new Set(broken)].toSorted();
}

/** Those that were not told at all. */
export const untold = (lines: readonly Line[]): string[] =>
  Object.keys(promised).filter((event) => !lines.some((line) => line.event === event));
