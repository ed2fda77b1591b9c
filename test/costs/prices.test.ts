import { expect, test } from "vitest";
import { picoUsd, usdOf } from "../../src/costs/money.ts";
import { listPrices, Prices } from "../../src/costs/prices.ts";
import type { Usage, UsageUnit } from "../../src/provider/contract.ts";

const prices = new Prices();
const usd = (provider: string, model: string, quantities: Usage["quantities"]): number =>
  usdOf(prices.costOf(provider, { model, quantities }).pico);

/** A usage of each provider as its wire tells it, and what the vendor's list makes of it by hand. */
const byHand: readonly { provider: string; model: string; quantities: Usage["quantities"]; usd: number }[] = [
  {
    // 16 text at 4, 384 cached at 0.40, 334 audio at 32, 256 cached at 0.40, 50 text out at 24, 150 audio out at 64, by the million.
    provider: "openai",
    model: "gpt-realtime-2.1",
    quantities: {
      input_text_tokens: 400,
      input_audio_tokens: 590,
      cached_text_tokens: 384,
      cached_audio_tokens: 256,
      output_text_tokens: 50,
      output_audio_tokens: 150,
    },
    usd: (16 * 4 + 384 * 0.4 + 334 * 32 + 256 * 0.4 + 50 * 24 + 150 * 64) / 1e6,
  },
  {
    provider: "openai",
    model: "gpt-4o-mini-transcribe",
    quantities: { input_audio_tokens: 41, input_text_tokens: 0, output_text_tokens: 17 },
    usd: (41 * 3 + 17 * 5) / 1e6,
  },
  {
    // No price for cached input is known: it costs what input costs.
    provider: "gemini",
    model: "gemini-3.8-live",
    quantities: {
      input_text_tokens: 1_200,
      cached_text_tokens: 200,
      input_audio_tokens: 750,
      output_text_tokens: 30,
      output_audio_tokens: 250,
    },
    usd: (1_200 * 0.75 + 750 * 3 + 30 * 4.5 + 250 * 12) / 1e6,
  },
  { provider: "deepgram", model: "flux-general-en", quantities: { transcribed_ms: 61_240 }, usd: (61.24 / 60) * 0.0065 },
  { provider: "deepgram", model: "nova-3", quantities: { transcribed_ms: 7_001 }, usd: (7.001 / 60) * 0.0048 },
  { provider: "deepgram", model: "aura-2-thalia-en", quantities: { spoken_characters: 137 }, usd: 0.137 * 0.03 },
  {
    provider: "deepgram",
    model: "claude-haiku-5-5",
    quantities: { input_text_tokens: 2_345, cached_text_tokens: 2_048, output_text_tokens: 67 },
    usd: (297 * 0.1 + 2_048 * 0.01 + 67 * 0.5) / 1e6,
  },
  { provider: "deepgram-agent", model: "gemini-3.5-flash", quantities: { session_ms: 185_000 }, usd: (185 / 60) * 0.075 },
  { provider: "local", model: "whatever is installed", quantities: { transcribed_ms: 60_000, spoken_characters: 9 }, usd: 0 },
];

test.each(byHand)(
  "$provider's $model costs what its price list says, to the millionth of a dollar",
  ({ provider, model, quantities, usd: hand }) => {
    const { pico, unpriced } = prices.costOf(provider, { model, quantities });
    expect(Math.abs(usdOf(pico) - hand)).toBeLessThan(1e-9);
    expect(unpriced).toEqual([]);
  },
);

test("Azure costs what its contract says, cached input what cached input costs, and the fixed lines cost nothing", () => {
  const own = new Prices([
    {
      model: "night-*",
      providers: ["azure"],
      usd: {
        input_text_tokens: 4.4,
        cached_text_tokens: 0.44,
        input_audio_tokens: 35.2,
        output_text_tokens: 17.6,
        output_audio_tokens: 70.4,
      },
      source: "contract",
      date: "2026-11-01",
      trust: "config",
    },
  ]);
  const quantities = {
    input_text_tokens: 1_203,
    cached_text_tokens: 1_152,
    input_audio_tokens: 611,
    cached_audio_tokens: 128,
    output_text_tokens: 41,
    output_audio_tokens: 177,
  };
  // 51 text at 4.4, 1,152 cached at 0.44, 483 audio at 35.2, 128 cached audio at no price of its own, 41 text out, 177 audio out.
  const hand = (51 * 4.4 + 1_152 * 0.44 + 483 * 35.2 + 128 * 35.2 + 41 * 17.6 + 177 * 70.4) / 1e6;
  const { pico, unpriced } = own.costOf("azure", { model: "night-desk", quantities });
  expect(Math.abs(usdOf(pico) - hand)).toBeLessThan(1e-9);
  expect(unpriced).toEqual([]);
  expect(own.costOf("emergency", { model: "lines", quantities: {} })).toEqual({ pico: 0n, unpriced: [] });
});

test("a million small usages add up without drifting", () => {
  let sum = 0n;
  for (let count = 0; count < 1_000_000; count += 1) sum += picoUsd(0.0000001);
  expect(usdOf(sum)).toBe(0.1);
});

test.each([
  ["azure", "gpt-realtime-2.1"],
  ["openai", "gpt-made-up"],
  ["made-up", "gpt-realtime-2.1"],
])("what %s takes for %s is unknown, not nothing", (provider, model) => {
  expect(prices.costOf(provider, { model, quantities: { input_text_tokens: 5, output_audio_tokens: 7 } })).toEqual({
    pico: 0n,
    unpriced: ["input_text_tokens", "output_audio_tokens"],
  });
});

test("more cached than there was input is no credit", () => {
  expect(usd("openai", "gpt-realtime-2.1", { input_text_tokens: 10, cached_text_tokens: 500 })).toBeCloseTo(10 * 0.4e-6, 12);
});

test("the operator's price stands before the list's, and opens what the list does not have", () => {
  const own = new Prices([
    { model: "gpt-*", providers: ["azure"], usd: { input_text_tokens: 5 }, source: "contract", date: "2026-11-01", trust: "config" },
    { model: "nova-3", providers: ["deepgram"], usd: { transcribed_ms: 0.004 }, source: "contract", date: "2026-11-01", trust: "config" },
  ]);
  expect(usdOf(own.costOf("azure", { model: "gpt-realtime", quantities: { input_text_tokens: 1_000_000 } }).pico)).toBe(5);
  expect(usdOf(own.costOf("deepgram", { model: "nova-3", quantities: { transcribed_ms: 60_000 } }).pico)).toBe(0.004);
});

test("every price that comes along says for what, from where and since when", () => {
  const units: readonly string[] = [
    "input_text_tokens",
    "input_audio_tokens",
    "cached_text_tokens",
    "cached_audio_tokens",
    "output_text_tokens",
    "output_audio_tokens",
    "transcribed_ms",
    "spoken_characters",
    "session_ms",
  ] satisfies UsageUnit[];
  for (const row of listPrices) {
    expect(row, row.model).toEqual({
      model: expect.stringMatching(/\S/),
      providers: expect.arrayContaining([expect.stringMatching(/^[a-z-]+$/)]),
      usd: expect.anything(),
      source: expect.stringMatching(/\S/),
      date: expect.stringMatching(/^20\d\d(-\d\d){0,2}$/),
      trust: expect.stringMatching(/^(vendor|copy)$/),
    });
    for (const [unit, price] of Object.entries(row.usd)) {
      expect(units).toContain(unit);
      expect(price).toBeGreaterThanOrEqual(0);
    }
  }
});
