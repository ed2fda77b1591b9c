import type { Encoding } from "../audio/encodings.ts";
import type { FaultCode } from "../kernel/fault.ts";
import type { Usage } from "../provider/contract.ts";
import type { LineQuality } from "./call-quality.ts";

/** The encodings that audio has from end to end, each way; one alone: it is passed on untouched. */
export interface AudioPath {
  readonly up: readonly Encoding[];
  readonly down: readonly Encoding[];
}

/** What happens to a call, told once by the code that does it, to whoever watches (metrics, logs, records). */
export type CallEvent = { readonly callId: string } & (
  | {
      readonly type: "call.started";
      readonly dialect: string;
      readonly agent: string;
      readonly language: string;
      /** Provider names, best first. */
      readonly tiers: readonly string[];
      /** Who pays for the call: the subject of the caller's token; undefined: nobody in particular. */
      readonly user?: string | undefined;
      /** Undefined: standard. */
      readonly slaClass?: SlaClass | undefined;
    }
  /** Taken up where another node, or this one before it was started again, left it. */
  | {
      readonly type: "call.restored";
      readonly dialect: string;
      readonly agent: string;
      readonly language: string;
      readonly tiers: readonly string[];
      readonly user?: string | undefined;
      /** Undefined: standard. */
      readonly slaClass?: SlaClass | undefined;
      readonly awayMs: number;
    }
  | {
      readonly type: "call.ended";
      readonly dialect: string;
      readonly outcome: CallOutcome;
      /** What failed it; "draining" of a call that was to move and whose caller has no way to come back. */
      readonly cause: FaultCode | undefined;
      readonly durationMs: number;
      readonly reason?: EndReason | undefined;
    }
  /** Who answered a call that we placed; told again when it turns out otherwise. */
  | { readonly type: "caller.answered-by"; readonly who: "person" | "machine" | "nobody"; readonly by: AnswererProof }
  /** Something was taken out of what a caller wrote, or of what was told of them when they came. For each kind once a call. */
  | { readonly type: "input.sanitized"; readonly source: "text" | "start"; readonly rules: readonly InputRule[] }
  /** Nobody has spoken for a while, and the caller is asked whether they are there: by the agent, or by a fixed line. */
  | { readonly type: "caller.reprompted"; readonly count: number; readonly by: "agent" | "prompt" }
  | {
      readonly type: "link.opened";
      readonly provider: string;
      readonly setupMs: number;
      readonly attempt: number;
      /** As the link named it while it opened; undefined: it did not. */
      readonly model: string | undefined;
      readonly path: AudioPath;
    }
  | {
      readonly type: "link.failed";
      readonly provider: string;
      readonly code: FaultCode;
      readonly message: string;
      readonly attempt: number;
      /** How long it was tried. */
      readonly durationMs: number;
      /** What the provider asked us to wait. */
      readonly retryAfterMs: number | undefined;
    }
  | {
      readonly type: "link.lost";
      readonly provider: string;
      readonly code: FaultCode;
      readonly message: string;
      readonly livedMs: number;
      readonly retryAfterMs: number | undefined;
    }
  | { readonly type: "link.closed"; readonly provider: string; readonly livedMs: number }
  | {
      readonly type: "link.retrying";
      readonly provider: string;
      readonly attempt: number;
      readonly attemptLimit: number;
      readonly backoffMs: number;
    }
  | { readonly type: "link.recovered"; readonly provider: string; readonly attempts: number; readonly durationMs: number }
  /** A new session of the same provider took over before the old one ended. */
  | { readonly type: "link.renewed"; readonly provider: string; readonly cause: string; readonly replayedChunks: number }
  | { readonly type: "link.gave-up"; readonly provider: string; readonly attempts: number; readonly code: FaultCode }
  | { readonly type: "link.puzzled"; readonly provider: string; readonly what: string }
  | { readonly type: "link.used"; readonly provider: string; readonly usage: Usage }
  | {
      readonly type: "call.handed-over";
      readonly from: string;
      readonly to: string;
      readonly mode: "planned" | "failover";
      readonly cause: FaultCode | "asked" | "recovered" | "expiring";
      /** How much of the call the new provider has: all, all but what is `missing`, or nothing of what was said. */
      readonly restored: "full" | "partial" | "none";
      readonly missing: readonly Missing[];
      readonly durationMs: number;
      readonly since: MoveTimes;
      readonly items: number;
      readonly replayedChunks: number;
    }
  /** The call was to move and stays where it is; or it lost its provider and has nowhere to go, `to` "none". */
  | {
      readonly type: "handover.failed";
      readonly from: string;
      readonly to: string;
      readonly mode: "planned" | "failover";
      readonly cause: FaultCode | "asked" | "recovered" | "expiring";
      readonly since: MoveTimes;
    }
  | { readonly type: "audio.replayed"; readonly provider: string; readonly chunks: number; readonly buffered: number }
  /** Counted since the last such event; told at turn ends and at the end of the call. */
  | { readonly type: "audio.flowed"; readonly provider: string; readonly sentChunks: number; readonly receivedChunks: number }
  | {
      readonly type: "audio.lost";
      readonly direction: "uplink" | "downlink";
      readonly cause: string;
      readonly ms: number;
      readonly provider: string;
    }
  /**
   * What became of all that the caller said, ms: given to a link, pushed out before any took it, or never heard because the call ended;
   * of what was given some was forgotten, with a link that died. Once a call, at its end.
   */
  | {
      readonly type: "audio.accounted";
      readonly receivedMs: number;
      readonly deliveredMs: number;
      readonly overflowedMs: number;
      readonly forgottenMs: number;
      readonly unheardMs: number;
      /** Goes on with the call that moves. */
      readonly movedMs: number;
    }
  /** The call has no link for now, and so much of what the caller said waits for the next one. */
  | { readonly type: "audio.buffered"; readonly provider: string; readonly chunks: number }
  /** How long our own code had a piece of audio in hand; a sample, at most one a second, call and direction. */
  | { readonly type: "audio.hopped"; readonly direction: "uplink" | "downlink"; readonly ms: number }
  /** The provider heard the caller speak for the first time, and they had begun so long ago. Once a call. */
  | { readonly type: "caller.voiced"; readonly provider: string; readonly agoMs: number }
  /** The first words of the caller came back as text, so long after they were begun. Once a call. */
  | { readonly type: "caller.understood"; readonly provider: string; readonly afterMs: number }
  /** The caller's turn is over and an answer is owed; they fell silent `endpointingMs` ago. */
  | { readonly type: "turn.committed"; readonly provider: string; readonly endpointingMs: number }
  | {
      readonly type: "turn.answered";
      readonly provider: string;
      readonly kind: TurnKind;
      /** From the commit to the first audio that went out. */
      readonly responseStartMs: number;
      /** From the caller's own end of speech to the first audio that went out. */
      readonly latencyMs: number;
    }
  /** Where the time of an answer went, told when it is known when the caller heard its beginning; the stages add up to the total. */
  | { readonly type: "turn.timed"; readonly provider: string; readonly kind: TurnKind; readonly times: AnswerTimes }
  /** An answer came to its end, or the caller cut it. */
  | {
      readonly type: "turn.ended";
      readonly provider: string;
      readonly turnId: string;
      readonly outcome: "complete" | "interrupted";
      readonly kind: TurnKind;
      /** The longest wait between two pieces of its audio; undefined with less than two. */
      readonly gapMs: number | undefined;
      /** What ended it, where that is not the end of what was to be said. */
      readonly stop?: "max_tool_calls" | undefined;
    }
  /** An answer failed, or was cut off by the loss of its link; the next one carries on or answers anew. */
  | { readonly type: "turn.broken"; readonly provider: string; readonly turnId: string; readonly kind: TurnKind; readonly cause: FaultCode }
  | { readonly type: "tool.began"; readonly name: string; readonly toolCallId: string }
  | {
      readonly type: "tool.ended";
      readonly name: string;
      readonly status: "ok" | "failed" | "timeout" | "cancelled";
      readonly durationMs: number;
      readonly toolCallId: string;
    }
  /** What the caller said calls for help at once. */
  | { readonly type: "crisis.detected"; readonly provider: string; readonly category: string }
  /** How the crisis was met: `tier` counts from 1, and `responseMs` from the caller's end of speech; undefined: nobody answered. */
  | { readonly type: "crisis.answered"; readonly provider: string; readonly tier: number; readonly responseMs: number | undefined }
  /** The emergency tier looked for a prompt among those kept ready. */
  | { readonly type: "prompt.fetched"; readonly found: boolean }
  /** A leg is over: how good its line was. */
  | { readonly type: "leg.measured"; readonly dialect: string; readonly quality: LineQuality }
  /** A person was told on a channel ("webhook", "transfer", "ticket"), or could not be. */
  | {
      readonly type: "human.told";
      readonly reason: "crisis" | "caller" | "outage" | "briefing";
      readonly channel: string;
      readonly result: "sent" | "failed";
      readonly durationMs: number;
    }
  /** The caller is being sent on to somebody who cannot be told by voice what it is about, and is told in writing. */
  | { readonly type: "human.briefed"; readonly target: string; readonly briefing: string }
  /** A person is wanted: the agent or the caller asked. */
  | { readonly type: "human.asked"; readonly reason: "crisis" | "caller"; readonly ticket: string }
  | {
      readonly type: "state.changed";
      readonly region: string;
      readonly from: string;
      readonly to: string;
      readonly reason: string;
      /** That holds the call, or held it last; "none" before the first. */
      readonly provider: string;
    }
);

