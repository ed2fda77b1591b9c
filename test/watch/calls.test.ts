import { expect, test } from "vitest";
import { silentLog, type Log, type LogFields } from "../../src/kernel/log.ts";
import type { CallEvent } from "../../src/session/words.ts";
import { watchCalls } from "../../src/watch/calls.ts";
import { createMetrics } from "../../src/watch/metrics.ts";
import { samplesOf } from "./exposition.ts";

interface Line {
  readonly level: string;
  readonly event: string;
  readonly fields: LogFields | undefined;
}

function house() {
  const lines: Line[] = [];
  const at = (level: string) => (event: string, fields?: LogFields) => void lines.push({ level, event, fields });
  const log: Log = { ...silentLog, debug: at("debug"), info: at("info"), warning: at("warning"), error: at("error") };
  const metrics = createMetrics();
  const watch = watchCalls(log, metrics, { providers: ["local", "openai"], dialects: ["browser"] });
  /** The series that are ours, without the buckets of histograms. */
  const samples = async (): Promise<Map<string, number>> =>
    new Map([...samplesOf(await metrics.text())].filter(([name]) => /^(voice|ai)_/.test(name) && !/_bucket\{/.test(name)));
  /** What changed while `run` ran: series and by how much. */
  const change = async (run: () => void): Promise<Record<string, number>> => {
    const before = await samples();
    run();
    const after = await samples();
    const changes = [...after].map(([name, value]) => [name, Number((value - (before.get(name) ?? 0)).toFixed(6))] as const);
    return Object.fromEntries(changes.filter(([, by]) => by !== 0));
  };
  return { lines, watch, change, metrics };
}

interface Case {
  readonly event: CallEvent;
  /** Told before, and not counted. */
  readonly after?: readonly CallEvent[];
  readonly changes: Readonly<Record<string, number>>;
  readonly line?: readonly [level: string, event: string, fields: LogFields];
}

const callId = "c1";
const started: CallEvent = { callId, type: "call.started", dialect: "browser" };
const opened: CallEvent = { callId, type: "link.opened", provider: "local", setupMs: 700, attempt: 1 };
const retrying: CallEvent = { callId, type: "link.retrying", provider: "local", attempt: 2, attemptLimit: 5, backoffMs: 1_000 };
const failed: CallEvent = { callId, type: "link.failed", provider: "local", code: "provider-unreachable", message: "no route", attempt: 2 };

/** By type, so that a new type of event fails to compile until it has its row. */
const cases: { readonly [T in CallEvent["type"]]: readonly (Case & { event: { type: T } })[] } = {
  "call.started": [
    { event: { ...started }, changes: { 'voice_calls_started_total{dialect="browser"}': 1, 'voice_calls_active{dialect="browser"}': 1 } },
    {
      event: { ...started, dialect: "+49 30 1234" },
      changes: { 'voice_calls_started_total{dialect="other"}': 1, 'voice_calls_active{dialect="other"}': 1 },
    },
  ],
  "call.ended": [
    {
      after: [started],
      event: { callId, type: "call.ended", dialect: "browser", outcome: "completed", cause: undefined, durationMs: 1 },
      changes: {
        'voice_calls_ended_total{dialect="browser",outcome="completed",failure_class="none"}': 1,
        'voice_calls_active{dialect="browser"}': -1,
      },
    },
    {
      event: { callId, type: "call.ended", dialect: "browser", outcome: "abandoned", cause: undefined, durationMs: 1 },
      changes: {
        'voice_calls_ended_total{dialect="browser",outcome="abandoned",failure_class="caller_hangup"}': 1,
        'voice_calls_active{dialect="browser"}': -1,
      },
    },
    {
      event: { callId, type: "call.ended", dialect: "browser", outcome: "failed", cause: "provider-limited", durationMs: 1 },
      changes: {
        'voice_calls_ended_total{dialect="browser",outcome="failed",failure_class="rate_limit"}': 1,
        'voice_calls_active{dialect="browser"}': -1,
      },
    },
  ],
  "link.opened": [
    {
      after: [started],
      event: { ...opened },
      changes: {
        'ai_provider_requests_total{provider="local",status="success"}': 1,
        'ai_provider_active_sessions{provider="local"}': 1,
        'voice_call_setup_seconds_sum{provider="local"}': 0.7,
        'voice_call_setup_seconds_count{provider="local"}': 1,
      },
      line: ["info", "connection_established", { callId, provider: "local", duration: 0.7, attempt: 1 }],
    },
    {
      after: [started, opened, retrying],
      event: { ...opened, attempt: 2 },
      changes: {
        'ai_provider_requests_total{provider="local",status="success"}': 1,
        'ai_provider_active_sessions{provider="local"}': 1,
        'ai_provider_reconnections_total{provider="local",success="true"}': 1,
      },
      line: ["info", "connection_established", { callId, provider: "local", duration: 0.7, attempt: 2 }],
    },
  ],
  "link.failed": [
    {
      after: [started, opened, retrying],
      event: { ...failed },
      changes: {
        'ai_provider_requests_total{provider="local",status="failure"}': 1,
        'ai_provider_errors_total{provider="local",error_type="transport"}': 1,
        'ai_provider_reconnections_total{provider="local",success="false"}': 1,
      },
      line: [
        "error",
        "connection_failed",
        { callId, provider: "local", error: "provider-unreachable", retry_count: 2, message: "no route" },
      ],
    },
    {
      event: { ...failed, provider: "made-up", code: "provider-key" },
      changes: {
        'ai_provider_requests_total{provider="other",status="failure"}': 1,
        'ai_provider_errors_total{provider="other",error_type="auth_error"}': 1,
      },
      line: ["error", "connection_failed", { callId, provider: "made-up", error: "provider-key", retry_count: 2, message: "no route" }],
    },
  ],
  "link.lost": [
    {
      event: { callId, type: "link.lost", provider: "openai", code: "provider-silent", message: "no pong in 1500 ms", livedMs: 61_234 },
      changes: { 'ai_provider_errors_total{provider="openai",error_type="timeout"}': 1 },
      line: [
        "error",
        "provider_error",
        {
          callId,
          provider: "openai",
          error: "provider-silent",
          error_type: "timeout",
          retryable: true,
          lived: 61.234,
          message: "no pong in 1500 ms",
        },
      ],
    },
  ],
  "link.closed": [
    {
      after: [opened],
      event: { callId, type: "link.closed", provider: "local", livedMs: 1 },
      changes: { 'ai_provider_active_sessions{provider="local"}': -1 },
    },
  ],
  "link.retrying": [
    {
      event: { ...retrying },
      changes: {},
      line: [
        "info",
        "reconnection_attempt",
        { callId, provider: "local", attempt: 2, max_attempts: 5, backoff_delay: 1, is_reconnecting: true },
      ],
    },
  ],
  "link.recovered": [
    {
      event: { callId, type: "link.recovered", provider: "local", attempts: 2, durationMs: 1_500 },
      changes: { 'voice_reconnect_episodes_total{provider="local",result="success"}': 1 },
      line: ["info", "reconnection_success", { callId, provider: "local", attempts: 2, duration: 1.5 }],
    },
  ],
  "link.gave-up": [
    {
      event: { callId, type: "link.gave-up", provider: "local", attempts: 5, code: "provider-dropped" },
      changes: { 'voice_reconnect_episodes_total{provider="local",result="exhausted"}': 1 },
      line: ["error", "reconnection_failed", { callId, provider: "local", reason: "provider-dropped", total_attempts: 5 }],
    },
  ],
  "link.puzzled": [
    {
      event: { callId, type: "link.puzzled", provider: "openai", what: "unknown event" },
      changes: { 'ai_provider_errors_total{provider="openai",error_type="protocol_error"}': 1 },
    },
  ],
  "link.used": [
    { event: { callId, type: "link.used", provider: "openai", usage: { model: "m", quantities: { output_text_tokens: 5 } } }, changes: {} },
  ],
  "call.handed-over": [
    {
      event: {
        callId,
        type: "call.handed-over",
        from: "openai",
        to: "local",
        mode: "failover",
        cause: "provider-dropped",
        durationMs: 400,
        items: 6,
        replayedChunks: 12,
      },
      changes: {
        'voice_handovers_total{from="openai",to="local",mode="failover",cause="provider-dropped",success="true"}': 1,
        'voice_handover_seconds_sum{mode="failover"}': 0.4,
        'voice_handover_seconds_count{mode="failover"}': 1,
      },
      line: [
        "info",
        "handover",
        {
          callId,
          from_provider: "openai",
          to_provider: "local",
          mode: "failover",
          cause: "provider-dropped",
          duration: 0.4,
          history_items: 6,
          replayed_count: 12,
        },
      ],
    },
  ],
  "audio.replayed": [
    {
      event: { callId, type: "audio.replayed", provider: "local", chunks: 12, buffered: 30 },
      changes: { 'voice_chunks_replayed_total{provider="local"}': 12 },
      line: ["info", "audio_replay", { callId, provider: "local", replayed_count: 12, total_buffered: 30 }],
    },
  ],
  "audio.flowed": [
    {
      event: { callId, type: "audio.flowed", provider: "local", sentChunks: 40, receivedChunks: 25 },
      changes: { 'ai_provider_audio_chunks_sent{provider="local"}': 40, 'ai_provider_audio_chunks_received{provider="local"}': 25 },
    },
  ],
  "audio.lost": [
    {
      event: { callId, type: "audio.lost", direction: "uplink", cause: "overflow", ms: 300.5, provider: "local" },
      changes: { 'voice_audio_lost_milliseconds_total{direction="uplink",cause="overflow"}': 300.5 },
      line: ["warning", "audio_overflow", { callId, provider: "local", direction: "uplink", lost_ms: 301, cause: "overflow" }],
    },
  ],
  "turn.answered": [
    {
      event: { callId, type: "turn.answered", provider: "local", kind: "tool", responseStartMs: 250 },
      changes: {
        'ai_provider_latency_seconds_sum{provider="local"}': 0.25,
        'ai_provider_latency_seconds_count{provider="local"}': 1,
        'voice_response_start_seconds_sum{provider="local",kind="tool"}': 0.25,
        'voice_response_start_seconds_count{provider="local",kind="tool"}': 1,
      },
    },
  ],
  "turn.ended": [
    {
      event: { callId, type: "turn.ended", provider: "local", outcome: "complete", kind: "plain" },
      changes: {
        'voice_turns_total{provider="local",outcome="completed",failure_class="none"}': 1,
        'voice_turn_stop_total{provider="local",reason="end_turn"}': 1,
        'voice_streams_total{provider="local",outcome="complete"}': 1,
      },
    },
    {
      event: { callId, type: "turn.ended", provider: "local", outcome: "failed", kind: "plain" },
      changes: {
        'voice_turns_total{provider="local",outcome="failed",failure_class="provider_api_error"}': 1,
        'voice_turn_stop_total{provider="local",reason="error"}': 1,
        'voice_streams_total{provider="local",outcome="broken"}': 1,
      },
    },
  ],
  "tool.ended": [
    {
      event: { callId, type: "tool.ended", name: "book", status: "timeout", durationMs: 10_000 },
      changes: { 'voice_tool_calls_total{status="timeout"}': 1, voice_tool_seconds_sum: 10, voice_tool_seconds_count: 1 },
    },
  ],
  "human.asked": [
    {
      event: { callId, type: "human.asked", reason: "crisis", ticket: "t1" },
      changes: { 'voice_human_escalations_total{reason="crisis",result="ticket"}': 1 },
      line: ["warning", "human_escalation", { callId, channel: "ticket", result: "ticket", reason: "crisis", ticket: "t1" }],
    },
  ],
  "state.changed": [
    {
      event: { callId, type: "state.changed", region: "link", from: "live", to: "backingOff", reason: "provider-dropped" },
      changes: {},
      line: [
        "info",
        "state_transition",
        { callId, region: "link", from_state: "live", to_state: "backingOff", reason: "provider-dropped" },
      ],
    },
  ],
};

test.each(Object.values(cases).flatMap((rows) => [...rows] as Case[]))(
  "$event.type changes exactly its metrics and writes at most its line",
  async ({ event, after, changes, line }) => {
    const { lines, watch, change } = house();
    for (const earlier of after ?? []) watch.tell(earlier);
    lines.length = 0;
    expect(await change(() => watch.tell(event))).toEqual(changes);
    expect(lines).toEqual(line === undefined ? [] : [{ level: line[0], event: line[1], fields: line[2] }]);
  },
);

test("each attempt after a loss counts once, whatever comes between", async () => {
  const { watch, change } = house();
  watch.tell(started);
  watch.tell(opened);
  const changes = await change(() => {
    for (const event of [
      retrying,
      failed,
      retrying,
      failed,
      retrying,
      { ...opened, attempt: 4 },
      { ...opened, provider: "openai", attempt: 1 },
    ] as const)
      watch.tell(event);
  });
  expect(changes['ai_provider_reconnections_total{provider="local",success="false"}']).toBe(2);
  expect(changes['ai_provider_reconnections_total{provider="local",success="true"}']).toBe(1);
  expect(Object.keys(changes).filter((name) => name.includes("reconnections") && name.includes("openai"))).toEqual([]);
});
