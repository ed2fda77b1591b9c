import type { Clock } from "../kernel/clock.ts";
import type { Usage } from "../provider/contract.ts";
import type { CallEvent, SessionWatch } from "../session/words.ts";
import { usdOf, type PicoUsd } from "./money.ts";
import type { Prices } from "./prices.ts";

export type Period = "day" | "month";

/** What was spent in one period; plain data. A sum with something unpriced is a lower bound. */
export interface Spending {
  /** "2026-11-21" or "2026-11", UTC. */
  readonly key: string;
  readonly usd: number;
  readonly byProvider: Readonly<Record<string, number>>;
  readonly byUser: Readonly<Record<string, number>>;
  /** "provider model" of what was used and has no price. */
  readonly unpriced: readonly string[];
  /** Calls of which something has no price. */
  readonly unpricedCalls: number;
}

interface Totals {
  readonly key: string;
  pico: PicoUsd;
  readonly byProvider: Map<string, PicoUsd>;
  readonly byUser: Map<string, PicoUsd>;
  readonly unpriced: Set<string>;
  unpricedCalls: number;
}

interface OpenCall {
  readonly user: string;
  pico: PicoUsd;
  isPartial: boolean;
}

/** How the ledger is written down; amounts as text, because JSON has no whole numbers of that size. */
export interface LedgerState {
  readonly totals: Readonly<Record<Period, TotalsState>>;
  /** How long providers held calls since the month began, ms. */
  readonly linkedMs: Readonly<Record<string, number>>;
}

interface TotalsState {
  readonly key: string;
  readonly pico: string;
  readonly byProvider: Readonly<Record<string, string>>;
  readonly byUser: Readonly<Record<string, string>>;
  readonly unpriced: readonly string[];
  readonly unpricedCalls: number;
}

export interface LedgerReport {
  /** Something was used. `pico` is nothing where nothing of it has a price. */
  spent(provider: string, pico: PicoUsd): void;
  /** A model without a price, once a period. */
  unpriced(provider: string, model: string): void;
}

/** Users beyond these share the entry "other": an endless list of tokens must not fill the memory. */
const mostUsers = 10_000;
const mostUnpriced = 100;
const periods: readonly Period[] = ["day", "month"];

/** What calls cost: each while it lives, and by provider and user for this day and this month, UTC. */
export class Ledger implements SessionWatch {
  readonly #clock: Clock;
  readonly #prices: Prices;
  readonly #report: LedgerReport;
  readonly #calls = new Map<string, OpenCall>();
  readonly #totals: Record<Period, Totals>;
  #linkedMs = new Map<string, number>();
  /** The present one, counted from 1970 on. */
  #day = -1;

