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
/** What a row's price of each unit is for. */
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
/** What is billed by itself; cached input is part of the input that it was found in. */
const billed: readonly { readonly unit: UsageUnit; readonly cached?: UsageUnit }[] = [
  { unit: "input_text_tokens", cached: "cached_text_tokens" },
  { unit: "input_audio_tokens", cached: "cached_audio_tokens" },
  { unit: "output_text_tokens" },
  { unit: "output_audio_tokens" },
  { unit: "transcribed_ms" },
  { unit: "session_ms" },
  { unit: "spoken_characters" },
];

/** A row's prices; what is not among them has none. */
type Rates = ReadonlyMap<UsageUnit, PicoUsd>;

// The file is checked against this type by a test: imported JSON has no literal types.
export const listPrices: readonly PriceRow[] = table.prices as readonly PriceRow[];

/** What usage costs. Rows of the operator's stand before those that come along. */
export class Prices {
  readonly #rows: readonly PriceRow[];
  /** By provider and model, found once. */
  readonly #rates = new Map<string, Rates>();

  constructor(own: readonly PriceRow[] = []) {
    this.#rows = [...own, ...listPrices];
  }

  costOf(provider: string, { model, quantities }: Usage): Cost {
    const rates = this.#ratesOf(provider, model);
    let pico = 0n;
    const unpriced: UsageUnit[] = [];
    const bill = (unit: UsageUnit, amount: number): void => {
      const rate = rates.get(unit);
      if (rate === undefined) unpriced.push(unit);
      else pico += share(rate, amount, amounts[unit]);
    };
    for (const { unit, cached } of billed) {
      const amount = Math.max(0, quantities[unit] ?? 0);
      const fromCache = cached === undefined ? 0 : Math.min(amount, Math.max(0, quantities[cached] ?? 0));
      if (cached !== undefined && fromCache > 0) bill(cached, fromCache);
      if (amount > fromCache) bill(unit, amount - fromCache);
    }
    return { pico, unpriced };
  }

  /** None: no list has this model, so nobody knows what it costs. */
  #ratesOf(provider: string, model: string): Rates {
    const key = `${provider} ${model}`;
    const known = this.#rates.get(key);
    if (known !== undefined) return known;
    const found = ratesOf(bestOf(this.#rows.filter((row) => row.providers.includes(provider) && matches(row.model, model))));
    // Model names come from outside: as many as that are none.
    if (this.#rates.size >= mostKept) this.#rates.clear();
    this.#rates.set(key, found);
    return found;
  }
}

const mostKept = 1_000;

function ratesOf(row: PriceRow | undefined): Rates {
  const rates = new Map<UsageUnit, PicoUsd>();
  for (const { unit, cached } of billed) {
    const usd = row?.usd[unit];
    // Where cached input has no price of its own it costs what input costs: never less than the truth.
    const cachedUsd = cached && (row?.usd[cached] ?? usd);
    if (usd !== undefined) rates.set(unit, picoUsd(usd));
    if (cached !== undefined && cachedUsd !== undefined) rates.set(cached, picoUsd(cachedUsd));
  }
  return rates;
}

const matches = (pattern: string, model: string): boolean =>
  pattern.endsWith("*") ? model.startsWith(pattern.slice(0, -1)) : pattern === model;

/** The first that names the model itself, else the one that says most of its name. */
function bestOf(rows: readonly PriceRow[]): PriceRow | undefined {
  return rows.find(({ model }) => !model.endsWith("*")) ?? rows.toSorted((a, b) => b.model.length - a.model.length)[0];
}
