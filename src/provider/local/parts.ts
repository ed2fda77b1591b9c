import type { Fault } from "../../kernel/fault.ts";
import type { Log } from "../../kernel/log.ts";
import type { Random } from "../../kernel/random.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { ClauseLengths } from "../clauses.ts";
import type { AgentSpec, ConversationItem, LinkNotice } from "../contract.ts";

/** Voice activity, endpointing and recognition for all calls; owns worker and child processes. */
export interface Ears {
  open(request: EarRequest): Ear;
  /** How many calls it can hear at once on this machine, measured at start. */
  readonly capacity: number;
  /** For the health page: which runtime and weights, children alive, jobs waiting, median decode time. */
  status(): Readonly<Record<string, unknown>>;
  close(): Promise<void>;
}

export interface EarRequest {
  readonly report: (notice: EarNotice) => void;
  readonly log: Log;
}

/** One a call. Audio is pcm16@16000. Turn ids are "c1", "c2", ... within the ear. */
export interface Ear {
  /** False: its bounded queue is full. The bytes are copied. */
  hear(frame: Uint8Array): boolean;
  /** While true, more is asked of what counts as speech (no echo cancellation on phone lines). */
  agentIsSpeaking(speaking: boolean): void;
  close(): void;
}

/** `caller.transcribed` with `final: true` comes right before `caller.finished`; after `caller.resumed` both come again with the joined text. */
export type EarNotice = Extract<LinkNotice, { type: `caller.${string}` }> | { readonly type: "ears.failed"; readonly fault: Fault };

/** What thinks: the scripted receptionist, or a language model behind an OpenAI-compatible URL. */
export interface Brain {
  open(request: BrainRequest): Mind;
  close(): Promise<void>;
}

export interface BrainRequest {
  readonly agent: AgentSpec;
  /** What was said before, also with another provider; slots and topics are read from it. */
  readonly conversation: readonly ConversationItem[];
  readonly random: Random;
  readonly clock: Clock;
  readonly log: Log;
}

/** One a call. */
export interface Mind {
  /**
   * What to say and do next, in order, each part as early as it is known. Ends when the turn is complete or waits for tool results.
   * Never throws: what goes wrong is said in words. Stops early when `signal` is aborted.
   */
  think(input: MindInput, signal: AbortSignal): AsyncIterable<MindPart>;
  /** The last `think` is to be forgotten: the caller went on before anything of it was heard. */
  withdraw(): void;
  /** The last reply was cut; only `text` was heard. */
  heardOnly(text: string): void;
}

export type MindInput =
  | { readonly type: "greet" }
  /** The caller said or typed this. Empty: speech was heard but no words were understood. */
  | { readonly type: "caller"; readonly text: string }
  /** All results of the tool calls that the last `think` made. */
  | { readonly type: "tools"; readonly results: readonly { toolCallId: string; name: string; output: string; failed: boolean }[] }
  /** Go on where a fault cut the last agent turn. */
  | { readonly type: "carry-on" };

export type MindPart =
  /** A piece of speech as written text; a sentence or clause, in the order to be spoken. */
  | { readonly type: "say"; readonly text: string }
  | { readonly type: "call"; readonly toolCallId: string; readonly name: string; readonly arguments: string };

/** Speech is made on this machine: short clauses cost nothing more, and are heard soon. */
export const clauseLengths: ClauseLengths = { firstAtComma: 12, laterAtComma: 60, longest: 240 };

/** Speech synthesis for all calls, in a worker. */
export interface Mouth {
  /**
   * Speaks one clause as pcm16@16000. Rejects with an AbortError when aborted, with a Fault when the queue is full or the worker failed twice.
   * `text` is as written for people; the mouth spells and reads it (numbers, times, phone numbers, abbreviations).
   */
  speak(text: string, voice: string | undefined, signal: AbortSignal): Promise<Uint8Array>;
  readonly voices: readonly string[];
  close(): Promise<void>;
}
