/** One panel: what it asks Prometheus, how each line is named, and in what the axis counts. */
export interface Panel {
  readonly title: string;
  /** What a reader has to know that the title does not say. */
  readonly about?: string;
  readonly unit: "s" | "ms" | "percentunit" | "short" | "ops" | "currencyUSD" | "bytes";
  readonly lines: readonly { readonly expr: string; readonly name: string }[];
  /** How it is drawn: over time (the default), as the state of each line over time, or as one figure a line. */
  readonly as?: "time" | "states" | "figure";
  /** Of the 24 columns; else 8. */
  readonly width?: number;
}

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

const here = `region=~"$region"`;
const of = `region=~"$region", provider=~"$provider"`;

/** Service levels of the regions chosen; those of one provider have that provider. */
const levels = `${here}, provider=~"$provider|"`;

/** The rate of a counter by some labels, a second. */
const rate = (counter: string, by: string, labels: string = of): string => `sum by (${by}) (rate(${counter}{${labels}}[$__rate_interval]))`;
const quantile = (q: number, histogram: string, by: string, labels: string = of): string =>
  `histogram_quantile(${q}, sum by (${by === "" ? "le" : `${by}, le`}) (rate(${histogram}_bucket{${labels}}[$__rate_interval])))`;
const quantiles = (histogram: string, by: string, labels: string = of): Panel["lines"] => [
  { expr: quantile(0.5, histogram, by, labels), name: `p50 {{${by}}}` },
  { expr: quantile(0.95, histogram, by, labels), name: `p95 {{${by}}}` },
];
const share = (good: string, all: string): string => `sum(increase(${good}[$__range])) / sum(increase(${all}[$__range]))`;
const within = (limitS: string, histogram: string, labels: string): string =>
  share(`${histogram}_bucket{${labels}, le=~"${limitS}|${limitS}[.]0"}`, `${histogram}_count{${labels}}`);

