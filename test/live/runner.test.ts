// The runner and its knobs, with fakes in place of the services: of the services themselves these tests know nothing.
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startDeepgramAgentFake } from "../../src/fakes/deepgram-agent/deepgram-agent.ts";
import { startOpenaiFake } from "../../src/fakes/openai/openai.ts";
import type { Panel } from "../../src/fakes/panel.ts";
import { readLiveOptions, WrongOption } from "./options.ts";
import type { LiveReport, TestReport } from "./report.ts";

const script = join(import.meta.dirname, "../../scripts/test-live.ts");
/** The runner starts a test process of its own. */
const timeout = 60_000;
let out = "";
beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), "linekeeper-live-"));
});
afterAll(() => rm(out, { recursive: true }));

interface Ran {
  readonly code: number;
  readonly words: string;
}

function run(settings: Readonly<Record<string, string>>, ...args: string[]): Promise<Ran> {
  const env = { PATH: process.env["PATH"] ?? "", ...settings };
  return new Promise((resolve) => {
    execFile(process.execPath, [script, ...args], { env }, (error, stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), words: stdout + stderr });
    });
  });
}

/** Everything in a run's folder, by file name. */
async function files(folder: string): Promise<ReadonlyMap<string, string>> {
  const [runFolder = ""] = await readdir(folder);
  const names = await readdir(join(folder, runFolder));
  return new Map(await Promise.all(names.map(async (name) => [name, await readFile(join(folder, runFolder, name), "utf8")] as const)));
}

function reportIn(kept: ReadonlyMap<string, string>): LiveReport {
  // The runner wrote it just now.
  return JSON.parse(kept.get("report.json") ?? "null") as LiveReport;
}

const tested = (report: LiveReport, provider: string): readonly TestReport[] =>
  report.lanes.find((lane) => lane.provider === provider)?.tests.filter(({ state }) => state !== "skipped") ?? [];

/** The fake drops so many connections before it serves. */
function dropFirst(panel: Panel, count: number): void {
  let dropped = 0;
  const strikes = panel.strikes.bind(panel);
  panel.strikes = (at, connection) => {
    if (at !== "upgraded" || dropped === count) return strikes(at, connection);
    dropped += 1;
    connection.drop("rst");
    return true;
  };
}

test("without keys nothing is run, and the settings that were looked for are named", { timeout }, async () => {
  const { code, words } = await run({});
  expect(code).toBe(0);
  expect(words).toContain("No provider was tried");
  for (const name of ["OPENAI_API_KEY", "AZURE_OPENAI_ENDPOINT", "GEMINI_API_KEY", "DEEPGRAM_API_KEY"]) expect(words).toContain(name);
  expect(words).not.toMatch(/passed|failed/);
});

test("on fakes: lanes run, a test that failed is tried again after the backoff, and calls keep their distance", { timeout }, async () => {
  await using openai = await startOpenaiFake();
  await using agent = await startDeepgramAgentFake();
  dropFirst(openai.panel, 2);
  const folder = join(out, "lanes");
  const knobs = ["--attempts", "4", "--base-backoff-ms", "150", "--max-backoff-ms", "200", "--gap-ms", "250", "--diagnostics"];
  const { code, words } = await run(
    { ...openai.settings, ...agent.settings, LIVE_OUT: folder, LIVE_PROVIDERS: "openai,gemini,deepgram-agent" },
    ...["--only", "typed turn is answered|agent greets first", ...knobs],
  );
  expect(code, words).toBe(0);
  expect(words).toMatch(/openai +2 passed \(1 at a further try\), 0 failed/);
  expect(words).toMatch(/deepgram-agent +2 passed, 0 failed/);
  expect(words).toMatch(/gemini +not tried: set GEMINI_API_KEY/);

  const kept = await files(folder);
  const report = reportIn(kept);
  const [tried, next] = tested(report, "openai");
  expect(tried).toMatchObject({ state: "passed", attempts: 3, waitedMs: 350, why: expect.stringContaining("opening openai") });
  expect(next).toMatchObject({ state: "passed", attempts: 1, waitedMs: 0 });
  const begun = tested(report, "openai").flatMap(({ calls }) => calls.map((at) => Date.parse(at)));
  expect(begun).toHaveLength(4);
  for (const [at, ms] of begun.slice(1).entries()) expect(ms - (begun[at] ?? 0)).toBeGreaterThanOrEqual(249);

  const diary = kept.get("openai.jsonl") ?? "";
  expect(diary).toContain('"what":"refused"');
  expect(diary).toContain('"type":"agent.ended"');
  const everything = [...kept.values(), words].join("\n");
  for (const key of [openai.settings["OPENAI_API_KEY"], agent.settings["DEEPGRAM_API_KEY"]]) expect(everything).not.toContain(key);
});

test("on fakes: what fails at every try is told with its reason, without the key, and ends with 1", { timeout }, async () => {
  await using openai = await startOpenaiFake();
  openai.panel.opening = { type: "quota" };
  const folder = join(out, "failing");
  const { code, words } = await run(
    openai.settings,
    ...["--providers", "openai", "--attempts", "2", "--base-backoff-ms", "0", "--only", "typed turn is answered", "--out", folder],
  );
  expect(code, words).toBe(1);
  expect(words).toMatch(/openai +0 passed, 1 failed/);
  expect(words).toContain("failed after 2: openai > talks > a typed turn is answered");
  const kept = await files(folder);
  expect(tested(reportIn(kept), "openai")).toMatchObject([
    { state: "failed", attempts: 2, why: expect.stringContaining("insufficient_quota") },
  ]);
  expect(kept.has("openai.jsonl")).toBe(false);
  expect([...kept.values(), words].join("\n")).not.toContain(openai.settings["OPENAI_API_KEY"]);
});

test("a flag goes before its variable, and what cannot be is refused by its name", () => {
  const known = ["openai", "gemini"];
  expect(readLiveOptions(["--attempts", "5"], { LIVE_ATTEMPTS: "3", LIVE_GAP_MS: "40", LIVE_DIAGNOSTICS: "1" }, known)).toEqual({
    providers: undefined,
    attempts: 5,
    baseBackoffMs: 1_000,
    maxBackoffMs: 30_000,
    gapMs: 40,
    only: undefined,
    diagnostics: true,
    out: ".cache/live",
  });
  expect(() => readLiveOptions(["--providers", "opnai"], {}, known)).toThrow(/opnai: there are openai, gemini/);
  expect(() => readLiveOptions([], { LIVE_ATTEMPTS: "0" }, known)).toThrow(WrongOption);
  expect(() => readLiveOptions(["--gap-ms", "soon"], {}, known)).toThrow(/--gap-ms soon: a whole number from 0/);
  expect(() => readLiveOptions(["--only", "("], {}, known)).toThrow(/not a regular expression/);
  expect(() => readLiveOptions(["--attemps", "2"], {}, known)).toThrow(WrongOption);
});
