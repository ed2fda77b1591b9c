/** What the Silero network takes at once: 32 ms at 16 kHz. */
export const frameSamples = 512;
export const frameMs = 32;
/** About 10 ms of work. */
export const batchFrames = 64;

/** Frames of several calls on their way to the worker and their answers on the way back, in memory that both see: nothing is copied by a message. */
export interface VadBatch {
  readonly memory: SharedArrayBuffer;
  /** Whose frame each is. */
  readonly calls: Uint32Array;
  /** One view a frame. */
  readonly frames: readonly Int16Array[];
  /** How likely each frame holds speech, 0 to 1. */
  readonly probabilities: Float32Array;
}

export function vadBatch(memory = new SharedArrayBuffer(batchFrames * (4 + 4 + frameSamples * 2))): VadBatch {
  const samplesAt = batchFrames * 8;
  return {
    memory,
    calls: new Uint32Array(memory, 0, batchFrames),
    probabilities: new Float32Array(memory, batchFrames * 4, batchFrames),
    frames: Array.from({ length: batchFrames }, (_, at) => new Int16Array(memory, samplesAt + at * frameSamples * 2, frameSamples)),
  };
}

export type ToVadWorker =
  /** The first `count` frames of the batch are the worker's until it answers. */
  | { readonly type: "hear"; readonly count: number }
  /** The call is over. */
  | { readonly type: "forget"; readonly call: number };

export type FromVadWorker = { readonly type: "ready" } | { readonly type: "heard" };
