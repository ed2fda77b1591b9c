import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { capacityPage } from "./capacity.ts";
import { barChart } from "./chart.ts";
import { spreadOf, worseWay, type Figures, type Name, type Spread } from "./figures.ts";
import { goalsOf } from "./goals.ts";
import { at } from "./plans.ts";
import { subjects } from "./subjects.ts";
import { comparison, goalTable } from "./table.ts";

const folder = fileURLToPath(new URL("../results/", import.meta.url));

/** Writes the figures as JSON, a chart for each that matters, and the page that shows them. */
export function saveResults(figures: Figures, date: Date): void {
  mkdirSync(folder, { recursive: true });
  const machine = `${cpus().length} cores (${cpus()[0]?.model.trim() ?? "unknown"}), Node ${process.version}`;
  const measuredAt = date.toISOString().slice(0, 10);
  writeFileSync(`${folder}calls.json`, `${JSON.stringify({ measuredAt, machine, rounds: figures.rounds }, undefined, 2)}\n`);
  const charts = chartsOf(figures);
  for (const { file, svg } of charts) writeFileSync(`${folder}${file}`, svg);
  const page = [
    "# What a call costs",
    "",
    `Measured ${measuredAt} on ${machine} by \`npm run bench -- --save\`, which writes this page: ${figures.of("linekeeper").length} interleaved rounds, medians with the least and the most in brackets. The subject has one core, the load the other; loopback, no TLS. Compare ratios of one run, not figures of two machines.`,
    "",
    comparison(figures),
    "",
    ...charts.map(({ file, title }) => `![${title}](${file})`),
    "",
    "## Goals",
    "",
    goalTable(goalsOf(figures)),
    "",
    capacityPage(figures),
  ];
  writeFileSync(`${folder}README.md`, page.join("\n"));
}

function chartsOf(figures: Figures): readonly { readonly file: string; readonly title: string; readonly svg: string }[] {
  const chart = (file: string, title: string, of: (name: Name) => Spread): { file: string; title: string; svg: string } => ({
    file,
    title,
    svg: barChart(
      title,
      subjects.map(({ name }) => ({ name, spread: of(name) })),
    ),
  });
  return [
    chart("cpu.svg", `Processor time a call and second, ms, ${at.cpu} calls`, (name) => figures.step(name, at.cpu, ({ cpuMs }) => cpuMs)),
    chart("latency.svg", `Added latency p99, ms, ${at.latency} calls`, (name) => figures.step(name, at.latency, worseWay)),
    chart("memory.svg", `Memory a call, kB, ${at.cpu} calls`, (name) => figures.memory(name, at.cpu, ({ residentKb }) => residentKb)),
    chart(
      "most-calls.svg",
      "Most calls on one core with p99 within 20 ms (longer is better)",
      (name) => figures.mostCalls(name) ?? spreadOf([]),
    ),
  ];
}
