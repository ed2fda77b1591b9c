import { expect, test } from "vitest";
import { silentLog } from "../../src/kernel/log.ts";
import type { FaultCode } from "../../src/kernel/fault.ts";
import type { CallEvent } from "../../src/session/words.ts";
import { callMetrics } from "../../src/watch/call-metrics.ts";
import { countersOf } from "../../src/watch/counters.ts";
import { createMetrics } from "../../src/watch/metrics.ts";
import { objectives } from "../../src/watch/objectives.ts";
import { SimulatedClock } from "../simulated-clock.ts";
import { samplesOf } from "./exposition.ts";

type Told = CallEvent extends infer Event ? (Event extends CallEvent ? Omit<Event, "callId"> : never) : never;

function house() {
  const metrics = createMetrics();
  const clock = new SimulatedClock();
  const options = { providers: ["openai", "emergency"], dialects: ["browser"], stopgaps: ["emergency"], clock };
  const watch = callMetrics(metrics, options);
  const counters = countersOf(metrics, { routes: ["/v1/calls", "/metrics"], region: "here", log: silentLog, clock });
  /** Of each service level that something was counted for: good of valid. */
  const counted = async (): Promise<Record<string, string>> => {
    const samples = samplesOf(await metrics.text());
    const found = [...samples].flatMap(([name, valid]) => {
      const labels = /^slo_valid_events_total\{slo="(\w+)"/.exec(name);
      return labels?.[1] === undefined || valid === 0
        ? []
        : [[labels[1], `${samples.get(name.replace("valid", "good"))} of ${valid}`] as const];
    });
    return Object.fromEntries(found);
  };
  return {
    watch,
    clock,
    counted,
    counters,
    metrics,
    tell: (...events: Told[]) => events.forEach((event) => watch.tell({ ...event, callId: "c1" })),
  };
}

const started: Told = { type: "call.started", dialect: "browser", agent: "desk", language: "en", tiers: ["openai", "emergency"] };
const opened: Told = {
  type: "link.opened",
  provider: "openai",
  setupMs: 10,
  attempt: 1,
  model: undefined,
  path: { up: ["pcmu@8000"], down: ["pcm16@24000", "pcmu@8000"] },
};
const turnEnded = {
  type: "turn.ended",
  turnId: "t2",
  provider: "openai",
  outcome: "complete",
  kind: "plain",
  gapMs: undefined,
} as const;
const answered = { type: "turn.answered", provider: "openai", kind: "plain", responseStartMs: 300, latencyMs: 2_000 } as const;
const ended = { type: "call.ended", dialect: "browser", outcome: "completed", cause: undefined, durationMs: 1 } as const;
const moved = {
  type: "call.handed-over",
  from: "openai",
  to: "gemini",
  cause: "provider-dropped",
  restored: "full",
  missing: [],
  since: { faultMs: 100, detectedMs: 100, decidedMs: 100 },
  items: 1,
  replayedChunks: 0,
} as const;
const heard = { receivedMs: 10_000, deliveredMs: 10_000, overflowedMs: 0, forgottenMs: 0, unheardMs: 0, movedMs: 0 };
/** A call, taken up where another node left it, whose last turn nobody answered any more. */
const unanswered = (cause: FaultCode): readonly Told[] => {
  const { dialect, agent, language, tiers } = started;
  const committed = { type: "turn.committed", provider: "openai", endpointingMs: 1 } as const;
  return [{ type: "call.restored", dialect, agent, language, tiers, awayMs: 100 }, committed, { ...ended, outcome: "failed", cause }];
};
const turnsOf = (good: string): Record<string, string> => ({
  turn_success: good,
  capacity_failures: "1 of 1",
  request_shape_failures: "1 of 1",
});
const human = { type: "human.told", reason: "crisis", channel: "chat", result: "sent", durationMs: 5_000 } as const;

test.each<[string, readonly Told[], Readonly<Record<string, string>>]>([
  ["a whole turn", [turnEnded], { ...turnsOf("1 of 1"), stream_completion: "1 of 1" }],
  ["a turn that the caller cut", [{ ...turnEnded, outcome: "interrupted" }], { ...turnsOf("1 of 1"), stream_completion: "1 of 1" }],
  ["a turn for which there was no room", unanswered("provider-limited"), { ...turnsOf("0 of 1"), capacity_failures: "0 of 1" }],
  ["a turn that was refused as malformed", unanswered("provider-refused"), { ...turnsOf("0 of 1"), request_shape_failures: "0 of 1" }],
  ["a turn that failed by the caller's own doing", unanswered("caller-slow"), {}],
  [
    "the fixed lines in place of an answer",
    [{ ...turnEnded, provider: "emergency" }],
    { ...turnsOf("0 of 1"), stream_completion: "1 of 1" },
  ],
  ["an answer in time, to the millisecond", [answered], { response_start: "1 of 1", turn_latency_p50: "0 of 1", turn_latency: "1 of 1" }],
  [
    "one a millisecond late",
    [{ ...answered, responseStartMs: 301, latencyMs: 2_001 }],
    { response_start: "0 of 1", turn_latency_p50: "0 of 1", turn_latency: "0 of 1" },
  ],
  [
    "a broken answer",
    [{ type: "turn.broken", turnId: "t2", provider: "openai", kind: "plain", cause: "provider-dropped" }],
    { stream_completion: "0 of 1" },
  ],
  [
    "a tool that did not come back",
    [{ type: "tool.ended", name: "t", status: "timeout", durationMs: 1, toolCallId: "x" }],
    { tool_success: "0 of 1" },
  ],
  ["a tool that was called off", [{ type: "tool.ended", name: "t", status: "cancelled", durationMs: 1, toolCallId: "x" }], {}],
  [
    "a fail-over within 3 s with all that was said",
    [{ ...moved, mode: "failover", durationMs: 3_000 }],
    { failover_time: "1 of 1", failover_success: "1 of 1" },
  ],
  [
    "a slow one that lost something",
    [{ ...moved, mode: "failover", durationMs: 3_001, restored: "partial" }],
    { failover_time: "0 of 1", failover_success: "0 of 1" },
  ],
  ["one to the last resort", [{ ...moved, to: "emergency", mode: "failover", durationMs: 9_000, restored: "none" }], {}],
  ["a move that was asked for", [{ ...moved, cause: "asked", mode: "planned", durationMs: 1_001 }], { handover_planned: "0 of 1" }],
  [
    "a caller in need who is answered",
    [{ type: "crisis.answered", provider: "openai", tier: 1, responseMs: 1_999 }],
    { crisis_answered: "1 of 1", crisis_response: "1 of 1", turn_latency_gold: "1 of 1" },
  ],
  [
    "one who is not",
    [{ type: "crisis.answered", provider: "openai", tier: 1, responseMs: undefined }],
    { crisis_answered: "0 of 1", crisis_response: "0 of 1", turn_latency_gold: "0 of 1" },
  ],
  ["a person told in time", [human], { human_notify: "1 of 1" }],
  ["a person who could not be told", [{ ...human, result: "failed" }], { human_notify: "0 of 1" }],
  ["a person whom the caller asked for", [{ ...human, reason: "caller" }], {}],
  ["a line that was not at hand", [{ type: "prompt.fetched", found: false }], { emergency_cache: "0 of 1" }],
  ["first words within a second", [{ type: "caller.understood", provider: "openai", afterMs: 1_000 }], { first_transcript: "1 of 1" }],
  [
    "a caller of whom a second was lost",
    [{ type: "audio.accounted", ...heard, deliveredMs: 9_000, overflowedMs: 600, unheardMs: 400 }],
    { audio_continuity: "90 of 100" },
  ],
  [
    "a caller whose words were heard by a link that died, and by none after it",
    [{ type: "audio.accounted", ...heard, forgottenMs: 500 }],
    { audio_continuity: "95 of 100" },
  ],
  [
    "a call that moves with what waits",
    [{ type: "audio.accounted", ...heard, deliveredMs: 9_000, movedMs: 1_000 }],
    { audio_continuity: "100 of 100" },
  ],
])("%s", async (_, events, expected) => {
  const { tell, counted } = house();
  tell(...events);
  expect(await counted()).toEqual(expected);
});

test("a call that no provider took is a failed set-up; one that its caller gave up first is nobody's", async () => {
  const { tell, counted, clock } = house();
  tell(started, ended, started, { ...ended, outcome: "failed", cause: "caller-silent" });
  expect(await counted()).toEqual({});
  tell(started, { ...ended, outcome: "failed", cause: "provider-unreachable" });
  expect(await counted()).toEqual({ call_setup_success: "0 of 1" });
  tell(started);
  await clock.advance(2_001);
  tell(opened, opened);
  expect(await counted()).toEqual({ call_setup_success: "1 of 2", setup_time: "0 of 1", provider_error: "2 of 2" });
});

test("a call that fails while an answer is owed has failed that turn, and one that is taken up again is not set up anew", async () => {
  const { tell, counted } = house();
  tell(...unanswered("provider-dropped"));
  expect(await counted()).toEqual(turnsOf("0 of 1"));
});

test("a turn whose first answer broke off and which another provider answered is a good one", async () => {
  const { tell, counted } = house();
  tell(
    { type: "turn.broken", turnId: "t2", provider: "openai", kind: "plain", cause: "provider-overloaded" },
    { ...turnEnded, turnId: "t3" },
  );
  expect(await counted()).toEqual({ ...turnsOf("1 of 1"), stream_completion: "1 of 2" });
});

test("an answer to a gold caller is judged by what gold is promised, and one to a gold caller in need only once", async () => {
  const { tell, counted } = house();
  tell({ ...started, slaClass: "gold" }, { ...answered, latencyMs: 2_001 });
  expect(await counted()).toMatchObject({ turn_latency_gold: "0 of 1" });
  expect(await counted()).not.toHaveProperty("turn_latency");
  tell({ type: "crisis.detected", provider: "openai", category: "harm" }, answered);
  tell({ type: "crisis.answered", provider: "openai", tier: 1, responseMs: 900 });
  expect(await counted()).toMatchObject({ turn_latency_gold: "1 of 2" });
});

test("the fixed lines are an answer to a caller in need, and to nobody else of that call", async () => {
  const { tell, counted } = house();
  const bridged = { ...turnEnded, provider: "emergency" };
  tell(started, { type: "crisis.detected", provider: "openai", category: "harm" }, bridged, bridged);
  expect(await counted()).toMatchObject({ turn_success: "1 of 2" });
});

test("an episode that was given up for another provider says nothing; one that ran out is bad", async () => {
  const { tell, counted } = house();
  const retrying = { type: "link.retrying", provider: "openai", attempt: 2, attemptLimit: 7, backoffMs: 0 } as const;
  tell(started, retrying, { ...moved, to: "emergency", mode: "failover", durationMs: 1 });
  tell(retrying, { type: "link.recovered", provider: "openai", attempts: 2, durationMs: 1 });
  tell(retrying, { type: "link.gave-up", provider: "openai", attempts: 7, code: "provider-dropped" });
  expect(await counted()).toEqual({ reconnect_success: "1 of 2" });
});

test("callers turned away by our own doing count as calls that did not come about; strangers do not", async () => {
  const { counters, counted } = house();
  for (const reason of ["busy", "draining", "internal", "origin", "caller-refused", "nonsense"]) counters.connectionRejected(reason);
  expect(await counted()).toEqual({ call_setup_success: "0 of 3" });
});

test("requests to the API are judged by what is our fault; pages and scrapes are not judged", async () => {
  const { counters, counted } = house();
  for (const status of [200, 404, 503]) counters.httpAnswered("/v1/calls", status, 5);
  counters.httpAnswered("/metrics", 500, 5);
  expect(await counted()).toEqual({ api_error: "1 of 2" });
});

test("every promise is a figure, and every count is there at 0 before anything happened", async () => {
  const { metrics } = house();
  const samples = samplesOf(await metrics.text());
  expect(samples.get('slo_objective_ratio{slo="turn_success",window="7d"}')).toBe(0.99);
  expect(samples.get('slo_objective_ratio{slo="turn_success",window="30d"}')).toBe(0.99);
  expect(samples.get('slo_valid_events_total{slo="provider_error",provider="openai"}')).toBe(0);
  const zeros = [...samples.keys()].map((name) => /^slo_good_events_total\{slo="(\w+)"/.exec(name)?.[1]);
  expect(new Set(zeros.filter((slo) => slo !== undefined))).toEqual(new Set(Object.keys(objectives)));
});
