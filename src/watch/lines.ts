import type { Log } from "../kernel/log.ts";
import { labelOf } from "./labels.ts";
import type { Metrics } from "./metrics.ts";

/** How good a caller's line was, as far as the leg can know. */
export interface LineReport {
  readonly codec: string;
  readonly receivedPackets: number;
  readonly lostPackets: number;
  readonly jitterMs: number;
  /** Caller audio that had to be made up. */
  readonly concealedMs: number;
  /** An estimate by the E-model, 1 to 4.5; undefined: nothing came. */
  readonly mosEstimate: number | undefined;
}

const codecLabels = ["PCMU", "PCMA", "G722", "opus"];
/** What people call good, and what they still put up with (ITU-T G.107 annex B: ratings of 80 and 70). */
const goodMos = 4.02;
const fairMos = 3.6;

/** One log line and its counters for every line that was given up. */
export function watchLines(log: Log, metrics: Metrics): (report: LineReport) => void {
  return (report) => {
    const codec = labelOf(report.codec, codecLabels);
    metrics.lines.inc({ codec, quality: qualityOf(report.mosEstimate) });
    metrics.linePackets.inc({ codec, fate: "received" }, report.receivedPackets);
    metrics.linePackets.inc({ codec, fate: "lost" }, report.lostPackets);
    metrics.lineConcealed.inc({ codec }, report.concealedMs / 1_000);
    metrics.lineJitter.observe({ codec }, report.jitterMs / 1_000);
    log.info("line_quality", { ...report });
  };
}

function qualityOf(mos: number | undefined): "good" | "fair" | "poor" | "unknown" {
  if (mos === undefined) return "unknown";
  return mos >= goodMos ? "good" : mos >= fairMos ? "fair" : "poor";
}
