// One round of one subject: calls come, talk, are interrupted; then ever more come until the subject or the harness is full.
import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import { setTimeout as wait } from "node:timers/promises";
import { Books, firstFrames, quantile } from "./books.ts";
import { Phone } from "./phone.ts";
import { Pulse } from "./pulse.ts";
import { startService, type Manner } from "./service.ts";
import type { Subject, SubjectRow } from "./subjects.ts";
import { traffic } from "./wire.ts";

export interface Plan {
  readonly core: number;
  readonly nodeFlags: readonly string[];
  /** Calls that are spoken over, and for how long; none: 0. */
  readonly bargeIn: { readonly calls: number; readonly seconds: number };
  /** Steps of steady load, fewest calls first. */
  readonly steps: readonly { readonly calls: number; readonly seconds: number }[];
  /** Whether to look for the most calls it carries. */
  readonly ramp: boolean;
}

export interface StepFigures {
  readonly calls: number;
  /** Processor time a call and second, ms. */
  readonly cpuMs: number;
  readonly upMs: { readonly p50: number; readonly p99: number };
  readonly downMs: { readonly p50: number; readonly p99: number };
  readonly loopP99Ms: number;
  readonly loopMaxMs: number;
  readonly collections: number;
  readonly longestCollectionMs: number;
  readonly residentKbPerCall: number;
  /** While the same calls talk on. */
  readonly residentKbPerSecond: number;
  /** Both sides, both ways, with the WebSockets' framing. */
  readonly bytesPerCallSecond: number;
  readonly lostFrames: number;
  readonly lostFirstFrames: number;
  readonly duplicateFrames: number;
  readonly damagedFrames: number;
  readonly lostCalls: number;
  readonly harness: HarnessFigures;
}

/** Whether the harness itself kept time. */
export interface HarnessFigures {
  readonly busyShare: number;
  readonly lateP99Ms: number;
  readonly loopP99Ms: number;
}

export interface RoundFigures {
  readonly subject: SubjectRow["name"];
  readonly bargeIn:
    | {
        readonly samples: number;
        readonly clearP50Ms: number;
        readonly clearP95Ms: number;
        readonly cutErrorMs: number;
        readonly staleFrames: number;
      }
    | undefined;
  readonly steps: readonly StepFigures[];
  readonly mostCalls: { readonly calls: number; readonly limit: "latency" | "lost-calls" | "harness" } | undefined;
}

/** A provider takes so long to accept a connection. */
const acceptAfterMs = 150;
const settleMs = 1_500;
const callsPerSecond = 100;
const rampPerSecond = 50;
const worstLatencyMs = 20;
/** Above this share of its own core the harness would measure itself. */
export const busiestHarness = 0.9;
export const latestHarnessMs = 10;

export async function round(row: SubjectRow, plan: Plan): Promise<RoundFigures> {
  const pulse = new Pulse();
  const books = new Books();
  const manner: Manner = { bargesIn: plan.bargeIn.calls > 0 };
  const service = await startService(books, pulse, manner, acceptAfterMs);
  const phones: Phone[] = [];
  try {
    await using subject = await row.start(service.url, plan.core, plan.nodeFlags);
    const load = new Load(subject, books, pulse, phones);
    // What it does once, on its first call, is no one call's memory.
    await load.grow(1);
    await wait(300);
    const idleKb = subject.residentKb();
    const bargeIn = plan.bargeIn.calls > 0 ? await speakOver(load, plan.bargeIn) : undefined;
    manner.bargesIn = false;
    const steps: StepFigures[] = [];
    for (const { calls, seconds } of plan.steps) {
      await load.grow(calls);
      await wait(settleMs);
      steps.push(await measure(load, seconds, idleKb));
    }
    const mostCalls = plan.ramp ? await ramp(load) : undefined;
    return { subject: row.name, bargeIn, steps, mostCalls };
  } finally {
    for (const phone of phones) phone.hangUp();
    pulse.stop();
    service.server.closeAllConnections();
    service.server.close();
  }
}

class Load {
  readonly subject: Subject;
  readonly books: Books;
  readonly pulse: Pulse;
  readonly #phones: Phone[];

