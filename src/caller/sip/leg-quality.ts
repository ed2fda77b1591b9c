import { g711Quality } from "../../audio/e-model.ts";
import type { LegQuality } from "../leg.ts";
import type { LineQuality } from "./rtp/media.ts";

/** What RTP and RTCP tell of a line, in the words that all legs share; undefined: there are no media yet. */
export function legQualityOf(line: LineQuality | undefined): LegQuality {
  const isHeard = line?.mosEstimate !== undefined;
  return {
    lossShare: isHeard ? line.lossShare : undefined,
    burstRatio: line?.burstRatio ?? 1,
    jitterMs: isHeard ? line.jitterMs : undefined,
    gaps: line?.bursts ?? 0,
    filledMs: line?.concealedMs ?? 0,
    delayMs: isHeard ? line.delayMs : undefined,
    codec: line?.codecQuality ?? g711Quality,
  };
}
