import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Figures, harnessDoubts } from "../../scripts/bench/calls/figures.ts";
import { goalsOf, verdict, type Goal } from "../../scripts/bench/calls/goals.ts";
import { processesTable } from "../../scripts/bench/calls/processes.ts";
import { mark, pagesOf, readmePath, readSaved, resultsFolder, shortTableOf } from "../../scripts/bench/calls/results.ts";
import type { RoundFigures, StepFigures } from "../../scripts/bench/calls/round.ts";
import type { Pair } from "../../scripts/bench/calls/side-by-side.ts";
import { comparison, goalTable, shortComparison } from "../../scripts/bench/calls/table.ts";
import { withMarked } from "../../scripts/marked.ts";

test("the pages of results are what the saved figures say (npm run bench -- --pages)", () => {
  if (!existsSync(resultsFolder)) {
    expect(readFileSync(readmePath, "utf8")).toContain("so there are no figures");
    return;
  }
  const saved = readSaved();
  const pages = pagesOf(saved);
  for (const [file, text] of pages) expect(readFileSync(join(resultsFolder, file), "utf8"), file).toBe(text);
  expect(readdirSync(resultsFolder).sort()).toEqual(["calls.json", ...pages.keys()].sort());
  const readme = readFileSync(readmePath, "utf8");
  expect(readme).toBe(withMarked(readme, mark, shortTableOf(saved)));
});

const step = (calls: number, cpuMs: number): StepFigures => ({
  calls,
  cpuMs,
  upMs: { p50: 0.2, p99: 1 },
  downMs: { p50: 0.2, p99: 2 },
  loopP99Ms: 1,
  loopMaxMs: 2,
  collections: 3,
  longestCollectionMs: 1,
  residentKb: 90_000,
  memory: { residentKb: 100, heldKb: 50, heldKbPerSecond: 0 },
  bytesPerCallSecond: 62_000,
  lostFrames: 0,
  lostFirstFrames: 0,
  duplicateFrames: 0,
  damagedFrames: 0,
  carriedShare: 1,
  lostCalls: 0,
  processes: undefined,
  harness: { busyShare: 0.3, lateP99Ms: 1 },
});
const row = (subject: RoundFigures["subject"], cpuMs: number, most: RoundFigures["mostCalls"]): RoundFigures => ({
  subject,
  bargeIn: undefined,
  steps: [step(100, cpuMs), step(200, cpuMs)],
  mostCalls: most,
});
const most = (calls: number, limit: "latency" | "harness" | "time"): RoundFigures["mostCalls"] => ({
  calls,
  limit,
  subjectShare: 0.9,
  harness: { busyShare: 0.8, lateP99Ms: 1 },
});
const goal = (figures: Figures, what: string): Goal => {
  const found = goalsOf(figures).find((each) => each.what.startsWith(what));
  if (found === undefined) throw new Error(`no goal begins with "${what}"`);
  return found;
};
const found = (figures: Figures, what: string): number => goal(figures, what).found.least;

test("ratios are taken within each round, and their median is told", () => {
  const rounds = [2, 3, 4].flatMap((ownMs) => [row("relay", 2, undefined), row("linekeeper", ownMs, undefined)]);
  expect(found(new Figures(rounds), "processor time a call at")).toBe(1.5);
});

const pair = (sitting: number, relayMs: number, linekeeperMs: number): Pair => ({
  sitting,
  calls: 200,
  relayMs,
  linekeeperMs,
  lostFrames: 0,
  lostCalls: 0,
  harness: { busyShare: 0.5, lateP99Ms: 1 },
});

test("processor time is judged side by side where that was measured, and the rounds stand beside it", () => {
  const rounds = [row("relay", 2, undefined), row("linekeeper", 3, undefined), row("agents-sdk", 5, undefined)];
  const figures = new Figures(rounds, [pair(1, 2, 1.8), pair(1, 2, 2.2), pair(2, 1, 0.96)]);
  expect(found(figures, "processor time a call at")).toBe(0.96);
  expect(comparison(figures)).toMatch(/Linekeeper[^|]*\| 3.00 [^|]* \| 1.50 [^|]* \| 0.96 \(0.90..1.10\) \|/);
  expect(shortComparison(figures)).toMatch(/Linekeeper[^|]*\| 0.96 x[^]*Agents SDK[^|]*\| 2.50 x/);
  expect(figures.doubts()).toEqual([]);
  const busy = new Figures([], [{ ...pair(3, 1, 1), lostCalls: 1, harness: { busyShare: 0.95, lateP99Ms: 1 } }]);
  expect(busy.doubts()).toEqual([expect.stringContaining("sitting 3: the harness itself"), "sitting 3: 1 calls were lost"]);
});

