// One round of one subject: calls come, are spoken over, talk; then ever more come until the subject or the harness is full.
import { performance } from "node:perf_hooks";
import { setTimeout as wait } from "node:timers/promises";
import { Books, firstFrames, quantile, type CallBook } from "./books.ts";
import { geminiService } from "./gemini-service.ts";
import { watchHarness, type HarnessFigures } from "./harness.ts";
import { Load } from "./load.ts";
import { Pulse } from "./pulse.ts";
import { mostCalls, type MostCalls } from "./ramp.ts";
import { openaiService, type Manner } from "./service.ts";
import type { LoopFigures, SubjectRow } from "./subjects.ts";
import { traffic } from "./wire.ts";

export interface Plan {
  /** Of the subject, as taskset takes them. */
  readonly cores: string;
  readonly nodeFlags: readonly string[];
  /** Calls that are spoken over, and for how long; none: 0. */
  readonly bargeIn: { readonly calls: number; readonly seconds: number };
  /** So long the subject carries the calls of the first step before anything is measured. */
  readonly warmSeconds: number;
  /** Steps of steady load, fewest calls first. */
  readonly steps: readonly Step[];
  /** Whether to look for the most calls it carries. */
  readonly ramp: boolean;
}

interface Step {
  readonly calls: number;
  readonly seconds: number;
  /** Memory is looked at when every call has filled all that a call ever fills. */
  readonly memory: boolean;
}

export interface StepFigures extends LoopFigures {
  readonly calls: number;
  /** Processor time a call and second, ms. */
  readonly cpuMs: number;
  readonly upMs: { readonly p50: number; readonly p99: number };
  readonly downMs: { readonly p50: number; readonly p99: number };
  readonly memory: CallMemory | undefined;
  /** All that the subject holds, as it is, kB. */
  readonly residentKb: number;
  /** Both sides, both ways, with the WebSockets' framing. */
  readonly bytesPerCallSecond: number;
  readonly lostFrames: number;
  readonly lostFirstFrames: number;
  readonly duplicateFrames: number;
  readonly damagedFrames: number;
  /** Of the audio that went in while measured, the worse way. */
  readonly carriedShare: number;
  readonly lostCalls: number;
  /** Where several share the calls. */
  readonly processes: ProcessesFigures | undefined;
  readonly harness: HarnessFigures;
}

export interface ProcessesFigures {
  /** How many each of them has. */
  readonly calls: readonly number[];
  /** Of the processor time a call and second: what the first takes, which gives them their connections. */
  readonly firstCpuMs: number;
}

/** A call's own share of memory, kB. */
interface CallMemory {
  /** Of the process as the system counts it, beyond what it had with one call, both times so long after a full collection. */
  readonly residentKb: number;
  /** Of what is left after a full collection. */
  readonly heldKb: number;
  /** By how much that grows while the calls talk on. */
  readonly heldKbPerSecond: number;
}

export interface RoundFigures {
  readonly subject: SubjectRow["name"];
  readonly bargeIn: BargeInFigures | undefined;
  readonly steps: readonly StepFigures[];
  readonly mostCalls: MostCalls | undefined;
}

interface BargeInFigures {
  readonly samples: number;
  readonly clearP50Ms: number;
  readonly clearP95Ms: number;
  readonly cutErrorMs: number;
  readonly staleFrames: number;
}

const settleMs = 1_500;
/** So long those are carried that are spoken over: few calls, whose every turn is broken into. */
const warmSpokenOverMs = 20_000;
/** By then a call's ring of ten seconds is full. */
const filledMs = 10_500;
/** Memory is looked at so long after a collection: garbage gathers, of one subject faster than of another. */
const residentAfterMs = 5_000;
/** From one collection to another. */
const heldSeconds = 8;

export async function round(row: SubjectRow, plan: Plan): Promise<RoundFigures> {
  using pulse = new Pulse();
  const books = new Books();
  const manner: Manner = { bargesIn: plan.bargeIn.calls > 0 };
  using service = await (row.service === "openai" ? openaiService(books, pulse, manner) : geminiService(books, pulse));
  await using subject = await row.start(`http://127.0.0.1:${service.port}`, plan.cores, plan.nodeFlags);
  const load = new Load(subject, books, pulse);
  try {
    // What it does once, on its first call, is no one call's memory.
    await load.grow(1);
    const idle = plan.steps.some(({ memory }) => memory) ? await memoryOf(load, settleMs) : { residentKb: Number.NaN, heldKb: Number.NaN };
    const bargeIn = plan.bargeIn.calls > 0 && row.service === "openai" ? await speakOver(load, plan.bargeIn) : undefined;
    manner.bargesIn = false;
    const steps: StepFigures[] = [];
    for (const [index, step] of plan.steps.entries()) {
      await load.grow(step.calls);
      await wait(index === 0 ? plan.warmSeconds * 1_000 : settleMs);
      if (step.memory) await wait(Math.max(0, filledMs - load.settledMs));
      steps.push(await measure(load, step.seconds, step.memory ? idle : undefined));
    }
    const cpuMs = steps.at(-1)?.cpuMs;
    const looked = plan.ramp && cpuMs !== undefined ? await mostCalls(load, cpuMs, row.processes) : undefined;
    return { subject: row.name, bargeIn, steps, mostCalls: looked };
  } finally {
    load.hangUp();
  }
}

