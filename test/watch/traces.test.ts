import { expect, test } from "vitest";
import type { CallEvent } from "../../src/session/words.ts";
import { openTraces } from "../../src/watch/otlp.ts";
import { traceIdOf } from "../../src/watch/trace-ids.ts";
import { traceCalls } from "../../src/watch/traces.ts";
import { SimulatedClock } from "../simulated-clock.ts";
import { openCollector, type Collector } from "./collector.ts";

/** An event without the id of its call. */
type Told = CallEvent extends infer Event ? (Event extends CallEvent ? Omit<Event, "callId"> : never) : never;

const servers: Readonly<Record<string, URL>> = {
  openai: new URL("https://api.example.org/v1"),
  deepgram: new URL("ws://10.0.0.7:8086"),
};

async function observatory(collector: Collector, callId = "call_1") {
  const failures: unknown[] = [];
  let dropped = 0;
  const outlet = await openTraces({
    endpoint: collector.url,
    headers: "x-tenant=a%20b",
    version: "1.2.3",
    failed: (error) => void failures.push(error),
    dropped: (spans) => void (dropped += spans),
  });
  const clock = new SimulatedClock();
  const serverOf = (name: string): URL | undefined => servers[name];
  const watch = traceCalls({ ...outlet, clock, serverOf, clean: (text) => text.replaceAll("canary", "[hidden]") });
  const tell = (...events: readonly Told[]): void => {
    for (const event of events) watch.tell({ ...event, callId });
  };
  return { clock, tell, failures, dropped: () => dropped, close: () => outlet.close() };
}

const used = (provider: string, model: string, quantities: Extract<CallEvent, { type: "link.used" }>["usage"]["quantities"]): Told => ({
  type: "link.used",
  provider,
  usage: { model, quantities },
});
const started: Told = { type: "call.started", dialect: "browser", agent: "desk", language: "en", tiers: ["openai", "local"] };
const ended: Told = { type: "call.ended", dialect: "browser", outcome: "completed", cause: undefined, durationMs: 5_000 };

