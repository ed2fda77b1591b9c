import type { Fault } from "../../../kernel/fault.ts";
import type { ThinkRequest } from "../stages.ts";

/** How hard a model thinks before it speaks; on a call, every bit of it is silence. `default`: it is not told, for models that refuse to be. */
export type Effort = "none" | "low" | "medium" | "high" | "default";

export interface ModelSettings {
  readonly model: string;
  readonly effort: Effort;
  readonly maxOutputTokens: number;
}

/** Totals of one answer so far. */
export interface Tokens {
  readonly input: number;
  /** Part of `input`. */
  readonly cached: number;
  readonly output: number;
}

export interface ModelCall {
  /** See `ThinkPart`. */
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
  readonly keepsake: unknown;
}

/** What one chunk of a stream said, in no wire's terms. */
export type ModelEvent =
  | { readonly type: "text"; readonly text: string }
  /** A call is being written: no words yet, but no silence either. */
  | { readonly type: "writing" }
  | { readonly type: "used"; readonly tokens: Tokens }
  /** The terminal marker. `word`: as the wire has it. */
  | {
      readonly type: "ended";
      readonly how: "done" | "length" | "blocked" | "garbled";
      readonly word: string;
      readonly calls: readonly ModelCall[];
    };

/** A language model behind the official client of its service, with one key. */
export interface ModelClient {
  /** One streamed answer, chunk by chunk; the client of the service may throw anything. Ends without `ended` when the stream did. */
  stream(request: ThinkRequest, settings: ModelSettings, signal: AbortSignal): AsyncIterable<readonly ModelEvent[]>;
  /** What that means for a call, without the key. */
  fault(error: unknown, doing: string): Fault;
}

/** @throws when a call grows beyond anything a tool could want */
export function checkedLength(written: string): string {
  if (written.length > 65_536) throw new SyntaxError("arguments of a call beyond 65536 characters");
  return written;
}

/** Calls in one answer; more are a model gone wild. */
export const callLimit = 16;
