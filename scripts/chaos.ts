// Whole calls with seeded faults on simulated time: npm run chaos -- [--seed 1] [--calls 100] [--minutes M]
import { parseArgs } from "node:util";
import { run } from "../test/simulation/run.ts";
const { values } = parseArgs({ options: { seed: { type: "string", default: "1" }, calls: { type: "string", default: "100" } } });
let calls = 0;
const bad: string[] = [];
const t0 = performance.now();
for (let seed = Number(values.seed); calls < Number(values.calls); seed += 1) {
  const outcome = await run(seed);
  calls += outcome.calls;
  if (outcome.violations.length > 0) bad.push(`seed ${seed}: ${outcome.violations[0]}`);
}
console.log(bad.slice(0, 40).join("\n"));
console.log(bad.length, "bad", calls, "calls", performance.now() - t0, "ms");
