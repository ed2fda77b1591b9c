// What a second process behind the same port brings.
import { type Figures, type Name } from "./figures.ts";
import { at } from "./plans.ts";
import type { StepFigures } from "./round.ts";
import { shown } from "./table.ts";

/** Markdown; empty where it was not measured. */
export function processesTable(figures: Figures): string {
  if (figures.of("linekeeper-two").length === 0) return "";
  const [one, two] = [figures.steps("linekeeper", at.cpu), figures.steps("linekeeper-two", 2 * at.cpu)];
  const cpu = (name: Name, calls: number): string => shown(figures.step(name, calls, ({ cpuMs }) => cpuMs));
  const rows = [
    ["", `one process, ${at.cpu} calls`, `two processes, ${2 * at.cpu} calls`],
    ["---", "---", "---"],
    ["CPU ms a call and second, of all processes", cpu("linekeeper", at.cpu), cpu("linekeeper-two", 2 * at.cpu)],
    ["of it the process that gives them their connections", "-", shown(firstCpu(figures))],
    ["calls of each process, by round", String(at.cpu), two.map(({ processes }) => processes?.calls.join(" and ") ?? "?").join(", ")],
    ["frames lost, twice, damaged", wrong(one), wrong(two)],
    ["two processes on two cores, to one on one: by processor time", "1", shown(figures.twoToOne(at.cpu))],
    ["the same by the most calls with 99 % of the frames within 20 ms", "1", byMostCalls(figures)],
  ];
  return rows.map((row) => `| ${row.join(" | ")} |`).join("\n");
}

const firstCpu = (figures: Figures) => figures.step("linekeeper-two", 2 * at.cpu, ({ processes }) => processes?.firstCpuMs ?? Number.NaN);

function wrong(steps: readonly StepFigures[]): string {
  const sum = (figure: (step: StepFigures) => number): number => steps.reduce((total, step) => total + figure(step), 0);
  return [
    sum(({ lostFrames }) => lostFrames),
    sum(({ duplicateFrames }) => duplicateFrames),
    sum(({ damagedFrames }) => damagedFrames),
  ].join(", ");
}

function byMostCalls(figures: Figures): string {
  if (figures.of("linekeeper-two").every(({ mostCalls }) => mostCalls === undefined)) return "not measured: it takes three cores";
  const [one, two] = [figures.mostCalls("linekeeper"), figures.mostCalls("linekeeper-two")];
  const isKnown = one !== undefined && two !== undefined && one.median === one.upTo && two.median === two.upTo;
  return isKnown ? (two.median / one.median).toFixed(2) : "not known: the load came to its end first";
}

/** What the figures say and what not. */
export const processesWords = `Where the machine has two cores, the load needs one of them. So both processes then share the other, with as many calls each as the one process has alone, and the ratio is twice the processor time of a call there over that here: it counts all that the sharing itself takes (the process that gives the connections, what the processes tell each other, what each does for itself), and that calls are spread evenly. It does not count what two busy cores take from each other, such as memory and cache; on three cores and more each process has its own, and the most calls are measured, too.`;
