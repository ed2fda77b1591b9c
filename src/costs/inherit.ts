import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CostFile, costFileName, costText, type CostState } from "./cost-file.ts";

type Totals = CostState["ledger"]["totals"]["day"];
type Told = CostState["told"]["day"];

/**
 * Adds what was spent by processes that there are no more, because fewer were started this time, to what `folder` knows: else a smaller
 * machine would have its budget of the day once more. To be called before anybody else writes there.
 * @param failed a file that cannot be read or written; it stays where it is
 */
export function inheritCosts(folder: string, from: readonly string[], failed: (error: unknown) => void): void {
  const path = join(folder, costFileName);
  for (const each of from) {
    const theirs = join(each, costFileName);
    const left = new CostFile(theirs, failed).read();
    if (left === undefined) continue;
    const own = new CostFile(path, failed).read();
    try {
      mkdirSync(folder, { recursive: true });
      writeFileSync(`${path}.new`, costText(own === undefined ? left : sum(own, left)));
      renameSync(`${path}.new`, path);
      rmSync(theirs);
    } catch (error) {
      failed(error);
    }
  }
}

function sum(a: CostState, b: CostState): CostState {
  const isOneMonth = a.ledger.totals.month.key === b.ledger.totals.month.key;
  const linked = isOneMonth ? [a, b] : [newest(a.ledger.totals.month, b.ledger.totals.month) === a.ledger.totals.month ? a : b];
  return {
    ledger: {
      totals: { day: total(a.ledger.totals.day, b.ledger.totals.day), month: total(a.ledger.totals.month, b.ledger.totals.month) },
      linkedMs: entries(
        linked.map(({ ledger }) => ledger.linkedMs),
        (x: number, y: number) => x + y,
      ),
    },
    told: { day: told(a.told.day, b.told.day), month: told(a.told.month, b.told.month) },
  };
}

/** Of two periods that are not the same the later one counts; their keys are dates. */
const newest = <Period extends { readonly key: string }>(a: Period, b: Period): Period => (a.key >= b.key ? a : b);

function total(a: Totals, b: Totals): Totals {
  if (a.key !== b.key) return newest(a, b);
  const plus = (x: string, y: string): string => String(BigInt(x) + BigInt(y));
  return {
    key: a.key,
    pico: plus(a.pico, b.pico),
    byProvider: entries([a.byProvider, b.byProvider], plus),
    byUser: entries([a.byUser, b.byUser], plus),
    unpriced: [...new Set([...a.unpriced, ...b.unpriced])],
    unpricedCalls: a.unpricedCalls + b.unpricedCalls,
  };
}

const told = (a: Told, b: Told): Told => (a.key === b.key ? { key: a.key, steps: [...new Set([...a.steps, ...b.steps])] } : newest(a, b));

function entries<Value>(all: readonly Readonly<Record<string, Value>>[], plus: (a: Value, b: Value) => Value): Record<string, Value> {
  const sums = new Map<string, Value>();
  for (const [name, value] of all.flatMap((each) => Object.entries(each))) {
    const before = sums.get(name);
    sums.set(name, before === undefined ? value : plus(before, value));
  }
  return Object.fromEntries(sums);
}
