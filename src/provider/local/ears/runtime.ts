import { readFile } from "node:fs/promises";
import type { InferenceSession, TensorConstructor } from "onnxruntime-web/wasm";

/** What runs the models. Both give the same answers; native needs 0.6 of the processor time, but is not built for every machine. */
export type RuntimeName = "native" | "wasm";

export interface Runtime {
  readonly name: RuntimeName;
  readonly Tensor: TensorConstructor;
  /** Opens a model for one thread: two threads cost twice the processor time for a twentieth of the speed. */
  load(path: string): Promise<InferenceSession>;
}

/**
 * The native runtime may only be used in a process of its own: in a worker thread it aborts the whole process when that ends during
 * a run, and in the main thread a run blocks the event loop for up to 0.3 s. The WebAssembly one is safe in worker threads.
 */
export async function loadRuntime(wanted: RuntimeName | "auto"): Promise<Runtime> {
  if (wanted !== "auto") return wanted === "native" ? nativeRuntime() : wasmRuntime();
  // Absent or unloadable native files (another libc or processor, install scripts blocked) are a normal case, not a fault.
  return nativeRuntime().catch(() => wasmRuntime());
}

async function nativeRuntime(): Promise<Runtime> {
  const { InferenceSession, Tensor } = await import("onnxruntime-node");
  return {
    name: "native",
    Tensor,
    load: (path) =>
      InferenceSession.create(path, {
        intraOpNumThreads: 1,
        interOpNumThreads: 1,
        logSeverityLevel: 3,
      }),
  };
}

async function wasmRuntime(): Promise<Runtime> {
  const { InferenceSession, Tensor, env } = await import("onnxruntime-web/wasm");
  env.wasm.numThreads = 1;
  return {
    name: "wasm",
    Tensor,
    load: async (path) => InferenceSession.create(await readFile(path), { logSeverityLevel: 3 }),
  };
}
