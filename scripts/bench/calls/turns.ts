// Processor time of subjects that are all up and take turns in carrying calls: what slows the machine down for some minutes slows them all.
import { setTimeout as wait } from "node:timers/promises";
import { Books } from "./books.ts";
import { harnessDoubts } from "./figures.ts";
import { Load } from "./load.ts";
import { at } from "./plans.ts";
import { Pulse } from "./pulse.ts";
import { measure, type RoundFigures } from "./round.ts";
import { openaiService } from "./service.ts";
import type { SubjectRow } from "./subjects.ts";

export interface TurnsPlan {
  /** Of each subject. */
  readonly turns: number;
  /** Of each turn, measured. */
  readonly seconds: number;
  /** So long each carries some calls before the first turn. */
  readonly warmSeconds: number;
  readonly cores: string;
  readonly nodeFlags: readonly string[];
}

/** After the last call came, and after all went. */
const settleMs = 2_000;

interface Seat extends AsyncDisposable {
  readonly row: SubjectRow;
  readonly load: Load;
}

/** The figures of each turn, as those of a round with one step; who is first changes from turn to turn. */
export async function inTurns(rows: readonly SubjectRow[], plan: TurnsPlan): Promise<readonly RoundFigures[]> {
  await using seats = new AsyncDisposableStack();
  const taken: Seat[] = [];
  for (const row of rows) taken.push(seats.use(await seatOf(row, plan)));
  for (const { load } of taken) {
    await load.grow(at.latency);
    await wait(plan.warmSeconds * 1_000);
    load.shrink(0);
    await wait(settleMs);
  }
  const figures: RoundFigures[] = [];
  for (let turn = 0; turn < plan.turns; turn += 1)
    for (const seat of turn % 2 === 0 ? taken : taken.toReversed()) figures.push(await quietTurn(seat, plan));
  return figures;
}

async function seatOf(row: SubjectRow, { cores, nodeFlags }: TurnsPlan): Promise<Seat> {
  await using made = new AsyncDisposableStack();
  const pulse = made.use(new Pulse());
  const books = new Books();
  const service = made.use(await openaiService(books, pulse, { bargesIn: false }));
  const subject = made.use(await row.start(`http://127.0.0.1:${service.port}`, cores, nodeFlags));
  const load = new Load(subject, books, pulse);
  made.defer(() => load.hangUp());
  const own = made.move();
  return { row, load, [Symbol.asyncDispose]: () => own.disposeAsync() };
}

/** A busy machine spoils one turn, not all: such a one is measured again, once. */
async function quietTurn(seat: Seat, plan: TurnsPlan): Promise<RoundFigures> {
  const found = await turnOf(seat, plan);
  return harnessDoubts(found).length === 0 ? found : turnOf(seat, plan);
}

async function turnOf({ row, load }: Seat, { seconds }: TurnsPlan): Promise<RoundFigures> {
  await load.grow(at.cpu);
  await wait(settleMs);
  const step = await measure(load, seconds);
  load.shrink(0);
  await wait(settleMs);
  console.error(`  ${row.name}: ${step.cpuMs.toFixed(2)} ms`);
  return { subject: row.name, bargeIn: undefined, steps: [step], mostCalls: undefined };
}
