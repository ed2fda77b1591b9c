import type { Encoding } from "../audio/encodings.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Fault } from "../kernel/fault.ts";
import type { Log } from "../kernel/log.ts";
import type { Random } from "../kernel/random.ts";

/** A voice AI service that can hold the other end of a call. A plain object; wrappers (breaker, tracing) copy it. */
export interface Provider {
  readonly name: string;
  readonly traits: ProviderTraits;
  /**
   * One connection for one call. Resolves when the session is configured, the conversation is seeded and audio may flow.
   * Notices may be reported before it resolves. After an abort of `request.signal` nothing is left open and nothing is reported, but for
   * what was used until then: that is told at once, as it is on `close`.
   * @throws {Fault} with a `provider-*` or `internal` code; whatever went wrong, it never hangs longer than `request.openLimitMs`.
   */
  open(request: OpenRequest): Promise<Link>;
  /** Why no further call can be taken just now (this machine's capacity, a spent quota), or undefined. Asked at the door, before `open`. */
  admit(): Fault | undefined;
  /** Ends what the provider itself holds: processes, pools, kept sockets. */
  close(): Promise<void>;
}

/** What a provider can do. Code asks these, never the name. */
export interface ProviderTraits {
  /** Encodings it takes from the caller, best first. */
  readonly hears: readonly Encoding[];
  /** Encodings it gives back, best first. */
  readonly speaks: readonly Encoding[];
  /** Who can decide that the caller's turn is over: the provider's own endpointing, or our `commit`. */
  readonly endpointing: readonly ("provider" | "manual")[];
  /** How fast a replay may be sent, as a multiple of real time (Deepgram: 1.25); Infinity: as fast as the socket takes it. */
  readonly replayPace: number;
  /** Silence that must follow a replay which ends with the caller's last word, so that endpointing sees the end, ms. */
  readonly trailingSilenceMs: number;
  /** How a conversation is given to a new link: true items with tool calls, text turns only, or a summary in the instructions. */
  readonly seeding: "items" | "turns" | "instructions";
  readonly tools: "parallel" | "single" | "none";
  /** Text turns typed by the caller. */
  readonly text: boolean;
  /** Whether the caller's words come back, and whether while they are still being spoken. */
  readonly callerTranscript: "partial" | "final" | "none";
  /** After a barge-in: the provider forgets what was not heard, or keeps it (then only our own record is true). */
  readonly memoryAfterInterrupt: "cut-to-heard" | "as-generated";
  /** A link may be opened ahead of need (`begin: "wait"`) and be called to work later. */
  readonly standby: boolean;
  /** A new link can take up the provider's own session by a handle (`link.resumable`). */
  readonly resumable: boolean;
  /** How long one session lives at most, ms; Infinity when unlimited. */
  readonly sessionLimitMs: number;
  readonly languages: readonly string[] | "any";
  readonly voices: readonly string[] | "any";
  readonly usage: readonly UsageUnit[];
  /** It can only bridge: a call leaves it as soon as another tier takes it. */
  readonly stopgap: boolean;
  /** Runs without network and key. */
  readonly offline: boolean;
}

