// Whole calls with seeded faults on simulated time, and what became of them:
// npm run chaos -- [--seed 1] [--calls 100 | --seeds N] [--minutes M] [--log]
import { createHash } from "node:crypto";
import { parseArgs } from "node:util";
import { run, type Outcome } from "../test/simulation/run.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    calls: { type: "string", default: "100" },
    /** So many seeds, however many calls they make. */
    seeds: { type: "string" },
    /** So long at most, of real time. */
    minutes: { type: "string", default: "60" },
    /** Every event as it is told. */
    log: { type: "boolean", default: false },
  },
});
const first = whole("seed");
const wanted = values.seeds === undefined ? whole("calls") : Infinity;
const beyond = values.seeds === undefined ? Infinity : first + whole("seeds");
const untilMs = performance.now() + whole("minutes") * 60_000;

const outcomes: Outcome[] = [];
let calls = 0;
for (let seed = first; calls < wanted && seed < beyond && performance.now() < untilMs; seed += 1) {
  const outcome = await run(seed, values.log ? (line) => process.stdout.write(line) : undefined);
  outcomes.push(outcome);
  calls += outcome.calls;
  if (process.stderr.isTTY) process.stderr.write(`\r${calls} calls, seed ${seed} `);
}
if (process.stderr.isTTY) process.stderr.write("\r\u001b[K");
report();

function report(): void {
  const sum = (of: (outcome: Outcome) => number): number => outcomes.reduce((total, outcome) => total + of(outcome), 0);
  const lost = outcomes.flatMap((outcome) => outcome.lost.map((stretch) => ({ ...stretch, seed: outcome.seed })));
  const lostMs = (cause: string): number =>
    lost.reduce((total, each) => (each.cause === cause ? total + each.toMs - each.fromMs : total), 0);
  const met = new Map<string, number>();
  for (const outcome of outcomes) for (const [what, times] of outcome.met) met.set(what, (met.get(what) ?? 0) + times);
  for (const { seed, call, fromMs, toMs, cause } of lost) {
    const chunks = `chunks ${Math.floor(fromMs / 100)} to ${Math.ceil(toMs / 100) - 1}`;
    console.log(`lost: seed ${seed}, call ${call}, ${chunks}, ${(fromMs / 1000).toFixed(1)} to ${(toMs / 1000).toFixed(1)} s: ${cause}`);
  }
  if (lost.length > 0) console.log();
  for (const [what, times] of [...met].toSorted(([a], [b]) => a.localeCompare(b))) console.log(`${String(times).padStart(8)}  ${what}`);
  const rows: readonly (readonly [string, string])[] = [
    ["seeds", `${first} to ${outcomes.at(-1)?.seed}`],
    ["calls", String(calls)],
    ["simulated", `${(sum(({ simulatedMs }) => simulatedMs) / 3_600_000).toFixed(1)} h`],
    ["faults", String(sum(({ faults }) => faults))],
    ["violations", String(sum(({ violations }) => violations.length))],
    ["hand-overs by failure", String(sum(({ handOvers }) => handOvers.failover))],
    ["hand-overs as planned", String(sum(({ handOvers }) => handOvers.planned))],
    ["reconnects", String(sum(({ recoveries }) => recoveries))],
    ["replays", String(sum(({ replays }) => replays))],
    ["lost: the ring ran over", `${Math.round(lostMs("overflow"))} ms`],
    ["lost: no link came any more", `${Math.round(lostMs("unheard"))} ms`],
    ["lost: with a killed node", `${Math.round(lostMs("node killed"))} ms`],
    ["lost: on the caller's own line", `${Math.round(lostMs("line cut"))} ms`],
    ["longest without a link, somebody being well", `${Math.round(Math.max(...outcomes.map(({ worstGapMs }) => worstGapMs)))} ms`],
    ["log", logHash()],
  ];
  console.log();
  for (const [name, value] of rows) console.log(`${name.padEnd(46)}${value}`);
  for (const { seed, violations } of outcomes)
    if (violations.length > 0) {
      console.log(`\nseed ${seed}: ${violations[0]}\nagain, with every event: npm run chaos -- --seed ${seed} --calls 1 --log`);
      process.exitCode = 1;
    }
}

/** One seed's own, or of several the hash of theirs. */
function logHash(): string {
  const [only, ...more] = outcomes;
  if (only !== undefined && more.length === 0) return only.hash;
  const hash = createHash("sha256");
  for (const outcome of outcomes) hash.update(outcome.hash);
  return hash.digest("hex");
}

function whole(name: "seed" | "seeds" | "calls" | "minutes"): number {
  const number = Number(values[name]);
  if (Number.isSafeInteger(number) && number > 0) return number;
  console.error(`--${name} must be a whole number above zero, and is "${values[name]}"`);
  process.exit(2);
}
