import { expect, test } from "vitest";
import { loadSettings } from "../../src/config/settings.ts";
import { Fault } from "../../src/kernel/fault.ts";
import { folder } from "./folder.ts";

const told = (environment: Record<string, string>): string => {
  try {
    loadSettings(environment);
  } catch (error) {
    if (error instanceof Fault) return error.message;
    throw error;
  }
  return "";
};

test("budgets come from the environment before the config file, and prices from the file", () => {
  using files = folder();
  const price = { model: "gpt-*", providers: ["azure"], usd: { input_text_tokens: 4.4 }, date: "2026-11-21" };
  const LINEKEEPER_CONFIG = files.write("config.json", { budget: { dayUsd: 12.5, monthUsd: 200, whenSpent: "refuse" }, prices: [price] });
  const settings = loadSettings({ LINEKEEPER_CONFIG, LINEKEEPER_BUDGET_DAY_USD: "25" });
  expect(settings.get("LINEKEEPER_BUDGET_DAY_USD")).toBe(25);
  expect(settings.get("LINEKEEPER_BUDGET_MONTH_USD")).toBe(200);
  expect(settings.get("LINEKEEPER_BUDGET_SPENT")).toBe("refuse");
  expect(settings.prices).toEqual([{ ...price, source: "config file" }]);
});

test.each([
  ["a budget of nothing", { budget: { dayUsd: 0 } }, "LINEKEEPER_BUDGET_DAY_USD: must be an amount in US dollars"],
  ["an unknown action", { budget: { whenSpent: "stop" } }, "LINEKEEPER_BUDGET_SPENT: must be one of alert, cheaper, refuse"],
  [
    "a misspelt unit",
    { prices: [{ model: "m", providers: ["azure"], usd: { inputTokens: 1 }, date: "2026" }] },
    "prices[0].usd.inputTokens: unknown key",
  ],
  ["a misspelt budget", { budget: { dayUSD: 5 } }, "budget.dayUSD: unknown key (did you mean dayUsd?)"],
  ["a price without a date", { prices: [{ model: "m", providers: ["azure"], usd: {} }] }, "prices[0].date"],
])("%s stops the start in words", (_, config, words) => {
  using files = folder();
  expect(told({ LINEKEEPER_CONFIG: files.write("config.json", config) })).toContain(words);
});

test("the age of a secret in a file is known, that of one in the environment is not", () => {
  using files = folder();
  const { secretAgesMs } = loadSettings({ OPENAI_API_KEY_FILE: files.write("key", "sk-1"), GEMINI_API_KEY: "g" });
  expect([...secretAgesMs.keys()]).toEqual(["OPENAI_API_KEY"]);
  expect(secretAgesMs.get("OPENAI_API_KEY")).toBeGreaterThanOrEqual(0);
});
