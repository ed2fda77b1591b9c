import {
  AggregatorRegistry,
  collectDefaultMetrics,
  Counter,
  Gauge,
  Histogram,
  Registry,
  type Aggregator,
  type CounterConfiguration,
} from "prom-client";
import { watchEventLoop } from "./event-loop.ts";

/** Bucket sets, seconds: of provider and turn latencies, of set-ups, of what is our own share, of calls through a breaker. */
export const buckets = {
  latency: [0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 8, 10, 15, 20, 30],
  setup: [0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10],
  breaker: [0.1, 0.5, 1, 2, 5, 10],
  /** No time: an opinion, a share, a level. */
  mos: [1.5, 2, 2.5, 3, 3.5, 3.8, 4, 4.2, 4.3, 4.4, 4.5],
  share: [0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1],
  level: [-50, -45, -40, -35, -30, -25, -20, -15, -10, -5, 0],
  fine: [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1],
} as const;

export type Metrics = ReturnType<typeof createMetrics>;

/** Every series this server has, in a registry of its own. Names and labels are a contract with dashboards and alert rules. */
export function createMetrics() {
  const registry = new Registry();
  // What it has of the event loop contains its sampling period; event-loop.ts has better figures, and this one is never to look.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 2 ** 31 - 1 });
  for (const name of ["", "_min", "_max", "_mean", "_stddev", "_p50", "_p90", "_p99"])
    registry.removeSingleMetric(`nodejs_eventloop_lag${name}_seconds`);
  // Gauges with a counter's name, which promtool objects to; the same figures stand beside them by type.
  for (const name of ["handles", "requests", "resources"]) registry.removeSingleMetric(`nodejs_active_${name}_total`);
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[] = []): Counter<L> => {
    const configuration: CounterConfiguration<L> = { name, help, labelNames, registers: [registry] };
    return new Counter(configuration);
  };
  /** `aggregator`: what becomes of the values of several processes. */
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = [], aggregator: Aggregator = "sum"): Gauge<L> =>
    new Gauge({ name, help, labelNames, aggregator, registers: [registry] });
  const histogram = <L extends string>(name: string, help: string, set: readonly number[], labelNames: readonly L[] = []): Histogram<L> =>
    new Histogram({ name, help, labelNames, buckets: [...set], registers: [registry] });

  const lag = (share: string, meaning: string): Gauge =>
    gauge(`nodejs_eventloop_lag_${share}_seconds`, `How late the event loop came to its work since the last scrape, ${meaning}`, [], "max");
  const asked: (() => void)[] = [
    watchEventLoop({
      p50: lag("p50", "half of the times at most"),
      p90: lag("p90", "in nine of ten at most"),
      p99: lag("p99", "in 99 of 100 at most"),
      max: lag("max", "at most"),
    }),
  ];

  return {
    /** Calls `bring` before each scrape, to bring up to date what changes with time alone. */
    beforeScrape: (bring: () => void): void => void asked.push(bring),
    /** What a scrape answers, with this content type. */
    contentType: registry.contentType,
    async text(): Promise<string> {
      for (const bring of asked) bring();
      return wellWritten(await registry.metrics());
    },
    /** The same for `textOfAll`. */
    async samples(): Promise<object[]> {
      for (const bring of asked) bring();
      return registry.getMetricsAsJSON();
    },

    sloValid: counter("slo_valid_events_total", "Events on which a service level is judged", ["slo", "provider"]),
    sloGood: counter("slo_good_events_total", "Those of them that were as promised", ["slo", "provider"]),
    sloObjective: gauge("slo_objective_ratio", "The share of good events that is promised", ["slo", "window"], "max"),

    breakerState: gauge("circuit_breaker_state", "0 closed, 1 half-open, 2 open", ["name", "provider"], "max"),
    breakerCalls: counter("circuit_breaker_calls_total", "Connections by what the breaker saw of them", ["name", "provider", "status"]),
    breakerChanges: counter("circuit_breaker_state_transitions", "Changes of a breaker's state", [
      "name",
      "provider",
      "from_state",
      "to_state",
    ]),
    breakerSeconds: histogram("circuit_breaker_call_duration_seconds", "Until a breaker knew how a connection went", buckets.breaker, [
      "name",
      "provider",
      "status",
    ]),
    breakerNow: gauge("ai_provider_circuit_breaker_state", "1 for the state that the breaker is in", ["provider", "state"], "max"),
    requests: counter("ai_provider_requests_total", "Connections to a provider that were tried", ["provider", "status"]),
    latency: histogram("ai_provider_latency_seconds", "From a committed turn to the provider's first audio", buckets.latency, ["provider"]),
    errors: counter("ai_provider_errors_total", "Faults of a provider's connections", ["provider", "error_type"]),
    health: gauge("ai_provider_health", "2 healthy, 1 degraded, 0 unhealthy", ["provider"], "min"),
    timeout: gauge("ai_provider_timeout_seconds", "How long an answer of a provider is waited for at present", ["provider"], "max"),
    activeSessions: gauge("ai_provider_active_sessions", "Connections to a provider that are open now", ["provider"]),
    reconnections: counter("ai_provider_reconnections_total", "Attempts to connect again after a loss", ["provider", "success"]),
    chunksSent: counter("ai_provider_audio_chunks_sent", "Audio chunks given to a provider", ["provider"]),
    chunksReceived: counter("ai_provider_audio_chunks_received", "Audio chunks that came from a provider", ["provider"]),

    cost: counter("ai_provider_cost_total", "What was used, in USD, as far as it has a price", ["provider"]),
    budgetUsed: gauge("ai_provider_cost_budget_used_ratio", "Share of the budget that is spent", ["period"], "max"),

    ringChunks: gauge("voice_ring_chunks", "Chunks of caller audio kept for a replay", ["provider"]),
    deepgramBuffer: gauge("deepgram_audio_buffer_size", "Chunks of caller audio kept for a replay in calls on Deepgram"),
    callsActive: gauge("voice_calls_active", "Calls in progress", ["dialect"]),
    callsStarted: counter("voice_calls_started_total", "Calls taken", ["dialect"]),
    callsEnded: counter("voice_calls_ended_total", "Calls that ended", ["dialect", "outcome", "failure_class"]),
    callSetup: histogram("voice_call_setup_seconds", "Until a call's first connection to a provider was ready", buckets.setup, [
      "provider",
    ]),
    firstTranscript: histogram(
      "voice_first_transcript_seconds",
      "From the caller's first speech to its first words as text",
      buckets.setup,
      ["provider"],
    ),
    turnLatency: histogram(
      "voice_turn_latency_seconds",
      "From the caller's own end of speech to the first audio of the answer",
      buckets.latency,
      ["provider", "kind"],
    ),
    turnStages: histogram(
      "voice_turn_stage_seconds",
      "The same wait until it was heard, by where the time went; the stages add up to the whole",
      buckets.latency,
      ["provider", "stage"],
    ),
    turnCompletion: histogram("voice_turn_completion_seconds", "From a committed turn to the end of its answer", buckets.latency, ["kind"]),
    responseStart: histogram("voice_response_start_seconds", "From a committed turn to the first audio of its answer", buckets.latency, [
      "provider",
      "kind",
    ]),
    turns: counter("voice_turns_total", "Agent turns that ended", ["provider", "outcome", "failure_class"]),
    turnStops: counter("voice_turn_stop_total", "Why agent turns ended", ["provider", "reason"]),
    streams: counter("voice_streams_total", "Response streams that ended", ["provider", "outcome"]),
    streamGap: histogram("voice_stream_gap_seconds", "The longest wait between two pieces of an answer's audio", buckets.fine, [
      "provider",
    ]),
    answeredBy: counter("voice_call_answered_by_total", "Calls that we placed, by who answered and how that is known", ["who", "by"]),
    reprompts: counter("voice_call_reprompts_total", "Callers who were asked whether they are still there", ["by"]),
    legMos: histogram(
      "voice_call_quality_mos_estimate",
      "Callers' lines by an estimate of their quality, 1 to 4.5 (E-model, ITU-T G.107), one a leg",
      buckets.mos,
      ["dialect"],
    ),
    legLoss: histogram("voice_call_quality_loss_ratio", "Share of a caller's audio that never came, one a leg", buckets.share, ["dialect"]),
    legJitter: histogram("voice_call_quality_jitter_seconds", "How unevenly a caller's audio came, one a leg", buckets.fine, ["dialect"]),
    legDelay: histogram("voice_call_quality_delay_seconds", "One way between a caller and us, as far as known, one a leg", buckets.fine, [
      "dialect",
    ]),
    legGap: histogram("voice_call_quality_gap_seconds", "Caller audio that was missing and made up, one a leg", buckets.latency, [
      "dialect",
    ]),
    legLevel: histogram("voice_call_quality_level_dbfs", "How loud each side of a call spoke, one a leg", buckets.level, [
      "dialect",
      "side",
    ]),
    legClipped: histogram("voice_call_quality_clipped_ratio", "Share of each side's samples at the limit, one a leg", buckets.share, [
      "dialect",
      "side",
    ]),
    hop: histogram("voice_hop_seconds", "How long our own code has a piece of audio in hand (a sample)", buckets.fine, ["direction"]),
    toolCalls: counter("voice_tool_calls_total", "Tool calls that ended", ["status"]),
    toolSeconds: histogram("voice_tool_seconds", "How long tool calls took", buckets.latency),
    reconnectEpisodes: counter("voice_reconnect_episodes_total", "Losses of a connection, by how they ended", ["provider", "result"]),
    handovers: counter("voice_handovers_total", "Calls moved from one provider to another", ["from", "to", "mode", "cause", "success"]),
    handoverSeconds: histogram("voice_handover_seconds", "How long moving a call to another provider took", buckets.latency, ["mode"]),
    crisisTurns: counter("voice_crisis_turns_total", "Turns in which a caller was in need", ["outcome", "tier"]),
    crisisResponse: histogram("voice_crisis_response_seconds", "How long a caller in need waited for the first words", buckets.setup),
    emergencyCache: counter("voice_emergency_cache_total", "Prompts that the emergency tier looked for", ["result"]),
    escalations: counter("voice_human_escalations_total", "Calls for which a person was asked", ["reason", "result"]),
    audioLost: counter("voice_audio_lost_seconds_total", "Audio that reached nobody", ["direction", "cause"]),
    chunksReplayed: counter("voice_chunks_replayed_total", "Caller audio chunks sent again to a new connection", ["provider"]),

    recovery: histogram("voice_recovery_seconds", "How long a call was nobody's before it was taken up again", buckets.setup),
    journalLag: gauge("voice_journal_lag_seconds", "Age of the oldest record that is not written to disk; 0 when all are", [], "max"),
    lines: counter("voice_lines_total", "Callers' lines that were given up, by what the E-model says of them", ["codec", "quality"]),
    linePackets: counter("voice_line_packets_total", "RTP packets of callers", ["codec", "fate"]),
    lineConcealed: counter("voice_line_concealed_seconds_total", "Caller audio that was lost on the way and made up", ["codec"]),
    lineJitter: histogram("voice_line_jitter_seconds", "Jitter of callers' lines (RFC 3550) when they ended", buckets.fine, ["codec"]),

    connectionsRejected: counter("voice_connections_rejected_total", "Callers refused at the door", ["reason"]),
    legTroubles: counter("voice_leg_troubles_total", "What went wrong at callers' sockets", ["kind"]),
    overloaded: gauge("voice_overloaded", "1 while new calls are refused because of a process's load", [], "max"),
    processesTaking: gauge(
      "voice_processes_taking_calls",
      "Processes of this machine that take new calls; 0: there is only one",
      [],
      "max",
    ),
    processRestarts: counter("voice_process_restarts_total", "Processes of this machine that died and were started again"),
    connectionsUntaken: counter("voice_connections_untaken_total", "Connections that no process was there to take in time"),
    rateLimited: counter("voice_rate_limited_total", "Requests over a limit", ["scope"]),
    authFailures: counter("voice_auth_failures_total", "Requests without the right key, token or signature", ["kind"]),
    secretAge: gauge("voice_secret_age_seconds", "How long a secret that is kept in a file has been in use", ["secret"], "max"),
    secretRotations: counter("voice_secret_rotations_total", "Changes of secrets' files", ["secret", "result"]),
    ready: gauge("voice_ready", "1 while this node takes calls", ["region"], "max"),
    drainMoves: counter("voice_drain_moves_total", "Calls that were handed to whoever serves them next", ["result"]),
    drainForced: counter("voice_drain_forced_total", "Calls that a drain cut off"),
    drainDeadline: gauge(
      "voice_drain_deadline_timestamp_seconds",
      "When a drain ends the calls that are left, Unix time; 0: no drain",
      [],
      "max",
    ),
    promptsUnusable: gauge("voice_prompts_unusable", "Fixed lines without audio, or whose review is due", [], "max"),
    drainState: gauge("voice_drain_state", "0 serving, 1 draining, 2 drained", [], "min"),
    invariants: counter("voice_invariant_violations_total", "What must never be, and was", ["invariant"]),
    spansDropped: counter("voice_spans_dropped_total", "Spans of traces that no collector took"),
    logsDropped: counter("voice_logs_dropped_total", "Log lines dropped because nobody read them fast enough"),
    httpRequests: counter("http_requests_total", "HTTP requests answered", ["route", "code_class"]),
    httpSeconds: histogram("http_request_seconds", "How long HTTP requests took", buckets.fine, ["route"]),
  };
}

/** What prom-client would do otherwise leaves out when the first began. */
const ofProcesses: Readonly<Record<string, Aggregator>> = {
  // Each process tells the same of all.
  voice_process_restarts_total: "max",
  voice_connections_untaken_total: "max",
  process_start_time_seconds: "min",
};

interface Sampled {
  readonly name: string;
  readonly values: readonly { readonly value: number | null }[];
}

/** What a scrape answers for several processes: counters and histograms added up, gauges each in its own way. */
export async function textOfAll(samples: readonly object[][]): Promise<string> {
  const readable = samples.map((ofOne) =>
    // As the registry writes them, after JSON, which has no word for "not a number".
    (ofOne as Sampled[]).map((metric) => ({
      ...metric,
      ...(ofProcesses[metric.name] !== undefined && { aggregator: ofProcesses[metric.name] }),
      values: metric.values.map((each) => ({ ...each, value: each.value ?? Number.NaN })),
    })),
  );
  return wellWritten(await AggregatorRegistry.aggregate(readable).metrics());
}

/** prom-client writes "Nan" for what has no samples yet, and the format knows "NaN" only. */
const wellWritten = (text: string): string => text.replace(/ Nan$/gm, " NaN");
