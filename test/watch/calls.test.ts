import { expect, test } from "vitest";
import { silentLog, type Log, type LogFields } from "../../src/kernel/log.ts";
import type { CallEvent } from "../../src/session/words.ts";
import { watchCalls } from "../../src/watch/calls.ts";
import { createMetrics } from "../../src/watch/metrics.ts";
import { SimulatedClock } from "../simulated-clock.ts";
import { samplesOf } from "./exposition.ts";
import { brokenLines, keptLog, untold } from "./promised-lines.ts";

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
  const watch = watchCalls(log, metrics, {
    providers: ["local", "openai"],
    dialects: ["browser"],
    stopgaps: [],
    clock: new SimulatedClock(),
    costOf: () => 0.25,
  });
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
const started: CallEvent = { callId, type: "call.started", dialect: "browser", agent: "desk", language: "en", tiers: ["local"] };
const opened: CallEvent = {
  callId,
  type: "link.opened",
  provider: "local",
  setupMs: 700,
  attempt: 1,
  model: undefined,
  path: { up: ["pcmu@8000"], down: ["pcm16@24000", "pcmu@8000"] },
};
const retrying: CallEvent = { callId, type: "link.retrying", provider: "local", attempt: 2, attemptLimit: 5, backoffMs: 1_000 };
const failed: CallEvent = {
  callId,
  type: "link.failed",
  provider: "local",
  code: "provider-unreachable",
  message: "no route",
  attempt: 2,
  durationMs: 90,
  retryAfterMs: undefined,
};

