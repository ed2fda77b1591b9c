import { percentile } from "../../caller/report.ts";

/** One line of what was found. */
export interface Figure {
  readonly what: string;
  readonly found: string;
  readonly goal: string;
  readonly met: boolean;
  /** What lies behind it, for machines. */
  readonly numbers: Readonly<Record<string, number>>;
}

export function spread(values: readonly number[]): { readonly p50: number; readonly p95: number; readonly p99: number } {
  const at = (part: number): number => Math.round(percentile(values, part) ?? Number.NaN);
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

/** Times with a goal for their 99th percentile; none at all meets no goal. */
export function timesFigure(what: string, values: readonly number[], goalMs: number): Figure {
  const { p50, p95, p99 } = spread(values);
  return {
    what: `${what}, ${values.length} runs`,
    found: `p50 ${p50} ms, p95 ${p95} ms, p99 ${p99} ms`,
    goal: `p99 ≤ ${goalMs.toLocaleString("en")} ms`,
    met: p99 <= goalMs,
    numbers: { runs: values.length, p50, p95, p99 },
  };
}

/** So many of so many, and all of them is the goal. */
export function allFigure(what: string, did: number, of: number): Figure {
  return { what, found: `${did} of ${of}`, goal: "all", met: did === of && of > 0, numbers: { did, of } };
}

export function mostFigure(what: string, found: number, most: number): Figure {
  return { what, found: String(found), goal: most === 0 ? "0" : `≤ ${most}`, met: found <= most, numbers: { found } };
}

export function tableOf(figures: readonly Figure[]): string {
  const rows = figures.map(({ what, found, goal, met }) => `| ${what} | ${found} | ${goal}${met ? "" : " (missed)"} |`);
  return ["| what | figure | goal |", "| --- | --- | --- |", ...rows].join("\n");
}