export const rows: readonly Row[] = [
  {
    title: "Calls",
    panels: [
      {
        title: "Calls in progress",
        unit: "short",
        lines: [{ expr: `sum by (dialect) (voice_calls_active{${here}})`, name: "{{dialect}}" }],
      },
      { title: "Calls taken", unit: "ops", lines: [{ expr: rate("voice_calls_started_total", "dialect", here), name: "{{dialect}}" }] },
      {
        title: "Calls ended, by who pays",
        about: "none: they ended well. caller_*: the caller's own doing.",
        unit: "ops",
        lines: [{ expr: rate("voice_calls_ended_total", "outcome, failure_class", here), name: "{{outcome}} {{failure_class}}" }],
      },
      { title: "Until a call was ready", unit: "s", lines: quantiles("voice_call_setup_seconds", "provider") },
      { title: "Agent turns", unit: "ops", lines: [{ expr: rate("voice_turns_total", "outcome"), name: "{{outcome}}" }] },
      { title: "Nodes that take calls", unit: "short", lines: [{ expr: `sum by (region) (voice_ready{${here}})`, name: "{{region}}" }] },
    ],
  },
  {
    title: "Latency by stage",
    panels: [
      {
        title: "Where the caller's wait goes",
        about: "Mean of each stage, stacked: together the wait from the caller's own end of speech until the answer was heard.",
        unit: "s",
        width: 12,
        lines: [
          {
            expr: `${rate("voice_turn_stage_seconds_sum", "stage")} / on () group_left () sum(rate(voice_turn_latency_seconds_count{${of}}[$__rate_interval]))`,
            name: "{{stage}}",
          },
        ],
      },
      { title: "From the end of speech to the answer", unit: "s", width: 12, lines: quantiles("voice_turn_latency_seconds", "provider") },
      { title: "From the commit to the answer", unit: "s", lines: quantiles("voice_response_start_seconds", "provider") },
      { title: "From first speech to first words", unit: "s", lines: quantiles("voice_first_transcript_seconds", "provider") },
      { title: "Until an answer was complete", unit: "s", lines: quantiles("voice_turn_completion_seconds", "kind", here) },
      { title: "Longest gap within an answer", unit: "s", lines: quantiles("voice_stream_gap_seconds", "provider") },
      { title: "Our own share of each piece of audio", unit: "s", lines: quantiles("voice_hop_seconds", "direction", here) },
      { title: "Tool calls", unit: "s", lines: quantiles("voice_tool_seconds", "region", here) },
    ],
  },
  {
    title: "Providers and breakers",
    panels: [
      {
        title: "Breakers",
        about: "0 closed, 1 half-open, 2 open.",
        unit: "short",
        as: "states",
        width: 12,
        lines: [{ expr: `max by (provider) (circuit_breaker_state{${of}})`, name: "{{provider}}" }],
      },
      {
        title: "Health",
        about: "2 healthy, 1 degraded, 0 unhealthy.",
        unit: "short",
        as: "states",
        width: 12,
        lines: [{ expr: `min by (provider) (ai_provider_health{${of}})`, name: "{{provider}}" }],
      },
      {
        title: "Share of requests that failed, 10 minutes",
        unit: "percentunit",
        lines: [{ expr: `ai_provider:error_ratio:10m{${of}}`, name: "{{provider}}" }],
      },
      {
        title: "Time open, 10 minutes",
        unit: "percentunit",
        lines: [{ expr: `ai_provider:open_share:10m{${of}}`, name: "{{provider}}" }],
      },
      {
        title: "Errors by kind",
        unit: "ops",
        lines: [{ expr: `${rate("ai_provider_errors_total", "provider, error_type")} > 0`, name: "{{provider}} {{error_type}}" }],
      },
      {
        title: "Latency, 10 minutes",
        unit: "s",
        lines: [
          { expr: `ai_provider:latency_seconds:p50{${of}}`, name: "p50 {{provider}}" },
          { expr: `ai_provider:latency_seconds:p95{${of}}`, name: "p95 {{provider}}" },
        ],
      },
      {
        title: "How long an answer is waited for",
        about: "Follows each provider's own p95.",
        unit: "s",
        lines: [{ expr: `max by (provider) (ai_provider_timeout_seconds{${of}})`, name: "{{provider}}" }],
      },
      {
        title: "Connections open",
        unit: "short",
        lines: [{ expr: `sum by (provider) (ai_provider_active_sessions{${of}})`, name: "{{provider}}" }],
      },
      {
        title: "What breakers let through and turned away",
        unit: "ops",
        lines: [{ expr: rate("circuit_breaker_calls_total", "provider, status"), name: "{{provider}} {{status}}" }],
      },
    ],
  },
  {
    title: "Reconnect timeline and hand-overs",
    panels: [
      {
        title: "Attempts to connect again",
        unit: "short",
        width: 12,
        lines: [
          {
            expr: `sum by (provider, success) (increase(ai_provider_reconnections_total{${of}}[$__rate_interval]))`,
            name: "{{provider}} success={{success}}",
          },
        ],
      },
      {
        title: "Losses, by how they ended",
        unit: "short",
        width: 12,
        lines: [
          {
            expr: `sum by (provider, result) (increase(voice_reconnect_episodes_total{${of}}[$__rate_interval]))`,
            name: "{{provider}} {{result}}",
          },
        ],
      },
      {
        title: "Hand-overs",
        unit: "short",
        lines: [
          {
            expr: `sum by (from, to, mode, cause, success) (increase(voice_handovers_total{${here}}[$__rate_interval]))`,
            name: "{{from}} to {{to}}: {{mode}}, {{cause}}, success={{success}}",
          },
        ],
      },
      { title: "How long a hand-over took", unit: "s", lines: quantiles("voice_handover_seconds", "mode", here) },
      {
        title: "Breakers that changed",
        unit: "short",
        lines: [
          {
            expr: `sum by (provider, to_state) (increase(circuit_breaker_state_transitions{${of}}[$__rate_interval]))`,
            name: "{{provider}} {{to_state}}",
          },
        ],
      },
    ],
  },
  {
    title: "Buffer and replay",
    panels: [
      {
        title: "Caller audio kept for a replay, chunks",
        unit: "short",
        lines: [{ expr: `sum by (provider) (voice_ring_chunks{${of}})`, name: "{{provider}}" }],
      },
      {
        title: "Chunks sent again",
        unit: "short",
        lines: [{ expr: `sum by (provider) (increase(voice_chunks_replayed_total{${of}}[$__rate_interval]))`, name: "{{provider}}" }],
      },
      {
        title: "Audio that reached nobody",
        unit: "ms",
        lines: [
          {
            expr: `sum by (direction, cause) (increase(voice_audio_lost_milliseconds_total{${here}}[$__rate_interval]))`,
            name: "{{direction}} {{cause}}",
          },
        ],
      },
      {
        title: "Chunks to and from providers",
        unit: "ops",
        lines: [
          { expr: rate("ai_provider_audio_chunks_sent", "provider"), name: "to {{provider}}" },
          { expr: rate("ai_provider_audio_chunks_received", "provider"), name: "from {{provider}}" },
        ],
      },
    ],
  },
  {
    title: "Costs",
    panels: [
      {
        title: "Spent within the range shown",
        unit: "currencyUSD",
        as: "figure",
        lines: [{ expr: `sum by (provider) (increase(ai_provider_cost_total{${of}}[$__range]))`, name: "{{provider}}" }],
      },
      {
        title: "Per hour",
        unit: "currencyUSD",
        lines: [{ expr: `3600 * ${rate("ai_provider_cost_total", "provider")}`, name: "{{provider}}" }],
      },
      {
        title: "Budget used",
        about: "Only with a budget.",
        unit: "percentunit",
        lines: [{ expr: `max by (period) (ai_provider_cost_budget_used_ratio{${here}})`, name: "{{period}}" }],
      },
    ],
  },
  {
    title: "Service levels",
    panels: [
      {
        title: "Budget left",
        about: "Of the errors that the objective allows within its window. At 0 nothing is left.",
        unit: "percentunit",
        as: "figure",
        width: 24,
        lines: [
          { expr: `min by (slo, provider, window) (slo_error_budget_remaining_ratio{${levels}})`, name: "{{slo}} {{provider}} {{window}}" },
        ],
      },
      {
        title: "How fast budgets are spent, 1 hour",
        about: "1: the budget would just last for its window. 14.4 wakes somebody.",
        unit: "short",
        width: 12,
        lines: [{ expr: `max by (slo, provider) (slo:burn_rate:1h{${levels}})`, name: "{{slo}} {{provider}}" }],
      },
      {
        title: "How fast budgets are spent, 6 hours",
        unit: "short",
        width: 12,
        lines: [{ expr: `max by (slo, provider) (slo:burn_rate:6h{${levels}})`, name: "{{slo}} {{provider}}" }],
      },
      {
        title: "Bad events, 5 minutes",
        unit: "percentunit",
        lines: [{ expr: `max by (slo, provider) (slo:bad_ratio:5m{${levels}})`, name: "{{slo}} {{provider}}" }],
      },
      {
        title: "Bad events, 7 days",
        unit: "percentunit",
        lines: [{ expr: `max by (slo, provider) (slo:bad_ratio:7d{${levels}})`, name: "{{slo}} {{provider}}" }],
      },
      {
        title: "What is judged",
        about: "Events of each service level.",
        unit: "ops",
        lines: [{ expr: rate("slo_valid_events_total", "slo", here), name: "{{slo}}" }],
      },
      {
        title: "What must never be",
        about: "Violations of what always holds of a call. Anything but 0 is a defect of the server.",
        unit: "short",
        as: "figure",
        width: 24,
        lines: [{ expr: `sum by (invariant) (increase(voice_invariant_violations_total{${here}}[$__range]))`, name: "{{invariant}}" }],
      },
    ],
  },
  {
    title: "Promises",
    panels: [
      {
        title: "Within the range shown",
        about: "Each as a share of what counts; the objective stands behind it.",
        unit: "percentunit",
        as: "figure",
        width: 24,
        lines: [
          {
            name: "connections that went well (99 %)",
            expr: share(
              `circuit_breaker_calls_total{${of}, status="success"}`,
              `circuit_breaker_calls_total{${of}, status=~"success|failure"}`,
            ),
          },
          { name: "calls ready within 2 s (95 %)", expr: within("2", "voice_call_setup_seconds", of) },
          { name: "first words within 1 s (95 %)", expr: within("1", "voice_first_transcript_seconds", of) },
          { name: "answers within 2 s of the end of speech (95 %)", expr: within("2", "voice_turn_latency_seconds", of) },
          {
            name: "turns that did not fail (99 %)",
            expr: share(`voice_turns_total{${of}, outcome!="failed"}`, `voice_turns_total{${of}}`),
          },
          {
            name: "answers that came whole (99.5 %)",
            expr: share(`voice_streams_total{${of}, outcome="complete"}`, `voice_streams_total{${of}}`),
          },
          {
            name: "tool calls that went well (99 %)",
            expr: share(`voice_tool_calls_total{${here}, status="ok"}`, `voice_tool_calls_total{${here}, status!="cancelled"}`),
          },
          { name: "fail-overs within 3 s (99.9 %)", expr: within("3", "voice_handover_seconds", `${here}, mode="failover"`) },
          {
            name: "requests to the API without our fault (99.9 %)",
            expr: share(`http_requests_total{${here}, code_class!~"[45]xx"}`, `http_requests_total{${here}, code_class!="4xx"}`),
          },
        ],
      },
      {
        title: "Callers in need",
        unit: "short",
        width: 12,
        lines: [
          { expr: `sum by (outcome) (increase(voice_crisis_turns_total{${here}}[$__rate_interval]))`, name: "{{outcome}}" },
          {
            expr: `sum by (reason, result) (increase(voice_human_escalations_total{${here}}[$__rate_interval]))`,
            name: "{{reason}}: {{result}}",
          },
        ],
      },
      {
        title: "How long they waited",
        unit: "s",
        width: 12,
        lines: [{ expr: quantile(1, "voice_crisis_response_seconds", "", here), name: "longest" }],
      },
    ],
  },
  {
    title: "Nodes and door",
    panels: [
      {
        title: "Event loop lag, p99",
        unit: "s",
        lines: [{ expr: `nodejs_eventloop_lag_p99_seconds{${here}, job="linekeeper"}`, name: "{{instance}}" }],
      },
      {
        title: "Memory",
        unit: "bytes",
        lines: [{ expr: `process_resident_memory_bytes{${here}, job="linekeeper"}`, name: "{{instance}}" }],
      },
      {
        title: "CPU",
        unit: "percentunit",
        lines: [{ expr: `rate(process_cpu_seconds_total{${here}, job="linekeeper"}[$__rate_interval])`, name: "{{instance}}" }],
      },
      {
        title: "Turned away",
        unit: "short",
        lines: [
          { expr: `sum by (reason) (increase(voice_connections_rejected_total{${here}}[$__rate_interval]))`, name: "{{reason}}" },
          { expr: `sum by (kind) (increase(voice_auth_failures_total{${here}}[$__rate_interval]))`, name: "wrong {{kind}}" },
        ],
      },
      { title: "Age of secrets", unit: "s", lines: [{ expr: `max by (secret) (voice_secret_age_seconds{${here}})`, name: "{{secret}}" }] },
      { title: "Call records not on disk yet", unit: "s", lines: [{ expr: `voice_journal_lag_seconds{${here}}`, name: "{{instance}}" }] },
      {
        title: "HTTP requests",
        unit: "ops",
        lines: [{ expr: rate("http_requests_total", "route, code_class", here), name: "{{route}} {{code_class}}" }],
      },
    ],
  },
];
