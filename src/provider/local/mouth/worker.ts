import { readFileSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { fliteVoices, synthesize } from "./flite.ts";
import type { SpeakJob, WorkerReply, WorkerStart } from "./worker-messages.ts";

// Flite in a thread of its own: the module is compiled once, each clause runs in a fresh instance.

// The mouth starts this file and nobody else does.
const { modelPath } = workerData as WorkerStart;
const reply = (message: WorkerReply, moved: ArrayBuffer[] = []): void => parentPort?.postMessage(message, moved);

const module = new WebAssembly.Module(readFileSync(modelPath));
// The first run compiles the functions that it meets; without this the first caller would wait for that.
synthesize(module, "Hello, how can I help you?", fliteVoices[0], 0);

parentPort?.on("message", ({ jobId, text, voice, gapMs }: SpeakJob) => {
  try {
    const audio = synthesize(module, text, voice, gapMs);
    reply({ type: "spoken", jobId, audio }, [audio.buffer]);
  } catch (error) {
    reply({ type: "failed", jobId, message: error instanceof Error ? error.message : String(error) });
  }
});
reply({ type: "ready" });
