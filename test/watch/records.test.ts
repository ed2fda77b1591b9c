import { expect, test } from "vitest";
import type { CallEvent } from "../../src/session/words.ts";
import type { CallRecord } from "../../src/watch/call-record.ts";
import { callRecords } from "../../src/watch/records.ts";
import { SimulatedClock } from "../simulated-clock.ts";

/** An event without the id of its call. */
type Told = CallEvent extends infer Event ? (Event extends CallEvent ? Omit<Event, "callId"> : never) : never;

function archive() {
  const clock = new SimulatedClock();
  const kept: CallRecord[] = [];
  const records = callRecords({ clock, region: "eu", node: "n1", costOf: () => 0.5, keep: (record) => void kept.push(record) });
  return {
    kept,
    records,
    clock,
    tell: (...events: readonly Told[]) => {
      for (const event of events) records.tell({ ...event, callId: "c1" });
    },
  };
}

const started: Told = { type: "call.started", dialect: "twilio", agent: "desk", language: "en", tiers: ["openai", "local"] };
const ended: Told = { type: "call.ended", dialect: "twilio", outcome: "completed", cause: undefined, durationMs: 9_000 };
const times = { totalMs: 900, stages: { endpointing: 300, provider: 500, ours: 20, playout: 80 } };

test("a call that lost its provider is told whole: links, reconnect, hand-over, turns with their times, tools, audio, cost", async () => {
  const { kept, records, clock, tell } = archive();
  tell(started);
  await clock.advance(500);
  tell({
    type: "link.opened",
    provider: "openai",
    setupMs: 400,
    attempt: 1,
    model: "gpt-realtime-2.1",
    path: { up: ["pcmu@8000"], down: ["pcm16@24000", "pcmu@8000"] },
  });
  await clock.advance(2_000);
  tell({ type: "caller.voiced", provider: "openai", agoMs: 900 }, { type: "caller.understood", provider: "openai", afterMs: 300 });
  tell({ type: "turn.committed", provider: "openai", endpointingMs: 300 });
  await clock.advance(500);
  tell({ type: "turn.answered", provider: "openai", kind: "plain", responseStartMs: 500, latencyMs: 800 });
  await clock.advance(1_000);
  tell(
    { type: "turn.ended", turnId: "t2", provider: "openai", outcome: "complete", kind: "plain", gapMs: 90 },
    { type: "turn.timed", provider: "openai", kind: "plain", times },
    { type: "tool.ended", name: "book", status: "ok", durationMs: 40, toolCallId: "t9" },
    { type: "link.lost", provider: "openai", code: "provider-dropped", message: "gone", livedMs: 3_500, retryAfterMs: undefined },
    { type: "link.closed", provider: "openai", livedMs: 3_500 },
    { type: "link.retrying", provider: "openai", attempt: 2, attemptLimit: 7, backoffMs: 0 },
  );
  await clock.advance(200);
  tell(
    {
      type: "link.failed",
      provider: "openai",
      code: "provider-unreachable",
      message: "no",
      attempt: 2,
      durationMs: 150,
      retryAfterMs: undefined,
    },
    { type: "link.gave-up", provider: "openai", attempts: 2, code: "provider-unreachable" },
  );
  await clock.advance(100);
  tell(
    {
      type: "link.opened",
      provider: "local",
      setupMs: 100,
      attempt: 1,
      model: undefined,
      path: { up: ["pcmu@8000"], down: ["pcm16@24000", "pcmu@8000"] },
    },
    {
      type: "call.handed-over",
      from: "openai",
      to: "local",
      mode: "failover",
      cause: "provider-dropped",
      restored: "full",
      missing: [],
      durationMs: 300,
      since: { faultMs: 1_300, detectedMs: 300, decidedMs: 290 },
      items: 4,
      replayedChunks: 7,
    },
    { type: "audio.replayed", provider: "local", chunks: 7, buffered: 7 },
    { type: "audio.flowed", provider: "local", sentChunks: 30, receivedChunks: 20 },
    { type: "audio.lost", direction: "uplink", cause: "overflow", ms: 120, provider: "local" },
    { type: "audio.lost", direction: "uplink", cause: "overflow", ms: 30, provider: "local" },
    { type: "audio.lost", direction: "downlink", cause: "slow-caller", ms: 60, provider: "local" },
    { type: "audio.accounted", receivedMs: 4_000, deliveredMs: 3_850, overflowedMs: 150, forgottenMs: 0, unheardMs: 0, movedMs: 0 },
    { type: "turn.broken", turnId: "t3", provider: "local", kind: "plain", cause: "provider-dropped" },
    { type: "turn.ended", turnId: "t4", provider: "local", outcome: "complete", kind: "plain", gapMs: undefined },
    { type: "turn.committed", provider: "local", endpointingMs: 100 },
    { type: "link.closed", provider: "local", livedMs: 10 },
    { ...ended, outcome: "failed", cause: "provider-silent", durationMs: 4_300 },
  );
  expect(kept).toHaveLength(1);
  expect(records.recent).toEqual(kept);
  const at = (ms: number): string => new Date(Date.UTC(2026, 0, 5, 9) + ms).toISOString();
  expect(kept[0]).toMatchObject({
    callId: "c1",
    traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
    region: "eu",
    node: "n1",
    agent: "desk",
    startedAt: at(0),
    acceptedAt: at(0),
    readyAt: at(500),
    firstVoicedAt: at(1_600),
    firstTranscriptAt: at(2_500),
    endedAt: at(4_300),
    outcome: "bad",
    failureClass: "provider_timeout",
    links: [
      {
        provider: "openai",
        model: "gpt-realtime-2.1",
        at: at(100),
        setupMs: 400,
        livedMs: 3_500,
        fault: "provider-dropped",
        audioPath: { up: ["pcmu@8000"], down: ["pcm16@24000", "pcmu@8000"] },
      },
      { provider: "openai", attempt: 2, at: at(4_050), setupMs: undefined, fault: "provider-unreachable" },
      { provider: "local", at: at(4_200), fault: undefined },
    ],
    reconnects: [{ provider: "openai", lostAt: at(4_000), endedAt: at(4_200), attempts: 1, result: "exhausted" }],
    handovers: [
      {
        from: "openai",
        to: "local",
        mode: "failover",
        faultAt: at(3_000),
        detectedAt: at(4_000),
        decidedAt: at(4_010),
        liveAt: at(4_300),
        historyItems: 4,
        ok: true,
      },
    ],
    turns: [
      {
        turnId: "t2",
        provider: "openai",
        tier: 1,
        speechEndAt: at(2_200),
        committedAt: at(2_500),
        firstChunkAt: at(3_000),
        completedAt: at(4_000),
        responseStartMs: 500,
        latencyMs: 800,
        maxGapMs: 90,
        times,
        outcome: "completed",
        stopReason: "end_turn",
        attempts: 1,
      },
      { turnId: "t4", provider: "local", tier: 2, outcome: "completed", attempts: 2, failureClass: "none", committedAt: undefined },
      {
        turnId: undefined,
        provider: "local",
        outcome: "failed",
        stopReason: "error",
        attempts: 1,
        failureClass: "provider_timeout",
        speechEndAt: at(4_200),
        committedAt: at(4_300),
        firstChunkAt: undefined,
      },
    ],
    toolCalls: [{ name: "book", status: "ok", durationMs: 40 }],
    audio: {
      inMs: 4_000,
      inLostMs: 150,
      outLostMs: 60,
      sentChunks: 30,
      receivedChunks: 20,
      replayedChunks: 7,
      lostMs: { "uplink overflow": 150, "downlink slow-caller": 60 },
    },
    costUsd: 0.5,
    crisis: false,
    omitted: {},
  });
});

