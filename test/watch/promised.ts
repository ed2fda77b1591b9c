import { readExposition } from "./exposition.ts";

const k = [0.1, 0.5, 1, 2, 5, 10];
const l = [0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 8, 10, 15, 20, 30];
const s = [0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10];
const f = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1];

/** What dashboards and alert rules of others rely on: `name{labels}`, as a counter, a gauge, or a histogram with these buckets. */
const promised: readonly (readonly [series: string, kind: "counter" | "gauge" | readonly number[]])[] = [
  ["circuit_breaker_state{name,provider}", "gauge"],
  ["circuit_breaker_calls_total{name,provider,status}", "counter"],
  ["circuit_breaker_state_transitions{name,provider,from_state,to_state}", "counter"],
  ["circuit_breaker_call_duration_seconds{name,provider,status}", k],
  ["ai_provider_circuit_breaker_state{provider,state}", "gauge"],
  ["ai_provider_requests_total{provider,status}", "counter"],
  ["ai_provider_latency_seconds{provider}", l],
  ["ai_provider_errors_total{provider,error_type}", "counter"],
  ["ai_provider_active_sessions{provider}", "gauge"],
  ["ai_provider_reconnections_total{provider,success}", "counter"],
  ["ai_provider_audio_chunks_sent{provider}", "counter"],
  ["ai_provider_audio_chunks_received{provider}", "counter"],
  ["deepgram_audio_buffer_size{}", "gauge"],
  ["ai_provider_cost_total{provider}", "counter"],
  ["ai_provider_cost_budget_used_ratio{period}", "gauge"],
  ["ai_provider_health{provider}", "gauge"],
  ["ai_provider_timeout_seconds{provider}", "gauge"],
  ["voice_ring_chunks{provider}", "gauge"],
  ["voice_calls_active{dialect}", "gauge"],
  ["voice_calls_started_total{dialect}", "counter"],
  ["voice_calls_ended_total{dialect,outcome,failure_class}", "counter"],
  ["voice_call_setup_seconds{provider}", s],
  ["voice_first_transcript_seconds{provider}", s],
  ["voice_response_start_seconds{provider,kind}", l],
  ["voice_turn_latency_seconds{provider,kind}", l],
  ["voice_turn_completion_seconds{kind}", l],
  ["voice_turns_total{provider,outcome,failure_class}", "counter"],
  ["voice_turn_stop_total{provider,reason}", "counter"],
  ["voice_streams_total{provider,outcome}", "counter"],
  ["voice_tool_calls_total{status}", "counter"],
  ["voice_tool_seconds{}", l],
  ["voice_hop_seconds{direction}", f],
  ["voice_stream_gap_seconds{provider}", f],
  ["voice_reconnect_episodes_total{provider,result}", "counter"],
  ["voice_handovers_total{from,to,mode,cause,success}", "counter"],
  ["voice_handover_seconds{mode}", l],
  ["voice_crisis_turns_total{outcome,tier}", "counter"],
  ["voice_crisis_response_seconds{}", s],
  ["voice_emergency_cache_total{result}", "counter"],
  ["voice_human_escalations_total{reason,result}", "counter"],
  // A rule makes the milliseconds of it that others ask for: promtool wants seconds of a server.
  ["voice_audio_lost_seconds_total{direction,cause}", "counter"],
  ["voice_chunks_replayed_total{provider}", "counter"],
  ["voice_connections_rejected_total{reason}", "counter"],
  ["voice_rate_limited_total{scope}", "counter"],
  ["voice_auth_failures_total{kind}", "counter"],
  ["voice_secret_age_seconds{secret}", "gauge"],
  ["voice_secret_rotations_total{secret,result}", "counter"],
  ["voice_ready{region}", "gauge"],
  ["voice_drain_state{}", "gauge"],
  ["voice_drain_forced_total{}", "counter"],
  ["voice_drain_moves_total{result}", "counter"],
  ["voice_journal_lag_seconds{}", "gauge"],
  ["voice_recovery_seconds{}", s],
  ["voice_invariant_violations_total{invariant}", "counter"],
  ["voice_logs_dropped_total{}", "counter"],
  ["http_requests_total{route,code_class}", "counter"],
  ["http_request_seconds{route}", f],
  ["slo_objective_ratio{slo,window}", "gauge"],
];

/** What a scrape has of it otherwise, as far as anything was counted. */
export function brokenPromises(text: string): string[] {
  const families = new Map(readExposition(text).map((family) => [family.name, family]));
  return promised.flatMap(([series, kind]) => {
    const [, name = "", labels = ""] = /^(\w+)\{(.*)\}$/.exec(series) ?? [];
    const family = families.get(name);
    if (family === undefined) return [`${name} is not there`];
    const isHistogram = typeof kind !== "string";
    if (family.type !== (isHistogram ? "histogram" : kind)) return [`${name} is a ${family.type}`];
    const found = new Set(
      family.samples.map((sample) =>
        sample.labels
          .flatMap(([label]) => (label === "le" ? [] : [label]))
          .toSorted()
          .join(),
      ),
    );
    const wanted = labels.split(",").toSorted().join();
    const bounds = family.samples.flatMap((sample) => sample.labels.flatMap(([label, value]) => (label === "le" ? [value] : [])));
    const isCut = !isHistogram || bounds.length === 0 || [...new Set(bounds)].join() === [...kind, "+Inf"].join();
    return [
      ...(found.size === 0 || [...found].join("; ") === wanted ? [] : [`${name} has the labels ${[...found].join("; ")}`]),
      ...(isCut ? [] : [`${name} has the buckets ${[...new Set(bounds)].join()}`]),
    ];
  });
}

/** Those of which nothing was counted, or all that was counted is 0. */
export function uncounted(text: string): string[] {
  const families = readExposition(text);
  return promised.flatMap(([series]) => {
    const name = series.split("{")[0] ?? "";
    const samples = families.find((family) => family.name === name)?.samples ?? [];
    return samples.some(({ value }) => value !== 0) ? [] : [name];
  });
}