/** What a call's caller was promised. */
export type SlaClass = "standard" | "gold";

/** What a call's new provider is without: what was said, caller audio that came to no link, the agent's tools, the caller's language. */
export type Missing = "conversation" | "audio" | "tools" | "language";

/**
 * How long ago, ms: a link failed, that or an order or a warning was known, it was decided where to go. `faultMs` is more than `detectedMs`
 * where a link fell silent and that took a while to find; undefined: none failed.
 */
export interface MoveTimes {
  readonly faultMs: number | undefined;
  readonly detectedMs: number;
  readonly decidedMs: number;
}

/** `moved`: it goes on elsewhere, or here after a restart. */
export type CallOutcome = "completed" | "failed" | "abandoned" | "moved";

/** Ends that are no failure and nobody's hang-up: nobody spoke any more, or a machine answered. */
export type EndReason = "idle" | "machine";

/** Control characters, marks that turn the direction of writing, characters without a picture, too much of it, halves of characters. */
export type InputRule = "control" | "direction" | "invisible" | "length" | "malformed";

/** By how long they spoke at first, what they said, a beep, the carrier's own detection, or by nothing at all. */
export type AnswererProof = "length" | "phrase" | "beep" | "carrier" | "silence";

/**
 * From the caller's own end of speech until they heard the first of the answer, ms; the parts add up to the whole.
 * `stt`, `llm` and `tts` only where the provider is a pipeline that tells them; `tool` where tools of ours were waited for; `provider`
 * is what they leave of its time.
 */
export interface AnswerTimes {
  readonly totalMs: number;
  readonly stages: Readonly<Partial<Record<AnswerStage, number>>>;
}

/** In the order in which they pass; `ours` is what we added ourselves, `playout` what lies between our socket and the caller's ear. */
export type AnswerStage = "stt" | "endpointing" | "llm" | "tool" | "tts" | "provider" | "ours" | "playout";

export type TurnKind = "plain" | "tool" | "text";

/** An event as a call tells it: without the id that every event of a call carries. */
export type Told = CallEvent extends infer Event ? (Event extends CallEvent ? Omit<Event, "callId"> : never) : never;

export interface SessionWatch {
  tell(event: CallEvent): void;
}
