import { expect, test, type ExpectStatic } from "vitest";
import { Fault } from "../../src/kernel/fault.ts";
import { silentLog, type Log, type LogFields } from "../../src/kernel/log.ts";
import type { CallSnapshot } from "../../src/session/snapshot.ts";
import type { CallEvent } from "../../src/session/words.ts";
import type { CallRecord } from "../../src/watch/call-record.ts";
import { watchCalls } from "../../src/watch/calls.ts";
import { watchInvariants } from "../../src/watch/invariants.ts";
import { createMetrics } from "../../src/watch/metrics.ts";
import { callRecords } from "../../src/watch/records.ts";
import { startHouse } from "../session/house.ts";
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
  const written: Record<string, number> = {};
  for (const { event } of lines) {
    const name = ends.includes(event) ? "call_ended" : event;
    written[name] = (written[name] ?? 0) + 1;
  }
  return {
    records,
    /** How often each line was written; whichever tells a call's end counts as one. */
    written,
    lines: (event: string): number => lines.filter((line) => line.event === event).length,
    /** The sum over a metric's series, of those whose labels contain `having`. */
    metric: (name: string, having = ""): number =>
      [...samples].reduce((sum, [series, value]) => (series.split("{")[0] === name && series.includes(having) ? sum + value : sum), 0),
    strangers: lines.filter(({ fields }) => fields?.["callId"] === undefined).map(({ event }) => event),
  };
}

/** What each kind of event has to be in the log, and which series count it; a new kind fails to compile until it has its row. */
const marks: { readonly [T in CallEvent["type"]]: { readonly line?: string; readonly counts?: readonly string[] } } = {
  "call.started": { line: "call_started", counts: ["voice_calls_started_total"] },
  "call.restored": { line: "call_restored", counts: ["voice_recovery_seconds_count"] },
  "call.ended": { line: "call_ended", counts: ["voice_calls_ended_total"] },
  "input.sanitized": { line: "input_sanitized" },
  "caller.answered-by": { line: "call_answered_by", counts: ["voice_call_answered_by_total"] },
  "caller.reprompted": { counts: ["voice_call_reprompts_total"] },
  "link.opened": { line: "connection_established", counts: ["ai_provider_requests_total"] },
  "link.failed": { line: "connection_failed", counts: ["ai_provider_requests_total", "ai_provider_errors_total"] },
  "link.lost": { line: "provider_error", counts: ["ai_provider_errors_total"] },
  "link.puzzled": { counts: ["ai_provider_errors_total"] },
  "link.retrying": { line: "reconnection_attempt" },
  "link.recovered": { line: "reconnection_success" },
  "link.renewed": { line: "session_renewed" },
  // Only after something was tried again.
  "link.gave-up": {},
  "link.closed": {},
  "link.used": {},
  "call.handed-over": { line: "handover", counts: ["voice_handovers_total", "voice_handover_seconds_count"] },
  "handover.failed": { line: "handover_failed", counts: ["voice_handovers_total"] },
  "audio.replayed": { line: "audio_replay" },
  "audio.buffered": { line: "audio_buffering" },
  "audio.lost": { line: "audio_overflow" },
  "audio.flowed": {},
  "audio.accounted": {},
  "audio.hopped": { counts: ["voice_hop_seconds_count"] },
  "caller.voiced": {},
  "caller.understood": { counts: ["voice_first_transcript_seconds_count"] },
  "turn.committed": {},
  "turn.answered": {
    counts: ["ai_provider_latency_seconds_count", "voice_response_start_seconds_count", "voice_turn_latency_seconds_count"],
  },
  "turn.timed": {},
  "turn.ended": { line: "provider_request", counts: ["voice_streams_total"] },
  "turn.broken": { line: "provider_request", counts: ["voice_streams_total"] },
  "tool.began": {},
  "tool.ended": { counts: ["voice_tool_calls_total"] },
  "crisis.detected": { line: "crisis_detected" },
  "crisis.answered": { line: "crisis_response", counts: ["voice_crisis_turns_total"] },
  "prompt.fetched": { counts: ["voice_emergency_cache_total"] },
  "leg.measured": { line: "leg_quality" },
  "human.told": { line: "human_escalation", counts: ["voice_human_escalations_total"] },
  "human.asked": { line: "human_escalation", counts: ["voice_human_escalations_total"] },
  "human.briefed": { line: "human_escalation" },
  "state.changed": { line: "state_transition" },
};
/** A call's end is told by one of these. */
const ends = ["call_ended", "call_moved", "failover_exhausted"];

/** How often each name has to come up. */
function tally(
  events: readonly CallEvent[],
  namesOf: (mark: (typeof marks)[CallEvent["type"]]) => readonly string[],
): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { type } of events) for (const name of namesOf(marks[type])) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

const sum = (records: readonly CallRecord[], of: (record: CallRecord) => number): number =>
  records.reduce((total, record) => total + of(record), 0);