  constructor(clock: Clock, prices: Prices, report: LedgerReport, before?: LedgerState) {
    [this.#clock, this.#prices, this.#report] = [clock, prices, report];
    this.#totals = { day: emptyTotals(this.#key("day")), month: emptyTotals(this.#key("month")) };
    if (before === undefined) return;
    // A stranger's entries of an earlier day are left where they are; those of the present one go on.
    for (const period of periods) {
      const kept = before.totals[period];
      if (kept.key === this.#totals[period].key) this.#totals[period] = totalsOf(kept);
    }
    if (before.totals.month.key === this.#totals.month.key) this.#linkedMs = new Map(Object.entries(before.linkedMs));
  }

  tell(event: CallEvent): void {
    switch (event.type) {
      case "call.started":
      case "call.restored":
        this.#calls.set(event.callId, { user: event.user ?? `agent:${event.agent}`, pico: 0n, isPartial: false });
        return;
      case "link.used":
        return this.#book(event.callId, event.provider, event.usage);
      case "link.closed":
        this.#turnOver();
        this.#linkedMs.set(event.provider, (this.#linkedMs.get(event.provider) ?? 0) + event.livedMs);
        return;
      case "call.ended":
        this.#calls.delete(event.callId);
        return;
      default:
    }
  }

  /** What a call in progress has cost so far, USD; undefined: it is over, or something of it has no price. */
  costOf(callId: string): number | undefined {
    const call = this.#calls.get(callId);
    return call === undefined || call.isPartial ? undefined : usdOf(call.pico);
  }

  spending(period: Period): Spending {
    this.#turnOver();
    const { key, pico, byProvider, byUser, unpriced, unpricedCalls } = this.#totals[period];
    return { key, usd: usdOf(pico), byProvider: inUsd(byProvider), byUser: inUsd(byUser), unpriced: [...unpriced], unpricedCalls };
  }

  /** The sum of it alone, for who asks each time that something is spent: there may be thousands of users. */
  sum(period: Period): Pick<Spending, "key" | "usd"> {
    this.#turnOver();
    const { key, pico } = this.#totals[period];
    return { key, usd: usdOf(pico) };
  }

  /** What a minute with a provider has cost this month, USD; undefined: too little is known. */
  minuteUsd(provider: string): number | undefined {
    this.#turnOver();
    const linkedMs = this.#linkedMs.get(provider) ?? 0;
    const { byProvider, unpriced } = this.#totals.month;
    const isPartial = [...unpriced].some((entry) => entry.startsWith(`${provider} `));
    return linkedMs < knownFromMs || isPartial ? undefined : usdOf(byProvider.get(provider) ?? 0n) / (linkedMs / 60_000);
  }

  get state(): LedgerState {
    this.#turnOver();
    const { day, month } = this.#totals;
    return { totals: { day: stateOf(day), month: stateOf(month) }, linkedMs: Object.fromEntries(this.#linkedMs) };
  }

  #book(callId: string, provider: string, usage: Usage): void {
    this.#turnOver();
    const { pico, unpriced } = this.#prices.costOf(provider, usage);
    const call = this.#calls.get(callId);
    if (call !== undefined) {
      if (unpriced.length > 0 && !call.isPartial) for (const period of periods) this.#totals[period].unpricedCalls += 1;
      call.pico += pico;
      call.isPartial ||= unpriced.length > 0;
    }
    for (const period of periods) {
      const totals = this.#totals[period];
      totals.pico += pico;
      add(totals.byProvider, provider, pico);
      const user = call?.user ?? "unknown";
      add(totals.byUser, totals.byUser.has(user) || totals.byUser.size < mostUsers ? user : "other", pico);
    }
    if (unpriced.length > 0) this.#noteUnpriced(provider, usage.model);
    this.#report.spent(provider, pico);
  }

  #noteUnpriced(provider: string, model: string): void {
    const entry = `${provider} ${model.slice(0, 100)}`;
    const isNews = !this.#totals.day.unpriced.has(entry);
    for (const period of periods) if (this.#totals[period].unpriced.size < mostUnpriced) this.#totals[period].unpriced.add(entry);
    if (isNews && this.#totals.day.unpriced.has(entry)) this.#report.unpriced(provider, model);
  }

  /** Begins a new day or month when it has come. */
  #turnOver(): void {
    const day = Math.floor(this.#clock.wallNow() / dayMs);
    if (day === this.#day) return;
    this.#day = day;
    for (const period of periods) {
      const key = this.#key(period);
      if (this.#totals[period].key === key) continue;
      this.#totals[period] = emptyTotals(key);
      if (period === "month") this.#linkedMs = new Map();
    }
  }

  #key(period: Period): string {
    return new Date(this.#clock.wallNow()).toISOString().slice(0, period === "day" ? 10 : 7);
  }
}

/** UTC has no longer ones, and no shorter. */
const dayMs = 86_400_000;
/** Less than that says little about what a minute costs. */
const knownFromMs = 60_000;

const emptyTotals = (key: string): Totals => ({
  key,
  pico: 0n,
  byProvider: new Map(),
  byUser: new Map(),
  unpriced: new Set(),
  unpricedCalls: 0,
});

const add = (sums: Map<string, PicoUsd>, name: string, pico: PicoUsd): void => void sums.set(name, (sums.get(name) ?? 0n) + pico);

const inUsd = (sums: ReadonlyMap<string, PicoUsd>): Record<string, number> =>
  Object.fromEntries([...sums].map(([name, pico]) => [name, usdOf(pico)]));

const texts = (sums: ReadonlyMap<string, PicoUsd>): Record<string, string> =>
  Object.fromEntries([...sums].map(([name, pico]) => [name, String(pico)]));

const sums = (from: Readonly<Record<string, string>>): Map<string, PicoUsd> =>
  new Map(Object.entries(from).map(([name, pico]) => [name, BigInt(pico)]));

const stateOf = ({ key, pico, byProvider, byUser, unpriced, unpricedCalls }: Totals): TotalsState => ({
  key,
  pico: String(pico),
  byProvider: texts(byProvider),
  byUser: texts(byUser),
  unpriced: [...unpriced],
  unpricedCalls,
});

const totalsOf = ({ key, pico, byProvider, byUser, unpriced, unpricedCalls }: TotalsState): Totals => ({
  key,
  pico: BigInt(pico),
  byProvider: sums(byProvider),
  byUser: sums(byUser),
  unpriced: new Set(unpriced),
  unpricedCalls,
});
