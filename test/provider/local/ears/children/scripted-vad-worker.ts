// A voice activity worker without a network. The name of its model says what it does: "dies" at each batch, or "dies once".
import { existsSync, writeFileSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { vadBatch, type FromVadWorker, type ToVadWorker } from "../../../../../src/provider/local/ears/vad-batch.ts";

// Passed by Vad.
const { modelPath, memory } = workerData as { modelPath: string; memory: SharedArrayBuffer };
const batch = vadBatch(memory);
const tell = (message: FromVadWorker): void => parentPort?.postMessage(message);

parentPort?.on("message", (message: ToVadWorker) => {
  if (message.type === "forget") return;
  if (!existsSync(modelPath)) {
    if (modelPath.endsWith("dies once")) writeFileSync(modelPath, "");
    throw new Error("out of memory, say");
  }
  // The first sample of a frame, in percent.
  for (let at = 0; at < message.count; at += 1) batch.probabilities[at] = (batch.frames[at]?.[0] ?? 0) / 100;
  tell({ type: "heard" });
});
tell({ type: "ready" });
