import { objectiveCases } from "./objective-cases.ts";

/**
 * For every alert rule what makes it fire, and what looks alike and must not. A series is written as promtool does, one value each 15 s
 * (`0+1x40`: 40 steps up by one) or each `every`; the labels of a scrape (region, instance, job) are added.
 */
export interface RuleCase {
  readonly alert: string;
  /** Where rules share a name. */
  readonly severity?: string;
  readonly slo?: string;
  readonly every?: "15s" | "1m" | "5m" | "30m";
  /** When it is looked at. */
  readonly at: string;
  readonly fires: readonly string[];
  readonly silent: readonly string[];
  /** What the alert says of whom. */
  readonly provider?: string;
  /** The service level, where that is the series' and not the rule's. */
  readonly ofSlo?: string;
}

const still = (value: number): string => `${value}+0x60`;
const breaker = (provider: string, open: string): string =>
  `ai_provider_circuit_breaker_state{provider="${provider}",state="open"} ${open}`;
const health = (provider: string, level: string): string => `ai_provider_health{provider="${provider}"} ${level}`;
/** A tier that calls may use. */
const usable = (provider: string): string[] => [breaker(provider, still(0)), health(provider, still(2))];
const upLong = "process_start_time_seconds -1000+0x60";
const histogram = (name: string, labels: string, buckets: Readonly<Record<string, string>>): string[] => [
  ...Object.entries(buckets).map(([le, values]) => `${name}_bucket{${labels}le="${le}"} ${values}`),
  `${name}_count{${labels.replace(/,$/, "")}} ${buckets["+Inf"]}`,
];
const requests = (status: string, values: string): string => `ai_provider_requests_total{provider="openai",status="${status}"} ${values}`;
const connections = (status: string, values: string): string =>
  `circuit_breaker_calls_total{name="openai_provider",provider="openai",status="${status}"} ${values}`;
const again = (success: boolean, values: string): string =>
  `ai_provider_reconnections_total{provider="openai",success="${success}"} ${values}`;
const opened = (values: string): string =>
  `circuit_breaker_state_transitions{name="openai_provider",provider="openai",from_state="closed",to_state="open"} ${values}`;
const errors = (type: string, values: string): string => `ai_provider_errors_total{provider="openai",error_type="${type}"} ${values}`;
const turns = (failureClass: string, values: string): string =>
  `voice_turns_total{provider="openai",outcome="x",failure_class="${failureClass}"} ${values}`;
const stops = (reason: string, values: string): string => `voice_turn_stop_total{provider="openai",reason="${reason}"} ${values}`;
const emergency = (values: string): string => `ai_provider_active_sessions{provider="emergency"} ${values}`;
const of = { provider: "openai" } as const;

