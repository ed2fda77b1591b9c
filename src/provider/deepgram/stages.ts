import type { Encoding } from "../../audio/encodings.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Fault } from "../../kernel/fault.ts";
import type { Log } from "../../kernel/log.ts";
import type { AgentSpec, ConversationItem, LinkNotice, OpenRequest, ToolSpec, Usage } from "../contract.ts";

// The three stages of a call: what the caller says becomes words (Transcriber), words are answered (Thinker), answers become audio
// (Speaker). Each works behind a guard and fails over by itself; the pipeline knows only what stands here.

/** Thinks about a conversation. One for each language model, and one for a chain of them; shared by all calls. */
export interface Thinker {
  /** Who: "openai", "anthropic", "chain". For logs and as the owner of keepsakes. */
  readonly name: string;
  /**
   * One answer, part by part as it is thought. Complete when the iteration ends; an answer that was cut off by the other side is a
   * fault, also where the client in use ends in silence. After an abort nothing more comes: the iteration ends or throws, either will do.
   * @throws {Fault} with a `provider-*` code. Before the first part another thinker may be asked instead; after it, nobody.
   */
  think(request: ThinkRequest, signal: AbortSignal): AsyncIterable<ThinkPart>;
}

export interface ThinkRequest {
  readonly instructions: string;
  /**
   * All that was said, oldest first, the turn to be answered included. May begin with an agent's turn and have several turns of one
   * speaker in a row. Tool items in a row were called together; one without output is still at work (wires that want an answer to each
   * call are given a sentence saying so). An agent turn with `interrupted` ends where the caller stopped hearing it.
   */
  readonly conversation: readonly ThinkItem[];
  /** What the agent is to do when that does not follow from the conversation's end (greet, carry on, tell a late result); for this answer only. */
  readonly directive: string | undefined;
  readonly tools: readonly ToolSpec[];
  readonly clock: Clock;
  readonly log: Log;
}

export type ThinkItem =
  | Exclude<ConversationItem, { readonly type: "tool" }>
  | (Extract<ConversationItem, { readonly type: "tool" }> & { readonly keepsake: Keepsake | undefined });

/** What a thinker wants back with a call that it made (a thought signature); no other thinker looks inside. */
interface Keepsake {
  readonly thinker: string;
  readonly value: unknown;
}

export type ThinkPart =
  /** Words to be spoken, as they come: any piece of text, blanks included. */
  | { readonly type: "text"; readonly text: string }
  /** Whole. `toolCallId`: the model's own, or one made up; at most 64 letters, digits, "_" and "-". `arguments` is JSON text as the model wrote it. */
  | {
      readonly type: "call";
      readonly toolCallId: string;
      readonly name: string;
      readonly arguments: string;
      readonly keepsake: Keepsake | undefined;
    }
  | { readonly type: "usage"; readonly usage: Usage };

/** The language models that this house has keys for. `llm/llm.ts` makes it: `thinkers(house, guards)`. */
export interface Thinkers {
  /** In the order in which they are asked; empty when there is no key for any. */
  readonly names: readonly string[];
  /**
   * The chain for an agent: its own order and models (`providerSettings.deepgram.llm`), else the house's.
   * @throws {Fault} setting-invalid, naming the field
   */
  forAgent(agent: AgentSpec): Thinker;
}

/** Keeps a failing stage from being tried by every call. One for each service that a stage may use, shared by all calls. */
export interface StageGuard {
  /** @throws {Fault} provider-shut without trying, or what `work` throws, which counts as a failure. A rejection after `signal` aborted does not. */
  run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T>;
  /** It failed after `run` was through: a socket lost, a stream cut. */
  failed(): void;
  /** Whether `run` would try just now. */
  readonly open: boolean;
}

/** The guard of a service, by name ("flux", "aura", "anthropic"); the same name gives the same guard. */
export type StageGuards = (service: string) => StageGuard;

/** What a stage is opened with, from the link's own request. */
type StageRequest = Pick<OpenRequest, "agent" | "signal" | "openLimitMs" | "clock" | "log">;

/** Writes down what the caller says and tells their turns. */
export interface Transcriber {
  /** @throws {Fault} with a `provider-*` code, within `openLimitMs`. */
  open(request: TranscribeRequest): Promise<Transcription>;
}

export interface TranscribeRequest extends StageRequest {
  readonly uplink: Encoding;
  readonly endpointing: "provider" | "manual";
  readonly report: (notice: HeardNotice) => void;
}

export interface Transcription {
  /** See `Link.hear`. */
  hear(frame: Uint8Array): boolean;
  /** Ends the caller's turn now; told by `caller.finished` or, without words, `caller.dismissed`. Only with manual endpointing. */
  commit(): void;
  /** In order, without waiting. Nothing is told any more. */
  close(): void;
}

/** Positions are those of the link: ms of audio given to `hear`. The final words of a turn come before its `caller.finished`. */
export type HeardNotice =
  | Extract<
      LinkNotice,
      { readonly type: "caller.spoke" | "caller.transcribed" | "caller.finished" | "caller.dismissed" | "link.used" | "link.puzzled" }
    >
  /** The caller has probably ended with these words: time to draft an answer, which nobody may hear yet. */
  | { readonly type: "caller.paused"; readonly turnId: string; readonly text: string }
  /** They had not: a draft is void. */
  | { readonly type: "caller.continued"; readonly turnId: string }
  | { readonly type: "stage.lost"; readonly fault: Fault };

/** Speaks. One for a call. */
export interface Speaker {
  /** Resolves when the first words can be spoken without a wait. @throws {Fault} when speaking is out of the question, within `openLimitMs`. */
  readonly ready: Promise<void>;
  /** Begins an utterance; those before it are spoken to their end first, unless cancelled. */
  begin(sink: SpeechSink): Utterance;
  /** Nothing will be spoken for long: what costs something is let go. */
  rest(): void;
  /** An answer will be wanted soon: what was closed in the pause is opened again. */
  expect(): void;
  close(): void;
}

export interface Utterance {
  /** A clause, in order. */
  say(clause: string): void;
  /** No clause follows. */
  finish(): void;
  /** Nothing more of it is told, not even its end. Idempotent. */
  cancel(): void;
}

/** What becomes of an utterance, in order. Never called from within `say`, `finish` or `cancel`. */
export interface SpeechSink {
  /** The audio of this clause begins now. */
  clause(text: string): void;
  /** Whole samples. */
  audio(bytes: Uint8Array): void;
  /** All of it was told. `fault`: not all of it could be spoken. */
  ended(fault: Fault | undefined): void;
}