test("a call is one trace: its links, turns with their stages, tools and hand-overs, each under what it belongs to", async () => {
  await using collector = await openCollector();
  const { clock, tell, close } = await observatory(collector);
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
  await clock.advance(1_500);
  tell({ type: "turn.committed", provider: "openai", endpointingMs: 300 });
  await clock.advance(100);
  tell({ type: "tool.began", name: "book canary", toolCallId: "t4" });
  await clock.advance(200);
  tell(
    { type: "tool.ended", name: "book canary", status: "ok", durationMs: 200, toolCallId: "t4" },
    used("openai", "gpt-realtime-2.1", { input_text_tokens: 7, cached_text_tokens: 4, output_audio_tokens: 9 }),
    // Who writes down what the caller said.
    used("openai", "gpt-4o-mini-transcribe", { input_audio_tokens: 41, output_text_tokens: 17 }),
  );
  await clock.advance(200);
  tell({ type: "turn.answered", provider: "openai", kind: "tool", responseStartMs: 500, latencyMs: 800 });
  await clock.advance(50);
  tell({ type: "turn.ended", turnId: "t2", provider: "openai", outcome: "complete", kind: "tool", gapMs: 20 });
  tell({
    type: "turn.timed",
    provider: "openai",
    kind: "tool",
    times: { totalMs: 880, stages: { playout: 80, endpointing: 300, provider: 490, ours: 10 } },
  });
  tell(
    { type: "link.lost", provider: "openai", code: "provider-dropped", message: "canary", livedMs: 2_050, retryAfterMs: undefined },
    { type: "link.closed", provider: "openai", livedMs: 2_050 },
  );
  await clock.advance(300);
  tell(
    {
      type: "link.opened",
      provider: "local",
      setupMs: 250,
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
      since: { faultMs: 300, detectedMs: 300, decidedMs: 300 },
      items: 3,
      replayedChunks: 5,
    },
    { type: "link.closed", provider: "local", livedMs: 10 },
    ended,
  );
  await close();

  const { spans, raw, resource } = collector;
  const named = (name: string) => spans.find((span) => span.name === name);
  const root = named("call browser");
  expect(resource).toMatchObject({
    "service.name": "linekeeper",
    "service.version": "1.2.3",
    "service.instance.id": expect.stringMatching(/^[0-9a-f-]{36}$/),
    "process.pid": process.pid,
  });
  expect(raw).toContain('"x-tenant":"a b"');
  expect(raw.replace(/"x-tenant".*?,/g, "")).not.toContain("canary");
  expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([traceIdOf("call_1")]));
  expect(root).toMatchObject({
    parentSpanId: undefined,
    kind: 2,
    attributes: { "gen_ai.conversation.id": "call_1", "gen_ai.agent.name": "desk" },
  });
  const turn = named("chat gpt-realtime-2.1");
  expect(turn).toMatchObject({
    parentSpanId: root?.spanId,
    attributes: {
      "gen_ai.operation.name": "chat",
      "gen_ai.conversation.id": "call_1",
      "gen_ai.provider.name": "openai",
      "gen_ai.request.model": "gpt-realtime-2.1",
      "gen_ai.request.stream": true,
      "gen_ai.response.finish_reasons": ["stop"],
      "gen_ai.response.time_to_first_chunk": 0.5,
      "gen_ai.usage.input_tokens": 7,
      "gen_ai.usage.cache_read.input_tokens": 4,
      "gen_ai.usage.output_tokens": 9,
      "linekeeper.provider": "openai",
      "server.address": "api.example.org",
      "server.port": 443,
    },
    events: ["first audio"],
    isError: false,
  });
  expect(named("link openai")).toMatchObject({
    parentSpanId: root?.spanId,
    isError: true,
    attributes: { "error.type": "provider-dropped", "server.address": "api.example.org", "gen_ai.conversation.id": "call_1" },
    events: ["ready"],
  });
  expect(named("link local")).toMatchObject({ parentSpanId: root?.spanId, isError: false });
  expect(named("link local")?.attributes).not.toHaveProperty("server.address");
  expect(named("execute_tool book [hidden]")).toMatchObject({
    parentSpanId: turn?.spanId,
    attributes: { "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "book [hidden]", "gen_ai.tool.call.id": "t4" },
  });
  expect(named("hand-over")).toMatchObject({
    parentSpanId: root?.spanId,
    attributes: { "linekeeper.from": "openai", "linekeeper.to": "local", "linekeeper.restored": "full", "linekeeper.replayed_chunks": 5 },
  });
  const stages = ["endpointing", "provider", "ours", "playout"].map(named);
  expect(stages.map((span) => span?.parentSpanId)).toEqual(stages.map(() => turn?.spanId));
  // Seamless, from the caller's end of speech to their ear.
  expect(stages.map((span) => [span?.startMs, span?.endMs].map((ms) => Math.round((ms ?? 0) - (turn?.startMs ?? 0))))).toEqual([
    [0, 300],
    [300, 790],
    [790, 800],
    [800, 880],
  ]);
  expect((named("link openai")?.startMs ?? 0) - (root?.startMs ?? 0)).toBe(100);
});

test("what failed is an error: a link that never came up, a tool, a turn, a call", async () => {
  await using collector = await openCollector();
  const { tell, close } = await observatory(collector);
  tell(
    started,
    { type: "link.failed", provider: "openai", code: "provider-key", message: "no", attempt: 1, durationMs: 30, retryAfterMs: undefined },
    { type: "turn.committed", provider: "openai", endpointingMs: 0 },
    { type: "tool.began", name: "book", toolCallId: "t1" },
    { type: "tool.ended", name: "book", status: "timeout", durationMs: 10_000, toolCallId: "t1" },
    { ...ended, outcome: "failed", cause: "provider-key" },
  );
  await close();
  const errors = collector.spans.map(({ name, isError, attributes }) => [name, isError, attributes["error.type"]]);
  expect(errors.sort(([a], [b]) => String(a).localeCompare(String(b)))).toEqual([
    ["call browser", true, "provider-key"],
    ["chat", true, "provider-key"],
    ["execute_tool book", true, "timeout"],
    ["link openai", true, "provider-key"],
  ]);
});

