import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Figures, harnessDoubts } from "../../scripts/bench/calls/figures.ts";
import { goalsOf } from "../../scripts/bench/calls/goals.ts";
import { processesTable } from "../../scripts/bench/calls/processes.ts";
import { mark, pagesOf, readmePath, readSaved, resultsFolder, shortTableOf } from "../../scripts/bench/calls/results.ts";
import type { RoundFigures, StepFigures } from "../../scripts/bench/calls/round.ts";
import { comparison } from "../../scripts/bench/calls/table.ts";
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
const most = (calls: number, limit: "latency" | "harness"): RoundFigures["mostCalls"] => ({
  calls,
  limit,
  subjectShare: 0.9,
  harness: { busyShare: 0.8, lateP99Ms: 1 },
});
const found = (figures: Figures, what: string): number | undefined => goalsOf(figures).find((goal) => goal.what.startsWith(what))?.found;

test("ratios are taken within each round, and their median is told", () => {
  const rounds = [2, 3, 4].flatMap((ownMs) => [row("relay", 2, undefined), row("linekeeper", ownMs, undefined)]);
  expect(found(new Figures(rounds), "processor time a call at")).toBe(1.5);
});

test("where the load generator came to its end first, no ratio is told of the most calls", () => {
  const own = row("linekeeper", 1, most(700, "latency"));
  expect(found(new Figures([row("relay", 1, most(500, "latency")), own]), "most calls on one core, to the relay's")).toBe(1.4);
  const full = new Figures([row("relay", 1, most(500, "harness")), own]);
  expect(found(full, "most calls on one core, to the relay's")).toBeNaN();
  expect(comparison(full)).toContain(">= 500 (harness full)");
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
  const rounds = [row("relay", 2, most(500, "harness")), row("linekeeper", 1, undefined)];
  const pages = pagesOf({ measuredAt: "2026-11-21", machine, node: "v24.0.0", method: "One after the other.", rounds });
  expect(pages.get("README.md")).toContain("| not measured |");
  expect(pages.get("README.md")).toContain("One after the other.");
  expect([...pages.keys()]).not.toContain("most-calls.svg");
  expect(pages.get("cpu.svg")).toContain(">2.00</text>");
  expect([...pages.values()].join("\n")).not.toMatch(/NaN|undefined|Infinity/);
});
