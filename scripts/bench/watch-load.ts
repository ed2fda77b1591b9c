// What metrics, logs, records and costs take of a processor while 100 calls talk.
//   node scripts/bench/watch-load.ts [calls] [seconds]
// The events are those of a lively call: a turn each 6 s with a tool in every third, state changes, usage, samples of hop times.
import { mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openCosts } from "../../src/costs/costs.ts";
import { systemClock } from "../../src/kernel/clock.ts";
import type { CallEvent } from "../../src/session/words.ts";
import { watchCalls } from "../../src/watch/calls.ts";
import { watchCosts } from "../../src/watch/costs.ts";
import { Journal } from "../../src/watch/journal.ts";
import { openLog } from "../../src/watch/log.ts";
import { createMetrics } from "../../src/watch/metrics.ts";
import { callRecords } from "../../src/watch/records.ts";

/** An event without the id of its call. */
type Told = CallEvent extends infer Event ? (Event extends CallEvent ? Omit<Event, "callId"> : never) : never;

const calls = Number(process.argv[2] ?? 100);
const seconds = Number(process.argv[3] ?? 600);
const turnEverySeconds = 6;
const scrapeEverySeconds = 5;

const folder = mkdtempSync(join(tmpdir(), "watch-load-"));
const metrics = createMetrics();
/** As many as a server with every provider and carrier has. */
const secrets = Array.from({ length: 25 }, (_, number) => `sk-0123456789abcdef-${number}`);
let dropped = 0;
const outlet = openLog({
  level: "info",
  format: "json",
  secrets: () => secrets,
  dropped: () => void (dropped += 1),
  fd: openSync(join(folder, "log"), "w"),
});
const providers = ["openai", "local"];
const costs = openCosts({
  clock: systemClock,
  folder,
  prices: [],
  budget: { day: 1_000, month: undefined, whenSpent: "alert" },
  elsewhere: () => 0,
  report: watchCosts(outlet.log, metrics, { providers }),
});
const journal = new Journal({ path: join(folder, "calls.jsonl"), failed: console.error, dropped: () => undefined });
const costOf = (callId: string): number | undefined => costs.costOf(callId);
const records = callRecords({ clock: systemClock, region: "default", node: "bench", costOf, keep: (record) => journal.add(record) });
const watch = watchCalls(outlet.log.with({ logger: "call" }), metrics, {
  providers,
  dialects: ["browser"],
  stopgaps: [],
  clock: systemClock,
  costOf,
  others: [records, costs],
});

const provider = "openai";
const kind = "plain";
const state = (from: string, to: string): Told => ({ type: "state.changed", region: "turn", from, to, reason: "event", provider });
const usage = {
  model: "gpt-realtime-2.1",
  quantities: {
    input_text_tokens: 400,
    input_audio_tokens: 590,
    cached_text_tokens: 384,
    cached_audio_tokens: 256,
    output_audio_tokens: 150,
  },
};
const times = { totalMs: 900, stages: { endpointing: 300, provider: 500, ours: 10, playout: 90 } };
const turn: readonly Told[] = [
  state("speaking", "listening"),
  { type: "turn.committed", provider, endpointingMs: 300 },
  state("listening", "thinking"),
  { type: "turn.answered", provider, kind, responseStartMs: 510, latencyMs: 810 },
  { type: "audio.hopped", direction: "downlink", ms: 10 },
  state("thinking", "speaking"),
  { type: "turn.timed", provider, kind, times },
  { type: "turn.ended", provider, outcome: "complete", kind, cause: undefined, gapMs: 40 },
  { type: "audio.flowed", provider, sentChunks: 30, receivedChunks: 30 },
  { type: "link.used", provider, usage },
];
const tool: readonly Told[] = [
  { type: "tool.began", name: "book", toolCallId: "t" },
  { type: "tool.ended", name: "book", status: "ok", durationMs: 40, toolCallId: "t" },
];

let events = 0;
const tell = (call: number, ...told: readonly Told[]): void => {
  for (const event of told) {
    events += 1;
    watch.tell({ ...event, callId: `call_${call}` });
  }
};

const cpuBefore = process.cpuUsage();
for (let call = 0; call < calls; call += 1) {
  tell(call, { type: "call.started", dialect: "browser", agent: "desk", language: "en", tiers: providers });
  tell(call, { type: "link.opened", provider, setupMs: 300, attempt: 1, model: usage.model });
}
for (let second = 0; second < seconds; second += 1) {
  for (let call = 0; call < calls; call += 1) {
    tell(call, { type: "audio.hopped", direction: "uplink", ms: 0.05 });
    if ((second + call) % turnEverySeconds === 0) tell(call, ...turn);
    if ((second + call) % (3 * turnEverySeconds) === 0) tell(call, ...tool);
  }
  if (second % scrapeEverySeconds === 0) await metrics.text();
  // The log's writer gets its turn, as it would between frames.
  await new Promise((resolve) => setImmediate(resolve));
}
for (let call = 0; call < calls; call += 1) {
  tell(call, { type: "link.closed", provider, livedMs: seconds * 1_000 });
  tell(call, { type: "call.ended", dialect: "browser", outcome: "completed", cause: undefined, durationMs: seconds * 1_000 });
}
await Promise.all([journal.close(), costs.close(), outlet.close()]);
const { user, system } = process.cpuUsage(cpuBefore);
rmSync(folder, { recursive: true });

const share = (user + system) / 1e6 / seconds;
console.log(`${calls} calls for ${seconds} s: ${events} events, a scrape each ${scrapeEverySeconds} s, ${dropped} log lines dropped`);
console.log(`${((user + system) / 1e3).toFixed(0)} ms of processor time: ${(share * 100).toFixed(2)} % of one processor`);
