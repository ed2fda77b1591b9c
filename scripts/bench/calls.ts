// What a call costs and how long its audio takes, against a bare relay and OpenAI's own SDK, in one run: `npm run bench`.
//   --check        processor time alone, within three minutes; fails only where Linekeeper costs more than four times the relay
//   --rounds 3     rounds of each subject, interleaved; 0: only what relay and Linekeeper cost side by side, within eight minutes
//   --only NAME    one subject beside the relay: linekeeper, linekeeper-pcm, agents-sdk
//   --processes    what a second process brings, alone: within five minutes
//   --flags "..."  flags for the subjects' Node
//   --save         writes figures and pages to scripts/bench/results/ and the short table into README.md, where nothing speaks against them
//   --pages        measures nothing, makes the pages anew of the figures saved last
//   --anyway       shows the figures of a run in which the harness was the limit
// Two cores at least: one is the subject's, one the harness's.
import { execFileSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { Figures, harnessDoubts } from "./calls/figures.ts";
import { goalsOf } from "./calls/goals.ts";
import { checkPlan, harnessCore, planOf, processesPlan, sideBySidePlan } from "./calls/plans.ts";
import { processesTable } from "./calls/processes.ts";
import { readSaved, save, savedOf, writePages } from "./calls/results.ts";
import { round, type Plan, type RoundFigures } from "./calls/round.ts";
import { sideBySide, type Pair } from "./calls/side-by-side.ts";
import { subjects, type SubjectRow } from "./calls/subjects.ts";
import { comparison, goalTable } from "./calls/table.ts";

const { values } = parseArgs({
  options: {
    check: { type: "boolean", default: false },
    rounds: { type: "string" },
    only: { type: "string" },
    processes: { type: "boolean", default: false },
    flags: { type: "string", default: "" },
    pages: { type: "boolean", default: false },
    save: { type: "boolean", default: false },
    anyway: { type: "boolean", default: false },
  },
});
/** Much above what is measured on a quiet machine: CI's machines are not quiet. */
const checkLimit = 4;
const roundLimitMs = 300_000;
const sideBySideLimitMs = 900_000;
/** A round, at most; a check only looks for what no noise explains. */
const timesMeasured = values.check ? 1 : 2;

const isPart = values.only !== undefined || values.processes || values.check;
if (values.save && isPart) fail("--save keeps whole runs, and this is a part of one");
if (values.pages) {
  writePages(readSaved());
  process.exit();
}
if (availableParallelism() < 2 || process.platform !== "linux") {
  const why = "it needs Linux, and a core of its own beside the subject's";
  if (!values.check) fail(why);
  console.log(`bench: left out, ${why}`);
  process.exit();
}
execFileSync("taskset", ["-acp", String(harnessCore), String(process.pid)]);

const nodeFlags = values.flags.split(" ").filter((flag) => flag !== "");
const pairs = await besideEachOther();
const figures = new Figures(await run(), pairs);
if (values.check) check();
else report();
process.exit(process.exitCode ?? 0);

async function run(): Promise<readonly RoundFigures[]> {
  const rounds = Number(values.rounds ?? (values.check ? 2 : 3));
  const only = values.only ?? (values.check ? "linekeeper" : undefined);
  const isWanted = ({ name }: SubjectRow): boolean =>
    values.processes ? name === "linekeeper" || name === "linekeeper-two" : only === undefined || name === only || name === "relay";
  const measured: RoundFigures[] = [];
  for (let at = 1; at <= rounds; at += 1) {
    for (const row of subjects.filter(isWanted)) {
      const plan = values.check ? checkPlan : values.processes ? processesPlan(row.processes) : planOf(row);
      console.error(`round ${at} of ${rounds}: ${row.title}`);
      measured.push(await quietRound(row, { ...plan, nodeFlags }));
    }
  }
  return measured;
}

async function besideEachOther(): Promise<readonly Pair[]> {
  const isWanted = !values.check && !values.processes && (values.only === undefined || values.only === "linekeeper");
  if (!isWanted) return [];
  return limited("the sittings", sideBySideLimitMs, () => sideBySide({ ...sideBySidePlan, nodeFlags }));
}

/** A busy machine spoils one round, not the run; whatever the subject did stands. */
async function quietRound(row: SubjectRow, plan: Plan): Promise<RoundFigures> {
  for (let left = timesMeasured; ; left -= 1) {
    const found = await limited(`${row.title}: the round`, roundLimitMs, () => round(row, plan));
    const doubts = harnessDoubts(found);
    if (doubts.length === 0 || left === 1) return found;
    console.error(`  once more: ${doubts.join("; ")}`);
  }
}

async function limited<T>(what: string, limitMs: number, run: () => Promise<T>): Promise<T> {
  const limit = setTimeout(() => fail(`${what} did not end within ${limitMs / 1_000} s`), limitMs);
  const found = await run();
  clearTimeout(limit);
  return found;
}

function check(): void {
  const calls = checkPlan.steps.at(-1)?.calls ?? 0;
  console.log(comparison(figures, calls, calls));
  const busy = figures.doubts();
  const { least } = figures.ratio("linekeeper", "relay", calls, ({ cpuMs }) => cpuMs);
  if (least <= checkLimit) return;
  if (busy.length > 0) return console.log(`Nothing is known: ${busy.join("; ")}`);
  fail(`a call costs ${least.toFixed(2)} times the relay's processor time, the limit is ${checkLimit}`);
}

function report(): void {
  const doubts = figures.doubts();
  if (doubts.length > 0) {
    console.error(`These figures would be the harness's or the machine's:\n  ${doubts.join("\n  ")}`);
    if (!values.anyway) fail("not reported; run it on a quiet machine");
  }
  if (values.processes) return console.log(processesTable(figures));
  console.log(`${comparison(figures)}\n\n${processesTable(figures)}\n\n${goalTable(goalsOf(figures))}`);
  if (!values.save || doubts.length > 0) return;
  save(savedOf(figures, new Date()));
  writePages(readSaved());
}

function fail(why: string): never {
  console.error(`bench: ${why}`);
  process.exit(1);
}
