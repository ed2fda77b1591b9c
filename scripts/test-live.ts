// Runs the providers' suite against the real services, with the keys in the environment: `npm run test:live -- --help`.
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { startVitest, type TestCase, type Vitest } from "vitest/node";
import { loadSettings } from "../src/config/settings.ts";
import { Fault } from "../src/kernel/fault.ts";
import { lanes, serviced } from "../test/live/lanes.ts";
import { readLiveOptions, usage, WrongOption, type LiveOptions } from "../test/live/options.ts";
import { failed, ran, summary, type LaneReport, type LiveReport, type TestReport } from "../test/live/report.ts";
import { without } from "../test/live/secrets.ts";

const root = join(import.meta.dirname, "..");

function optionsOrExit(): LiveOptions {
  try {
    const names = serviced.map((row) => row.name);
    const options = readLiveOptions(process.argv.slice(2), process.env, names);
    if (options !== undefined) return options;
    console.log(usage);
    process.exit(0);
  } catch (error) {
    if (!(error instanceof WrongOption)) throw error;
    console.error(`${error.message}\n\n${usage}`);
    process.exit(2);
  }
}

function settingsOrExit(): ReturnType<typeof loadSettings> {
  try {
    return loadSettings();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    console.error(error.message);
    process.exit(2);
  }
}

async function runTests(options: LiveOptions, folder: string): Promise<Vitest> {
  return startVitest([], {
    root,
    config: false,
    watch: false,
    include: ["test/live/*.live.ts"],
    retry: options.attempts - 1,
    provide: { live: { options, folder } },
    fileParallelism: false,
    ...(options.only === undefined ? {} : { testNamePattern: options.only }),
  });
}

const options = optionsOrExit();
const settings = settingsOrExit();
const chosen = lanes(options.providers, (name) => settings.lookup(name));
const startedAt = new Date().toISOString();
const folder = resolve(root, options.out, startedAt.replaceAll(/[:.]/g, "-"));

async function laneReports(): Promise<LaneReport[]> {
  if (chosen.every(({ missing }) => missing.length > 0))
    return chosen.map(({ row, missing }) => ({ provider: row.name, missing, tests: [] }));
  mkdirSync(folder, { recursive: true });
  const vitest = await runTests(options, folder);
  const cases = vitest.state.getTestModules().flatMap((module) => [...module.children.allTests()]);
  const broken = vitest.state.getTestModules().flatMap((module) => module.errors().map(({ message }) => message));
  await vitest.close();
  if (broken.length > 0) throw new Error(broken.join("\n"));
  return chosen.map(({ row, missing }) => ({
    provider: row.name,
    missing,
    tests: missing.length > 0 ? [] : cases.filter(({ fullName }) => fullName.startsWith(`${row.name} > `)).map(reportOf),
  }));
}

function reportOf(test: TestCase): TestReport {
  const result = test.result();
  const { attempts, waitedMs, calls } = test.meta().live ?? { attempts: 0, waitedMs: 0, calls: [] };
  const why = result.state === "skipped" ? result.note : result.errors?.at(-1)?.message;
  return {
    name: test.fullName,
    state: result.state === "pending" ? "skipped" : result.state,
    durationMs: Math.round(test.diagnostic()?.duration ?? 0),
    attempts,
    waitedMs,
    calls,
    why: why === undefined ? undefined : without(settings.secretValues(), why),
  };
}

const report: LiveReport = { startedAt, options, lanes: await laneReports() };
console.log(`\n${summary(report)}`);
if (ran(report).length > 0) {
  const file = join(folder, "report.json");
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
  console.log(`\nAll of it: ${file}`);
}
process.exit(ran(report).some((lane) => failed(lane).length > 0) ? 1 : 0);
