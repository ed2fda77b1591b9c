// Loaded into each subject before its own code: answers the benchmark's questions about its event loop. A process that the subject
// starts is asked nothing, and its line to the subject is its own.
import { monitorEventLoopDelay, PerformanceObserver } from "node:perf_hooks";

const resolutionMs = 5;
const delay = monitorEventLoopDelay({ resolution: resolutionMs });
let collections = 0;
let longestMs = 0;
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) {
    collections += 1;
    longestMs = Math.max(longestMs, duration);
  }
}).observe({ entryTypes: ["gc"] });
delay.enable();

if (process.argv[2] !== "process") answerQuestions();

function answerQuestions(): void {
  process.on("message", (question) => {
    if (question === "exit") process.exit(0);
    if (question === "collect") return void collect();
    if (question === "begin") {
      delay.reset();
      [collections, longestMs] = [0, 0];
    } else {
      const late = (percentile: number): number => Math.max(0, delay.percentile(percentile) / 1e6 - resolutionMs);
      process.send?.({
        loopP99Ms: late(99),
        loopMaxMs: Math.max(0, delay.max / 1e6 - resolutionMs),
        collections,
        longestCollectionMs: longestMs,
      });
    }
  });
  // The benchmark was killed.
  process.on("disconnect", () => process.exit(1));
  process.channel?.unref();
}

/** Twice, for what is freed with an object may free another. */
async function collect(): Promise<void> {
  for (let time = 0; time < 2; time += 1) {
    await globalThis.gc?.({ type: "major", execution: "async" });
  }
  const { heapUsed, external } = process.memoryUsage();
  process.send?.({ heldKb: (heapUsed + external) / 1_000 });
}