const providers: readonly RuleCase[] = [
  {
    alert: "ConnectionSuccessLow",
    at: "5m",
    ...of,
    fires: [connections("success", "0+9x40"), connections("failure", "0+1x40"), connections("attempted", "0+30x40")],
    silent: [connections("success", "0+97x40"), connections("failure", "0+3x40"), connections("rejected", "0+30x40")],
  },
  {
    alert: "LatencyP50High",
    at: "8m",
    ...of,
    fires: histogram("ai_provider_latency_seconds", 'provider="openai",', { "1": "0+1x40", "1.5": "0+9x40", "+Inf": "0+10x40" }),
    silent: histogram("ai_provider_latency_seconds", 'provider="openai",', { "1": "0+6x40", "1.5": "0+7x40", "+Inf": "0+10x40" }),
  },
  {
    alert: "LatencyP95High",
    at: "8m",
    ...of,
    fires: histogram("ai_provider_latency_seconds", 'provider="openai",', { "5": "0+9x40", "8": "0+10x40", "+Inf": "0+10x40" }),
    silent: histogram("ai_provider_latency_seconds", 'provider="openai",', { "5": "0+96x40", "8": "0+100x40", "+Inf": "0+100x40" }),
  },
  {
    alert: "ErrorRateHigh",
    at: "5m",
    ...of,
    fires: [requests("success", "0+9x40"), requests("failure", "0+1x40")],
    silent: [requests("success", "0+96x40"), requests("failure", "0+4x40")],
  },
  {
    alert: "BreakerOpenLong",
    at: "10m",
    ...of,
    fires: [breaker("openai", "0+0x15 1+0x30")],
    silent: [breaker("openai", "0+0x30 1+0x15")],
  },
  {
    alert: "ReconnectLow",
    at: "5m",
    ...of,
    fires: [again(true, "0+2x40"), again(false, "0+1x40")],
    silent: [again(true, "0+9x40"), again(false, "0+1x40")],
  },
  {
    // Too few attempts to say.
    alert: "ReconnectLow",
    at: "5m",
    ...of,
    fires: [again(true, still(0)), again(false, "0 1 2 3 4 6+0x30")],
    silent: [again(true, still(0)), again(false, "0 1 2 3+0x30")],
  },
  { alert: "ProviderDown", at: "90s", ...of, fires: [breaker("openai", "0+0x2 1+0x20")], silent: [breaker("openai", still(0))] },
  {
    // Shut again before 30 s were over.
    alert: "ProviderDown",
    at: "75s",
    ...of,
    fires: [breaker("openai", "0 0 0 1 0+0x9"), opened("0 0 0 1+0x9")],
    silent: [breaker("openai", still(0)), opened(still(1))],
  },
  {
    alert: "AllProvidersDown",
    at: "1m",
    fires: [
      breaker("openai", still(1)),
      health("openai", still(0)),
      breaker("gemini", still(0)),
      health("gemini", still(0)),
      ...usable("emergency"),
    ],
    silent: [breaker("openai", still(1)), health("openai", still(0)), breaker("gemini", still(0)), health("gemini", still(1))],
  },
  {
    alert: "ProviderAuthFailing",
    severity: "SEV2",
    at: "3m",
    ...of,
    fires: [errors("auth_error", "0 1 2 3+0x30"), ...usable("openai"), ...usable("gemini"), upLong],
    silent: [errors("auth_error", "0 1 2+0x30"), ...usable("openai"), ...usable("gemini"), upLong],
  },
  {
    alert: "ProviderAuthFailing",
    severity: "SEV1",
    at: "3m",
    ...of,
    fires: [errors("permission_error", "0 1 2 3+0x30"), ...usable("openai"), ...usable("emergency"), upLong],
    silent: [errors("permission_error", "0 1 2 3+0x30"), ...usable("openai"), ...usable("gemini"), upLong],
  },
  {
    // One soon after the start is enough.
    alert: "ProviderAuthFailing",
    severity: "SEV2",
    at: "2m",
    ...of,
    fires: [errors("auth_error", still(1)), ...usable("openai"), ...usable("gemini"), "process_start_time_seconds 0+0x60"],
    silent: [errors("auth_error", still(1)), ...usable("openai"), ...usable("gemini"), upLong],
  },
  {
    alert: "RateLimitHit",
    at: "7m",
    ...of,
    fires: [errors("rate_limit_error", "0x4 1x4 2x4 3x4 4x4 5x4 6x20")],
    silent: [errors("rate_limit_error", "0x12 1x4 2x40"), errors("overloaded_error", "0+1x30")],
  },
  { alert: "ProviderDegraded", at: "6m", ...of, fires: [health("openai", still(1))], silent: [health("openai", "1+0x10 2+0x30")] },
  { alert: "ProviderUnhealthy", at: "2m", ...of, fires: [health("openai", still(0))], silent: [health("openai", "0+0x2 1+0x30")] },
];

