import type { Usage, UsageUnit } from "../provider/contract.ts";
import { picoUsd, share, type PicoUsd } from "./money.ts";
import table from "./prices.json" with { type: "json" };

/** What one model costs, as its vendor's price list has it. */
export interface PriceRow {
  /** A model's name, or the beginning of one and "*". */
  readonly model: string;
  /** Whose bill it is: the same model may cost something else elsewhere. */
  readonly providers: readonly string[];
  /** USD: tokens by the million, transcription and sessions by the minute, spoken characters by the thousand. */
  readonly usd: Readonly<Partial<Record<UsageUnit, number | undefined>>>;
  readonly source: string;
  /** The day on which the source said so. */
  readonly date: string;
  /** `vendor`: the vendor's own page; `copy`: told by somebody else, to be checked before anybody is billed; `config`: the operator's. */
  readonly trust: "vendor" | "copy" | "config";
}

/** `unpriced`: what was used and has no price; a cost with any is a lower bound, and with nothing else unknown. */
export interface Cost {
  readonly pico: PicoUsd;
  readonly unpriced: readonly UsageUnit[];
}

const million = 1_000_000n;
const minuteMs = 60_000n;
const amounts: Readonly<Record<UsageUnit, bigint>> = {
  input_text_tokens: million,
  input_audio_tokens: million,
  cached_text_tokens: million,
  cached_audio_tokens: million,
  output_text_tokens: million,
  output_audio_tokens: million,
  transcribed_ms: minuteMs,
  session_ms: minuteMs,
  spoken_characters: 1_000n,
};
/** Cached input is part of the input that it was found in. */
const cachedOf = { input_text_tokens: "cached_text_tokens", input_audio_tokens: "cached_audio_tokens" } as const;
const cached: readonly string[] = Object.values(cachedOf);

// The file is checked against this type by a test: imported JSON has no literal types.
export const listPrices: readonly PriceRow[] = table.prices as readonly PriceRow[];

/** What usage costs. Rows of the operator's stand before those that come along. */
export class Prices {
  readonly #rows: readonly PriceRow[];
  /** Rows by provider and model, found once. */
  readonly #found = new Map<string, PriceRow | undefined>();

  constructor(own: readonly PriceRow[] = []) {
    this.#rows = [...own, ...listPrices];
  }

  /** Undefined: no list has this model, so nobody knows what it costs. */
  rowFor(provider: string, model: string): PriceRow | undefined {
    const key = `${provider} ${model}`;
    if (!this.#found.has(key)) {
      // Model names come from outside: as many as that are none.
      if (this.#found.size >= mostKept) this.#found.clear();
      this.#found.set(key, bestOf(this.#rows.filter((row) => row.providers.includes(provider) && matches(row.model, model))));
    }
    return this.#found.get(key);
  }

  costOf(provider: string, usage: Usage): Cost {
    const row = this.rowFor(provider, usage.model);
    let pico = 0n;
    const unpriced: UsageUnit[] = [];
    for (const [unit, amount] of billed(usage)) {
      // Where cached input has no price of its own it costs what input costs: never less than the truth.
      const rate = row?.usd[unit] ?? row?.usd[uncachedOf(unit)];
      if (rate === undefined) unpriced.push(unit);
      else pico += share(picoUsd(rate), amount, amounts[unit]);
    }
    return { pico, unpriced };
  }
}

const mostKept = 1_000;

/** Each amount that is billed by itself: input without what of it was cached, and so on. */
function* billed({ quantities }: Usage): Generator<readonly [UsageUnit, number]> {
  const amount = (unit: UsageUnit): number => Math.max(0, quantities[unit] ?? 0);
  for (const unit of Object.keys(amounts).filter((name): name is UsageUnit => Object.hasOwn(amounts, name))) {
    if (cached.includes(unit)) continue;
    const cachedUnit = unit === "input_text_tokens" || unit === "input_audio_tokens" ? cachedOf[unit] : undefined;
    const fromCache = cachedUnit === undefined ? 0 : Math.min(amount(unit), amount(cachedUnit));
    if (cachedUnit !== undefined && fromCache > 0) yield [cachedUnit, fromCache];
    if (amount(unit) > fromCache) yield [unit, amount(unit) - fromCache];
  }
}

function uncachedOf(unit: UsageUnit): UsageUnit {
  if (unit === "cached_text_tokens") return "input_text_tokens";
  return unit === "cached_audio_tokens" ? "input_audio_tokens" : unit;
}

const matches = (pattern: string, model: string): boolean =>
  pattern.endsWith("*") ? model.startsWith(pattern.slice(0, -1)) : pattern === model;

/** The first that names the model itself, else the one that says most of its name. */
function bestOf(rows: readonly PriceRow[]): PriceRow | undefined {
  return rows.find(({ model }) => !model.endsWith("*")) ?? rows.toSorted((a, b) => b.model.length - a.model.length)[0];
}
