import { seemsUnfinished } from "./unfinished.ts";
import { frameMs } from "./vad-batch.ts";

/** A stretch of the caller's audio, in ms since the ear opened, and how much of it was voice. */
export interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
  readonly voicedMs: number;
}

export type EndpointerEvent =
  /** Is this a word? Answer by `words`. */
  | { readonly type: "probe"; readonly stretch: Stretch }
  /** A new turn. */
  | { readonly type: "spoke"; readonly atMs: number }
  /** The turn just finished goes on. */
  | { readonly type: "resumed" }
  /** Time for a look at the words so far of the segment that is open. */
  | { readonly type: "partial"; readonly stretch: Stretch }
  /** The segment seems over: decode it now, so that its words are there when the silence has lasted long enough. */
  | { readonly type: "paused"; readonly stretch: Stretch }
  /** The caller goes on in the same segment: what was decoded of it is stale. */
  | { readonly type: "went-on" }
  /** The segment grew too long and ends here, amid the turn; the next has begun. */
  | { readonly type: "cut"; readonly stretch: Stretch }
  /** `atMs`: the end of its last voiced frame, from which everybody counts how long the answer took. */
  | { readonly type: "finished"; readonly atMs: number }
  /** No words, and too little voice to ask "pardon?". */
  | { readonly type: "dismissed" };

export interface EndpointerOptions {
  /** Silence that ends a turn, ms. */
  readonly endSilenceMs: number;
  /** Silence that ends a turn whose last words want more, ms. */
  readonly holdSilenceMs: number;
  /**
   * What stops the agent. `fast`: two clear frames, known some 75 ms after the first sound (p90 136 ms; a third frame would cost 32 ms, and
   * none of the noises tried, clicks, claps, thuds and tones among them, makes even one). For callers whose echo is cancelled, as in
   * browsers and on most telephones: who talks to somebody who does not stop feels unheard. `careful`: 0.26 s of voice with
   * a word in it, for lines that send the agent's own voice back.
   */
  readonly bargeIn: "fast" | "careful";
}

export const usualEndpointing: EndpointerOptions = {
  endSilenceMs: 600,
  holdSilenceMs: 1_200,
  bargeIn: "fast",
};

const voicedFrom = 0.5;
const voicedFromOverAgent = 0.75;
/** Within speech the bar is lower, so that soft endings do not flicker. */
const staysVoicedFrom = 0.35;
const onsetVoicedMs = 96;
const fastVoicedMs = 64;
const carefulVoicedMs = 256;
/** A gap that an onset survives. */
const onsetGapMs = 128;
/** Kept before the first voiced frame: soft first sounds are found late. */
const prefixMs = 300;
/** Silence that suggests a pause, and the tail that a turn keeps. */
const pauseMs = 200;
const resumeWithinMs = 700;
const firstPartialMs = 700;
/** Recognition of longer pieces costs memory and gains no accuracy: after this a pause ends the segment ... */
const segmentEndsAtPauseMs = 12_000;
/** ... from here on the quietest frame is sought, and there it is cut ... */
const segmentSeeksCutMs = 16_000;
/** ... when no pause came by now. */
const segmentLimitMs = 20_000;
/** Less voice than this without a word is a cough or a door. */
const surelySpokenMs = 300;

interface Onset {
  readonly fromMs: number;
  voicedMs: number;
  lastVoicedMs: number;
  /** Voice that the next probe needs. */
  probeAtMs: number;
}

interface Segment {
  readonly fromMs: number;
  voicedMs: number;
  /** End of the last voiced frame. */
  lastVoicedMs: number;
  nextPartialMs: number;
  quietest: { probability: number; atMs: number } | undefined;
}

type State =
  /** No turn is open. */
  | { readonly name: "quiet"; onset: Onset | undefined }
  | { readonly name: "probing"; readonly onset: Onset }
  | { readonly name: "speaking"; readonly segment: Segment }
  /** The segment is being decoded or was. */
  | { readonly name: "paused"; readonly segment: Segment; readonly endsAtMs: number }
  | { readonly name: "deciding"; readonly segment: Segment; readonly nowMs: number };

const nothing: readonly EndpointerEvent[] = [];