/** Log, metrics and records say the same of these events, and each of them has its one line and its counts. */
async function agree(expect: ExpectStatic, events: readonly CallEvent[]): Promise<void> {
  const told = (type: CallEvent["type"]): number => events.filter((event) => event.type === type).length;
  const { records, written, lines, metric, strangers } = await watched(events);
  const { reconnection_failed: _, ...usual } = written;
  expect(usual).toEqual(tally(events, ({ line }) => (line === undefined ? [] : [line])));
  const counted = tally(events, ({ counts = [] }) => counts);
  expect(Object.fromEntries(Object.keys(counted).map((name) => [name, metric(name)]))).toEqual(counted);
  const links = records.flatMap((record) => record.links);

  expect(records).toHaveLength(told("call.started") + told("call.restored"));
  expect(strangers).toEqual([]);
  expect(lines("watch_failed")).toBe(0);
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
}

test.each(seeds)("in a whole call with faults, log, metrics and record tell the same (seed %i)", { timeout: 30_000 }, async (seed) => {
  const { house } = await talk(seed, true);
  house.roster.endAll();
  await agree(expect, house.events);
});

test("there is no kind of event on which they were not seen to agree", { timeout: 60_000 }, async () => {
  const met = new Set<CallEvent["type"]>();
  for (const events of [...(await Promise.all([400, 401, 402].map(faulty))), ...(await Promise.all(scripted.map((run) => run())))]) {
    await agree(expect, events);
    for (const { type } of events) met.add(type);
  }
  expect([...met].sort()).toEqual(Object.keys(marks).sort());
});

async function faulty(seed: number): Promise<readonly CallEvent[]> {
  const { house } = await talk(seed, true);
  house.roster.endAll();
  return house.events;
}

const canWait = { alpha: { standby: true }, beta: { standby: true } };

/** What is not left to the lot above. */
const scripted: readonly (() => Promise<readonly CallEvent[]>)[] = [
  async function inNeed() {
    const house = startHouse();
    const caller = house.dial();
    await caller.speaks(1_000);
    const { link } = house.provider("alpha");
    caller.line.signal({ type: "text", text: "\u0007hello" });
    link.hearsTurn("c1", "I want to kill myself", 200);
    link.tells({ type: "tool.called", toolCallId: "x1", name: "transfer_to_human", arguments: '{"reason":"crisis"}' });
    link.speaks("a1", "I am here.", 1_000);
    await caller.speaks(3_000);
    caller.line.signal({ type: "unbriefed", target: "+4930123456", briefing: "A caller in need." });
    caller.line.signal({ type: "hung-up" });
    const { callId } = house.events[0] ?? { callId: "" };
    const outside: readonly CallEvent[] = [
      { callId, type: "prompt.fetched", found: true },
      { callId, type: "human.told", reason: "crisis", channel: "chat", result: "sent", durationMs: 40 },
    ];
    return [...house.events.slice(0, -1), ...outside, ...house.events.slice(-1)];
  },
  async function moved() {
    const house = startHouse({ tiers: ["alpha", "beta"], traits: canWait });
    const caller = house.dial();
    await caller.speaks(1_000);
    const callId = house.roster.calls()[0]?.callId ?? "";
    const { link } = house.provider("alpha");
    link.tells({ type: "link.puzzled", what: "an event nobody knows" });
    link.tells({ type: "link.used", usage: { model: "m", quantities: { session_ms: 5 } } });
    house.provider("beta").refusal = new Fault("provider-unreachable", "connection refused");
    house.roster.switchProvider(callId, "beta");
    await caller.speaks(1_000);
    house.provider("beta").refusal = undefined;
    house.roster.switchProvider(callId, "beta");
    await caller.speaks(1_000);
    house.provider("beta").link.tells({ type: "link.expiring", inMs: 2_000 });
    await caller.speaks(4_000);
    caller.line.signal({ type: "hung-up" });
    return house.events;
  },
  async function restored() {
    const kept = new Map<string, CallSnapshot>();
    const before = startHouse({ kept });
    const caller = before.dial();
    await caller.speaks(1_000);
    before.roster.save(0);
    const after = startHouse({ seed: 8 });
    for (const snapshot of kept.values()) after.roster.restore(snapshot);
    const again = after.dial(caller.leg.resumeToken);
    await again.speaks(1_000);
    again.line.signal({ type: "hung-up" });
    return after.events;
  },
  async function unheard() {
    const house = startHouse();
    house.provider("alpha").refusal = new Fault("provider-unreachable", "connection refused");
    const caller = house.dial();
    await caller.speaks(2_000);
    caller.line.signal({ type: "hung-up" });
    return house.events;
  },
  async function silent() {
    const house = startHouse({ manners: { idle: { repromptAfterMs: 5_000, reprompts: 1, endAfterMs: 60_000 } } });
    const caller = house.dial(undefined, [], { parameters: { direction: "outbound" } });
    await caller.speaks(300);
    house.roster.answeredBy(house.roster.calls()[0]?.callId ?? "", "person", false);
    await house.clock.advance(90_000);
    return house.events;
  },
];
