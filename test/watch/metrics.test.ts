import { expect, test } from "vitest";
import { silentLog, type Log, type LogFields } from "../../src/kernel/log.ts";
import { countersOf } from "../../src/watch/counters.ts";
import { buckets, createMetrics } from "../../src/watch/metrics.ts";
import { SimulatedClock } from "../simulated-clock.ts";
import { readExposition, samplesOf } from "./exposition.ts";
import { brokenPromises } from "./promised.ts";

const countersWith = (metrics: ReturnType<typeof createMetrics>) =>
  countersOf(metrics, { routes: ["/healthz", "/metrics"], region: "default", log: silentLog, clock: new SimulatedClock() });

test("the metrics are a text that a strict scraper reads, before the first call and after", async () => {
  const metrics = createMetrics();
  const names = readExposition(await metrics.text()).map(({ name }) => name);
  expect(names).toEqual(
    expect.arrayContaining(["nodejs_eventloop_lag_p99_seconds", "process_resident_memory_bytes", "process_open_fds", "voice_ready"]),
  );
  metrics.responseStart.observe({ provider: "local", kind: "plain" }, 0.3);
  metrics.callsStarted.inc({ dialect: 'quo"te\\and\nbreak' });
  const families = readExposition(await metrics.text());
  expect(families.find(({ name }) => name === "voice_response_start_seconds")?.samples).toHaveLength(buckets.latency.length + 3);
});

test("what others rely on is there before anything was counted, and a reader that finds nothing wrong would have found it", async () => {
  const text = await createMetrics().text();
  expect(brokenPromises(text)).toEqual([]);
  const crooked = text
    .replaceAll("voice_turns_total", "voice_turn_total")
    .replace("# TYPE voice_ring_chunks gauge", "# TYPE voice_ring_chunks counter")
    .replaceAll('voice_tool_seconds_bucket{le="0.05"}', 'voice_tool_seconds_bucket{le="0.04"}')
    .replace(/^voice_drain_state 0/m, 'voice_drain_state{region="default"} 0');
  expect(brokenPromises(crooked)).toEqual([
    "voice_ring_chunks is a counter",
    "voice_turns_total is not there",
    "voice_tool_seconds has the buckets 0.04,0.1,0.2,0.3,0.5,0.75,1,1.5,2,3,5,8,10,15,20,30,+Inf",
    "voice_drain_state has the labels region",
  ]);
});

test("only the counters that the audit named so lack _total, and every histogram but those of a line is in seconds", async () => {
  const families = readExposition(await createMetrics().text()).filter(({ name }) => /^(voice|ai|http|circuit)_/.test(name));
  expect(families.filter(({ name, type }) => type === "counter" && !name.endsWith("_total")).map(({ name }) => name)).toEqual([
    "circuit_breaker_state_transitions",
    "ai_provider_audio_chunks_sent",
    "ai_provider_audio_chunks_received",
  ]);
  const timeless = ["mos_estimate", "loss_ratio", "level_dbfs", "clipped_ratio"].map((what) => `voice_call_quality_${what}`);
  const histograms = families.filter(({ type }) => type === "histogram").map(({ name }) => name);
  expect(histograms.filter((name) => !name.endsWith("_seconds"))).toEqual(timeless);
  expect(families.filter(({ help }) => help.trim() === "")).toEqual([]);
});

