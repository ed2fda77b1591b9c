import type { FaultCode } from "../kernel/fault.ts";
import type { AnswerTimes, AudioPath, CallEvent, CallOutcome, EndReason, Missing, SlaClass, TurnKind } from "../session/words.ts";
import type { StopReason, turnOutcomes } from "./labels.ts";

type MoveCause = Extract<CallEvent, { readonly type: "call.handed-over" }>["cause"];

/** What is kept of a call once it is over: all that promises are judged by, and nothing that was said. Times are ISO 8601, UTC. */
export interface CallRecord {
  readonly callId: string;
  readonly traceId: string;
  readonly region: string;
  readonly node: string;
  readonly dialect: string;
  readonly agent: string;
  readonly language: string;
  readonly slaClass: SlaClass;
  /** When the caller came, to whichever node; `acceptedAt`: when this one took the call. */
  readonly startedAt: string;
  readonly acceptedAt: string;
  /** The first link was ready; undefined: none ever was. */
  readonly readyAt: string | undefined;
  /** The caller began to speak, as far as a provider could tell; undefined: they never did. */
  readonly firstVoicedAt: string | undefined;
  readonly firstTranscriptAt: string | undefined;
  readonly endedAt: string;
  readonly durationMs: number;
  readonly endReason: CallOutcome;
  readonly cause: FaultCode | undefined;
  /** Ends that are nobody's hang-up: nobody spoke any more, or a machine answered. */
  readonly endedBy: EndReason | undefined;
  /** Of a call that we placed: who answered, and how that is known. */
  readonly answeredBy: Pick<Extract<CallEvent, { readonly type: "caller.answered-by" }>, "who" | "by"> | undefined;
  readonly outcome: "good" | "bad" | "excluded";
  readonly failureClass: string;
  readonly crisis: boolean;
  readonly turns: readonly TurnRecord[];
  readonly links: readonly LinkRecord[];
  readonly handovers: readonly HandoverRecord[];
  readonly reconnects: readonly ReconnectRecord[];
  readonly toolCalls: readonly ToolRecord[];
  /** Chunks as the providers took and gave them; lost audio in ms, by direction and cause ("uplink overflow"). */
  readonly audio: {
    /** All that came from the caller. */
    readonly inMs: number;
    readonly inLostMs: number;
    readonly outLostMs: number;
    readonly sentChunks: number;
    readonly receivedChunks: number;
    readonly replayedChunks: number;
    readonly lostMs: Readonly<Record<string, number>>;
  };
  /** How good the caller's line was, leg by leg. */
  readonly legs: readonly LegRecord[];
  /** How the caller found it, 1 (bad) to 5; undefined: nobody said. */
  readonly rating: number | undefined;
  /** USD; undefined: something of it has no price. */
  readonly costUsd: number | undefined;
  /** What a very long call had too many of, by kind; missing above. */
  readonly omitted: Readonly<Record<string, number>>;
}

/** One answer of the agent, with the caller's turn that it answers, where it answers one. */
export interface TurnRecord {
  /** As captions name it; undefined: nothing of the answer came. */
  readonly turnId: string | undefined;
  readonly kind: TurnKind | "crisis";
  readonly provider: string;
  /** Place of the provider among the call's tiers, from 1; undefined: not known. */
  readonly tier: number | undefined;
  readonly speechEndAt: string | undefined;
  readonly committedAt: string | undefined;
  readonly firstChunkAt: string | undefined;
  readonly completedAt: string;
  readonly outcome: (typeof turnOutcomes)[keyof typeof turnOutcomes];
  readonly stopReason: StopReason;
  readonly failureClass: string;
  /** How often it was begun: 1, and once more for each link that broke off. */
  readonly attempts: number;
  /** From the commit to the first audio, and from the caller's end of speech. */
  readonly responseStartMs: number | undefined;
  readonly latencyMs: number | undefined;
  readonly maxGapMs: number | undefined;
  readonly times: AnswerTimes | undefined;
}

export interface LinkRecord {
  readonly provider: string;
  readonly model: string | undefined;
  readonly attempt: number;
  readonly at: string;
  readonly setupMs: number | undefined;
  readonly livedMs: number;
  /** Why it did not come up, or was lost; undefined: it was closed by us. */
  readonly fault: FaultCode | undefined;
  /** Undefined: it did not come up. */
  readonly audioPath: AudioPath | undefined;
}

export interface HandoverRecord {
  readonly from: string;
  readonly to: string;
  readonly mode: "planned" | "failover";
  readonly cause: MoveCause;
  /** The link was gone; undefined: none failed. */
  readonly faultAt: string | undefined;
  /** That was known; of a planned one: it was ordered, or its need was known. */
  readonly detectedAt: string;
  /** Another provider was dialled, or the one that waited was given the call. */
  readonly decidedAt: string;
  /** The new link took the caller's audio; undefined: there was none. */
  readonly liveAt: string | undefined;
  /** From the fault, or from leaving the old link, until then. */
  readonly durationMs: number | undefined;
  readonly historyItems: number;
  readonly replayedChunks: number;
  /** How much of the call its new provider has, and what it has not; undefined: it was not moved. */
  readonly restored: "full" | "partial" | "none" | undefined;
  readonly missing: readonly Missing[];
  readonly ok: boolean;
}

export interface ReconnectRecord {
  readonly provider: string;
  readonly lostAt: string;
  readonly endedAt: string;
  readonly attempts: number;
  readonly result: "success" | "exhausted" | "abandoned";
}

/** `quality.mosEstimate` is an estimate by the E-model. */
export type LegRecord = Pick<Extract<CallEvent, { readonly type: "leg.measured" }>, "dialect" | "quality"> & { readonly endedAt: string };

export interface ToolRecord {
  readonly name: string;
  readonly status: "ok" | "failed" | "timeout" | "cancelled";
  readonly durationMs: number;
}