/**
 * Decides where a caller's turns begin and end. Knows no time but the audio's own, so that the same audio gives the same turns
 * however fast it comes: where a decision hangs on the words, `awaitsWords` is true and no frame may come before `words`.
 */
export class Endpointer {
  readonly #options: EndpointerOptions;
  #state: State = { name: "quiet", onset: undefined };
  /** Voice in the whole turn. */
  #turnVoicedMs = 0;
  /** Audio before this belongs to an earlier turn. */
  #floorMs = 0;
  /** Speech that begins by then belongs to the turn before. */
  #resumable: { readonly untilMs: number; readonly segment: Segment } | undefined;
  agentIsSpeaking = false;
  /** How much new speech a further look at the words is worth, ms. */
  partialEveryMs = 1_500;

  constructor(options: EndpointerOptions) {
    this.#options = options;
  }

  get awaitsWords(): boolean {
    return this.#state.name === "deciding" || this.#state.name === "probing";
  }

  /** The frame that begins at `atMs` holds speech with this probability. Frames come without gaps. */
  hear(atMs: number, probability: number): readonly EndpointerEvent[] {
    const state = this.#state;
    switch (state.name) {
      case "quiet":
        return this.#listen(state, atMs, probability);
      case "speaking":
        return this.#follow(state.segment, atMs, probability);
      case "paused":
        return this.#wait(state.segment, state.endsAtMs, atMs, probability);
      case "probing":
      case "deciding":
        throw new Error("a frame came while words are awaited");
    }
  }