interface Memory {
  readonly residentKb: number;
  readonly heldKb: number;
}

async function memoryOf({ subject }: Load, afterMs: number): Promise<Memory> {
  await wait(settleMs);
  const { heldKb } = await subject.collected();
  await wait(afterMs);
  return { heldKb, residentKb: subject.residentKb() };
}

interface Held {
  /** Of the process, so long after a collection. */
  readonly residentKb: number;
  /** What a collection leaves, and another later. */
  readonly fromKb: number;
  readonly toKb: number;
}

async function heldBy({ subject }: Load): Promise<Held> {
  const { heldKb: fromKb } = await subject.collected();
  await wait(residentAfterMs);
  const residentKb = subject.residentKb();
  await wait(heldSeconds * 1_000 - residentAfterMs);
  const { heldKb: toKb } = await subject.collected();
  return { residentKb, fromKb, toKb };
}

async function speakOver(load: Load, { calls, seconds }: Plan["bargeIn"]): Promise<BargeInFigures> {
  const { books } = load;
  await load.grow(calls);
  await wait(warmSpokenOverMs);
  books.clears.begin();
  books.cutErrors.begin();
  books.staleFrames = 0;
  await wait(seconds * 1_000);
  const clears = books.clears.end();
  return {
    samples: clears.length,
    clearP50Ms: quantile(clears, 0.5),
    clearP95Ms: quantile(clears, 0.95),
    cutErrorMs: quantile(books.cutErrors.end(), 1),
    staleFrames: books.staleFrames,
  };
}

/** What its calls come to in so many seconds. `idle`: what the subject held with one call, where memory is to be looked at. */
export async function measure(load: Load, seconds: number, idle?: Memory): Promise<StepFigures> {
  const { subject, books, pulse, calls } = load;
  // Those before have gone.
  const present = books.calls.slice(-calls);
  const from = present.map(({ up, down }) => [up.sent, down.sent] as const);
  const plainFrom = { ...books.plain };
  const [cpuFrom, firstCpuFrom, sinceMs] = [subject.cpuMs(), subject.firstCpuMs(), performance.now()];
  const bytesFrom = traffic.bytes;
  const harness = watchHarness(pulse);
  subject.beginLoop();
  books.up.begin();
  books.down.begin();
  await wait(seconds * 1_000);
  const [cpuMs, lastedMs] = [subject.cpuMs() - cpuFrom, performance.now() - sinceMs];
  const firstCpuMs = subject.firstCpuMs() - firstCpuFrom;
  const bytes = traffic.bytes - bytesFrom;
  const [up, down] = [books.up.end(), books.down.end()];
  const harnessFigures = harness();
  const { plain } = books;
  const carriedUp = (plain.cameUpMs - plainFrom.cameUpMs) / (plain.sentUpMs - plainFrom.sentUpMs);
  const carriedDown = (plain.cameDownMs - plainFrom.cameDownMs) / (plain.sentDownMs - plainFrom.sentDownMs);
  const loop = await subject.loop();
  const sent = present.map((book) => [book.up.sent, book.down.sent] as const);
  // What is still under way is not lost.
  await wait(500);
  const sum = (of: (book: CallBook, at: number) => number): number => present.reduce((total, book, at) => total + of(book, at), 0);
  const { passesThrough } = subject;
  // Only now: what a full collection does to a heap is no part of a call's processor time.
  const held = idle && (await heldBy(load));
  const callsByProcess = subject.callsByProcess();
  return {
    calls,
    cpuMs: cpuMs / (lastedMs / 1_000) / calls,
    upMs: { p50: quantile(up, 0.5), p99: quantile(up, 0.99) },
    downMs: { p50: quantile(down, 0.5), p99: quantile(down, 0.99) },
    ...loop,
    residentKb: held?.residentKb ?? subject.residentKb(),
    memory: idle &&
      held && {
        residentKb: (held.residentKb - idle.residentKb) / (calls - 1),
        heldKb: (held.toKb - idle.heldKb) / (calls - 1),
        heldKbPerSecond: (held.toKb - held.fromKb) / heldSeconds / calls,
      },
    bytesPerCallSecond: bytes / (lastedMs / 1_000) / calls,
    lostFrames: passesThrough
      ? sum(
          ({ up, down }, at) =>
            up.lost(Math.max(firstFrames, from[at]?.[0] ?? 0), sent[at]?.[0] ?? 0) + down.lost(from[at]?.[1] ?? 0, sent[at]?.[1] ?? 0),
        )
      : 0,
    lostFirstFrames: passesThrough ? sum(({ up }) => up.lost(0, firstFrames)) : 0,
    duplicateFrames: sum(({ up, down }) => up.duplicates + down.duplicates),
    damagedFrames: sum(({ up, down }) => up.damaged + down.damaged),
    carriedShare: passesThrough ? 1 : Math.min(carriedUp, carriedDown),
    lostCalls: load.lostCalls,
    processes: callsByProcess.length === 0 ? undefined : { calls: callsByProcess, firstCpuMs: firstCpuMs / (lastedMs / 1_000) / calls },
    harness: harnessFigures,
  };
}
