// What was measured, kept as JSON, and the pages that show it; they are made of the JSON alone.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { join } from "node:path";
import { withMarked } from "../../marked.ts";
import { capacityPage } from "./capacity.ts";
import { barChart } from "./chart.ts";
import { Figures, spreadOf, worseWay, type Name, type Spread } from "./figures.ts";
import { goalsOf } from "./goals.ts";
import { processesTable, processesWords } from "./processes.ts";
import { at } from "./plans.ts";
import type { RoundFigures } from "./round.ts";
import type { Pair } from "./side-by-side.ts";
import { subjects } from "./subjects.ts";
import { comparison, digits, goalTable, shortComparison } from "./table.ts";

const root = join(import.meta.dirname, "../../..");
export const resultsFolder = join(root, "scripts/bench/results");
const savedPath = join(resultsFolder, "calls.json");
export const readmePath = join(root, "README.md");
/** Between marks of this name README.md has the short table. */
export const mark = "calls";

export interface Saved {
  /** ISO 8601 date. */
  readonly measuredAt: string;
  readonly machine: { readonly cores: number; readonly processor: string; readonly memoryGb: number; readonly linux: string };
  readonly node: string;
  /** What a reader must know of how these figures came to be: they stay true of it when the benchmark is another. */
  readonly method: string;
  readonly rounds: readonly RoundFigures[];
  /** Relay and Linekeeper side by side. */
  readonly pairs: readonly Pair[];
}

const method =
  "A subject carries its first hundred calls for a minute before they are measured: by then most of its code is compiled, also of what happens once a turn, as in a server at work. A round of one subject takes some minutes, in which a machine may become slower or faster; so relay and Linekeeper also carry their calls at once on one core, and the ratio of their processor time that is told and judged is of those windows, in which both meet the same machine; beside it stands that of the rounds. Their callers and providers then speak in turns of a millisecond, so that each finds the core as it does alone, and neither reads at once, which is cheaper, what piled up while the other had it; each sitting has new processes. Memory is looked at after processor time and added latency: it needs full collections of garbage, which would be part of them. Callers take turns, and break in, each at moments of their own. A round in which the load generator itself was busy or late is measured once more.";

export const savedOf = ({ rounds, pairs }: Figures, date: Date): Saved => ({
  measuredAt: date.toISOString().slice(0, 10),
  machine: {
    cores: cpus().length,
    processor: cpus()[0]?.model.trim() ?? "unknown",
    memoryGb: Math.round(totalmem() / 1e9),
    linux: release().split("-", 1)[0] ?? "",
  },
  node: process.version,
  method,
  rounds,
  pairs,
});

export function save(saved: Saved): void {
  mkdirSync(resultsFolder, { recursive: true });
  writeFileSync(savedPath, `${JSON.stringify(saved, undefined, 1)}\n`);
}

/** @throws when nothing was saved. A figure that is none is null in JSON. */
export const readSaved = (): Saved =>
  JSON.parse(readFileSync(savedPath, "utf8"), (_, value: unknown) => (value === null ? Number.NaN : value)) as Saved; // As `save` wrote it.

export function writePages(saved: Saved): void {
  for (const [file, text] of pagesOf(saved)) writeFileSync(join(resultsFolder, file), text);
  writeFileSync(readmePath, withMarked(readFileSync(readmePath, "utf8"), mark, shortTableOf(saved)));
}

