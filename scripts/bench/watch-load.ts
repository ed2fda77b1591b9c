// What looking on takes of the processor while 100 real calls talk: metrics, log, records, costs, invariants, and a scrape each 5 s.
//   node scripts/bench/watch-load.ts [calls] [seconds]
// Callers by Twilio's protocol, a provider by OpenAI's, the server as anybody runs it, watched by V8's profiler: what it finds at work counts
// for watching if anything of watching is on the stack, and the threads that write files in all; its share of the garbage is not known.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { checkPlan, harnessCore } from "./calls/plans.ts";
import { round } from "./calls/round.ts";
import { subjects, type Subject } from "./calls/subjects.ts";

const calls = Number(process.argv[2] ?? 100);
const seconds = Number(process.argv[3] ?? 20);
const scrapeEveryMs = 5_000;

const watching = /\/src\/(watch|costs)\/|\/node_modules\/(prom-client|pino|sonic-boom|@opentelemetry)\//;
const profile = z.object({
  nodes: z.array(z.object({ id: z.number(), callFrame: z.object({ url: z.string() }), children: z.array(z.number()).default([]) })),
  samples: z.array(z.number()),
  timeDeltas: z.array(z.number()),
  writtenMs: z.number(),
});
type Profile = z.infer<typeof profile>;

const row = subjects.find(({ name }) => name === "linekeeper");
if (row === undefined) throw new Error("the benchmark of calls has no subject named linekeeper");
execFileSync("taskset", ["-acp", String(harnessCore), String(process.pid)]);
const folder = mkdtempSync(join(tmpdir(), "watch-load-"));
const file = join(folder, "profile.json");
const profiler = new URL("./calls/profiler.ts", import.meta.url);
profiler.search = new URLSearchParams({ to: file, core: String(harnessCore) }).toString();

let scrapes = 0;
const watched = { ...row, start: async (...how: Parameters<typeof row.start>) => scraped(await row.start(...how)) };
const figures = await round(watched, {
  ...checkPlan,
  nodeFlags: ["--import", profiler.href],
  steps: [{ calls, seconds, memory: false }],
});
const watchingMs = watchedMs(profile.parse(JSON.parse(readFileSync(file, "utf8"))));
rmSync(folder, { recursive: true });
const [{ cpuMs } = { cpuMs: Number.NaN }] = figures.steps;
const percent = (cpuMs * calls) / 10;
const watchingPercent = watchingMs / seconds / 10;
console.log(`${calls} calls for ${seconds} s, ${scrapes} scrapes: ${percent.toFixed(1)} % of one processor in all`);
console.log(
  `of it for watching: ${watchingPercent.toFixed(2)} % of one processor, ${((watchingPercent / percent) * 100).toFixed(1)} % of the whole`,
);
process.exit();

/** Asks for the metrics as Prometheus would, as long as the subject lives. */
function scraped(subject: Subject): Subject {
  const url = new URL("/metrics", subject.url.replace(/^ws/, "http"));
  const timer = setInterval(() => {
    fetch(url)
      .then((answer) => answer.text())
      .then(() => (scrapes += 1))
      .catch(() => clearInterval(timer));
  }, scrapeEveryMs);
  timer.unref();
  return subject;
}

function watchedMs({ nodes, samples, timeDeltas, writtenMs }: Profile): number {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const isWatching = new Set<number>();
  const mark = (id: number, isBelow: boolean): void => {
    const node = byId.get(id);
    if (node === undefined) return;
    const now = isBelow || watching.test(node.callFrame.url);
    if (now) isWatching.add(id);
    for (const child of node.children) mark(child, now);
  };
  const [root] = nodes;
  if (root !== undefined) mark(root.id, false);
  return writtenMs + samples.reduce((sum, id, at) => sum + (isWatching.has(id) ? (timeDeltas[at] ?? 0) : 0), 0) / 1_000;
}
