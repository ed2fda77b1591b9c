import type { LiveMeta } from "./bench.ts";
import type { LiveOptions } from "./options.ts";

export interface TestReport extends Readonly<LiveMeta> {
  readonly name: string;
  readonly state: "passed" | "failed" | "skipped";
  readonly durationMs: number;
  /** Why it failed the last time, or was skipped. */
  readonly why: string | undefined;
}

export interface LaneReport {
  readonly provider: string;
  /** What had to be set and was not; then nothing was run. */
  readonly missing: readonly string[];
  readonly tests: readonly TestReport[];
}

/** The JSON file of one run. */
export interface LiveReport {
  readonly startedAt: string;
  readonly options: LiveOptions;
  readonly lanes: readonly LaneReport[];
}

export const ran = ({ lanes }: LiveReport): readonly LaneReport[] => lanes.filter(({ missing }) => missing.length === 0);

export const failed = ({ tests }: LaneReport): readonly TestReport[] => tests.filter(({ state }) => state === "failed");

/** What the run came to, for people: a line a lane, and below it what failed. */
export function summary(report: LiveReport): string {
  const lines: string[] = [];
  const lanes = ran(report);
  if (lanes.length === 0) lines.push("No provider was tried: nothing that a real service needs is set.");
  const width = Math.max(...report.lanes.map(({ provider }) => provider.length), 8);
  for (const lane of lanes) {
    lines.push(`${lane.provider.padEnd(width)}  ${counts(lane)}`);
    for (const { name, attempts, why } of failed(lane)) lines.push(`  failed after ${attempts}: ${name}`, `    ${why ?? "without a word"}`);
  }
  for (const { provider, missing } of report.lanes)
    if (missing.length > 0) lines.push(`${provider.padEnd(width)}  not tried: set ${missing.join(" and ")}`);
  return lines.join("\n");
}

function counts({ tests }: LaneReport): string {
  const of = (state: TestReport["state"]): number => tests.filter((test) => test.state === state).length;
  const sum = (read: (test: TestReport) => number): number => tests.reduce((total, test) => total + read(test), 0);
  const again = tests.filter((test) => test.state === "passed" && test.attempts > 1).length;
  const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
  return [
    `${of("passed")} passed${again > 0 ? ` (${again} at a further try)` : ""}, ${of("failed")} failed, ${of("skipped")} skipped`,
    `${sum((test) => test.calls.length)} calls in ${seconds(sum((test) => test.durationMs))}`,
    `${seconds(sum((test) => test.waitedMs))} waited`,
  ].join("; ");
}
