import { join } from "node:path";
import { describe, test } from "vitest";
import { traceIdOf } from "../../src/watch/trace-ids.ts";
import { samplesOf } from "../provider/local/ears/recordings.ts";
import { openCollector } from "../watch/collector.ts";
import { playable, startCloudWith } from "./cloud.ts";

/** The last word of it is over some 0.1 s before its end. */
const words = samplesOf(join(import.meta.dirname, "../../fixtures/speech/ps_cards_001.wav"));
const sum = (list: readonly number[]): number => list.reduce((total, each) => total + each, 0);

describe.for(playable)("a call on %s", { timeout: 60_000, concurrent: true }, (name) => {
  test("is one trace, in which the stages of an answer are the caller's whole wait, from their own last word on", async ({ expect }) => {
    await using collector = await openCollector();
    let callId = "";
    {
      await using cloud = await startCloudWith({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url }, name);
      const panel = cloud.panel(name);
      await using caller = await cloud.answers();
      callId = caller.callId;
      panel.callerSays("A table for two, please.");
      panel.reply({ text: "For which day?", ms: 500 });
      const answer = caller.hears();
      await caller.says(words);
      await answer;
      panel.reply({ text: "", toolCalls: [{ name: "look_up_order", arguments: '{"order_number":"47193"}' }] }, "It is on its way.");
      const status = caller.hears();
      caller.types("Where is my order 47193?");
      await status;
    }
    const { spans, raw } = collector;
    const under = (parent: string | undefined) => spans.filter(({ parentSpanId }) => parentSpanId === parent);
    expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([traceIdOf(callId)]));
    expect(spans.filter(({ isError }) => isError)).toEqual([]);
    expect(raw).not.toMatch(/table for two|which day|47193/);
    const [root, ...others] = under(undefined);
    expect(others).toEqual([]);

    const server = { "linekeeper.provider": name, "server.address": "127.0.0.1", "server.port": expect.any(Number) };
    const about = { ...server, "gen_ai.conversation.id": callId, "gen_ai.request.model": expect.stringMatching(/\w/) };
    const children = under(root?.spanId).toSorted((a, b) => a.startMs - b.startMs);
    const link = children.find((span) => span.name === `link ${name}`);
    expect(link).toMatchObject({ kind: 3, attributes: about, events: ["ready"] });
    const turns = children.filter(({ attributes }) => attributes["gen_ai.operation.name"] === "chat");
    expect(turns.map(({ kind, attributes, events }) => ({ kind, attributes, events }))).toEqual(
      ["plain", "tool"].map((kind) => ({
        kind: 3,
        attributes: expect.objectContaining({
          ...about,
          "gen_ai.output.type": "speech",
          "gen_ai.response.finish_reasons": ["stop"],
          "linekeeper.turn.kind": kind,
        }),
        events: ["first audio"],
      })),
    );
    // Where a provider bills by tokens, the turn has them.
    const bills = turns.map(({ attributes }) => Number(attributes["gen_ai.usage.input_tokens"] ?? 0) > 0);
    expect(bills).toEqual(turns.map(() => name !== "deepgram-agent"));

    for (const turn of turns) {
      expect(turn.startMs).toBeGreaterThan(link?.startMs ?? Infinity);
      const stages = under(turn.spanId)
        .filter(({ attributes }) => "linekeeper.stage" in attributes)
        .toSorted((a, b) => a.startMs - b.startMs || a.endMs - b.endMs);
      const lengths = Object.fromEntries(stages.map((stage) => [stage.name, stage.endMs - stage.startMs]));
      const waitedMs = Number(turn.attributes["linekeeper.latency_ms"]);
      expect(sum(Object.values(lengths)) - (lengths["playout"] ?? Number.NaN)).toBeCloseTo(waitedMs, 1);
      expect(stages[0]?.startMs).toBeCloseTo(turn.startMs, 1);
      for (const [at, stage] of stages.entries()) if (at > 0) expect(stage.startMs).toBeCloseTo(stages[at - 1]?.endMs ?? 0, 1);
    }
    const stagesOf = (turn: (typeof turns)[number] | undefined): string[] =>
      under(turn?.spanId).flatMap(({ name: stage, attributes }) => ("linekeeper.stage" in attributes ? [stage] : []));
    expect(turns.map((turn) => stagesOf(turn).includes("tool"))).toEqual([false, true]);
    // Typed turns have no end of speech; the spoken one waited for the service's endpointing, whatever that counts as speech.
    const [spoken] = turns.map(({ spanId }) => under(spanId));
    const endpointingMs = sum(
      (spoken ?? []).filter((each) => /^(stt|endpointing)$/.test(each.name)).map((each) => each.endMs - each.startMs),
    );
    expect(endpointingMs).toBeGreaterThan(200);

    const [tool] = turns.flatMap(({ spanId }) => under(spanId)).filter((span) => span.name.startsWith("execute_tool"));
    expect(tool).toMatchObject({ parentSpanId: turns[1]?.spanId, attributes: { "gen_ai.tool.name": "look_up_order" } });
  });
});
