// Whole calls with recorded people on the local provider, in real time, against a server process of its own:
// node scripts/bench/local-calls.ts [--calls 8] [--turns 4] [--seed 1]. Prints first audio after each caller's own last sound, what was lost,
// the server's event-loop delay, and what one caller more is told.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { seededRandom } from "../../src/kernel/random.ts";
import { recordings, samplesOf } from "../../test/provider/local/ears/recordings.ts";
import { CallRefused, dial } from "../caller/caller.ts";
import { percentile } from "../caller/report.ts";

const { values } = parseArgs({
  options: { calls: { type: "string", default: "8" }, turns: { type: "string", default: "4" }, seed: { type: "string", default: "1" } },
});
const [calls, turns] = [Number(values.calls), Number(values.turns)];
const random = seededRandom(Number(values.seed));
/** People do not call in step. */
const startWithinMs = 4_000;

const server = spawn(process.execPath, [fileURLToPath(new URL("../../src/main.ts", import.meta.url))], {
  env: { ...process.env, PORT: "0", LINEKEEPER_TIERS: "local", LOG_LEVEL: "error" },
  stdio: ["ignore", "ignore", "pipe"],
});
let url = "";
for await (const line of createInterface({ input: server.stderr })) {
  url = /is up: (\S+)/.exec(line)?.[1] ?? url;
  if (url !== "") break;
}
if (url === "") throw new Error("the server did not start");
server.stderr.resume();

// The delay is counted from one scrape to the next: from here on, without the start.
await fetch(`${url}metrics`);

const clips = recordings().map(({ file }) => samplesOf(file));
const clip = (): Int16Array => clips[Math.floor(random.next() * clips.length)] ?? new Int16Array(0);

async function call(startMs: number, spoken: readonly Int16Array[]): Promise<{ firstAudioMs: readonly number[]; lost: number }> {
  await delay(startMs);
  await using caller = await dial(url);
  await caller.quiet(20_000);
  for (const samples of spoken) {
    await caller.says(samples);
    await caller.quiet(30_000);
  }
  return { firstAudioMs: caller.firstAudioMs, lost: caller.lost.uplinkChunks + caller.lost.downlinkChunks };
}

const plans = Array.from({ length: calls }, () => ({
  startMs: random.next() * startWithinMs,
  spoken: Array.from({ length: turns }, clip),
}));
const talking = Promise.all(plans.map(({ startMs, spoken }) => call(startMs, spoken)));
await delay(startWithinMs + 1_000);
const oneMore = await dial(url).then(
  async (caller) => {
    await caller.hangsUp();
    return "taken too";
  },
  (error: unknown) => (error instanceof CallRefused ? `${error.kind}: ${error.message}` : String(error)),
);
const done = await talking;
const metrics = await (await fetch(`${url}metrics`)).text();
const metric = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, "m").exec(metrics)?.[1] ?? Number.NaN);
server.kill("SIGINT");
await once(server, "exit");

const times = done.flatMap(({ firstAudioMs }) => firstAudioMs);
const lostMs = [...metrics.matchAll(/^voice_audio_lost_seconds_total\{.*\} (\S+)$/gm)].reduce(
  (sum, [, seconds]) => sum + 1_000 * Number(seconds),
  0,
);
console.log(
  `${calls} calls at once, ${times.length} answers: first audio p50 ${percentile(times, 0.5)} ms, p95 ${percentile(times, 0.95)} ms after the caller's last sound`,
);
console.log(`lost: ${done.reduce((sum, { lost }) => sum + lost, 0)} chunks at the callers, ${lostMs} ms at the server`);
console.log(`event-loop delay of the server: p99 ${(1000 * metric("nodejs_eventloop_lag_p99_seconds")).toFixed(1)} ms`);
console.log(`one caller more: ${oneMore}`);
