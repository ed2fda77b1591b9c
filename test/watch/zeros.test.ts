import { expect, test } from "vitest";
import { silentLog } from "../../src/kernel/log.ts";
import { watchBreakers } from "../../src/watch/breakers.ts";
import { callMetrics } from "../../src/watch/call-metrics.ts";
import { createMetrics } from "../../src/watch/metrics.ts";
import { SimulatedClock } from "../simulated-clock.ts";
import { samplesOf } from "./exposition.ts";

test.each([
  'voice_crisis_turns_total{outcome="unanswered",tier="1"}',
  'ai_provider_errors_total{provider="openai",error_type="auth_error"}',
  'ai_provider_requests_total{provider="openai",status="failure"}',
  'ai_provider_reconnections_total{provider="openai",success="false"}',
  'voice_emergency_cache_total{result="miss"}',
  'voice_tool_calls_total{status="timeout"}',
  'voice_handover_seconds_count{mode="failover"}',
  'voice_audio_lost_seconds_total{direction="uplink",cause="overflow"}',
  'circuit_breaker_state_transitions{name="openai_provider",provider="openai",from_state="closed",to_state="open"}',
])("%s is there before its first count, so that an alert rule sees that count as an increase", async (series) => {
  const metrics = createMetrics();
  callMetrics(metrics, { providers: ["openai"], dialects: ["browser"], stopgaps: [], clock: new SimulatedClock() });
  watchBreakers(silentLog, metrics, ["openai"], new SimulatedClock());
  expect(samplesOf(await metrics.text()).get(series)).toBe(0);
});
