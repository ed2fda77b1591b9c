import { parentPort, workerData } from "node:worker_threads";
import type { OnnxValue } from "onnxruntime-web/wasm";
import { loadRuntime } from "./runtime.ts";
import { frameMs, frameSamples, vadBatch, type FromVadWorker, type ToVadWorker } from "./vad-batch.ts";

// Silero VAD v6. Each frame needs the end of the one before it in front, else the network hears nothing at all.
const contextSamples = 64;
const stateShape = [2, 1, 128];
const stateLength = 256;
/** The network drifts when it hears nothing for long; after this much of it a call begins anew. */
const longSilenceFrames = 10_000 / frameMs;
const surelySilent = 0.1;

interface CallState {
  network: OnnxValue;
  readonly context: Float32Array;
  silentFrames: number;
}

// What `Vad` passes.
const { modelPath, memory } = workerData as { modelPath: string; memory: SharedArrayBuffer };
const port = parentPort;
if (port === null) throw new Error("vad-worker.ts runs in a worker thread");
const tell = (message: FromVadWorker): void => port.postMessage(message);

const batch = vadBatch(memory);
const { Tensor, load } = await loadRuntime("wasm");
const network = await load(modelPath);
const input = new Float32Array(contextSamples + frameSamples);
const feeds = {
  input: new Tensor("float32", input, [1, input.length]),
  sr: new Tensor("int64", BigInt64Array.of(16_000n), []),
};
const calls = new Map<number, CallState>();

port.on("message", (message: ToVadWorker) => {
  if (message.type === "forget") calls.delete(message.call);
  // A rejection ends the worker, which its owner sees and mends.
  else void hearAll(message.count);
});
tell({ type: "ready" });

async function hearAll(count: number): Promise<void> {
  for (let at = 0; at < count; at += 1) batch.probabilities[at] = await hear(callState(batch.calls[at]!), batch.frames[at]!);
  tell({ type: "heard" });
}

function callState(call: number): CallState {
  const known = calls.get(call);
  if (known !== undefined) return known;
  const fresh = {
    network: freshNetwork(),
    context: new Float32Array(contextSamples),
    silentFrames: 0,
  };
  calls.set(call, fresh);
  return fresh;
}

function freshNetwork(): OnnxValue {
  return new Tensor("float32", new Float32Array(stateLength), stateShape);
}

async function hear(call: CallState, frame: Int16Array): Promise<number> {
  input.set(call.context);
  for (let at = 0; at < frameSamples; at += 1) input[contextSamples + at] = frame[at]! / 32_768;
  call.context.set(input.subarray(frameSamples));
  const { output, stateN } = await network.run({ ...feeds, state: call.network });
  if (output === undefined || stateN === undefined) throw new Error("not the Silero VAD v6 network");
  // The model file declares both as float32.
  const probability = (output.data as Float32Array)[0] ?? 0;
  call.silentFrames = probability < surelySilent ? call.silentFrames + 1 : 0;
  const drifted = call.silentFrames > 0 && call.silentFrames % longSilenceFrames === 0;
  call.network = drifted ? freshNetwork() : stateN;
  return probability;
}
