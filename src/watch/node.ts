import type { Metrics } from "./metrics.ts";

/** What a scrape asks of this node and no event tells. */
export interface NodeFigures {
  /** Those that may become labels. */
  readonly providers: readonly string[];
  /** Chunks of caller audio kept for a replay, by provider. */
  readonly ringChunks: ReadonlyMap<string, number>;
  /** By the name of the setting. */
  readonly secretAgesMs: ReadonlyMap<string, number>;
}

/** Sets the gauges that are asked for, not told. */
export function showNode(metrics: Metrics, { providers, ringChunks, secretAgesMs }: NodeFigures): void {
  for (const provider of providers) metrics.ringChunks.set({ provider }, ringChunks.get(provider) ?? 0);
  metrics.deepgramBuffer.set(ringChunks.get("deepgram") ?? 0);
  for (const [secret, ms] of secretAgesMs) metrics.secretAge.set({ secret }, ms / 1_000);
}