test("where the load generator came to its end first, the ratio of the most calls is told with what is known of it", () => {
  const toRelay = (...rounds: readonly (readonly [relay: RoundFigures["mostCalls"], own: RoundFigures["mostCalls"]])[]) => {
    const figures = new Figures(rounds.flatMap(([relay, own]) => [row("relay", 1, relay), row("linekeeper", 1, own)]));
    const { found: bounds, ...rest } = goal(figures, "most calls on one core, to the relay's");
    return { ...bounds, verdict: verdict({ ...rest, found: bounds }), tables: `${comparison(figures)}\n${goalTable(goalsOf(figures))}` };
  };
  const latency = (calls: number) => most(calls, "latency");
  const full = (calls: number) => most(calls, "harness");
  expect(toRelay([latency(500), latency(700)])).toMatchObject({ least: 1.4, most: 1.4, verdict: "met" });
  const unknown = toRelay([full(500), latency(700)]);
  expect(unknown).toMatchObject({ least: 0, most: 1.4, verdict: "not known" });
  expect(unknown.tables).toContain(">= 500 (harness full)");
  expect(unknown.tables).toContain("| 0.00 to 1.40 | not known |");
  expect(toRelay([full(1_000), latency(500)])).toMatchObject({ least: 0, most: 0.5, verdict: "missed" });
  expect(toRelay([latency(500), full(500)]).tables).toContain("| >= 1.00 | met |");
  // One of three rounds each: the median is of one that is known, or lies between.
  const three = toRelay([latency(500), latency(500)], [latency(500), full(480)], [full(500), latency(400)]);
  expect(three).toMatchObject({ least: 0.96, most: 1, verdict: "met" });
  expect(toRelay([undefined, undefined])).toMatchObject({ verdict: "not measured" });
});

test("of the most calls that were not all found, what is known of their median is told", () => {
  const shortTable = (...rounds: readonly RoundFigures["mostCalls"][]): string => {
    const figures = new Figures(rounds.map((each) => row("linekeeper", 1, each)));
    return `${shortComparison(figures)}\n${comparison(figures)}`;
  };
  const three = shortTable(most(553, "latency"), most(584, "time"), most(649, "latency"));
  expect(three).toContain("| 584 to 649 |");
  expect(three).toContain("| 553, >= 584 (time over), 649 |");
  expect(shortTable(most(500, "harness"))).toContain("| >= 500 |");
  expect(shortTable(most(500, "latency"), most(510, "latency"), most(600, "harness"))).toContain("| 510 |");
});

test("figures of a harness that was busy or late, of lost calls or of silence are doubted", () => {
  const doubted = (change: Partial<StepFigures>): readonly string[] =>
    new Figures([{ ...row("relay", 1, undefined), steps: [{ ...step(100, 1), ...change }] }]).doubts();
  expect(doubted({})).toEqual([]);
  expect(doubted({ harness: { busyShare: 0.95, lateP99Ms: 1 } })).toEqual([expect.stringContaining("busy for 95 %")]);
  expect(doubted({ harness: { busyShare: 0.3, lateP99Ms: 30 } })).toEqual([expect.stringContaining("30.0 ms late")]);
  expect(doubted({ lostCalls: 2 })).toEqual([expect.stringContaining("2 calls were lost")]);
  expect(doubted({ carriedShare: Number.NaN })).toEqual([expect.stringContaining("came through")]);
  // What a subject did is never measured again until it looks better.
  expect(harnessDoubts({ ...row("relay", 1, undefined), steps: [{ ...step(100, 1), lostCalls: 2, carriedShare: 0.5 }] })).toEqual([]);
});

test("what a second process brings is told of as many calls a process, with what it costs", () => {
  const two = { ...step(400, 1.25), processes: { calls: [199, 201], firstCpuMs: 0.01 }, lostFrames: 3 };
  const figures = new Figures([row("linekeeper", 1.2, undefined), { ...row("linekeeper-two", 9, undefined), steps: [two] }]);
  expect(found(figures, "two processes with 200 calls each")).toBeCloseTo(1.92);
  expect(processesTable(figures)).toMatch(/199 and 201[^]*3, 0, 0[^]*1\.92[^]*it takes three cores/);
  expect(processesTable(new Figures([row("linekeeper", 1.2, undefined)]))).toBe("");
});

test("the pages say what was not measured, and show no chart of it", () => {
  const machine = { cores: 2, processor: "a processor", memoryGb: 4, linux: "6.1" };
  const rounds = [row("relay", 2, undefined), row("linekeeper", 1, undefined)];
  const pages = pagesOf({ measuredAt: "2026-11-21", machine, node: "v24.0.0", method: "One after the other.", rounds, pairs: [] });
  expect(pages.get("README.md")).toContain("| not measured |");
  expect(pages.get("README.md")).toContain("One after the other.");
  expect([...pages.keys()]).not.toContain("most-calls.svg");
  expect(pages.get("cpu.svg")).toContain(">2.00</text>");
  expect([...pages.values()].join("\n")).not.toMatch(/NaN|undefined|Infinity/);
});
