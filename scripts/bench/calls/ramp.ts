// How many calls a subject carries: ever more come until frames are late, and each number is looked at once they are all settled.
import { performance } from "node:perf_hooks";
import { setTimeout as wait } from "node:timers/promises";
import { quantile } from "./books.ts";
import { tooBusy, watchHarness, type HarnessFigures } from "./harness.ts";
import type { Load } from "./load.ts";

export interface MostCalls {
  /** The most at which a hundredth of the frames, each way, was later than 20 ms at most. */
  readonly calls: number;
  /** What was wrong with more. */
  readonly limit: "latency" | "lost-calls" | "harness" | "time";
  /** Share of a core that the subject took then. */
  readonly subjectShare: number;
  readonly harness: HarnessFigures;
}

const worstLatencyMs = 20;
/** It begins at this share of the calls that would use up the core, and goes on by steps of this share of them. */
const [firstShare, stepShare] = [0.6, 0.05];
const settleMs = 1_000;
const measuredMs = 1_500;
const limitMs = 45_000;

/** `cpuMs`: processor time a call and second, as measured before; `cores`: so many the subject has. */
export async function mostCalls(load: Load, cpuMs: number, cores: number): Promise<MostCalls> {
  const full = (cores * 1_000) / cpuMs;
  const endMs = performance.now() + limitMs;
  let best = { calls: load.calls, subjectShare: Number.NaN, harness: { busyShare: 0, lateP99Ms: 0 } };
  for (let calls = Math.max(load.calls, Math.round(full * firstShare)); ; calls += Math.max(5, Math.round(full * stepShare))) {
    await load.grow(calls);
    let found = await look(load);
    // Anything on the machine may come between once.
    if (found.limit !== undefined && found.limit !== "lost-calls") found = await look(load);
    const { limit, ...figures } = found;
    if (limit === undefined) best = figures;
    if (limit !== undefined || performance.now() > endMs) return { ...best, limit: limit ?? "time" };
  }
}

async function look(load: Load): Promise<Omit<MostCalls, "limit"> & { readonly limit: MostCalls["limit"] | undefined }> {
  const { books, pulse, subject, calls } = load;
  await wait(settleMs);
  const harness = watchHarness(pulse);
  const [cpuMs, sinceMs] = [subject.cpuMs(), performance.now()];
  books.up.begin();
  books.down.begin();
  await wait(measuredMs);
  const subjectShare = (subject.cpuMs() - cpuMs) / (performance.now() - sinceMs);
  const found = { calls, subjectShare, harness: harness() };
  const worst = Math.max(quantile(books.up.end(), 0.99), quantile(books.down.end(), 0.99));
  if (load.lostCalls > 0) return { ...found, limit: "lost-calls" };
  if (tooBusy(found.harness)) return { ...found, limit: "harness" };
  // No frame at all is as late as can be.
  return { ...found, limit: worst <= worstLatencyMs ? undefined : "latency" };
}