  /** What was recognised in what `awaitsWords` waits for: the stretch of the probe, or all of the turn so far. */
  words(text: string): readonly EndpointerEvent[] {
    const state = this.#state;
    if (state.name === "probing") {
      if (text !== "") return this.#begin(state.onset);
      this.#state = {
        name: "quiet",
        onset: { ...state.onset, probeAtMs: state.onset.voicedMs + carefulVoicedMs },
      };
      return nothing;
    }
    if (state.name !== "deciding") return nothing;
    const { segment, nowMs } = state;
    if (text === "" && this.#turnVoicedMs < surelySpokenMs) {
      this.#close(segment);
      return [{ type: "dismissed" }];
    }
    const holdsUntilMs = segment.lastVoicedMs + this.#options.holdSilenceMs;
    if (seemsUnfinished(text) && nowMs < holdsUntilMs) {
      this.#state = { name: "paused", segment, endsAtMs: holdsUntilMs };
      return nothing;
    }
    this.#close(segment);
    this.#resumable = { untilMs: nowMs + resumeWithinMs, segment };
    return [{ type: "finished", atMs: segment.lastVoicedMs }];
  }

  #listen(state: { onset: Onset | undefined }, atMs: number, probability: number): readonly EndpointerEvent[] {
    const endMs = atMs + frameMs;
    if (probability < (this.agentIsSpeaking ? voicedFromOverAgent : voicedFrom)) {
      if (state.onset !== undefined && endMs - state.onset.lastVoicedMs > onsetGapMs) state.onset = undefined;
      return nothing;
    }
    const onset = (state.onset ??= {
      fromMs: atMs,
      voicedMs: 0,
      lastVoicedMs: endMs,
      probeAtMs: carefulVoicedMs,
    });
    onset.voicedMs += frameMs;
    onset.lastVoicedMs = endMs;
    if (!this.agentIsSpeaking) return onset.voicedMs < onsetVoicedMs ? nothing : this.#begin(onset);
    if (this.#options.bargeIn === "fast") return onset.voicedMs < fastVoicedMs ? nothing : this.#begin(onset);
    if (onset.voicedMs < onset.probeAtMs) return nothing;
    this.#state = { name: "probing", onset };
    return [
      {
        type: "probe",
        stretch: { fromMs: this.#startOf(onset), toMs: endMs, voicedMs: onset.voicedMs },
      },
    ];
  }

  #begin(onset: Onset): readonly EndpointerEvent[] {
    const before = this.#resumable;
    this.#resumable = undefined;
    const fromMs = this.#startOf(onset);
    const resumes = before !== undefined && onset.fromMs <= before.untilMs;
    const goesOn = resumes && mayGrow(before.segment);
    const segment = goesOn ? before.segment : segmentAt(fromMs, onset.fromMs);
    segment.voicedMs += onset.voicedMs;
    segment.lastVoicedMs = onset.lastVoicedMs;
    segment.nextPartialMs = onset.fromMs + firstPartialMs;
    this.#turnVoicedMs = (resumes ? this.#turnVoicedMs : 0) + onset.voicedMs;
    this.#state = { name: "speaking", segment };
    if (!resumes) return [{ type: "spoke", atMs: fromMs }];
    return goesOn ? [{ type: "resumed" }, { type: "went-on" }] : [{ type: "resumed" }];
  }

  #startOf(onset: Onset): number {
    return Math.max(this.#floorMs, onset.fromMs - prefixMs);
  }

  #follow(segment: Segment, atMs: number, probability: number): readonly EndpointerEvent[] {
    const endMs = atMs + frameMs;
    if (probability >= staysVoicedFrom) this.#countVoice(segment, endMs, probability);
    if (endMs - segment.lastVoicedMs >= pauseMs) {
      this.#state = {
        name: "paused",
        segment,
        endsAtMs: segment.lastVoicedMs + this.#options.endSilenceMs,
      };
      return [{ type: "paused", stretch: stretchOf(segment, endMs) }];
    }
    const lengthMs = endMs - segment.fromMs;
    if (lengthMs >= segmentSeeksCutMs && probability <= (segment.quietest?.probability ?? 1))
      segment.quietest = { probability, atMs: endMs };
    if (lengthMs >= segmentLimitMs) return this.#cut(segment, segment.quietest?.atMs ?? endMs);
    if (endMs < segment.nextPartialMs) return nothing;
    segment.nextPartialMs = endMs + this.partialEveryMs;
    return [{ type: "partial", stretch: stretchOf(segment, endMs) }];
  }

  #wait(segment: Segment, endsAtMs: number, atMs: number, probability: number): readonly EndpointerEvent[] {
    const endMs = atMs + frameMs;
    if (probability >= voicedFrom) {
      const goesOn = mayGrow(segment);
      const next = goesOn ? segment : segmentAt(Math.max(pauseEnd(segment), atMs - prefixMs), atMs);
      this.#countVoice(next, endMs, probability);
      this.#state = { name: "speaking", segment: next };
      return goesOn ? [{ type: "went-on" }] : nothing;
    }
    if (endMs >= endsAtMs) this.#state = { name: "deciding", segment, nowMs: endMs };
    return nothing;
  }

  #countVoice(segment: Segment, endMs: number, probability: number): void {
    segment.lastVoicedMs = endMs;
    if (probability < voicedFrom) return;
    segment.voicedMs += frameMs;
    this.#turnVoicedMs += frameMs;
  }

  #cut(segment: Segment, atMs: number): readonly EndpointerEvent[] {
    const next = segmentAt(atMs, atMs);
    next.lastVoicedMs = segment.lastVoicedMs;
    this.#state = { name: "speaking", segment: next };
    return [{ type: "cut", stretch: stretchOf(segment, atMs) }];
  }

  #close(segment: Segment): void {
    this.#floorMs = segment.lastVoicedMs + pauseMs;
    this.#state = { name: "quiet", onset: undefined };
  }
}

function segmentAt(fromMs: number, speechFromMs: number): Segment {
  return {
    fromMs,
    voicedMs: 0,
    lastVoicedMs: speechFromMs,
    nextPartialMs: speechFromMs + firstPartialMs,
    quietest: undefined,
  };
}

function stretchOf(segment: Segment, toMs: number): Stretch {
  return { fromMs: segment.fromMs, toMs, voicedMs: segment.voicedMs };
}

/** Where the frame ended that made the silence a pause; all up to there was decoded. */
function pauseEnd(segment: Segment): number {
  return segment.lastVoicedMs + Math.ceil(pauseMs / frameMs) * frameMs;
}

/** Whether speech after a pause is decoded together with what was before it, which is better for both, or apart. */
function mayGrow(segment: Segment): boolean {
  return pauseEnd(segment) - segment.fromMs < segmentEndsAtPauseMs;
}