test("a call that came from another node began there, and was taken here", async () => {
  const { kept, clock, tell } = archive();
  tell({ type: "call.restored", dialect: "twilio", agent: "desk", language: "en", tiers: ["openai"], awayMs: 400 });
  await clock.advance(1_000);
  tell({ ...ended, durationMs: 9_000 });
  expect(kept[0]).toMatchObject({ startedAt: "2026-01-05T08:59:52.000Z", acceptedAt: "2026-01-05T09:00:00.000Z" });
});

test("a move that came to nothing has no moment from which it was live, and one that was ordered has no fault", async () => {
  const { kept, clock, tell } = archive();
  tell(started);
  await clock.advance(1_000);
  const since = { faultMs: undefined, detectedMs: 300, decidedMs: 200 };
  tell({ type: "handover.failed", from: "openai", to: "local", mode: "planned", cause: "provider-unreachable", since }, ended);
  const [handover] = kept[0]?.handovers ?? [];
  expect(handover).toMatchObject({ ok: false, detectedAt: "2026-01-05T09:00:00.700Z", decidedAt: "2026-01-05T09:00:00.800Z" });
  expect([handover?.faultAt, handover?.liveAt, handover?.durationMs]).toEqual([undefined, undefined, undefined]);
});

test("whose callers were promised gold is in the record", () => {
  const { kept, tell } = archive();
  tell({ ...started, slaClass: "gold" }, ended, started, ended);
  expect(kept.map(({ slaClass }) => slaClass)).toEqual(["gold", "standard"]);
});