const path = { up: ["pcmu@8000"], down: ["pcmu@8000"] } as const;
const opened = (provider: string, model: string): Told => ({ type: "link.opened", provider, setupMs: 100, attempt: 1, model, path });
const answered = (provider: string): Told => ({ type: "turn.answered", provider, kind: "plain", responseStartMs: 400, latencyMs: 600 });
const over = (provider: string): Told => ({
  type: "turn.ended",
  turnId: "a1",
  provider,
  outcome: "complete",
  kind: "plain",
  gapMs: 20,
});

test("what a turn used is told with it, also when the provider says so only after the end of its audio", async () => {
  await using collector = await openCollector();
  const { clock, tell, close } = await observatory(collector);
  tell(started, opened("gemini", "gemini-live"), { type: "turn.committed", provider: "gemini", endpointingMs: 0 });
  await clock.advance(400);
  tell(answered("gemini"), over("gemini"));
  await clock.advance(700);
  tell(used("gemini", "gemini-live", { input_audio_tokens: 30, output_audio_tokens: 50 }));
  await clock.advance(2_000);
  tell({ type: "turn.committed", provider: "gemini", endpointingMs: 0 }, used("gemini", "gemini-live", { input_audio_tokens: 60 }), ended);
  await close();
  const turns = collector.spans.filter(({ name }) => name === "chat gemini-live").toSorted((a, b) => a.startMs - b.startMs);
  expect(turns.map(({ attributes }) => [attributes["gen_ai.usage.input_tokens"], attributes["gen_ai.usage.output_tokens"]])).toEqual([
    [30, 50],
    [60, 0],
  ]);
  // It ended with its answer, not with its bill.
  expect(turns.map(({ startMs, endMs }) => Math.round(endMs - startMs))).toEqual([400, 0]);
  expect(turns[1]).toMatchObject({ isError: false, attributes: { "gen_ai.response.finish_reasons": ["unanswered"] } });
});

test("a pipeline's turn is named after the model that answered, not the one that hears", async () => {
  await using collector = await openCollector();
  const { tell, close } = await observatory(collector);
  tell(
    started,
    opened("deepgram", "flux-general-en"),
    // A draft, begun when the caller had probably ended.
    used("deepgram", "llama", { input_text_tokens: 100, output_text_tokens: 10 }),
    { type: "turn.committed", provider: "deepgram", endpointingMs: 200 },
    used("deepgram", "llama", { input_text_tokens: 20, output_text_tokens: 2 }),
    used("deepgram", "aura-2", { spoken_characters: 40 }),
    answered("deepgram"),
    over("deepgram"),
    used("deepgram", "flux-general-en", { transcribed_ms: 3_000 }),
    used("deepgram", "llama", { input_text_tokens: 140, output_text_tokens: 4 }),
    { type: "turn.committed", provider: "deepgram", endpointingMs: 200 },
    ended,
  );
  await close();
  const [first, second] = collector.spans.filter(({ name }) => name === "chat llama");
  expect(second?.attributes).toMatchObject({ "gen_ai.usage.input_tokens": 140, "gen_ai.usage.output_tokens": 4 });
  expect(first).toMatchObject({
    attributes: {
      "gen_ai.request.model": "llama",
      "gen_ai.usage.input_tokens": 120,
      "gen_ai.usage.output_tokens": 12,
      "server.address": "10.0.0.7",
      "server.port": 8_086,
    },
  });
  expect(collector.spans.find(({ name }) => name === "link deepgram")?.attributes["gen_ai.request.model"]).toBe("flux-general-en");
});

