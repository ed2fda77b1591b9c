// How calls fare while providers fail, with the whole server in a process of its own and the services' fakes here, on real sockets:
// node scripts/bench/fail-over.ts [--runs 48] [--seed 1] [--only killed,standby] [--json] [--write]
// Prints a table, or with --json an object; with --write the table also goes into README.md.
import { readFile, writeFile } from "node:fs/promises";
import { availableParallelism, cpus, loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { withMarked } from "../marked.ts";
import { tableOf, type Figure } from "./fail-over/figure.ts";
import { flapping } from "./fail-over/flapping.ts";
import { killed } from "./fail-over/killed.ts";
import { legAway } from "./fail-over/leg.ts";
import { outage } from "./fail-over/outage.ts";
import { warmStandby } from "./fail-over/standby.ts";
import { toolsKept } from "./fail-over/tools.ts";
import { watchOwnDelay } from "./fail-over/world.ts";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "48" },
    seed: { type: "string", default: "1" },
    only: { type: "string" },
    json: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});
const [runs, seed] = [Number(values.runs), Number(values.seed)];
/** Above this, what is measured is this process and not the server. */
const ownDelayLimitMs = 20;
/** What is measured is the server only where nothing else wants the processors. */
const quietLoad = 0.5;

const say = (words: string): void => void process.stderr.write(`${words}\n`);
const trials: Readonly<Record<string, () => Promise<readonly Figure[]>>> = {
  killed: () => killed(runs, seed, say),
  standby: () => warmStandby(Math.min(runs, 200), seed),
  flapping: async () => [...(await flapping(0)), ...(await flapping(200)), ...(await flapping(2_000))],
  outage,
  tools: () => toolsKept(Math.min(runs, 200), seed),
  leg: () => legAway(Math.min(runs, 100), seed),
};

const chosen = values.only?.split(",") ?? Object.keys(trials);
const loadBefore = loadavg()[0] ?? 0;
const figures: Figure[] = [];
const delays: Record<string, number> = {};
for (const name of chosen) {
  const trial = trials[name];
  if (trial === undefined) throw new RangeError(`--only ${name}: there are ${Object.keys(trials).join(", ")}`);
  say(`${name} …`);
  using delay = watchOwnDelay();
  figures.push(...(await trial()));
  delays[name] = Math.round(delay.p99Ms() * 10) / 10;
}

const isQuiet = loadBefore < quietLoad * availableParallelism();
const late = Object.entries(delays).filter(([, ms]) => ms > ownDelayLimitMs);
const words = [
  `${runs} runs, seed ${seed}, on ${availableParallelism()} cores (${cpus()[0]?.model.trim() ?? "of some kind"}); load before it began ${loadBefore.toFixed(1)}, ${isQuiet ? "so the machine was quiet" : "so the machine was **not quiet**"}.`,
  `The callers and fakes share one process, whose own timers came late by ${Math.max(...Object.values(delays))} ms at most (p99)${late.length === 0 ? "" : `: too late to trust ${late.map(([name]) => name).join(", ")}`}.`,
].join(" ");
const table = `${tableOf(figures)}\n\n${words}`;
console.log(values.json ? JSON.stringify({ runs, seed, loadBefore, isQuiet, ownDelayP99Ms: delays, figures }, undefined, 2) : table);
if (values.write) {
  const page = join(import.meta.dirname, "../../README.md");
  await writeFile(page, withMarked(await readFile(page, "utf8"), "fail-over", table));
}
process.exitCode = figures.every(({ met }) => met) ? 0 : 1;