test("labels come from closed sets: whatever a stranger sends becomes other", async () => {
  const metrics = createMetrics();
  const counters = countersWith(metrics);
  for (const reason of ["busy", "+49 30 123", "x".repeat(500)]) counters.connectionRejected(reason);
  counters.httpAnswered("/healthz", 200, 3);
  counters.httpAnswered("/wp-admin", 404, 3);
  counters.httpAnswered("/metrics", 99_999, 3);
  counters.rateLimited("address");
  counters.authFailed("guess", "203.0.113.7");
  const samples = samplesOf(await metrics.text());
  const ours = [...samples].filter(([name]) => /_(rejected|limited|failures|requests)_total\{/.test(name));
  expect(Object.fromEntries(ours)).toEqual({
    'voice_connections_rejected_total{reason="busy"}': 1,
    'voice_connections_rejected_total{reason="other"}': 2,
    'http_requests_total{route="/healthz",code_class="2xx"}': 1,
    'http_requests_total{route="other",code_class="4xx"}': 1,
    'http_requests_total{route="/metrics",code_class="other"}': 1,
    'voice_rate_limited_total{scope="address"}': 1,
    'voice_auth_failures_total{kind="other"}': 1,
  });
});

test("readiness, drain, secrets and lost log lines are told", async () => {
  const metrics = createMetrics();
  const counters = countersWith(metrics);
  counters.ready(true);
  counters.draining(30_000);
  counters.secretRotated("OPENAI_API_KEY", "rejected");
  counters.logDropped();
  const samples = samplesOf(await metrics.text());
  expect(samples.get('voice_ready{region="default"}')).toBe(1);
  expect(samples.get("voice_drain_state")).toBe(1);
  expect(samples.get("voice_drain_deadline_timestamp_seconds")).toBe(new SimulatedClock().wallNow() / 1_000 + 30);
  expect(samples.get('voice_secret_rotations_total{secret="OPENAI_API_KEY",result="rejected"}')).toBe(1);
  expect(samples.get("voice_logs_dropped_total")).toBe(1);
  counters.ready(false);
  expect(samplesOf(await metrics.text()).get('voice_ready{region="default"}')).toBe(0);
});

test.each([
  ["a sample outside its family", "# HELP a b\n# TYPE a counter\nb 1\n"],
  ["twice", "# HELP a b\n# TYPE a counter\na 1\na 2\n"],
  ["the buckets do not add up", '# HELP a b\n# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n'],
  ["no labels", '# HELP a b\n# TYPE a counter\na{x="1\\q"} 1\n'],
  ["the last line has no end", "# HELP a b"],
])("the reader of these tests finds %s", (told, text) => {
  expect(() => readExposition(text)).toThrow(told);
});

test("no gauge has a counter's name", async () => {
  const types = [...(await createMetrics().text()).matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => ({ name, type }));
  expect(types.length).toBeGreaterThan(50);
  expect(types.filter(({ name, type }) => type !== "counter" && name?.endsWith("_total"))).toEqual([]);
  // Three counters have the names that the field gave them.
  const bare = types.filter(({ name, type }) => type === "counter" && !name?.endsWith("_total")).map(({ name }) => name);
  expect(bare.map(String).toSorted()).toEqual([
    "ai_provider_audio_chunks_received",
    "ai_provider_audio_chunks_sent",
    "circuit_breaker_state_transitions",
  ]);
});

test("who is turned away is told in the log, and a flood of them once a second with how many there were", async () => {
  const lines: [string, LogFields | undefined][] = [];
  const log: Log = { ...silentLog, warning: (event, fields) => void lines.push([event, fields]) };
  const clock = new SimulatedClock();
  const counters = countersOf(createMetrics(), { routes: [], region: "default", log, clock });
  // Tells callers apart, and not who they are.
  const hash: unknown = expect.stringMatching(/^[0-9a-f]{12}$/);
  for (let times = 0; times < 500; times += 1) counters.authFailed("key", "203.0.113.7");
  counters.authFailed("origin", "203.0.113.7");
  counters.rateLimited("address");
  await clock.advance(1_000);
  counters.authFailed("key", "203.0.113.7");
  expect(lines).toEqual([
    ["auth_rejected", { reason: "key", ip_hash: hash, times: 1 }],
    ["origin_rejected", { reason: "origin", ip_hash: hash, times: 1 }],
    ["limit_hit", { scope: "address", times: 1 }],
    ["auth_rejected", { reason: "key", ip_hash: hash, times: 500 }],
  ]);
});
