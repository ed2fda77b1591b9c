import { join } from "node:path";
import type { Clock } from "../kernel/clock.ts";
import type { Fault } from "../kernel/fault.ts";
import type { CallEvent, SessionWatch } from "../session/words.ts";
import { Budget, type BudgetPlan, type BudgetReport } from "./budget.ts";
import { CostFile, costFileName, type CostState } from "./cost-file.ts";
import { Ledger, type LedgerReport, type Period, type Spending } from "./ledger.ts";
import { usdOf } from "./money.ts";
import { Prices, type PriceRow } from "./prices.ts";

export interface CostOptions {
  readonly clock: Clock;
  /** Where what was spent outlives a restart. */
  readonly folder: string;
  /** The operator's own prices. */
  readonly prices: readonly PriceRow[];
  readonly budget: BudgetPlan;
  /** What went through other processes against the same budgets, USD, in the period of that key. */
  readonly elsewhere: (period: Period, key: string) => number;
  readonly report: CostReport;
}

interface CostReport extends Pick<LedgerReport, "unpriced">, BudgetReport {
  spent(provider: string, usd: number): void;
  /** The file could not be read or written. */
  fileFailed(error: unknown): void;
}

/** What calls cost and may cost, on this node. */
export interface Costs extends SessionWatch {
  /** What a call in progress has cost so far, USD; undefined: it is over, or something of it has no price. */
  costOf(callId: string): number | undefined;
  spending(period: Period): Spending;
  usedRatio(period: Period): number | undefined;
  /** See `Budget.admit`. */
  admit(tiers: readonly string[], call: { readonly inCrisis: boolean; readonly last: readonly string[] }): readonly string[] | Fault;
  /** Something was spent elsewhere. */
  lookAgain(): void;
  close(): Promise<void>;
}

/** Goes on where the last process of this folder ended. */
export function openCosts({ clock, folder, prices, budget: plan, elsewhere, report }: CostOptions): Costs {
  const file = new CostFile(join(folder, costFileName), (error) => report.fileFailed(error));
  const before = file.read();
  const booked: LedgerReport = {
    unpriced: (provider, model) => report.unpriced(provider, model),
    spent: (provider, pico) => report.spent(provider, usdOf(pico)),
  };
  const ledger = new Ledger(clock, new Prices(prices), booked, before?.ledger);
  const budget = new Budget(plan, ledger, elsewhere, report, before?.told);
  const state = (): CostState => ({ ledger: ledger.state, told: budget.told });
  return {
    tell(event: CallEvent): void {
      ledger.tell(event);
      if (event.type !== "link.used" && event.type !== "link.closed") return;
      budget.check();
      file.changed(state);
    },
    costOf: (callId) => ledger.costOf(callId),
    spending: (period) => ledger.spending(period),
    usedRatio: (period) => budget.usedRatio(period),
    admit: (tiers, call) => budget.admit(tiers, call),
    lookAgain: () => budget.check(),
    close: () => file.close(state()),
  };
}
