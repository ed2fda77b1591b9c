import type { CodecQuality } from "../audio/e-model.ts";
import type { Encoding } from "../audio/encodings.ts";
import type { Fault } from "../kernel/fault.ts";

/** How a caller is attached just now: one socket, one dialect. Knows nothing of providers. It never throws; after `lost` it is silent. */
export interface Leg {
  readonly dialect: string;
  readonly traits: LegTraits;
  readonly uplink: Encoding;
  readonly downlink: Encoding;
  /** Agent audio in `downlink`, for now; the leg keeps no reference to the bytes. False: the peer reads too slowly, the frame was dropped and counted. */
  play(frame: Uint8Array): boolean;
  /** All audio from here on belongs to this agent turn, and begins `fromMs` into it: at 0 unless told. */
  beginTurn(turnId: string, fromMs?: number): void;
  /** Comes back as a `mark` signal when everything before it was heard; only with `playback: "marks"`. */
  mark(name: string): void;
  /** Empties whatever the far end has not played yet. */
  flush(): void;
  /** What a caller with a screen may see; dialects without one ignore it. */
  notify(notice: CallerNotice): void;
  /** Digits (0-9 * # A-D) to the far end as DTMF, in order; only with `traits.dtmfOut`. */
  sendDtmf(digits: string): void;
  /**
   * Sends the caller on to a telephone number (E.164) or a SIP URI. Then the leg signals `transferred` and is over, or
   * `transfer-failed` and the caller is still here. Only with `traits.transfer`. Whoever answers hears `briefing` first, where the carrier
   * can, else the leg signals `unbriefed` beside that; empty: nothing.
   */
  transfer(target: string, briefing: string): void;
  /** How the caller's audio has come so far; also after the end. */
  quality(): LegQuality;
  /** Ends the leg in order. */
  close(end: LegEnd): void;
}

/** How the caller's audio came since the leg began; undefined: this wire does not tell. */
export interface LegQuality {
  /** Share of it that never came, 0 to 1. */
  readonly lossShare: number | undefined;
  /** Mean run of lost audio over that of random loss; 1: random. */
  readonly burstRatio: number;
  /** Of its arrival, as RFC 3550 6.4.1 smooths it. */
  readonly jitterMs: number | undefined;
  /** How often audio was missing, and how much was put in for it. */
  readonly gaps: number;
  readonly filledMs: number;
  /** One way, from the caller to us. */
  readonly delayMs: number | undefined;
  readonly codec: CodecQuality;
}

export interface LegTraits {
  /** How it is known what the caller heard: reported by the player, told by marks, or assumed from the pacing clock. */
  readonly playback: "reports" | "marks" | "clock";
  /** How far ahead of real time audio may be sent, ms. */
  readonly aheadMs: number;
  /** Audio is sent in pieces of this length, ms. */
  readonly frameMs: number;
  /** The far end has a buffer that `flush` can empty. */
  readonly flush: boolean;
  readonly captions: boolean;
  readonly dtmfOut: boolean;
  readonly transfer: boolean;
  /** How the caller comes back after a loss. */
  readonly resume: "token" | "call-id" | "none";
}

/** `code`: what ended it, `message`: for the person at the other end. */
export type LegEnd = { readonly reason: "done" } | { readonly reason: "fault"; readonly fault: Fault } | { readonly reason: "drained" };

/** What a caller said about itself when it came. */
export interface CallStart {
  readonly dialect: string;
  /** The carrier's id of the call, or undefined. */
  readonly carrierCallId: string | undefined;
  /** Which agent is asked for; undefined: the first configured. */
  readonly agent: string | undefined;
  readonly language: string | undefined;
  /** A resume token or the carrier's call id, when the caller wants to come back into a held call. */
  readonly resume: string | undefined;
  /** With `resume`, where the caller's player can tell: so much of that agent turn it has, played or about to be. */
  readonly arrived?: { readonly turnId: string; readonly ms: number } | undefined;
  readonly from: string | undefined;
  readonly parameters: Readonly<Record<string, string>>;
}

/** Who answers the door. */
export interface Reception {
  /**
   * Takes a caller in; from now on the leg's signals go to the listener.
   * @throws {Fault} busy, draining, caller-refused: the leg is closed with that fault.
   */
  receive(leg: Leg, start: CallStart): LegListener;
}

export interface LegListener {
  /** Caller audio in `leg.uplink`, in order, whole samples. The listener copies what it keeps. `nowMs`: the present, where it is known. */
  audio(frame: Uint8Array, nowMs?: number): void;
  signal(signal: LegSignal): void;
}

export type LegSignal =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "dtmf"; readonly digit: string }
  | { readonly type: "mark"; readonly name: string }
  /** So much of the turn's audio has left the caller's loudspeaker. Rises; after a flush one last report is final. */
  | { readonly type: "played"; readonly turnId: string; readonly ms: number }
  /** The caller put us on hold: until `resumed` nothing is heard of us, nor of them. */
  | { readonly type: "paused" }
  | { readonly type: "resumed" }
  /** The caller was taken over by whom it was sent to. */
  | { readonly type: "transferred" }
  | { readonly type: "transfer-failed"; readonly why: string }
  /** Whoever the caller is being sent to will not hear the briefing: it has to reach them in another way. */
  | { readonly type: "unbriefed"; readonly target: string; readonly briefing: string }
  | { readonly type: "hung-up" }
  /** The socket is gone without a goodbye; `fault` when it is the caller's doing. */
  | { readonly type: "lost"; readonly fault: Fault | undefined };

export type Phase = "connecting" | "listening" | "thinking" | "speaking";

export type CallerNotice =
  /** `receivedMs`: so much of the caller's audio the call has had before this leg; what was said after that is to be sent. */
  | {
      readonly type: "started";
      readonly callId: string;
      readonly resumeToken: string;
      readonly agent: string;
      readonly provider: string;
      readonly receivedMs: number;
    }
  | { readonly type: "phase"; readonly phase: Phase }
  /** The turn's words so far (replaces). `interrupted`: cut to what was heard. */
  | {
      readonly type: "caption";
      readonly turnId: string;
      readonly role: "caller" | "agent";
      readonly text: string;
      readonly final: boolean;
      readonly interrupted: boolean;
    }
  /** A caption that turned out to be none: remove it. */
  | { readonly type: "caption.withdrawn"; readonly turnId: string }
  /** From the end of the caller's speech to the first audio of the answer, ms. */
  | { readonly type: "latency"; readonly turnId: string; readonly firstAudioMs: number }
  | { readonly type: "tool"; readonly name: string; readonly state: "running" | "done" | "failed" }
  | { readonly type: "connection.reconnecting"; readonly provider: string; readonly attempt: number }
  | { readonly type: "connection.reconnected"; readonly provider: string }
  | { readonly type: "connection.failed"; readonly provider: string }
  | { readonly type: "handed-over"; readonly provider: string; readonly restored: "full" | "partial" | "none" };
