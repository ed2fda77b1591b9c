import type { Hearing, Padding, Weights } from "./moonshine.ts";
import type { RuntimeName } from "./runtime.ts";

/** What a recogniser child is told at its birth, as JSON in its first argument. */
export interface RecogniserSettings {
  readonly weights: Weights;
  readonly runtime: RuntimeName | "auto";
  readonly files: { readonly encoder: string; readonly decoder: string };
  readonly padding: Padding;
}

export type ToRecogniser =
  /** One at a time. The samples of `hearing` travel as they are: the channel's serialization is "advanced". */
  | { readonly type: "recognise"; readonly job: number; readonly hearing: Hearing }
  /** Its answer is not wanted any more; it may still come. */
  | { readonly type: "cancel"; readonly job: number };

export type FromRecogniser =
  /** Loaded and warm. `warmUpMs`: processor time per second of audio, which says what this machine can carry. */
  | { readonly type: "ready"; readonly runtime: RuntimeName; readonly warmUpMs: number }
  /** `text` is undefined when the job was cancelled on the way. */
  | {
      readonly type: "recognised";
      readonly job: number;
      readonly text: string | undefined;
      readonly cpuMs: number;
    }
  | { readonly type: "failed"; readonly job: number; readonly reason: string };