/** Everything a new link is told at its birth. */
export interface OpenRequest {
  readonly callId: string;
  readonly agent: AgentSpec;
  /** What `hear` will be given: one of `traits.hears`. */
  readonly uplink: Encoding;
  /** What `report.audio` must give: one of `traits.speaks`. */
  readonly downlink: Encoding;
  readonly endpointing: "provider" | "manual";
  /** What was said before this link: settled turns, agent turns as heard, tool calls with their results, in order. */
  readonly conversation: readonly ConversationItem[];
  readonly begin: Begin | "wait";
  /** The newest handle of an earlier link of the same provider, to take up its session; undefined for a fresh one. */
  readonly resumption: string | undefined;
  /** What brought the call here, when it had a link of another provider before; undefined for a link that waits: it is told in `takeOver`. */
  readonly handOver: HandOver | undefined;
  readonly openLimitMs: number;
  /** The caller is in need: no breaker, limit or budget keeps this link from being tried. */
  readonly urgent: boolean;
  readonly report: LinkReport;
  /** Aborted when the call no longer wants this link; `reason` is a Fault when that is the provider's doing. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/**
 * What the agent does first: `greet` speaks its greeting; `listen` waits for the caller; `answer` answers the conversation's
 * last caller turn at once; `carry-on` goes on with its last turn, which a fault cut off at what was heard. A link that was opened
 * ahead of need is told to `wait`: it costs as little as it can, says nothing and is given nothing until `takeOver`.
 */
export type Begin = "greet" | "listen" | "answer" | "carry-on";

/** How a call came from one provider to the next. A link notes it in the first request that it makes for the call, where its wire has notes. */
export interface HandOver {
  /** Who had the call before. */
  readonly from: string;
  /** Why it has the call no more: a fault's code, or the reason for a move. */
  readonly cause: string;
  readonly mode: "planned" | "failover";
}

export interface AgentSpec {
  readonly name: string;
  readonly instructions: string;
  /** Spoken first with `begin: "greet"`; undefined: the provider finds its own words. */
  readonly greeting: string | undefined;
  /** BCP 47, such as "en-US". */
  readonly language: string;
  /** A voice name of the provider, or undefined for its default. */
  readonly voice: string | undefined;
  readonly tools: readonly ToolSpec[];
  /** Settings that only one provider reads (models, thresholds), under its name; each checks its own part. */
  readonly providerSettings: Readonly<Record<string, unknown>>;
}

export interface ToolSpec {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of an object. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** The provider-neutral history; the only thing that migrates as text. Ids are ours, at most 32 characters. */
export type ConversationItem =
  | { readonly type: "caller"; readonly id: string; readonly text: string }
  | { readonly type: "agent"; readonly id: string; readonly text: string; readonly interrupted: boolean }
  | { readonly type: "tool"; readonly id: string; readonly name: string; readonly arguments: string; readonly output: string | undefined };

/** A live connection. It never throws; what goes wrong is reported as `link.lost` or counted. After `close` it reports nothing. */
export interface Link {
  /** Caller audio in `request.uplink`, any whole number of samples. False: not taken (queue full, closed), offer it again. The link keeps no reference to the bytes. */
  hear(frame: Uint8Array): boolean;
  /**
   * Calls a waiting link to work: `since` is what joined the conversation after it was opened, then it does what `begin` says. A call
   * that it was told without an output may come again with it; other items that it knows by type and id are not told twice. Once,
   * before anything else; only with `traits.standby` and `begin: "wait"`. Positions count from the first `hear`.
   */
  takeOver(since: readonly ConversationItem[], begin: Begin, handOver: HandOver | undefined): void;
  /** A turn that the caller typed: joins the conversation and is answered. */
  takeText(text: string): void;
  /** Ends the caller's turn by hand; only with `endpointing: "manual"`. */
  commitTurn(): void;
  /** The caller spoke over the agent: stop generating `turnId`, forget what came after `heardMs` of its audio. Idempotent. */
  interrupt(heard: { readonly turnId: string; readonly heardMs: number }): void;
  /** The result of a tool call; asks for the next response once all calls of a turn are answered. */
  answerTool(result: ToolResult): void;
  /** Ends the session in order; idempotent. */
  close(): void;
}

export interface ToolResult {
  readonly toolCallId: string;
  readonly name: string;
  /** JSON text on success; a sentence saying what went wrong otherwise. */
  readonly output: string;
  readonly failed: boolean;
}

export interface LinkReport {
  /**
   * Agent audio in `request.downlink`, in order, whole samples, faster than real time at will. The receiver copies what it keeps.
   * `nowMs`: the present by `request.clock`, where it is known.
   */
  audio(bytes: Uint8Array, turnId: string, nowMs?: number): void;
  notice(notice: LinkNotice): void;
}

/**
 * All that a link reports beside audio. Caller and agent turns have ids that are unique within the link.
 * `uplinkMs` is a position on the link's own time line: ms of audio given to `hear` since it opened.
 */
export type LinkNotice =
  /** The caller began to speak. Barge-in is decided on this. */
  | { readonly type: "caller.spoke"; readonly turnId: string; readonly uplinkMs: number }
  /** The words so far, from the beginning of the turn (replaces what was reported before). `final` once (once more after `caller.resumed`), at the latest before the next turn's final. */
  | { readonly type: "caller.transcribed"; readonly turnId: string; readonly text: string; readonly final: boolean }
  /** Endpointing (or `commitTurn`) ended the turn; its audio reaches up to `uplinkMs`. An answer is owed from now on. */
  | { readonly type: "caller.finished"; readonly turnId: string; readonly uplinkMs: number }
  /** The caller went on after `caller.finished`: the turn is open again, a reply begun is withdrawn unless it was heard. */
  | { readonly type: "caller.resumed"; readonly turnId: string }
  /** What seemed speech was none, or had no words: no answer comes. */
  | { readonly type: "caller.dismissed"; readonly turnId: string }
  /** A response began; its audio follows. */
  | { readonly type: "agent.began"; readonly turnId: string }
  /**
   * More words of the turn (append). `audioMs`: where in the turn's audio these words begin; undefined when the provider does not say,
   * then words spread over the audio evenly.
   */
  | { readonly type: "agent.said"; readonly turnId: string; readonly text: string; readonly audioMs: number | undefined }
  /** All audio and words of the turn were reported (or it was cut). Playback may still go on. */
  | { readonly type: "agent.ended"; readonly turnId: string; readonly outcome: "complete" | "interrupted" | "failed" }
  /** `arguments` is JSON text as the model wrote it; it may be invalid. */
  | { readonly type: "tool.called"; readonly toolCallId: string; readonly name: string; readonly arguments: string }
  | { readonly type: "tool.cancelled"; readonly toolCallId: string }
  | { readonly type: "link.used"; readonly usage: Usage }
  /** Which model holds this link, for people and prices; once, before `open` resolves. */
  | { readonly type: "link.named"; readonly model: string }
  /**
   * A pipeline's own share in the wait for an answer, told before the turn's first audio: from what was to be answered to the first words
   * (`llmMs`), and from those to their first sound (`ttsMs`).
   */
  | { readonly type: "link.timed"; readonly turnId: string; readonly llmMs: number; readonly ttsMs: number }
  | { readonly type: "link.limited"; readonly limits: readonly RateLimit[] }
  /** The provider will end the session in `inMs`: move before that. */
  | { readonly type: "link.expiring"; readonly inMs: number }
  /** A handle for `OpenRequest.resumption`; all audio up to `uplinkMs` is in it. */
  | { readonly type: "link.resumable"; readonly handle: string; readonly uplinkMs: number }
  /** A message from the provider that we could not read or did not expect; counted, nothing else. */
  | { readonly type: "link.puzzled"; readonly what: string }
  /** The link is over, for the reason given. Reported once, last. */
  | { readonly type: "link.lost"; readonly fault: Fault };

export type UsageUnit =
  | "input_text_tokens"
  | "input_audio_tokens"
  | "cached_text_tokens"
  | "cached_audio_tokens"
  | "output_text_tokens"
  | "output_audio_tokens"
  | "transcribed_ms"
  | "spoken_characters"
  | "session_ms";

/** What a response (or a stretch of a session) consumed. Input contains cached. Reports add up. */
export interface Usage {
  readonly model: string;
  readonly quantities: Readonly<Partial<Record<UsageUnit, number>>>;
}

export interface RateLimit {
  readonly scope: "requests" | "tokens" | "sessions";
  readonly limit: number;
  readonly remaining: number;
  readonly resetsInMs: number;
}