  constructor(subject: Subject, books: Books, pulse: Pulse, phones: Phone[]) {
    [this.subject, this.books, this.pulse, this.#phones] = [subject, books, pulse, phones];
  }

  get calls(): number {
    return this.#phones.length;
  }

  get lostCalls(): number {
    return this.#phones.filter((phone) => phone.lost).length;
  }

  async grow(calls: number): Promise<void> {
    while (this.calls < calls) {
      this.#phones.push(await Phone.call(this.subject, this.books.add(), this.books, this.pulse));
      await wait(1_000 / callsPerSecond);
    }
  }
}

async function speakOver(load: Load, { calls, seconds }: Plan["bargeIn"]): Promise<RoundFigures["bargeIn"]> {
  const { books } = load;
  await load.grow(calls);
  await wait(settleMs);
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

async function measure(load: Load, seconds: number, idleKb: number): Promise<StepFigures> {
  const { subject, books, pulse, calls } = load;
  const from = books.calls.map(({ up, down }) => [up.sent, down.sent] as const);
  const [cpuFrom, sinceMs, residentFrom] = [subject.cpuMs(), performance.now(), subject.residentKb()];
  const bytesFrom = traffic.bytes;
  const harness = watchHarness(pulse);
  subject.beginLoop();
  books.up.begin();
  books.down.begin();
  await wait(seconds * 1_000);
  const [cpuMs, lastedMs, residentKb] = [subject.cpuMs() - cpuFrom, performance.now() - sinceMs, subject.residentKb()];
  const bytes = traffic.bytes - bytesFrom;
  const [up, down] = [books.up.end(), books.down.end()];
  const harnessFigures = harness();
  const loop = await subject.loop();
  const sent = books.calls.map((book) => [book.up.sent, book.down.sent] as const);
  // What is still under way is not lost.
  await wait(500);
  const sum = (of: (at: number) => number): number => books.calls.reduce((total, _, at) => total + of(at), 0);
  const book = (at: number) => books.calls[at] ?? books.add();
  return {
    calls,
    cpuMs: cpuMs / (lastedMs / 1_000) / calls,
    upMs: { p50: quantile(up, 0.5), p99: quantile(up, 0.99) },
    downMs: { p50: quantile(down, 0.5), p99: quantile(down, 0.99) },
    ...loop,
    residentKbPerCall: (residentKb - idleKb) / calls,
    bytesPerCallSecond: bytes / (lastedMs / 1_000) / calls,
    residentKbPerSecond: (residentKb - residentFrom) / (lastedMs / 1_000),
    lostFrames: sum(
      (at) =>
        book(at).up.lost(Math.max(firstFrames, from[at]?.[0] ?? 0), sent[at]?.[0] ?? 0) +
        book(at).down.lost(from[at]?.[1] ?? 0, sent[at]?.[1] ?? 0),
    ),
    lostFirstFrames: sum((at) => book(at).up.lost(0, firstFrames)),
    duplicateFrames: sum((at) => book(at).up.duplicates + book(at).down.duplicates),
    damagedFrames: sum((at) => book(at).up.damaged + book(at).down.damaged),
    lostCalls: load.lostCalls,
    harness: harnessFigures,
  };
}

/** Calls come at an even pace until a hundredth of the last second's frames is later than anybody should wait. */
async function ramp(load: Load): Promise<RoundFigures["mostCalls"]> {
  const { books, pulse } = load;
  for (;;) {
    const { calls } = load;
    const harness = watchHarness(pulse);
    books.up.begin();
    books.down.begin();
    await Promise.all([load.grow(calls + rampPerSecond), wait(1_000)]);
    const worst = Math.max(quantile(books.up.end(), 0.99), quantile(books.down.end(), 0.99));
    const { busyShare, lateP99Ms } = harness();
    if (load.lostCalls > 0) return { calls, limit: "lost-calls" };
    if (busyShare > busiestHarness || lateP99Ms > latestHarnessMs) return { calls, limit: "harness" };
    if (worst > worstLatencyMs) return { calls, limit: "latency" };
  }
}

function watchHarness(pulse: Pulse): () => HarnessFigures {
  const before = performance.eventLoopUtilization();
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  pulse.lateness = [];
  return () => {
    delay.disable();
    const late = Float64Array.from(pulse.lateness).sort();
    return {
      busyShare: performance.eventLoopUtilization(before).utilization,
      lateP99Ms: quantile(late, 0.99),
      loopP99Ms: Math.max(0, delay.percentile(99) / 1e6 - 1),
    };
  };
}
