import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { systemClock } from "../../../../src/kernel/clock.ts";
import type { Fault } from "../../../../src/kernel/fault.ts";
import { silentLog, type Log } from "../../../../src/kernel/log.ts";
import { Vad, type VadSource } from "../../../../src/provider/local/ears/vad.ts";
import { brokenLines, keptLog } from "../../../watch/promised-lines.ts";

async function vadThat(does: "dies" | "dies once", log: Log = silentLog): Promise<Vad> {
  const folder = mkdtempSync(join(tmpdir(), "vad-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const workerPath = new URL("./children/scripted-vad-worker.ts", import.meta.url);
  const vad = await Vad.start({
    modelPath: join(folder, does),
    clock: systemClock,
    log,
    workerPath,
  });
  onTestFinished(() => vad.close());
  return vad;
}

/** A call whose frames each begin with the wanted probability, in percent. */
function sourceOf(percents: readonly number[]): VadSource & { readonly judgements: number[]; readonly faults: Fault[] } {
  const left = [...percents];
  const judgements: number[] = [];
  const faults: Fault[] = [];
  return {
    judgements,
    faults,
    take(frame) {
      const next = left.shift();
      if (next === undefined) return false;
      frame.fill(0);
      frame[0] = next;
      return true;
    },
    judged: (probability) => void judgements.push(Math.round(probability * 100)),
    failed: (fault) => void faults.push(fault),
  };
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at % 100);

test("a worker that dies is replaced, and each call gets all its judgements in order", async () => {
  const { log, lines } = keptLog();
  const vad = await vadThat("dies once", log);
  const sources = [sourceOf(upTo(100)), sourceOf(upTo(30).toReversed()), sourceOf(upTo(7))];
  for (const source of sources) vad.attach(source);
  vad.wake();
  await vi.waitFor(() => expect(sources.map(({ judgements }) => judgements.length)).toEqual([100, 30, 7]), { timeout: 10_000 });
  expect(sources.map(({ judgements }) => judgements)).toEqual([upTo(100), upTo(30).toReversed(), upTo(7)]);
  expect(vad.counts).toMatchObject({ frames: 137, workersLost: 1 });
  expect(lines).toMatchObject([
    { event: "remediation_action", fields: { trigger: expect.stringContaining("out of memory"), result: "done" } },
  ]);
  expect(brokenLines(lines)).toEqual([]);
});

test("a worker that dies again and again is given up, and every call is told why", async () => {
  const vad = await vadThat("dies");
  const sources = [sourceOf(upTo(5)), sourceOf([])];
  for (const source of sources) vad.attach(source);
  vad.wake();
  await vi.waitFor(() => expect(sources.map(({ faults }) => faults.length)).toEqual([1, 1]), {
    timeout: 10_000,
  });
  expect(sources[0]?.faults[0]).toMatchObject({
    code: "internal",
    message: expect.stringContaining("out of memory, say"),
  });
  expect(vad.counts.workersLost).toBe(3);
});

test("the call after a failure is a new attempt", async () => {
  const vad = await vadThat("dies");
  const [unlucky, next] = [sourceOf(upTo(5)), sourceOf(upTo(5))];
  vad.attach(unlucky);
  vad.wake();
  await vi.waitFor(() => expect(unlucky.faults).toHaveLength(1), { timeout: 10_000 });
  vad.attach(next);
  await vi.waitFor(() => expect(next.faults).toHaveLength(1), { timeout: 10_000 });
  expect(vad.counts.workersLost).toBe(6);
});

test("a call that closed is not told of frames on their way", async () => {
  const vad = await vadThat("dies once");
  const [gone, stays] = [sourceOf(upTo(5)), sourceOf(upTo(5))];
  const attached = vad.attach(gone);
  vad.attach(stays);
  vad.wake();
  attached[Symbol.dispose]();
  await vi.waitFor(() => expect(stays.judgements).toHaveLength(5), { timeout: 10_000 });
  expect(gone.judgements).toEqual([]);
});