test("a turn that another provider rescued is no error and says who answered; one that nobody did is", async () => {
  await using collector = await openCollector();
  const { tell, close } = await observatory(collector);
  const committed: Told = { type: "turn.committed", provider: "openai", endpointingMs: 0 };
  const broken: Told = { type: "turn.broken", provider: "openai", turnId: "a1", kind: "plain", cause: "provider-dropped" };
  tell(
    started,
    opened("openai", "gpt"),
    committed,
    answered("openai"),
    broken,
    opened("gemini", "live"),
    answered("gemini"),
    over("gemini"),
  );
  tell(committed, answered("openai"), broken, ended);
  await close();
  const [rescued, lost] = collector.spans.filter(({ name }) => name === "chat gpt");
  expect(rescued).toMatchObject({
    isError: false,
    attributes: { "linekeeper.provider": "gemini", "gen_ai.provider.name": "gcp.gemini", "gen_ai.request.model": "live" },
    events: ["first audio", "broken", "first audio"],
  });
  expect(lost).toMatchObject({ isError: true, attributes: { "error.type": "provider-dropped" } });
});

test("a hand-over begins with the fault that led to it, also one that came to nothing", async () => {
  await using collector = await openCollector();
  const { clock, tell, close } = await observatory(collector);
  tell(started);
  await clock.advance(5_000);
  const move = { from: "openai", to: "none", mode: "failover", cause: "provider-silent" } as const;
  tell({ type: "handover.failed", ...move, since: { faultMs: 900, detectedMs: 400, decidedMs: 350 } });
  tell({ type: "handover.failed", ...move, mode: "planned", cause: "asked", since: { faultMs: undefined, detectedMs: 80, decidedMs: 80 } });
  tell(ended);
  await close();
  const moves = collector.spans.filter(({ name }) => name === "hand-over");
  expect(moves.map(({ startMs, endMs, events }) => [Math.round(endMs - startMs), events])).toEqual([
    [900, ["detected", "decided"]],
    [80, ["decided"]],
  ]);
  expect(moves[0]).toMatchObject({ isError: true, attributes: { "error.type": "provider-silent" } });
});

test("a tool call that the caller took back is no error, and a call that goes on after a restart says so", async () => {
  await using collector = await openCollector();
  const { tell, close } = await observatory(collector);
  tell(
    { type: "call.restored", dialect: "browser", agent: "desk", language: "en", tiers: ["openai"], awayMs: 3_000 },
    { type: "tool.began", name: "book", toolCallId: "t1" },
    { type: "tool.ended", name: "book", status: "cancelled", durationMs: 10, toolCallId: "t1" },
    ended,
  );
  await close();
  expect(collector.spans.find(({ name }) => name === "execute_tool book")).toMatchObject({
    isError: false,
    attributes: { "linekeeper.tool.status": "cancelled", "gen_ai.conversation.id": "call_1" },
  });
  expect(collector.spans.find(({ name }) => name === "call browser")?.events).toEqual(["restored"]);
});

test("a collector that takes nothing is told once, and costs no call anything", async () => {
  await using collector = await openCollector();
  collector.status = 400;
  const { tell, failures, dropped, close } = await observatory(collector);
  tell(started, ended);
  await close();
  expect(failures).toHaveLength(1);
  expect(dropped()).toBe(1);
  expect(collector.spans).toEqual([]);
});

test("of more spans than may wait none goes uncounted", async () => {
  await using collector = await openCollector();
  const { tell, dropped, failures, close } = await observatory(collector);
  tell(started);
  const tools = 9_000;
  for (let count = 0; count < tools; count += 1) {
    tell({ type: "tool.began", name: "book", toolCallId: `t${count}` });
    tell({ type: "tool.ended", name: "book", status: "ok", durationMs: 1, toolCallId: `t${count}` });
  }
  tell(ended);
  await close();
  expect(dropped()).toBeGreaterThan(0);
  expect(collector.spans.length + dropped()).toBe(tools + 1);
  expect(failures).toEqual([]);
});
