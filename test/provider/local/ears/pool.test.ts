import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test, vi } from "vitest";
import { systemClock } from "../../../../src/kernel/clock.ts";
import { silentLog, type Log } from "../../../../src/kernel/log.ts";
import type { Hearing } from "../../../../src/provider/local/ears/moonshine.ts";
import { RecogniserPool } from "../../../../src/provider/local/ears/pool.ts";
import { brokenLines, keptLog } from "../../../watch/promised-lines.ts";
import { act } from "./children/acts.ts";

const scriptedChild = new URL("./children/scripted-child.ts", import.meta.url);
const brokenChild = new URL("./children/broken-child.ts", import.meta.url);
const poolParent = new URL("./children/pool-parent.ts", import.meta.url);

async function poolOf(
  children: number,
  { script = scriptedChild, runLimitMs = 60_000, log = silentLog }: { script?: URL; runLimitMs?: number; log?: Log } = {},
): Promise<RecogniserPool> {
  const folder = mkdtempSync(join(tmpdir(), "pool-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const pool = await RecogniserPool.start({
    children,
    settings: {
      weights: "tiny",
      runtime: "wasm",
      files: { encoder: join(folder, "attempted"), decoder: "" },
      padding: { beforeMs: 0, afterMs: 0 },
    },
    clock: systemClock,
    log,
    script,
    runLimit: { base: runLimitMs, perAudioMs: 0 },
  });
  onTestFinished(() => pool.close());
  return pool;
}

const asking = (what: keyof typeof act, samples = 160): Hearing => ({
  samples: new Int16Array(samples).fill(act[what], 0, 1),
  voicedMs: 10,
});

test("a job is answered by a child that was given all its samples", async () => {
  const pool = await poolOf(1);
  expect(await pool.recognise("final", asking("answer", 123)).text).toMatch(/heard 123 samples/);
  expect(pool.counts).toMatchObject({ recognised: 1, retried: 0, childrenLost: 0 });
});

test.each([
  { what: "hangOnce", how: "hangs is killed and replaced", childrenLost: 1, runLimitMs: 1_000 },
  { what: "dieOnce", how: "dies is replaced", childrenLost: 1, runLimitMs: 60_000 },
  { what: "failOnce", how: "fails stays", childrenLost: 0, runLimitMs: 60_000 },
] as const)("a child that $how, and its job is tried once more", async ({ what, childrenLost, runLimitMs }) => {
  const { log, lines } = keptLog();
  const pool = await poolOf(1, { runLimitMs, log });
  expect(await pool.recognise("final", asking(what)).text).toMatch(/heard 160 samples/);
  expect(pool.counts).toMatchObject({ recognised: 1, retried: 1, childrenLost, jobsFailed: 0 });
  expect(lines.map(({ event, fields }) => [event, fields["result"]])).toEqual(
    Array.from({ length: childrenLost }, () => ["remediation_action", "done"]),
  );
  expect(brokenLines(lines)).toEqual([]);
});

test("a job on which two children hang is given up, and the next job is served", async () => {
  const pool = await poolOf(1, { runLimitMs: 1_000 });
  await expect(pool.recognise("final", asking("hang")).text).rejects.toMatchObject({
    code: "internal",
    message: expect.stringContaining("no answer in 1000 ms"),
  });
  expect(pool.counts).toMatchObject({ retried: 1, childrenLost: 2, jobsFailed: 1 });
  expect(await pool.recognise("final", asking("answer")).text).toMatch(/heard/);
});

test("a partial is dropped and counted while all children are busy", async () => {
  const pool = await poolOf(1);
  const held = pool.recognise("final", asking("holdUntilCancelled"));
  expect(await pool.recognise("partial", asking("answer")).text).toBeUndefined();
  expect(pool.counts.partialsDropped).toBe(1);
  held.cancel();
});

test("a partial that runs gives way to a final", async () => {
  const pool = await poolOf(1);
  const partial = pool.recognise("partial", asking("holdUntilCancelled"));
  expect(await pool.recognise("early-final", asking("answer")).text).toMatch(/heard/);
  expect(await partial.text).toBeUndefined();
  expect(pool.counts).toMatchObject({ partialsDropped: 1, childrenLost: 0 });
});

test("finals are served before early finals, unless those are waited for by now", async () => {
  const pool = await poolOf(1);
  const held = pool.recognise("final", asking("holdUntilCancelled"));
  const served: string[] = [];
  const ask = (name: string, jobClass: "final" | "early-final") => {
    const job = pool.recognise(jobClass, asking("answer"));
    return { ...job, served: job.text.then(() => void served.push(name)) };
  };
  const jobs = [ask("early", "early-final"), ask("promoted", "early-final"), ask("final", "final")];
  jobs[1]?.promote();
  held.cancel();
  await Promise.all(jobs.map((job) => job.served));
  expect(served).toEqual(["promoted", "final", "early"]);
});

test("a job that is cancelled while it waits never runs", async () => {
  const pool = await poolOf(1);
  const held = pool.recognise("final", asking("holdUntilCancelled"));
  const waiting = pool.recognise("early-final", asking("answer"));
  waiting.cancel();
  held.cancel();
  expect(await waiting.text).toBeUndefined();
  expect(await pool.recognise("final", asking("answer")).text).toMatch(/heard/);
  expect(pool.counts).toMatchObject({ recognised: 2, cancelled: 2 });
});

test("a full queue refuses the job with a fault", async () => {
  const pool = await poolOf(1);
  const jobs = [pool.recognise("final", asking("holdUntilCancelled"))];
  for (let waiting = 0; waiting < 64; waiting += 1) jobs.push(pool.recognise("final", asking("answer")));
  await expect(pool.recognise("final", asking("answer")).text).rejects.toMatchObject({
    message: expect.stringContaining("64 jobs are waiting"),
  });
  expect(pool.counts.jobsRefused).toBe(1);
  for (const job of jobs) job.cancel();
});

test("closing answers what waits with nothing", async () => {
  const pool = await poolOf(1);
  const running = pool.recognise("final", asking("holdUntilCancelled"));
  const waiting = pool.recognise("final", asking("answer"));
  await pool.close();
  expect(await Promise.all([running.text, waiting.text])).toEqual([undefined, undefined]);
});

test("a child that cannot start is reported with its own last words, and so is that others could not either", async () => {
  const { log, lines } = keptLog();
  await expect(poolOf(1, { script: brokenChild, log })).rejects.toMatchObject({
    code: "internal",
    message: expect.stringContaining("the model file is not a model"),
  });
  const failed = { event: "remediation_action", fields: { trigger: expect.stringContaining("not a model"), result: "failed" } };
  expect(lines).toMatchObject([failed, failed, { event: "provider_error" }]);
});

test("the children end with a parent that was killed", async () => {
  const parent = spawn(process.execPath, [fileURLToPath(poolParent)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  // Its one line, printed after the child answered.
  const [line] = (await once(parent.stdout, "data")) as [Buffer];
  const childPid = Number.parseInt(line.toString(), 10);
  const childIsAlive = (): boolean => {
    try {
      return process.kill(childPid, 0);
    } catch {
      return false;
    }
  };
  expect(childIsAlive()).toBe(true);
  parent.kill("SIGKILL");
  await vi.waitFor(() => expect(childIsAlive()).toBe(false), { timeout: 10_000 });
});
