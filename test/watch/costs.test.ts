import { expect, test } from "vitest";
import { silentLog, type Log, type LogFields } from "../../src/kernel/log.ts";
import { watchCosts } from "../../src/watch/costs.ts";
import { createMetrics } from "../../src/watch/metrics.ts";
import { samplesOf } from "./exposition.ts";

test("spending changes its counter, and a step of a budget is one line", async () => {
  const lines: [string, LogFields | undefined][] = [];
  const log: Log = { ...silentLog, warning: (event, fields) => void lines.push([event, fields]) };
  const metrics = createMetrics();
  const watch = watchCosts(log, metrics, { providers: ["openai"] });
  watch.spent("openai", 0.25);
  watch.spent("somebody", 0.5);
  watch.reached("day", 80, 0.80004);
  watch.show((period) => (period === "day" ? 0.8 : undefined));
  const samples = samplesOf(await metrics.text());
  expect(samples.get('ai_provider_cost_total{provider="openai"}')).toBe(0.25);
  expect(samples.get('ai_provider_cost_total{provider="other"}')).toBe(0.5);
  expect(samples.get('ai_provider_cost_budget_used_ratio{period="day"}')).toBe(0.8);
  expect(samples.has('ai_provider_cost_budget_used_ratio{period="month"}')).toBe(false);
  expect(lines).toEqual([["cost_budget", { period: "day", used_ratio: 0.8, step: 80 }]]);
});
