import { expect, test } from "vitest";
import { Breaker, defaultBreaker } from "../../src/guard/breaker.ts";
import { silentLog, type Log, type LogFields } from "../../src/kernel/log.ts";
import { watchBreakers } from "../../src/watch/breakers.ts";
import { createMetrics } from "../../src/watch/metrics.ts";
import { SimulatedClock } from "../simulated-clock.ts";
import { samplesOf } from "./exposition.ts";

function house() {
  const lines: (readonly [string, string, LogFields | undefined])[] = [];
  const at = (level: string) => (event: string, fields?: LogFields) => void lines.push([level, event, fields]);
  const log: Log = { ...silentLog, info: at("info"), warning: at("warning"), error: at("error") };
  const metrics = createMetrics();
  const clock = new SimulatedClock();
  const watch = watchBreakers(log, metrics, ["openai"], clock);
  const samples = async (): Promise<Map<string, number>> => samplesOf(await metrics.text());
  return { lines, watch, samples, clock };
}

test("a breaker is shown as closed before anything happened", async () => {
  const { samples } = house();
  const found = await samples();
  expect(found.get('circuit_breaker_state{name="openai_provider",provider="openai"}')).toBe(0);
  expect(found.get('ai_provider_circuit_breaker_state{provider="openai",state="closed"}')).toBe(1);
  expect(found.get('ai_provider_circuit_breaker_state{provider="openai",state="open"}')).toBe(0);
});

test("a real breaker that opens tells its state, its calls and one line", async () => {
  const { lines, watch, samples } = house();
  const breaker = new Breaker("openai", defaultBreaker, new SimulatedClock(), watch);
  for (let n = 0; n < defaultBreaker.failures; n += 1) breaker.begin().failed("lost");
  expect(() => breaker.begin()).toThrow("openai keeps failing");
  const found = await samples();
  expect(found.get('circuit_breaker_state{name="openai_provider",provider="openai"}')).toBe(2);
  expect(found.get('ai_provider_circuit_breaker_state{provider="openai",state="closed"}')).toBe(0);
  expect(found.get('ai_provider_circuit_breaker_state{provider="openai",state="open"}')).toBe(1);
  expect(found.get('circuit_breaker_calls_total{name="openai_provider",provider="openai",status="failure"}')).toBe(5);
  expect(found.get('circuit_breaker_calls_total{name="openai_provider",provider="openai",status="rejected"}')).toBe(1);
  expect(found.get('circuit_breaker_call_duration_seconds_count{name="openai_provider",provider="openai",status="failure"}')).toBe(5);
  expect(found.get('circuit_breaker_state_transitions{name="openai_provider",provider="openai",from_state="closed",to_state="open"}')).toBe(
    1,
  );
  expect(lines).toEqual([["error", "circuit_breaker_opened", { provider: "openai", consecutive_failures: 5, threshold: 5 }]]);
});

test.each([
  [
    { from: "open", to: "half_open", count: 0, threshold: 0, openForMs: 31_500, early: true, byPeer: false },
    1,
    ["info", "circuit_breaker_half_open", { provider: "openai", open_for: 31.5, early_probe: true }],
  ],
  [
    { from: "half_open", to: "closed", count: 2, threshold: 2, openForMs: 0, early: false, byPeer: false },
    0,
    ["info", "circuit_breaker_closed", { provider: "openai", consecutive_successes: 2 }],
  ],
] as const)("a change to $to is one line and one state", async (news, state, line) => {
  const { lines, watch, samples } = house();
  watch.changed({ provider: "openai", ...news });
  expect((await samples()).get('circuit_breaker_state{name="openai_provider",provider="openai"}')).toBe(state);
  expect(lines).toEqual([line]);
});

test("an operator's order is one line, and shown as the state that it makes", async () => {
  const { lines, watch, samples } = house();
  watch.ordered("openai", "open", "open");
  expect((await samples()).get('ai_provider_circuit_breaker_state{provider="openai",state="open"}')).toBe(1);
  expect(lines).toEqual([["warning", "circuit_breaker_ordered", { provider: "openai", order: "open", state: "open" }]]);
});

test("the seconds for which a breaker was open are told at each scrape, and none of them twice", async () => {
  const { watch, samples, clock } = house();
  const counted = async () => {
    const found = await samples();
    const of = (what: string) => found.get(`slo_${what}_events_total{slo="breaker_open",provider="openai"}`);
    return [of("valid"), of("good")];
  };
  const news = { provider: "openai", count: 5, threshold: 5, openForMs: 0, early: false, byPeer: false } as const;
  await clock.advance(10_000);
  watch.changed({ ...news, from: "closed", to: "open" });
  await clock.advance(30_000);
  expect(await counted()).toEqual([40, 10]);
  expect(await counted()).toEqual([40, 10]);
  watch.changed({ ...news, from: "open", to: "half_open" });
  await clock.advance(5_000);
  expect(await counted()).toEqual([45, 15]);
});

test("a change that another process found out is shown, and told as no failure of its own", async () => {
  const { lines, watch, samples } = house();
  watch.changed({ provider: "openai", from: "closed", to: "open", count: 0, threshold: 0, openForMs: 0, early: false, byPeer: true });
  expect((await samples()).get('ai_provider_circuit_breaker_state{provider="openai",state="open"}')).toBe(1);
  expect(lines).toEqual([["info", "circuit_breaker_followed", { provider: "openai", state: "open" }]]);
});