const calls: readonly RuleCase[] = [
  {
    alert: "EmergencyTierInUse",
    severity: "SEV2",
    at: "30s",
    fires: [emergency("0 0 1+0x10")],
    silent: [emergency(still(0)), 'ai_provider_active_sessions{provider="openai"} 5+0x10'],
  },
  {
    alert: "EmergencyTierInUse",
    severity: "SEV1",
    at: "90s",
    fires: [emergency("0 0 1+0x10")],
    silent: [emergency("0 0 1 0+0x10")],
  },
  {
    alert: "CrisisSlow",
    at: "1m",
    fires: histogram("voice_crisis_response_seconds", "", { "2": "0 1+0x10", "+Inf": "0 2+0x10" }),
    silent: histogram("voice_crisis_response_seconds", "", { "2": "0 2+0x10", "+Inf": "0 2+0x10" }),
  },
  {
    alert: "CrisisFailed",
    at: "1m",
    fires: ['voice_crisis_turns_total{outcome="unanswered",tier="1"} 0 1+0x10'],
    silent: [
      'voice_crisis_turns_total{outcome="answered",tier="1"} 0 1+0x10',
      'voice_crisis_turns_total{outcome="unanswered",tier="1"} 0+0x10',
    ],
  },
  {
    alert: "EmergencyCacheMiss",
    every: "5m",
    at: "20h",
    fires: ['voice_emergency_cache_total{result="hit"} 0+99x288', 'voice_emergency_cache_total{result="miss"} 0+1x288'],
    silent: ['voice_emergency_cache_total{result="hit"} 0+999x288', 'voice_emergency_cache_total{result="miss"} 0+1x288'],
  },
  // No file of audio that could be read.
  { alert: "EmergencyCacheMiss", at: "1m", fires: ["voice_prompts_unusable 1+0x10"], silent: ["voice_prompts_unusable 0+0x10"] },
  {
    alert: "FailoverSlow",
    at: "2m",
    fires: histogram("voice_handover_seconds", 'mode="failover",', { "3": "0 1 1+0x10", "+Inf": "0 1 2+0x10" }),
    silent: [
      ...histogram("voice_handover_seconds", 'mode="failover",', { "3": "0 1 2+0x10", "+Inf": "0 1 2+0x10" }),
      ...histogram("voice_handover_seconds", 'mode="planned",', { "3": "0+0x10", "+Inf": "0 1 2+0x10" }),
    ],
  },
  {
    alert: "FailoverFailed",
    at: "2m",
    fires: ['voice_handovers_total{from="openai",to="gemini",mode="failover",cause="provider-dropped",success="false"} _ _ 1+0x10'],
    silent: ['voice_handovers_total{from="openai",to="gemini",mode="failover",cause="provider-dropped",success="true"} _ _ 1+0x10'],
  },
  {
    // Known, and none more for a quarter of an hour.
    alert: "FailoverFailed",
    at: "40m",
    fires: ['voice_handovers_total{from="openai",to="gemini",mode="failover",cause="provider-dropped",success="false"} 3+0x120 4+0x80'],
    silent: ['voice_handovers_total{from="openai",to="gemini",mode="failover",cause="provider-dropped",success="false"} 3+0x200'],
  },
  {
    alert: "HandoverSlow",
    at: "5m",
    fires: histogram("voice_handover_seconds", 'mode="planned",', { "1": "0+9x40", "1.5": "0+10x40", "+Inf": "0+10x40" }),
    silent: histogram("voice_handover_seconds", 'mode="planned",', { "1": "0+96x40", "1.5": "0+100x40", "+Inf": "0+100x40" }),
  },
  {
    alert: "SetupSlow",
    at: "5m",
    ...of,
    fires: histogram("voice_call_setup_seconds", 'provider="openai",', { "2": "0+9x40", "3": "0+10x40", "+Inf": "0+10x40" }),
    silent: histogram("voice_call_setup_seconds", 'provider="openai",', { "2": "0+96x40", "3": "0+100x40", "+Inf": "0+100x40" }),
  },
  {
    alert: "FirstTranscriptSlow",
    at: "5m",
    ...of,
    fires: histogram("voice_first_transcript_seconds", 'provider="openai",', { "1": "0+9x40", "1.5": "0+10x40", "+Inf": "0+10x40" }),
    silent: histogram("voice_first_transcript_seconds", 'provider="openai",', { "1": "0+96x40", "1.5": "0+100x40", "+Inf": "0+100x40" }),
  },
  {
    alert: "ResponseStartSlow",
    at: "5m",
    ...of,
    fires: histogram("voice_response_start_seconds", 'provider="openai",kind="plain",', {
      "0.3": "0+4x40",
      "0.5": "0+10x40",
      "+Inf": "0+10x40",
    }),
    silent: histogram("voice_response_start_seconds", 'provider="openai",kind="plain",', {
      "0.3": "0+6x40",
      "0.5": "0+10x40",
      "+Inf": "0+10x40",
    }),
  },
  ...[
    { kind: "plain", limit: "8", next: "10", slo: "turn_complete_plain" },
    { kind: "tool", limit: "20", next: "30", slo: "turn_complete_tool" },
  ].map(({ kind, limit, next, slo }) => ({
    alert: "TurnCompletionSlow",
    slo,
    at: "5m",
    fires: histogram("voice_turn_completion_seconds", `kind="${kind}",`, { [limit]: "0+9x40", [next]: "0+10x40", "+Inf": "0+10x40" }),
    silent: histogram("voice_turn_completion_seconds", `kind="${kind}",`, { [limit]: "0+96x40", [next]: "0+100x40", "+Inf": "0+100x40" }),
  })),
  {
    alert: "ToolSuccessLow",
    at: "10m",
    fires: ['voice_tool_calls_total{status="ok"} 0+9x40', 'voice_tool_calls_total{status="timeout"} 0+1x40'],
    silent: ['voice_tool_calls_total{status="ok"} 0+9x40', 'voice_tool_calls_total{status="cancelled"} 0+1x40'],
  },
  {
    // Too few to say.
    alert: "ToolSuccessLow",
    at: "10m",
    fires: ['voice_tool_calls_total{status="ok"} 0 20+0x40', 'voice_tool_calls_total{status="failed"} 0 5+0x40'],
    silent: ['voice_tool_calls_total{status="ok"} 0 5+0x40', 'voice_tool_calls_total{status="failed"} 0 5+0x40'],
  },
  {
    alert: "ToolLoop",
    at: "10m",
    ...of,
    fires: [stops("end_turn", "0+9x40"), stops("max_tool_calls", "0+1x40")],
    silent: [stops("end_turn", "0+96x40"), stops("max_tool_calls", "0+4x40"), stops("error", "0+9x40")],
  },
  {
    alert: "CapacityFailures",
    every: "5m",
    at: "5h",
    fires: [turns("none", "0+99x72"), turns("rate_limit", "0+1x72")],
    silent: [turns("none", "0+996x72"), turns("overloaded", "0+4x72"), turns("provider_timeout", "0+50x72")],
  },
  {
    alert: "RequestShapeFailures",
    every: "5m",
    at: "5h",
    fires: [turns("none", "0+997x72"), turns("invalid_request", "0+3x72")],
    silent: [turns("none", "0+999x72"), turns("invalid_request", "0+1x72"), turns("rate_limit", "0+9x72")],
  },
  {
    alert: "AudioLoss",
    at: "5m",
    fires: [
      'voice_audio_lost_seconds_total{direction="uplink",cause="overflow"} 0+0.02x40',
      'ai_provider_audio_chunks_sent{provider="openai"} 0+100x40',
    ],
    silent: [
      'voice_audio_lost_seconds_total{direction="uplink",cause="overflow"} 0+0.009x40',
      'voice_audio_lost_seconds_total{direction="downlink",cause="unheard"} 0+9x40',
      'ai_provider_audio_chunks_sent{provider="openai"} 0+100x40',
    ],
  },
];

