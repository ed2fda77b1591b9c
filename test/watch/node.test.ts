import { expect, test } from "vitest";
import { createMetrics } from "../../src/watch/metrics.ts";
import { showNode } from "../../src/watch/node.ts";
import { samplesOf } from "./exposition.ts";

test("what calls keep for a replay is shown by provider, Deepgram's also under the name that its users know", async () => {
  const metrics = createMetrics();
  const providers = ["openai", "deepgram"];
  showNode(metrics, { providers, ringChunks: new Map([["deepgram", 12]]), secretAgesMs: new Map([["OPENAI_API_KEY", 86_400_000]]) });
  const samples = samplesOf(await metrics.text());
  expect(samples.get('voice_ring_chunks{provider="deepgram"}')).toBe(12);
  expect(samples.get('voice_ring_chunks{provider="openai"}')).toBe(0);
  expect(samples.get("deepgram_audio_buffer_size")).toBe(12);
  expect(samples.get('voice_secret_age_seconds{secret="OPENAI_API_KEY"}')).toBe(86_400);
});
