import type { CallEvent } from "../session/words.ts";
import type { Metrics } from "./metrics.ts";

type Quality = Extract<CallEvent, { readonly type: "leg.measured" }>["quality"];

/** What a leg's wire did not tell is not observed: a missing figure is no good one. */
export function observeLine(metrics: Metrics, dialect: string, quality: Quality): void {
  const { mosEstimate, lossShare, jitterMs, delayMs, filledMs } = quality;
  if (mosEstimate !== undefined) metrics.legMos.observe({ dialect }, mosEstimate);
  if (jitterMs !== undefined) metrics.legJitter.observe({ dialect }, jitterMs / 1_000);
  if (delayMs !== undefined) metrics.legDelay.observe({ dialect }, delayMs / 1_000);
  if (lossShare !== undefined) {
    metrics.legLoss.observe({ dialect }, lossShare);
    metrics.legGap.observe({ dialect }, filledMs / 1_000);
  }
  for (const side of ["caller", "agent"] as const) {
    const { levelDb, clippedShare } = quality[side];
    if (levelDb === undefined) continue;
    metrics.legLevel.observe({ dialect, side }, levelDb);
    metrics.legClipped.observe({ dialect, side }, clippedShare);
  }
}