/** By type, so that a new type of event fails to compile until it has its row. */
const cases: { readonly [T in CallEvent["type"]]: readonly (Case & { event: { type: T } })[] } = {
  "call.started": [
    {
      event: { ...started },
      changes: { 'voice_calls_started_total{dialect="browser"}': 1, 'voice_calls_active{dialect="browser"}': 1 },
      line: ["info", "call_started", { callId, dialect: "browser", agent: "desk", language: "en", tiers: ["local"] }],
    },
    {
      event: { ...started, dialect: "plain" },
      changes: { 'voice_calls_started_total{dialect="other"}': 1, 'voice_calls_active{dialect="other"}': 1 },
      line: ["info", "call_started", { callId, dialect: "plain", agent: "desk", language: "en", tiers: ["local"] }],
    },
  ],
  "call.restored": [
    {
      event: { callId, type: "call.restored", dialect: "browser", agent: "desk", language: "en", tiers: [], awayMs: 2_500 },
      changes: { voice_recovery_seconds_sum: 2.5, voice_recovery_seconds_count: 1, 'voice_calls_active{dialect="browser"}': 1 },
      line: ["info", "call_restored", { callId, dialect: "browser", away: 2.5 }],
    },
  ],
  "call.ended": [
    {
      after: [started],
      event: { callId, type: "call.ended", dialect: "browser", outcome: "moved", cause: undefined, durationMs: 1 },
      changes: {
        'voice_calls_ended_total{dialect="browser",outcome="moved",failure_class="none"}': 1,
        'voice_calls_active{dialect="browser"}': -1,
        'voice_drain_moves_total{result="success"}': 1,
      },
      line: ["info", "call_moved", { callId, forced: false }],
    },
    {
      after: [started],
      event: { callId, type: "call.ended", dialect: "browser", outcome: "completed", cause: undefined, durationMs: 1 },
      changes: {
        'voice_calls_ended_total{dialect="browser",outcome="completed",failure_class="none"}': 1,
        'voice_calls_active{dialect="browser"}': -1,
      },
      line: ["info", "call_ended", { callId, dialect: "browser", outcome: "completed", duration: 0.001 }],
    },
    {
      event: { callId, type: "call.ended", dialect: "browser", outcome: "abandoned", cause: undefined, durationMs: 1 },
      changes: {
        'voice_calls_ended_total{dialect="browser",outcome="abandoned",failure_class="caller_hangup"}': 1,
        'voice_calls_active{dialect="browser"}': -1,
      },
      line: ["info", "call_ended", { callId, dialect: "browser", outcome: "abandoned", duration: 0.001 }],
    },
    {
      after: [
        started,
        opened,
        { callId, type: "state.changed", region: "link", from: "opening", to: "open", reason: "event", provider: "local" },
        { ...failed, provider: "openai", attempt: 1 },
      ],
      event: { callId, type: "call.ended", dialect: "browser", outcome: "failed", cause: "provider-limited", durationMs: 1 },
      changes: {
        'voice_calls_ended_total{dialect="browser",outcome="failed",failure_class="rate_limit"}': 1,
        'voice_calls_active{dialect="browser"}': -1,
      },
      line: ["error", "failover_exhausted", { callId, provider: "local", tried: ["local", "openai"], reason: "provider-limited" }],
    },
    {
      // Nobody will answer what the caller said last: that turn has failed too.
      after: [started, opened, { callId, type: "turn.committed", provider: "local", endpointingMs: 500 }],
      event: { callId, type: "call.ended", dialect: "browser", outcome: "failed", cause: "internal", durationMs: 1 },
      changes: {
        'voice_calls_ended_total{dialect="browser",outcome="failed",failure_class="internal_error"}': 1,
        'voice_calls_active{dialect="browser"}': -1,
        'voice_turns_total{provider="local",outcome="failed",failure_class="internal_error"}': 1,
        'voice_turn_stop_total{provider="local",reason="error"}': 1,
      },
      line: ["info", "call_ended", { callId, dialect: "browser", outcome: "failed", error: "internal", duration: 0.001 }],
    },
    {
      // Whoever leaves while the call tries to get its provider back ends the trying.
      after: [started, opened, retrying],
      event: { callId, type: "call.ended", dialect: "browser", outcome: "moved", cause: "draining", durationMs: 1 },
      changes: {
        'voice_calls_ended_total{dialect="browser",outcome="moved",failure_class="drain_cut"}': 1,
        'voice_calls_active{dialect="browser"}': -1,
        'voice_reconnect_episodes_total{provider="local",result="abandoned"}': 1,
        voice_drain_forced_total: 1,
      },
      line: ["info", "call_moved", { callId, forced: true }],
    },
  ],
  "link.opened": [
    {
      after: [started],
      event: { ...opened, model: "tiny" },
      changes: {
        'ai_provider_requests_total{provider="local",status="success"}': 1,
        'ai_provider_active_sessions{provider="local"}': 1,
        'voice_call_setup_seconds_count{provider="local"}': 1,
      },
      line: [
        "info",
        "connection_established",
        {
          callId,
          provider: "local",
          model: "tiny",
          audio_up: "pcmu@8000",
          audio_down: "pcm16@24000 > pcmu@8000",
          duration: 0.7,
          attempt: 1,
        },
      ],
    },
    {
      after: [started, opened, retrying],
      event: { ...opened, attempt: 2 },
      changes: {
        'ai_provider_requests_total{provider="local",status="success"}': 1,
        'ai_provider_active_sessions{provider="local"}': 1,
        'ai_provider_reconnections_total{provider="local",success="true"}': 1,
      },
      line: [
        "info",
        "connection_established",
        { callId, provider: "local", audio_up: "pcmu@8000", audio_down: "pcm16@24000 > pcmu@8000", duration: 0.7, attempt: 2 },
      ],
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
      event: {
        callId,
        type: "link.lost",
        provider: "openai",
        code: "provider-silent",
        message: "no pong in 1500 ms",
        livedMs: 61_234,
        retryAfterMs: undefined,
      },
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
          attempt: undefined,
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
      after: [started, opened, retrying],
      event: { callId, type: "link.recovered", provider: "local", attempts: 2, durationMs: 1_500 },
      changes: { 'voice_reconnect_episodes_total{provider="local",result="success"}': 1 },
      line: ["info", "reconnection_success", { callId, provider: "local", attempts: 2, duration: 1.5 }],
    },
  ],
  "link.renewed": [
    {
      event: { callId, type: "link.renewed", provider: "gemini", cause: "expiring", replayedChunks: 2 },
      changes: {},
      line: ["info", "session_renewed", { callId, provider: "gemini", cause: "expiring", replayed_count: 2 }],
    },
  ],
  "link.gave-up": [
    {
      // A first opening that cannot pass was told as connection_failed: nothing was tried again.
      after: [started],
      event: { callId, type: "link.gave-up", provider: "local", attempts: 1, code: "provider-key" },
      changes: {},
    },
    {
      after: [started, opened, retrying],
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
        restored: "full",
        missing: [],
        durationMs: 400,
        since: { faultMs: 400, detectedMs: 400, decidedMs: 400 },
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
          provider: "local",
          from_provider: "openai",
          to_provider: "local",
          mode: "failover",
          cause: "provider-dropped",
          duration: 0.4,
          history_items: 6,
          replayed_count: 12,
          restored: "full",
          missing: [],
        },
      ],
    },
  ],
  "handover.failed": [
    {
      event: {
        callId,
        type: "handover.failed",
        from: "openai",
        to: "local",
        mode: "planned",
        cause: "asked",
        since: { faultMs: undefined, detectedMs: 50, decidedMs: 50 },
      },
      changes: { 'voice_handovers_total{from="openai",to="local",mode="planned",cause="asked",success="false"}': 1 },
      line: [
        "warning",
        "handover_failed",
        { callId, provider: "openai", from_provider: "openai", to_provider: "local", mode: "planned", cause: "asked" },
      ],
    },
    {
      event: {
        callId,
        type: "handover.failed",
        from: "openai",
        to: "none",
        mode: "failover",
        cause: "provider-dropped",
        since: { faultMs: undefined, detectedMs: 50, decidedMs: 50 },
      },
      changes: { 'voice_handovers_total{from="openai",to="none",mode="failover",cause="provider-dropped",success="false"}': 1 },
      line: [
        "warning",
        "handover_failed",
        { callId, provider: "openai", from_provider: "openai", to_provider: "none", mode: "failover", cause: "provider-dropped" },
      ],
    },
  ],
  "audio.buffered": [
    {
      after: [started, opened, retrying],
      event: { callId, type: "audio.buffered", provider: "local", chunks: 12 },
      changes: {},
      line: ["debug", "audio_buffering", { callId, provider: "local", buffer_size: 12, is_reconnecting: true }],
    },
  ],
  "audio.hopped": [
    {
      event: { callId, type: "audio.hopped", direction: "uplink", ms: 4 },
      changes: { 'voice_hop_seconds_sum{direction="uplink"}': 0.004, 'voice_hop_seconds_count{direction="uplink"}': 1 },
    },
  ],
  "caller.understood": [
    {
      event: { callId, type: "caller.understood", provider: "local", afterMs: 600 },
      changes: {
        'voice_first_transcript_seconds_sum{provider="local"}': 0.6,
        'voice_first_transcript_seconds_count{provider="local"}': 1,
      },
    },
  ],
  "input.sanitized": [
    {
      event: { callId, type: "input.sanitized", source: "text", rules: ["control", "length"] },
      changes: {},
      line: ["warning", "input_sanitized", { callId, rules: ["control", "length"], source: "text" }],
    },
  ],
  "caller.voiced": [{ event: { callId, type: "caller.voiced", provider: "local", agoMs: 200 }, changes: {} }],
  "turn.committed": [{ event: { callId, type: "turn.committed", provider: "local", endpointingMs: 500 }, changes: {} }],
  "turn.timed": [
    {
      event: {
        callId,
        type: "turn.timed",
        provider: "local",
        kind: "plain",
        times: { totalMs: 1_000, stages: { endpointing: 400, provider: 500, ours: 10, playout: 90 } },
      },
      changes: {
        'voice_turn_stage_seconds_sum{provider="local",stage="endpointing"}': 0.4,
        'voice_turn_stage_seconds_count{provider="local",stage="endpointing"}': 1,
        'voice_turn_stage_seconds_sum{provider="local",stage="provider"}': 0.5,
        'voice_turn_stage_seconds_count{provider="local",stage="provider"}': 1,
        'voice_turn_stage_seconds_sum{provider="local",stage="ours"}': 0.01,
        'voice_turn_stage_seconds_count{provider="local",stage="ours"}': 1,
        'voice_turn_stage_seconds_sum{provider="local",stage="playout"}': 0.09,
        'voice_turn_stage_seconds_count{provider="local",stage="playout"}': 1,
      },
    },
  ],
  "turn.broken": [
    {
      event: { callId, type: "turn.broken", turnId: "t2", provider: "local", kind: "plain", cause: "provider-dropped" },
      changes: { 'voice_streams_total{provider="local",outcome="broken"}': 1 },
      line: ["info", "provider_request", { callId, provider: "local", kind: "plain", status: "failed", error: "provider-dropped" }],
    },
  ],
  "tool.began": [{ event: { callId, type: "tool.began", name: "book", toolCallId: "t3" }, changes: {} }],
  "crisis.detected": [
    {
      event: { callId, type: "crisis.detected", provider: "local", category: "self-harm" },
      changes: {},
      line: ["warning", "crisis_detected", { callId, provider: "local", category: "self-harm" }],
    },
  ],
  "crisis.answered": [
    {
      event: { callId, type: "crisis.answered", provider: "local", tier: 1, responseMs: 900 },
      changes: {
        'voice_crisis_turns_total{outcome="answered",tier="1"}': 1,
        voice_crisis_response_seconds_sum: 0.9,
        voice_crisis_response_seconds_count: 1,
      },
      line: ["warning", "crisis_response", { callId, provider: "local", tier: 1, duration: 0.9, result: "answered" }],
    },
    {
      event: { callId, type: "crisis.answered", provider: "local", tier: 4, responseMs: undefined },
      changes: { 'voice_crisis_turns_total{outcome="unanswered",tier="4"}': 1 },
      line: ["warning", "crisis_response", { callId, provider: "local", tier: 4, result: "unanswered" }],
    },
  ],
  "prompt.fetched": [
    { event: { callId, type: "prompt.fetched", found: true }, changes: { 'voice_emergency_cache_total{result="hit"}': 1 } },
    { event: { callId, type: "prompt.fetched", found: false }, changes: { 'voice_emergency_cache_total{result="miss"}': 1 } },
  ],
  "human.told": [
    {
      event: { callId, type: "human.told", reason: "crisis", channel: "webhook", result: "sent", durationMs: 40 },
      changes: { 'voice_human_escalations_total{reason="crisis",result="webhook"}': 1 },
      line: ["warning", "human_escalation", { callId, channel: "webhook", result: "sent", reason: "crisis", duration: 0.04 }],
    },
  ],
  "audio.replayed": [
    {
      event: { callId, type: "audio.replayed", provider: "local", chunks: 12, buffered: 30 },
      changes: { 'voice_chunks_replayed_total{provider="local"}': 12 },
      line: ["info", "audio_replay", { callId, provider: "local", replayed_count: 12, total_buffered: 30 }],
    },
  ],
  "audio.accounted": [
    {
      event: {
        callId,
        type: "audio.accounted",
        receivedMs: 5_000,
        deliveredMs: 4_000,
        overflowedMs: 600,
        forgottenMs: 0,
        unheardMs: 400,
        movedMs: 0,
      },
      changes: {},
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
      changes: { 'voice_audio_lost_seconds_total{direction="uplink",cause="overflow"}': 0.3005 },
      line: ["warning", "audio_overflow", { callId, provider: "local", direction: "uplink", lost_ms: 301, cause: "overflow" }],
    },
  ],
  "turn.answered": [
    {
      event: { callId, type: "turn.answered", provider: "local", kind: "tool", responseStartMs: 250, latencyMs: 700 },
      changes: {
        'ai_provider_latency_seconds_sum{provider="local"}': 0.25,
        'ai_provider_latency_seconds_count{provider="local"}': 1,
        'voice_response_start_seconds_sum{provider="local",kind="tool"}': 0.25,
        'voice_response_start_seconds_count{provider="local",kind="tool"}': 1,
        'voice_turn_latency_seconds_sum{provider="local",kind="tool"}': 0.7,
        'voice_turn_latency_seconds_count{provider="local",kind="tool"}': 1,
      },
    },
  ],
  "turn.ended": [
    {
      event: {
        callId,
        type: "turn.ended",
        turnId: "t2",
        provider: "local",
        outcome: "complete",
        kind: "plain",
        gapMs: undefined,
      },
      changes: {
        'voice_turns_total{provider="local",outcome="completed",failure_class="none"}': 1,
        'voice_turn_stop_total{provider="local",reason="end_turn"}': 1,
        'voice_streams_total{provider="local",outcome="complete"}': 1,
      },
      line: ["info", "provider_request", { callId, provider: "local", kind: "plain", status: "complete" }],
    },
    {
      after: [started, opened, { callId, type: "turn.committed", provider: "local", endpointingMs: 500 }],
      event: {
        callId,
        type: "turn.ended",
        turnId: "t2",
        provider: "local",
        outcome: "complete",
        kind: "tool",
        gapMs: 120,
      },
      changes: {
        'voice_turns_total{provider="local",outcome="completed",failure_class="none"}': 1,
        'voice_turn_stop_total{provider="local",reason="end_turn"}': 1,
        'voice_streams_total{provider="local",outcome="complete"}': 1,
        'voice_stream_gap_seconds_sum{provider="local"}': 0.12,
        'voice_stream_gap_seconds_count{provider="local"}': 1,
        'voice_turn_completion_seconds_count{kind="tool"}': 1,
      },
      line: ["info", "provider_request", { callId, provider: "local", kind: "tool", status: "complete", duration: 0, cost: 0.25 }],
    },
    {
      // What is said before a tool's result is there is not the whole answer.
      after: [
        started,
        { callId, type: "turn.committed", provider: "local", endpointingMs: 500 },
        { callId, type: "tool.began", name: "book", toolCallId: "t3" },
      ],
      event: {
        callId,
        type: "turn.ended",
        turnId: "t2",
        provider: "local",
        outcome: "complete",
        kind: "tool",
        gapMs: undefined,
      },
      changes: {
        'voice_turns_total{provider="local",outcome="completed",failure_class="none"}': 1,
        'voice_turn_stop_total{provider="local",reason="end_turn"}': 1,
        'voice_streams_total{provider="local",outcome="complete"}': 1,
      },
      line: ["info", "provider_request", { callId, provider: "local", kind: "tool", status: "complete", duration: 0, cost: 0.25 }],
    },
  ],
  "tool.ended": [
    {
      event: { callId, type: "tool.ended", name: "book", status: "timeout", durationMs: 10_000, toolCallId: "t3" },
      changes: { 'voice_tool_calls_total{status="timeout"}': 1, voice_tool_seconds_sum: 10, voice_tool_seconds_count: 1 },
    },
  ],
  "caller.answered-by": [
    {
      event: { callId, type: "caller.answered-by", who: "machine", by: "beep" },
      changes: { 'voice_call_answered_by_total{who="machine",by="beep"}': 1 },
      line: ["info", "call_answered_by", { callId, who: "machine", by: "beep" }],
    },
  ],
  "caller.reprompted": [
    {
      event: { callId, type: "caller.reprompted", count: 1, by: "prompt" },
      changes: { 'voice_call_reprompts_total{by="prompt"}': 1 },
    },
  ],
  "leg.measured": [
    {
      event: {
        callId,
        type: "leg.measured",
        dialect: "browser",
        quality: {
          mosEstimate: 4.125,
          lossShare: 0.02,
          jitterMs: 8,
          gaps: 3,
          filledMs: 500,
          delayMs: 60,
          caller: { levelDb: -23, clippedShare: 0.25 },
          agent: { levelDb: undefined, clippedShare: 0 },
        },
      },
      changes: {
        'voice_call_quality_mos_estimate_sum{dialect="browser"}': 4.125,
        'voice_call_quality_loss_ratio_sum{dialect="browser"}': 0.02,
        'voice_call_quality_jitter_seconds_sum{dialect="browser"}': 0.008,
        'voice_call_quality_delay_seconds_sum{dialect="browser"}': 0.06,
        'voice_call_quality_gap_seconds_sum{dialect="browser"}': 0.5,
        'voice_call_quality_level_dbfs_sum{dialect="browser",side="caller"}': -23,
        'voice_call_quality_clipped_ratio_sum{dialect="browser",side="caller"}': 0.25,
        ...Object.fromEntries(
          ["mos_estimate", "loss_ratio", "jitter_seconds", "delay_seconds", "gap_seconds"].map((name) => [
            `voice_call_quality_${name}_count{dialect="browser"}`,
            1,
          ]),
        ),
        ...Object.fromEntries(
          ["level_dbfs", "clipped_ratio"].map((name) => [`voice_call_quality_${name}_count{dialect="browser",side="caller"}`, 1]),
        ),
      },
      line: [
        "info",
        "leg_quality",
        { callId, dialect: "browser", mos_estimate: 4.125, loss: 0.02, jitter_ms: 8, delay_ms: 60, filled_ms: 500 },
      ],
    },
  ],
  "human.briefed": [
    {
      event: { callId, type: "human.briefed", target: "sip:boss@192.0.2.1", briefing: "Somebody asks for the boss." },
      changes: {},
      line: ["warning", "human_escalation", { callId, channel: "briefing", result: "asked", reason: "briefing" }],
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
      after: [started, opened],
      event: {
        callId,
        type: "state.changed",
        region: "link",
        from: "live",
        to: "backingOff",
        reason: "provider-dropped",
        provider: "local",
      },
      changes: {},
      line: [
        "info",
        "state_transition",
        { callId, provider: "local", region: "link", from_state: "live", to_state: "backingOff", reason: "provider-dropped" },
      ],
    },
  ],
};

test.each(Object.values(cases).flatMap((rows) => [...rows] as Case[]))(
  "$event.type changes exactly its metrics and writes exactly its line, where it has one",
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

test("a watcher with a defect keeps no other from knowing", () => {
  const lines: string[] = [];
  const log: Log = { ...silentLog, error: (event) => void lines.push(event), info: (event) => void lines.push(event) };
  const broken = {
    tell: () => {
      throw new Error("a defect");
    },
  };
  const options = { providers: ["local"], dialects: [], stopgaps: [], clock: new SimulatedClock(), others: [broken] };
  watchCalls(log, createMetrics(), options).tell(opened);
  expect(lines).toEqual(["watch_failed", "connection_established"]);
});

test("a reader that finds all lines as promised would have found a level, a field and an event that are not", () => {
  const { log, lines } = keptLog();
  log.with({ callId }).info("call_ended", { dialect: "browser", outcome: "completed", duration: 1 });
  expect(brokenLines(lines)).toEqual([]);
  log.info("crisis_detected", {});
  expect(brokenLines(lines)).toEqual(["crisis_detected is told as info", "crisis_detected lacks callId"]);
  expect(untold(lines)).toContain("call_started");
  expect(untold(lines)).not.toContain("call_ended");
});
