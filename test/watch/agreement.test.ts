import { expect, test } from "vitest";
import { silentLog, type Log, type LogFields } from "../../src/kernel/log.ts";
import type { CallEvent } from "../../src/session/words.ts";
import type { CallRecord } from "../../src/watch/call-record.ts";
import { watchCalls } from "../../src/watch/calls.ts";
import { watchInvariants } from "../../src/watch/invariants.ts";
import { createMetrics } from "../../src/watch/metrics.ts";
import { callRecords } from "../../src/watch/records.ts";
import { talk } from "../session/talk.ts";
import { SimulatedClock } from "../simulated-clock.ts";
import { samplesOf } from "./exposition.ts";

const seeds = Array.from({ length: 24 }, (_, at) => 400 + at);

interface Line {
  readonly event: string;
  readonly fields: LogFields | undefined;
}

/** Everything that was told of the calls of these events: lines, samples, records. */
async function watched(events: readonly CallEvent[]) {
  const lines: Line[] = [];
  const at = (event: string, fields?: LogFields): void => void lines.push({ event, fields });
  const log: Log = { ...silentLog, debug: at, info: at, warning: at, error: at };
  const records: CallRecord[] = [];
  const clock = new SimulatedClock();
  const metrics = createMetrics();
  const providers = [...new Set(events.flatMap((event) => ("provider" in event ? [event.provider] : [])))];
  const keep = (record: CallRecord): void => void records.push(record);
  const others = [callRecords({ clock, region: "here", node: "n1", keep }), watchInvariants(log, metrics)];
  const watch = watchCalls(log, metrics, { providers, dialects: ["puppet"], stopgaps: [], clock, others });
  for (const event of events) watch.tell(event);
  const samples = samplesOf(await metrics.text());
  return {
    records,
    lines: (event: string): number => lines.filter((line) => line.event === event).length,
    /** The sum over a metric's series, of those whose labels contain `having`. */
    metric: (name: string, having = ""): number =>
      [...samples].reduce((sum, [series, value]) => (series.split("{")[0] === name && series.includes(having) ? sum + value : sum), 0),
    strangers: lines.filter(({ fields }) => fields?.["callId"] === undefined).map(({ event }) => event),
  };
}

const sum = (records: readonly CallRecord[], of: (record: CallRecord) => number): number =>
  records.reduce((total, record) => total + of(record), 0);

test.each(seeds)("in a whole call with faults, log, metrics and record tell the same (seed %i)", { timeout: 30_000 }, async (seed) => {
  const { house } = await talk(seed, true);
  house.roster.endAll();
  const { events } = house;
  const told = (type: CallEvent["type"]): number => events.filter((event) => event.type === type).length;
  const { records, lines, metric, strangers } = await watched(events);
  const links = records.flatMap((record) => record.links);

  expect(records).toHaveLength(told("call.started"));
  expect(strangers).toEqual([]);
  expect(lines("watch_failed")).toBe(0);
  expect(metric("voice_calls_started_total")).toBe(records.length);
  expect(metric("voice_calls_ended_total")).toBe(records.length);
  expect(metric("voice_calls_active")).toBe(0);

  expect(lines("state_transition")).toBe(told("state.changed"));
  expect(lines("connection_established")).toBe(metric("ai_provider_requests_total", 'status="success"'));
  expect(links.filter(({ setupMs }) => setupMs !== undefined)).toHaveLength(lines("connection_established"));
  expect(lines("connection_failed")).toBe(metric("ai_provider_requests_total", 'status="failure"'));
  expect(links.filter(({ setupMs }) => setupMs === undefined)).toHaveLength(lines("connection_failed"));
  expect(metric("ai_provider_active_sessions")).toBe(0);
  expect(lines("provider_error")).toBe(told("link.lost"));
  expect(links.filter(({ setupMs, fault }) => setupMs !== undefined && fault !== undefined)).toHaveLength(told("link.lost"));

  expect(lines("handover")).toBe(metric("voice_handovers_total", 'success="true"'));
  expect(sum(records, ({ handovers }) => handovers.filter(({ ok }) => ok).length)).toBe(lines("handover"));
  expect(sum(records, ({ reconnects }) => reconnects.length)).toBe(metric("voice_reconnect_episodes_total"));
  expect(lines("reconnection_success")).toBeGreaterThanOrEqual(metric("voice_reconnect_episodes_total", 'result="success"'));
  expect(lines("reconnection_failed")).toBe(metric("voice_reconnect_episodes_total", 'result="exhausted"'));
  expect(lines("reconnection_attempt")).toBe(told("link.retrying"));

  expect(sum(records, ({ turns }) => turns.length)).toBe(metric("voice_turns_total"));
  expect(metric("voice_turn_stop_total")).toBe(metric("voice_turns_total"));
  expect(lines("provider_request")).toBe(told("turn.ended"));
  expect(metric("voice_streams_total")).toBe(told("turn.ended") + told("turn.broken"));
  expect(sum(records, ({ toolCalls }) => toolCalls.length)).toBe(metric("voice_tool_calls_total"));
  expect(told("tool.began")).toBeGreaterThanOrEqual(told("tool.ended"));

  expect(lines("audio_replay")).toBe(told("audio.replayed"));
  expect(sum(records, ({ audio }) => audio.replayedChunks)).toBe(metric("voice_chunks_replayed_total"));
  expect(sum(records, ({ audio }) => audio.sentChunks)).toBe(metric("ai_provider_audio_chunks_sent"));
  expect(lines("audio_overflow")).toBe(told("audio.lost"));
  expect(metric("voice_audio_lost_seconds_total", 'cause="other"')).toBe(0);
  expect(sum(records, ({ audio }) => Object.values(audio.lostMs).reduce((total, ms) => total + ms, 0))).toBeCloseTo(
    1_000 * metric("voice_audio_lost_seconds_total"),
    6,
  );

  const valid = (slo: string): number => metric("slo_valid_events_total", `slo="${slo}"`);
  const good = (slo: string): number => metric("slo_good_events_total", `slo="${slo}"`);
  expect(valid("turn_success")).toBe(metric("voice_turns_total"));
  expect(good("turn_success")).toBe(metric("voice_turns_total", 'failure_class="none"'));
  expect(valid("stream_completion")).toBe(metric("voice_streams_total"));
  expect(good("stream_completion")).toBe(metric("voice_streams_total", 'outcome="complete"'));
  expect(valid("provider_error")).toBe(metric("ai_provider_requests_total"));
  expect(good("provider_error")).toBe(metric("ai_provider_requests_total", 'status="success"'));
  expect(valid("turn_latency")).toBe(told("turn.answered"));
  expect(valid("reconnect_success")).toBe(
    metric("voice_reconnect_episodes_total") - metric("voice_reconnect_episodes_total", 'result="abandoned"'),
  );
  expect(valid("handover_planned") + valid("failover_time")).toBe(lines("handover"));
  expect(lines("invariant_violated")).toBe(0);
  expect(metric("voice_invariant_violations_total")).toBe(0);

  expect(metric("voice_turn_latency_seconds_count")).toBe(told("turn.answered"));
  for (const event of events) {
    if (event.type !== "turn.timed") continue;
    const { totalMs, stages } = event.times;
    expect(Object.values(stages).reduce((total, ms) => total + ms, 0)).toBeCloseTo(totalMs, 6);
    expect(Math.min(...Object.values(stages))).toBeGreaterThanOrEqual(0);
  }
  // Whatever went out has its times told, and nothing else has.
  expect(told("turn.timed")).toBe(told("turn.answered"));
});
