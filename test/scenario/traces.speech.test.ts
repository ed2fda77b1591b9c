import { join } from "node:path";
import { expect, test } from "vitest";
import { samplesOf } from "../provider/local/ears/recordings.ts";
import { openCollector } from "../watch/collector.ts";
import { startServer } from "./server.ts";

test(
  "on the local provider too an answer's stages are the caller's whole wait, recognition and synthesis among them",
  { timeout: 120_000 },
  async () => {
    await using collector = await openCollector();
    {
      await using server = await startServer({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
      await using caller = await server.dials();
      await caller.hears();
      await caller.says(samplesOf(join(import.meta.dirname, "../../fixtures/speech/ps_cards_001.wav")));
      await caller.quiet(60_000);
    }
    const turn = collector.spans.find(({ attributes }) => attributes["gen_ai.operation.name"] === "chat");
    expect(turn).toMatchObject({ attributes: { "gen_ai.provider.name": "local", "linekeeper.turn.kind": "plain" } });
    expect(turn?.attributes).not.toHaveProperty("server.address");
    const stages = collector.spans
      .filter(({ parentSpanId, attributes }) => parentSpanId === turn?.spanId && "linekeeper.stage" in attributes)
      .toSorted((a, b) => a.startMs - b.startMs || a.endMs - b.endMs);
    expect(new Set(stages.map(({ name }) => name))).toEqual(new Set(["stt", "endpointing", "llm", "tts", "provider", "ours", "playout"]));
    const lengthMs = (name: string): number =>
      stages.filter((each) => each.name === name).reduce((sum, each) => sum + each.endMs - each.startMs, 0);
    const waitedMs = Number(turn?.attributes["linekeeper.latency_ms"]);
    const ownMs = ["stt", "endpointing", "llm", "tts", "provider", "ours"].reduce((sum, name) => sum + lengthMs(name), 0);
    expect(ownMs).toBeCloseTo(waitedMs, 1);
    for (const [at, stage] of stages.entries()) if (at > 0) expect(stage.startMs).toBeCloseTo(stages[at - 1]?.endMs ?? 0, 1);
    // Nobody is sure at once that somebody has ended.
    expect(lengthMs("stt") + lengthMs("endpointing")).toBeGreaterThan(100);
  },
);
