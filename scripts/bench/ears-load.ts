// How soon callers who talk at once are heard out, in real time: node scripts/bench/ears-load.ts [--calls 8] [--seconds 25]
// [--weights tiny|base] [--runtime auto|native|wasm] [--children N]. A turn ends 600 ms after its last sound; what is above that is ours.
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { systemClock } from "../../src/kernel/clock.ts";
import { silentLog } from "../../src/kernel/log.ts";
import { createEars } from "../../src/provider/local/ears/ears.ts";
import { modelFile } from "../../src/provider/local/models.ts";
import type { Ear } from "../../src/provider/local/parts.ts";
import { concatenated, recordings, samplesOf, silence } from "../../test/provider/local/ears/recordings.ts";

const { values } = parseArgs({
  options: {
    calls: { type: "string", default: "8" },
    seconds: { type: "string", default: "25" },
    weights: { type: "string", default: "tiny" },
    runtime: { type: "string", default: "auto" },
    children: { type: "string" },
  },
});
const [calls, seconds] = [Number(values.calls), Number(values.seconds)];
const frameMs = 20;
const frameBytes = 640;

const ears = await createEars({
  clock: systemClock,
  log: silentLog,
  modelFile,
  weights: values.weights === "base" ? "base" : "tiny",
  runtime: values.runtime === "native" || values.runtime === "wasm" ? values.runtime : "auto",
  ...(values.children === undefined ? {} : { children: Number(values.children) }),
});
const clips = recordings()
  .map(({ file }) => samplesOf(file))
  .filter(({ length }) => length > 2.5 * 16_000);

const endedAfterMs: number[] = [];
let [partials, refused] = [0, 0];
const callers = Array.from({ length: calls }, (_, at) => caller(at));
const began = { at: performance.now(), cpu: process.cpuUsage() };
const loop = monitorEventLoopDelay({ resolution: 1 });
loop.enable();
while (performance.now() - began.at < seconds * 1000) {
  for (const talk of callers) talk();
  await delay(frameMs / 2);
}
loop.disable();

const elapsedMs = performance.now() - began.at;
const cpu = process.cpuUsage(began.cpu);
const status = ears.status();
endedAfterMs.sort((a, b) => a - b);
const at = (share: number): number => Math.round(endedAfterMs[Math.floor(endedAfterMs.length * share)] ?? Number.NaN);
console.log(
  `${calls} callers, ${String(status["weights"])} ${String(status["runtime"])}, ${String(status["children"])} children, capacity ${ears.capacity}: ` +
    `${endedAfterMs.length} turns, over p50 ${at(0.5)} p95 ${at(0.95)} ms after the last sound; decode p50 ${Math.round(Number(status["medianDecodeMs"]))} ms; ` +
    `cores: recognition ${(Number(status["cpuMs"]) / elapsedMs).toFixed(2)}, all else ${((cpu.user + cpu.system) / 1000 / elapsedMs).toFixed(2)}; ` +
    `partials ${partials}, dropped ${String(status["partialsDropped"])}; frames refused ${refused}; event loop p99 ${(loop.percentile(99) / 1e6).toFixed(1)} ms`,
);
await ears.close();

/** Talks without end, with 1.6 s between clips, and hears what is due when asked to. */
function caller(number: number): () => void {
  const parts = [silence(200 + number * 137)];
  for (let lengthMs = 0, clip = number; lengthMs < seconds * 1000; clip += 1) {
    const next = clips[clip % clips.length] ?? silence(1_000);
    parts.push(next, silence(1_600));
    lengthMs += next.length / 16 + 1_600;
  }
  const all = concatenated(...parts);
  const bytes = new Uint8Array(all.buffer);
  let [given, startedAt] = [0, performance.now()];
  const ear: Ear = ears.open({
    log: silentLog,
    report: (notice) => {
      if (notice.type === "caller.finished") endedAfterMs.push(performance.now() - startedAt - notice.uplinkMs);
      else if (notice.type === "caller.transcribed" && !notice.final) partials += 1;
    },
  });
  return () => {
    if (given === 0) startedAt = performance.now() - frameMs;
    const due = Math.floor((performance.now() - startedAt) / frameMs) * frameBytes;
    for (; given < due; given += frameBytes) if (!ear.hear(bytes.subarray(given, given + frameBytes))) refused += 1;
  };
}
