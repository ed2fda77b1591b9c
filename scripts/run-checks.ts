// Runs the checks one after the other and counts. The very last line is "N passed, N failed".
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { countOf, lastLine, skippedLine, type Count } from "./test-report.ts";

const root = join(import.meta.dirname, "..");
const reportPath = join(root, ".cache/test/vitest.json");
const filters = process.argv.slice(2);

// The tools' own first lines ask for any `node`; they are to run in the one that runs this.
const env = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env["PATH"] ?? ""}` };

const checks: readonly (readonly string[])[] = [["tsc"], ["tsc", "-p", "test/public"], ["oxlint"], ["oxfmt", "--check"], ["knip"]];

/** A short comparison of what a call costs; far above what is measured on a quiet machine it fails. */
const bench = ["node", "scripts/bench/calls.ts", "--check"];

/** True when the program ended well. Its words go to the terminal as they come. */
async function step(command: readonly string[]): Promise<boolean> {
  const [program = "", ...args] = command;
  const path = program === "node" ? process.execPath : join(root, "node_modules/.bin", program);
  const title = [program, ...args.filter((arg) => !/^--(reporter|outputFile)/.test(arg))].join(" ");
  const startedMs = performance.now();
  const ended = await new Promise<number | string | null>((done) => {
    const child = spawn(path, args, { cwd: root, env, stdio: ["ignore", "inherit", "inherit"] });
    child.on("error", (error) => done(error.message));
    child.on("close", (code, signal) => done(code ?? signal));
  });
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  console.log(ended === 0 ? `ok    ${title} (${seconds} s)` : `FAILED ${title} (${seconds} s): ended with ${ended}`);
  return ended === 0;
}

async function runTests(): Promise<Count> {
  mkdirSync(dirname(reportPath), { recursive: true });
  rmSync(reportPath, { force: true });
  const well = await step(["vitest", "run", "--reporter=default", "--reporter=json", `--outputFile.json=${reportPath}`, ...filters]);
  return countOf(readReport(), well);
}

/** Undefined when the tests ended before they could write it. */
function readReport(): string | undefined {
  try {
    return readFileSync(reportPath, "utf8");
  } catch {
    return undefined;
  }
}

const total: Count = { passed: 0, failed: 0, skipped: 0 };
await count(checks);
const tests = await runTests();
total.passed += tests.passed;
total.failed += tests.failed;
total.skipped += tests.skipped;
// Last, when nothing else runs on the machine.
await count([bench]);
const leftOut = skippedLine(total);
if (leftOut !== undefined) console.log(leftOut);
console.log(lastLine(total));
process.exitCode = total.failed === 0 ? 0 : 1;

/** Somebody who names a test wants that test. */
async function count(commands: readonly (readonly string[])[]): Promise<void> {
  for (const command of filters.length === 0 ? commands : []) {
    if (await step(command)) total.passed += 1;
    else total.failed += 1;
  }
}
