// Processor time of relay and Linekeeper that carry calls at once on the same core: what slows the machine down slows both, in the same moment.
import { setTimeout as wait } from "node:timers/promises";
import { Books } from "./books.ts";
import { tooBusy, type HarnessFigures } from "./harness.ts";
import { Load } from "./load.ts";
import { at } from "./plans.ts";
import { Pulse, type Beats } from "./pulse.ts";
import { measure } from "./round.ts";
import { openaiService } from "./service.ts";
import { subjects, type SubjectRow } from "./subjects.ts";

export interface SideBySidePlan {
  /** Each with new processes, whose code the compiler treats a little differently each time. */
  readonly sittings: number;
  /** Of each sitting. */
  readonly windows: number;
  /** Of each window. */
  readonly seconds: number;
  /** So long each carries some of its calls before the first window. */
  readonly warmSeconds: number;
  readonly cores: string;
  readonly nodeFlags: readonly string[];
}

/** One window of both. */
export interface Pair {
  /** From 1. */
  readonly sitting: number;
  /** Of each. */
  readonly calls: number;
  /** Processor time a call and second. */
  readonly relayMs: number;
  readonly linekeeperMs: number;
  /** Of both. */
  readonly lostFrames: number;
  readonly lostCalls: number;
  readonly harness: HarnessFigures;
}

interface Seats {
  readonly relay: Load;
  readonly linekeeper: Load;
}

/** After the last call came. */
const settleSeconds = 2;

export async function sideBySide(plan: SideBySidePlan): Promise<readonly Pair[]> {
  const pairs: Pair[] = [];
  for (let sitting = 1; sitting <= plan.sittings; sitting += 1) {
    console.error(`sitting ${sitting} of ${plan.sittings}: relay and Linekeeper side by side`);
    pairs.push(...(await sit(sitting, plan)));
  }
  return pairs;
}

async function sit(sitting: number, plan: SideBySidePlan): Promise<readonly Pair[]> {
  await using made = new AsyncDisposableStack();
  const pulse = made.use(new Pulse());
  // Each has every other millisecond to itself, so that it finds the core as it would alone, and neither reads what came while it waited.
  const seat = async (name: SubjectRow["name"], beats: Beats): Promise<Load> => {
    const books = new Books();
    const service = made.use(await openaiService(books, beats, { bargesIn: false }));
    const row = subjects.find((each) => each.name === name);
    if (row === undefined) throw new Error(`there is no subject "${name}"`);
    const subject = made.use(await row.start(`http://127.0.0.1:${service.port}`, plan.cores, plan.nodeFlags));
    const load = new Load(subject, books, pulse, beats);
    made.defer(() => load.hangUp());
    return load;
  };
  const seats = { relay: await seat("relay", pulse.half(0)), linekeeper: await seat("linekeeper", pulse.half(1)) };
  for (const { calls, seconds } of [
    { calls: at.latency, seconds: plan.warmSeconds },
    { calls: at.cpu, seconds: settleSeconds },
  ]) {
    await Promise.all([seats.relay.grow(calls), seats.linekeeper.grow(calls)]);
    await wait(seconds * 1_000);
  }
  const pairs: Pair[] = [];
  for (let left = plan.windows; left > 0; left -= 1) pairs.push(await quietPair(sitting, seats, plan.seconds));
  return pairs;
}

/** Where the harness was busy, the window is measured again, once. */
async function quietPair(sitting: number, seats: Seats, seconds: number): Promise<Pair> {
  const found = await pairOf(sitting, seats, seconds);
  return tooBusy(found.harness) ? pairOf(sitting, seats, seconds) : found;
}

async function pairOf(sitting: number, { relay, linekeeper }: Seats, seconds: number): Promise<Pair> {
  const [one, other] = await Promise.all([measure(relay, seconds), measure(linekeeper, seconds)]);
  const ratio = (other.cpuMs / one.cpuMs).toFixed(2);
  console.error(`  relay ${one.cpuMs.toFixed(2)} ms, Linekeeper ${other.cpuMs.toFixed(2)} ms: ${ratio}`);
  return {
    sitting,
    calls: one.calls,
    relayMs: one.cpuMs,
    linekeeperMs: other.cpuMs,
    lostFrames: one.lostFrames + other.lostFrames,
    lostCalls: one.lostCalls + other.lostCalls,
    harness: one.harness,
  };
}
