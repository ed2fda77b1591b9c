import type { FliteVoice } from "./flite.ts";

/** What the worker is told at its birth. */
export interface WorkerStart {
  readonly modelPath: string;
}

/** One clause to speak; the worker does one at a time, in order. */
export interface SpeakJob {
  readonly jobId: number;
  /** Speakable: words only. */
  readonly text: string;
  readonly voice: FliteVoice;
  readonly gapMs: number;
}

export type WorkerReply =
  | { readonly type: "ready" }
  | { readonly type: "spoken"; readonly jobId: number; readonly audio: Uint8Array }
  | { readonly type: "failed"; readonly jobId: number; readonly message: string };
