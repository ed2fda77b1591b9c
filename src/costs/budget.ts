import { Fault } from "../kernel/fault.ts";
import type { Ledger, Period } from "./ledger.ts";

export interface BudgetPlan {
  /** USD; undefined: no limit. */
  readonly day: number | undefined;
  readonly month: number | undefined;
  /** What follows when one is spent: only the alert, new calls on the cheapest provider first, or no new calls. */
  readonly whenSpent: "alert" | "cheaper" | "refuse";
}

/** Percent of a budget at which somebody is told. */
type Step = 80 | 90 | 100;

export interface BudgetReport {
  /** A step was reached, for the first time in this period. */
  reached(period: Period, step: Step, usedRatio: number): void;
}

/** The steps that were told, by period and its key: { day: { key: "2026-11-21", steps: [80] } }. */
export type ToldSteps = Readonly<Record<Period, { readonly key: string; readonly steps: readonly number[] }>>;

const steps: readonly Step[] = [80, 90, 100];
const periods: readonly Period[] = ["day", "month"];

/** What may be spent: tells at 80, 90 and 100 %, once each, and advises where new calls go. Calls in progress are never touched. */
export class Budget {
  readonly #plan: BudgetPlan;
  readonly #ledger: Ledger;
  readonly #elsewhere: (period: Period, key: string) => number;
  readonly #report: BudgetReport;
  #told: ToldSteps;

  /** @param elsewhere what others have spent of the same budget, USD, in the period of that key */
  constructor(
    plan: BudgetPlan,
    ledger: Ledger,
    elsewhere: (period: Period, key: string) => number,
    report: BudgetReport,
    told?: ToldSteps,
  ) {
    [this.#plan, this.#ledger, this.#elsewhere, this.#report] = [plan, ledger, elsewhere, report];
    this.#told = told ?? { day: { key: "", steps: [] }, month: { key: "", steps: [] } };
  }

  get told(): ToldSteps {
    return this.#told;
  }

  /** Share of a period's budget that is spent; undefined: it has none. */
  usedRatio(period: Period): number | undefined {
    const limit = this.#plan[period];
    if (limit === undefined) return undefined;
    const { key, usd } = this.#ledger.sum(period);
    return (usd + this.#elsewhere(period, key)) / limit;
  }

  /** Looks at what was spent; to be called whenever something was. */
  check(): void {
    for (const period of periods) {
      const ratio = this.usedRatio(period);
      if (ratio === undefined) continue;
      const { key } = this.#ledger.sum(period);
      const before = this.#told[period].key === key ? this.#told[period].steps : [];
      // Money in floating point: a ratio of 0.8 may have been told as a hair less.
      const news = steps.filter((step) => ratio * 100 >= step - 1e-9 && !before.includes(step));
      this.#told = { ...this.#told, [period]: { key, steps: [...before, ...news] } };
      for (const step of news) this.#report.reached(period, step, ratio);
    }
  }

  /**
   * Which tiers a new call may use, best first, or why it may not begin. Somebody in a crisis passes, whatever was spent.
   * @param last tiers that stay last whatever they cost, such as the one that answers when nobody else does
   */
  admit(tiers: readonly string[], call: { readonly inCrisis: boolean; readonly last: readonly string[] }): readonly string[] | Fault {
    const spent = periods.find((period) => (this.usedRatio(period) ?? 0) >= 1);
    if (spent === undefined || call.inCrisis || this.#plan.whenSpent === "alert") return tiers;
    if (this.#plan.whenSpent === "refuse")
      return new Fault("busy", `the budget of this ${spent} is spent; new calls begin with the next one`);
    const kept = tiers.filter((name) => call.last.includes(name));
    return [...this.#byCost(tiers.filter((name) => !kept.includes(name))), ...kept];
  }

  /** The cheapest first; what a provider of unknown cost costs may be more than any other. */
  #byCost(tiers: readonly string[]): readonly string[] {
    const minute = (name: string): number => this.#ledger.minuteUsd(name) ?? Number.MAX_VALUE;
    return tiers.toSorted((a, b) => minute(a) - minute(b));
  }
}
