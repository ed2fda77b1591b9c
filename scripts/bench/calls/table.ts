import { spreadOf, worseWay, type Bounds, type Figures, type MostCallsSpread, type Name, type Spread } from "./figures.ts";
import { verdict, type Goal } from "./goals.ts";
import { at } from "./plans.ts";
import { subjects } from "./subjects.ts";

/** What ended a search before the subject was at its end. */
const cutShort: Readonly<Record<string, string>> = { harness: "harness full", time: "time over" };

export const digits = (value: number): string =>
  Number.isNaN(value) ? "-" : value.toFixed(Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2);
export const shown = ({ median, least, most }: Spread): string =>
  Number.isNaN(median) ? "-" : `${digits(median)} (${digits(least)}..${digits(most)})`;

/** As far as the median is known. */
export function callsIn(most: MostCallsSpread | undefined): string | undefined {
  if (most === undefined) return undefined;
  const { median, upTo } = most;
  return median === upTo ? String(median) : upTo === Infinity ? `>= ${median}` : `${median} to ${upTo}`;
}

/** Markdown; medians over the rounds, least and most in brackets. */
export function comparison(figures: Figures, cpuCalls: number = at.cpu, latencyCalls: number = at.latency): string {
  const head = [
    "subject",
    `CPU ms a call and second, ${cpuCalls} calls`,
    "to the relay's",
    ...(figures.pairs.length > 0 ? ["side by side with it"] : []),
    `added latency p99 ms, ${latencyCalls} calls`,
    "to the relay's",
    "memory a call, kB",
    "held after a collection, kB",
    "growth of it, kB/s",
    "loop delay p99 ms",
    "most calls, p99 <= 20 ms",
    "speech started to clear, p95 ms",
    "first frames lost a call",
    "lost, twice, damaged",
  ];
  const rows = subjects
    .filter(({ name, processes }) => processes === 1 && figures.of(name).length > 0)
    .map(({ name, title }) => [title, ...cells(figures, name, cpuCalls, latencyCalls)]);
  return [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

function cells(figures: Figures, name: Name, cpuCalls: number, latencyCalls: number): readonly string[] {
  const steps = figures.steps(name, cpuCalls);
  const most = figures.of(name).flatMap(({ mostCalls }) => mostCalls ?? []);
  const sum = (figure: (step: (typeof steps)[number]) => number): number => steps.reduce((total, step) => total + figure(step), 0);
  return [
    shown(figures.step(name, cpuCalls, ({ cpuMs }) => cpuMs)),
    shown(figures.ratio(name, "relay", cpuCalls, ({ cpuMs }) => cpuMs)),
    ...(figures.pairs.length > 0 ? [name === "linekeeper" ? shown(figures.sideBySide()) : "-"] : []),
    shown(figures.step(name, latencyCalls, worseWay)),
    shown(figures.ratio(name, "relay", latencyCalls, worseWay)),
    shown(figures.memory(name, cpuCalls, ({ residentKb }) => residentKb)),
    shown(figures.memory(name, cpuCalls, ({ heldKb }) => heldKb)),
    shown(figures.memory(name, cpuCalls, ({ heldKbPerSecond }) => heldKbPerSecond)),
    shown(figures.step(name, cpuCalls, ({ loopP99Ms }) => loopP99Ms)),
    most.map(({ calls, limit }) => (limit in cutShort ? `>= ${calls} (${cutShort[limit]})` : String(calls))).join(", ") || "-",
    shown(spreadOf(figures.of(name).flatMap(({ bargeIn }) => bargeIn?.clearP95Ms ?? []))),
    digits(sum(({ lostFirstFrames }) => lostFirstFrames) / sum(({ calls }) => calls)),
    [sum(({ lostFrames }) => lostFrames), sum(({ duplicateFrames }) => duplicateFrames), sum(({ damagedFrames }) => damagedFrames)].join(
      ", ",
    ),
  ];
}

/** What most readers want to know, in ratios of one run. */
export function shortComparison(figures: Figures): string {
  const head = [
    "",
    `processor time a call, ${at.cpu} calls`,
    `added latency p99, ${at.latency} calls`,
    "most calls on one core, 99 % of frames within 20 ms",
    "memory a call",
    "caller's first frames lost",
  ];
  const rows = subjects
    .filter(({ name, processes }) => processes === 1 && figures.of(name).length > 0)
    .map(({ name, title }) => {
      const ratio = figures.cpuRatio(name, at.cpu).median;
      const memory = figures.memory(name, at.cpu, ({ residentKb }) => residentKb).median;
      const latencyMs = figures.step(name, at.latency, worseWay).median;
      const lost = figures.step(name, at.cpu, ({ lostFirstFrames, calls }) => lostFirstFrames / calls).median;
      return [
        title,
        `${digits(ratio)} x`,
        Number.isNaN(latencyMs) ? "-" : `${digits(latencyMs)} ms`,
        callsIn(figures.mostCalls(name)) ?? "-",
        `${digits(memory)} kB`,
        Number.isNaN(latencyMs) ? "-" : digits(lost),
      ];
    });
  return [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

export function goalTable(goals: readonly Goal[]): string {
  const rows = goals.map((goal) => [
    goal.what,
    `${goal.unit === "at least x" ? ">=" : "<="} ${goal.limit} ${goal.unit.replace("at least ", "")}`,
    bounded(goal.found),
    verdict(goal),
  ]);
  return [["goal", "limit", "found", ""], ["---", "---", "---", "---"], ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

const bounded = ({ least, most }: Bounds): string =>
  digits(least) === digits(most) ? digits(least) : most === Infinity ? `>= ${digits(least)}` : `${digits(least)} to ${digits(most)}`;