test("the answer to a caller in need is a crisis turn, and no later one is", () => {
  const { kept, tell } = archive();
  const turn = { type: "turn.ended", provider: "local", outcome: "complete", kind: "plain", gapMs: undefined } as const;
  tell(started, { type: "crisis.detected", provider: "local", category: "self-harm" });
  tell({ ...turn, turnId: "t2" }, { ...turn, turnId: "t4", stop: "max_tool_calls" }, ended);
  expect(kept[0]?.turns).toMatchObject([
    { turnId: "t2", kind: "crisis", stopReason: "end_turn" },
    { turnId: "t4", kind: "plain", stopReason: "max_tool_calls" },
  ]);
});

test.each([
  ["abandoned", undefined, "excluded", "caller_hangup"],
  ["failed", "caller-slow", "excluded", "caller_network"],
  ["failed", "provider-quota", "bad", "resource_exhausted"],
  ["failed", "draining", "bad", "drain_cut"],
  ["completed", undefined, "good", "none"],
] as const)("a call that ends %s because of %s is %s", (outcome, cause, judged, failureClass) => {
  const { kept, tell } = archive();
  tell(started, { ...ended, outcome, cause });
  expect(kept[0]).toMatchObject({ outcome: judged, failureClass });
});

test("a rating is in the record, whether it came during the call or after; then the record is kept once more", () => {
  const { kept, records, tell } = archive();
  expect(records.rate("c1", 5)).toBe(false);
  tell(started);
  expect(records.rate("c1", 2)).toBe(true);
  tell(ended);
  expect(records.rate("c1", 4)).toBe(true);
  expect(kept.map(({ callId, rating }) => [callId, rating])).toEqual([
    ["c1", 2],
    ["c1", 4],
  ]);
  expect(records.recent.map(({ rating }) => rating)).toEqual([4]);
});

test("a call that will not end keeps its first turns and counts the rest", () => {
  const { kept, tell } = archive();
  tell(started);
  for (let turn = 0; turn < 2_005; turn += 1)
    tell({ type: "turn.ended", turnId: "t2", provider: "local", outcome: "complete", kind: "plain", gapMs: undefined });
  tell(ended);
  expect(kept[0]?.turns).toHaveLength(2_000);
  expect(kept[0]?.omitted).toEqual({ turns: 5 });
});
