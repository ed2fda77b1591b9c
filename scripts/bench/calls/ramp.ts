// How many calls a subject carries: ever more come until frames are late, or go until they are not; each number is looked at once all are settled.
import { performance } from "node:perf_hooks";
import { setTimeout as wait } from "node:timers/promises";
import { quantile } from "./books.ts";
import { tooBusy, watchHarness, type HarnessFigures } from "./harness.ts";
import type { Load } from "./load.ts";

export interface MostCalls {
  /** The most at which a hundredth of the frames, each way, was later than 20 ms at most; 0: that was seen of none. */
  readonly calls: number;
  /** What was wrong with more, or came before it was known. */
  readonly limit: "latency" | "lost-calls" | "refused" | "harness" | "time";
  /** Share of a core that the subject took then. */
  readonly subjectShare: number;
  readonly harness: HarnessFigures;
}

const worstLatencyMs = 20;
/** It begins at this share of the calls that would use up the core, and goes on by steps of this share of them, to more or to fewer. */
const [firstShare, stepShare] = [0.75, 0.05];
/** At a full core it takes so long until what began just now is worked off. */
const settleMs = 2_500;
const measuredMs = 3_000;
const limitMs = 80_000;

/** `cpuMs`: processor time a call and second, as measured before; `cores`: so many the subject has. */
export async function mostCalls(load: Load, cpuMs: number, cores: number): Promise<MostCalls> {
  const full = (cores * 1_000) / cpuMs;
  const step = Math.max(5, Math.round(full * stepShare));
  const endMs = performance.now() + limitMs;
  await grow(load, Math.round(full * firstShare));
  const first = await lookAgain(load);
  return first.limit === "latency" ? fewer(load, first, step, endMs) : more(load, first, step, endMs);
}

async function more(load: Load, first: Look, step: number, endMs: number): Promise<MostCalls> {
  for (let [best, found] = [{ ...first, calls: 0 }, first]; ; found = await lookAgain(load)) {
    const { limit } = found;
    if (limit === undefined) best = found;
    if (limit !== undefined || performance.now() > endMs) return { ...best, limit: limit ?? "time" };
    if (!(await grow(load, load.calls + step))) return { ...best, limit: "refused" };
  }
}

/** False: the subject takes no more. */
async function grow(load: Load, calls: number): Promise<boolean> {
  try {
    await load.grow(calls);
    return true;
  } catch (error) {
    console.error(`  no more than ${load.calls} calls: ${error instanceof Error ? error.message : String(error)}`);
    return false;
  }
}

/** It has more than it carries already. */
async function fewer(load: Load, first: Look, step: number, endMs: number): Promise<MostCalls> {
  for (let found = first; ; found = await lookAgain(load)) {
    if (found.limit === undefined) return { ...found, limit: "latency" };
    if (found.limit !== "latency" || performance.now() > endMs || load.calls <= step)
      return { ...found, calls: 0, limit: found.limit === "latency" ? "time" : found.limit };
    load.shrink(load.calls - step);
  }
}

type Look = Omit<MostCalls, "limit"> & { readonly limit: MostCalls["limit"] | undefined };

/** Anything on the machine may come between once; what keeps the harness from its work is none of the subject's doing. */
async function lookAgain(load: Load): Promise<Look> {
  let found = await look(load);
  if (found.limit === "latency") found = await look(load);
  for (let left = 3; found.limit === "harness" && left > 0; left -= 1) found = await look(load);
  return found;
}

async function look(load: Load): Promise<Look> {
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
