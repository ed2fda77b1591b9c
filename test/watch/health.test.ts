import { expect, test } from "vitest";
import { silentLog, type Log, type LogFields } from "../../src/kernel/log.ts";
import { watchHealth } from "../../src/watch/health.ts";
import { createMetrics } from "../../src/watch/metrics.ts";
import { samplesOf } from "./exposition.ts";

function house() {
  const lines: (readonly [string, LogFields | undefined])[] = [];
  const log: Log = { ...silentLog, warning: (event, fields) => void lines.push([event, fields]) };
  const metrics = createMetrics();
  const watch = watchHealth(log, metrics, ["openai"], () => Date.UTC(2026, 0, 5, 9));
  const sample = async (name: string): Promise<number | undefined> => samplesOf(await metrics.text()).get(name);
  return { lines, watch, sample };
}

test("a provider counts as healthy until something else is known", async () => {
  const { sample } = house();
  expect(await sample('ai_provider_health{provider="openai"}')).toBe(2);
});

test("a change of health is one line and one figure", async () => {
  const { lines, watch, sample } = house();
  watch.healthChanged({ provider: "openai", from: "healthy", to: "unhealthy", latencyMs: 5_432.1, errorRate: 0.12345 });
  expect(await sample('ai_provider_health{provider="openai"}')).toBe(0);
  expect(lines).toEqual([["health_changed", { provider: "openai", from: "healthy", to: "unhealthy", latency: 5.432, error_rate: 0.123 }]]);
});

test("the time that an answer has is shown in seconds", async () => {
  const { watch, sample } = house();
  watch.paced("openai", 1_850);
  expect(await sample('ai_provider_timeout_seconds{provider="openai"}')).toBe(1.85);
});

test("a rate limit that was hit is one line that says until when", () => {
  const { lines, watch } = house();
  watch.limited("openai", 90_000);
  watch.limited("openai", 0);
  expect(lines).toEqual([
    ["rate_limit_hit", { provider: "openai", reset_time: "2026-01-05T09:01:30.000Z" }],
    ["rate_limit_hit", { provider: "openai", reset_time: undefined }],
  ]);
});