const nodes: readonly RuleCase[] = [
  { alert: "NodeDown", at: "90s", fires: ["up 1 1 0+0x10"], silent: ["up 1 1 0 1+0x10"] },
  // Not even known any more.
  { alert: "NodeDown", at: "90s", fires: ['up{job="other"} 1+0x10'], silent: ["up 1+0x10", 'up{job="other"} 0+0x10'] },
  {
    alert: "RegionNotReady",
    at: "60s",
    fires: ["voice_ready 1 0+0x10"],
    silent: ["voice_ready 1+0x10", 'voice_ready{instance="n2:8080"} 0+0x10'],
  },
  // All of its nodes are gone.
  { alert: "RegionNotReady", at: "10m", fires: ["voice_ready 1+0x10 stale"], silent: ["voice_ready 1+0x60"] },
  {
    alert: "ProcessesDying",
    at: "9m",
    fires: ["voice_process_restarts_total 0x8 1x8 2x8 3x20"],
    // Twice, by different hands; and long ago.
    silent: ["voice_process_restarts_total 0x8 1x8 2x40", 'voice_process_restarts_total{instance="n2:8080"} 7x60'],
  },
  {
    alert: "JournalLag",
    severity: "SEV3",
    at: "30s",
    fires: ["voice_journal_lag_seconds 6+0x10"],
    silent: ["voice_journal_lag_seconds 5+0x10"],
  },
  {
    alert: "JournalLag",
    severity: "SEV1",
    at: "30s",
    fires: ["voice_journal_lag_seconds 31+0x10"],
    silent: ["voice_journal_lag_seconds 30+0x10"],
  },
  {
    alert: "EventLoopLag",
    at: "6m",
    fires: ["nodejs_eventloop_lag_p99_seconds 0.06+0x40"],
    silent: ["nodejs_eventloop_lag_p99_seconds 0.06+0x10 0.01 0.06+0x40"],
  },
  {
    alert: "Shedding",
    at: "4m",
    fires: ['voice_connections_rejected_total{reason="busy"} 0+2x40', 'voice_calls_started_total{dialect="twilio"} 0+98x40'],
    silent: ['voice_connections_rejected_total{reason="origin"} 0+50x40', 'voice_calls_started_total{dialect="twilio"} 0+98x40'],
  },
  {
    alert: "DrainStuck",
    at: "2m",
    fires: ["voice_drain_state 0 1+0x10", 'voice_calls_active{dialect="twilio"} 3+0x10', "voice_drain_deadline_timestamp_seconds 170+0x10"],
    silent: [
      "voice_drain_state 0 1+0x10",
      'voice_calls_active{dialect="twilio"} 3+0x10',
      "voice_drain_deadline_timestamp_seconds 190+0x10",
    ],
  },
  {
    // No call is left; or no drain goes on.
    alert: "DrainStuck",
    at: "2m",
    fires: ["voice_drain_state 1+0x10", 'voice_calls_active{dialect="twilio"} 1+0x10', "voice_drain_deadline_timestamp_seconds 130+0x10"],
    silent: [
      "voice_drain_state 1+0x10",
      'voice_calls_active{dialect="twilio"} 0+0x10',
      "voice_drain_deadline_timestamp_seconds 130+0x10",
      'voice_drain_state{instance="n2:8080"} 0+0x10',
      'voice_calls_active{dialect="twilio",instance="n2:8080"} 5+0x10',
      'voice_drain_deadline_timestamp_seconds{instance="n2:8080"} 0+0x10',
    ],
  },
  {
    alert: "RecoverySlow",
    severity: "SEV3",
    at: "1m",
    fires: [...histogram("voice_recovery_seconds", "", { "10": "1+0x10", "+Inf": "2+0x10" }), "process_start_time_seconds 0+0x10"],
    silent: [...histogram("voice_recovery_seconds", "", { "10": "2+0x10", "+Inf": "2+0x10" }), "process_start_time_seconds 0+0x10"],
  },
  {
    // Long ago.
    alert: "RecoverySlow",
    severity: "SEV3",
    at: "1m",
    fires: [...histogram("voice_recovery_seconds", "", { "10": "0+0x10", "+Inf": "1+0x10" }), "process_start_time_seconds 0+0x10"],
    silent: [...histogram("voice_recovery_seconds", "", { "10": "0+0x10", "+Inf": "1+0x10" }), upLong],
  },
  {
    alert: "RecoverySlow",
    severity: "SEV1",
    at: "1m",
    fires: ["voice_recovery_seconds_sum 602+0x10", "voice_recovery_seconds_count 2+0x10", "process_start_time_seconds 0+0x10"],
    silent: ["voice_recovery_seconds_sum 598+0x10", "voice_recovery_seconds_count 2+0x10", "process_start_time_seconds 0+0x10"],
  },
  {
    alert: "InvariantViolated",
    at: "2m",
    fires: ['voice_invariant_violations_total{invariant="links_closed"} 0 0 1+0x10'],
    silent: ['voice_invariant_violations_total{invariant="links_closed"} 1+0x10'],
  },
  {
    alert: "AuthAttack",
    at: "4m",
    fires: ['voice_auth_failures_total{kind="key"} 0+10x40', 'voice_auth_failures_total{kind="token"} 0+10x40'],
    silent: ['voice_auth_failures_total{kind="key"} 0+10x40'],
  },
  {
    alert: "SignatureFailures",
    at: "4m",
    fires: ['voice_auth_failures_total{kind="signature"} 0+1x40'],
    silent: ['voice_auth_failures_total{kind="signature"} 0 5+0x40', 'voice_auth_failures_total{kind="key"} 0+1x40'],
  },
  {
    alert: "SecretAge",
    severity: "SEV3",
    at: "30s",
    fires: ['voice_secret_age_seconds{secret="OPENAI_API_KEY"} 7000000+0x10'],
    silent: ['voice_secret_age_seconds{secret="OPENAI_API_KEY"} 6900000+0x10', 'voice_secret_age_seconds{secret="OTHER_KEY"} 7800000+0x10'],
  },
  {
    alert: "SecretAge",
    severity: "SEV2",
    at: "30s",
    fires: ['voice_secret_age_seconds{secret="OPENAI_API_KEY"} 7800000+0x10'],
    silent: ['voice_secret_age_seconds{secret="OPENAI_API_KEY"} 7700000+0x10'],
  },
  ...[80, 90, 100].map((step) => ({
    alert: `CostBudget${step}`,
    at: "30s",
    fires: [`ai_provider_cost_budget_used_ratio{period="day"} ${step / 100}+0x10`],
    silent: [`ai_provider_cost_budget_used_ratio{period="day"} ${step / 100 - 0.01}+0x10`],
  })),
  {
    alert: "NotifyFailing",
    at: "4m",
    fires: [
      'alertmanager_notifications_total{integration="slack"} 0 3+0x40',
      'alertmanager_notifications_failed_total{integration="slack"} 0 3+0x40',
    ],
    silent: [
      'alertmanager_notifications_total{integration="slack"} 0 4+0x40',
      'alertmanager_notifications_failed_total{integration="slack"} 0 3+0x40',
    ],
  },
  {
    alert: "NotifyFailing",
    at: "4m",
    fires: [
      'voice_human_escalations_total{reason="crisis",result="failed"} 0 3+0x40',
      'voice_human_escalations_total{reason="crisis",result="ticket"} 0 3+0x40',
    ],
    silent: [
      'voice_human_escalations_total{reason="crisis",result="failed"} 0 3+0x40',
      'voice_human_escalations_total{reason="crisis",result="chat"} 0 1+0x40',
    ],
  },
  // What always fires is silent only where nothing is looked at: before the first evaluation.
];

/** All but `Watchdog`, which no series can silence. */
export const ruleCases: readonly RuleCase[] = [...providers, ...calls, ...nodes, ...objectiveCases];