/** By file name. */
export function pagesOf(saved: Saved): ReadonlyMap<string, string> {
  const figures = new Figures(saved.rounds, saved.pairs);
  const charts = chartsOf(figures);
  const rounds = figures.steps("linekeeper", at.latency).length;
  const sittings = new Set(figures.pairs.map(({ sitting }) => sitting)).size;
  const page = [
    "# What a call costs",
    "",
    `Measured ${saved.measuredAt} on ${machineOf(saved)}, by \`npm run bench -- --save\`, which writes these pages: ${rounds === 1 ? "one round" : `${rounds} interleaved rounds`}${sittings > 0 ? `, and ${figures.pairs.length} windows in ${sittings} sittings of relay and Linekeeper side by side` : ""}; medians, with the least and the most in brackets. The subject has one core, the load the other; loopback, no TLS; both sides talk all the time in frames of 20 ms. Compare ratios of one run, not figures of two machines.`,
    "",
    ...charts.flatMap(({ file, title }) => [`![${title}](${file})`, ""]),
    "## All figures",
    "",
    comparison(figures),
    "",
    `${saved.method} Added latency is the worse of both ways. Memory a call is what the system counts beyond the process with one call, both a few seconds after a full collection, divided by the calls; their rings of ten seconds are full by then. A heap that has run for longer keeps more room for garbage, the reference's above all, so that this ratio falls with the time that a subject has run. \`>= N (harness full)\` means that the load generator came to its end first, \`(time over)\` that the search did; a median or a ratio to it is told with its bounds.`,
    "",
    ...processesSection(figures),
    "## Goals",
    "",
    goalTable(goalsOf(figures)),
    "",
    "What this means for machines is on [the page of capacity](capacity.md).",
    "",
  ];
  return new Map([
    ["README.md", page.join("\n")],
    ["capacity.md", capacityPage(figures)],
    ...charts.map(({ file, svg }) => [file, svg] as const),
  ]);
}

function processesSection(figures: Figures): readonly string[] {
  const table = processesTable(figures);
  return table === "" ? [] : ["## Two processes", "", table, "", processesWords, ""];
}

/** For the project's own page. */
export function shortTableOf(saved: Saved): string {
  const figures = new Figures(saved.rounds, saved.pairs);
  const { median } = figures.twoToOne(at.cpu);
  return [
    shortComparison(figures),
    "",
    ...(Number.isNaN(median)
      ? []
      : [
          `Two processes behind one port (\`LINEKEEPER_PROCESSES=2\`) carry ${digits(median)} times the calls of one, by processor time.`,
          "",
        ]),
    `${saved.measuredAt}, ${machineOf(saved)}. [All figures, charts and goals](scripts/bench/results/README.md), [what they mean for machines](scripts/bench/results/capacity.md).`,
  ].join("\n");
}

const machineOf = ({ machine: { cores, processor, memoryGb, linux }, node }: Saved): string =>
  `${cores} cores (${processor}), ${memoryGb} GB, Linux ${linux}, Node ${node}`;

interface Chart {
  readonly file: string;
  readonly title: string;
  readonly svg: string;
}

/** Those for which there is anything to show. */
function chartsOf(figures: Figures): readonly Chart[] {
  const spread = figures.of("linekeeper").length > 1 ? "; the line goes from the least to the most" : "";
  const chart = (file: string, title: string, note: string, unit: string, of: (name: Name) => Spread): readonly Chart[] => {
    const bars = subjects
      .filter(({ processes }) => processes === 1)
      .map(({ name, short }) => ({ name: short, own: name.startsWith("linekeeper"), spread: of(name) }))
      .filter(({ spread }) => !Number.isNaN(spread.median));
    return bars.length === 0 ? [] : [{ file, title, svg: barChart(title, `${note}${spread}`, unit, bars) }];
  };
  const less = "less is better";
  return [
    ...chart("cpu.svg", "Processor time a call and second", `${at.cpu} calls on one core; ${less}`, "ms", (name) =>
      figures.step(name, at.cpu, ({ cpuMs }) => cpuMs),
    ),
    ...chart("latency.svg", "Added latency, 99th percentile of all frames", `${at.latency} calls, the worse way; ${less}`, "ms", (name) =>
      figures.step(name, at.latency, worseWay),
    ),
    ...chart(
      "most-calls.svg",
      "Most calls on one core",
      "with 99 % of the frames within 20 ms, at least; more is better",
      "calls",
      (name) => figures.mostCalls(name) ?? spreadOf([]),
    ),
    ...chart("memory.svg", "Memory a call", `${at.cpu} calls, resident; ${less}`, "kB", (name) =>
      figures.memory(name, at.cpu, ({ residentKb }) => residentKb),
    ),
  ];
}
