// What settings of the garbage collector cost and bring under calls: `node scripts/bench/collector.ts [--rounds 2] [--calls 200]`.
// `--flags="--max-semi-space-size=32"`, as often as wanted, names the sets of Node's flags to compare; "" is as scripts/up starts the
// server. The subject has one core, the load another. Collections of the whole heap are rare: `--seconds 90` or more shows them.
import { execFileSync } from "node:child_process";
import { parseArgs } from "node:util";
import { spreadOf } from "./calls/figures.ts";
import { tooBusy } from "./calls/harness.ts";
import { harnessCore } from "./calls/plans.ts";
import { round, type StepFigures } from "./calls/round.ts";
import { subjects } from "./calls/subjects.ts";
import { shown } from "./calls/table.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "2" },
    calls: { type: "string", default: "200" },
    seconds: { type: "string", default: "5" },
    flags: { type: "string", multiple: true, default: ["", ...[4, 16, 32, 64].map((mb) => `--max-semi-space-size=${mb}`)] },
  },
});
const linekeeper = subjects.find(({ name }) => name === "linekeeper");
if (linekeeper === undefined) throw new Error("there is no such subject");
execFileSync("taskset", ["-acp", String(harnessCore), String(process.pid)], { stdio: "ignore" });

/** After half as many, which warm the compiler up. */
const steps = [
  { calls: Number(values.calls) / 2, seconds: 4, memory: false },
  { calls: Number(values.calls), seconds: Number(values.seconds), memory: false },
];
const found = new Map<string, StepFigures[]>(values.flags.map((flags) => [flags, []]));
for (let at = 1; at <= Number(values.rounds); at += 1) {
  for (const flags of values.flags) {
    const nodeFlags = flags.split(" ").filter((flag) => flag !== "");
    const plan = { cores: "0", nodeFlags, bargeIn: { calls: 0, seconds: 0 }, warmSeconds: 20, steps, ramp: false };
    const measured = await round(linekeeper, plan);
    for (const figures of measured.steps.slice(1)) {
      if (tooBusy(figures.harness))
        console.error(`round ${at}, ${flags || "as it is started"}: the load itself was late, this says little`);
      found.get(flags)?.push(figures);
    }
  }
}
const head = [
  "flags",
  "CPU ms a call and second",
  "added latency p99 ms",
  "collections",
  "longest ms",
  "loop delay p99 ms",
  "at most",
  "resident MB",
];
const rows = [...found].map(([flags, steps]) => {
  const spread = (figure: (step: StepFigures) => number): string => shown(spreadOf(steps.map(figure)));
  return [
    flags || "as it is started",
    spread(({ cpuMs }) => cpuMs),
    spread(({ upMs, downMs }) => Math.max(upMs.p99, downMs.p99)),
    spread(({ collections }) => collections),
    spread(({ longestCollectionMs }) => longestCollectionMs),
    spread(({ loopP99Ms }) => loopP99Ms),
    spread(({ loopMaxMs }) => loopMaxMs),
    spread(({ residentKb }) => residentKb / 1_000),
  ];
});
console.log([head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n"));
process.exit(0);
