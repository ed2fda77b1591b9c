import type { Fault } from "../../../kernel/fault.ts";
import { toFault } from "../../../kernel/fault.ts";
import type { Ear, EarNotice, EarRequest } from "../parts.ts";
import { Endpointer, type EndpointerEvent, type EndpointerOptions, type Stretch } from "./endpointer.ts";
import type { JobClass, PoolJob, RecogniserPool } from "./pool.ts";
import { Tape } from "./tape.ts";
import { frameMs, frameSamples } from "./vad-batch.ts";
import type { Vad, VadSource } from "./vad.ts";

export interface EarParts {
  readonly vad: Vad;
  readonly pool: RecogniserPool;
  readonly endpointing: EndpointerOptions;
  readonly counts: EarCounts;
  readonly onClose: (ear: CallEar) => void;
}

/** Over all calls. */
export interface EarCounts {
  framesRefused: number;
  turnsFinished: number;
  turnsDismissed: number;
}

/** A piece of a turn between two pauses. */
interface Segment {
  readonly job: PoolJob;
  text: string | undefined;
}

interface Turn {
  readonly id: string;
  readonly segments: Segment[];
}

const samplesPerMs = 16;
/** Audio that may wait to be heard; more comes only when recognition cannot keep up. */
const waitingLimitMs = 8_000;
/** Holds the longest segment and what waits behind it. */
const tapeMs = 32_000;

/** The ear of one call: keeps the audio, lets its frames be judged, its turns be found and its words be recognised, and tells of it in order. */
export class CallEar implements Ear, VadSource {
  readonly #request: EarRequest;
  readonly #parts: EarParts;
  readonly #tape = new Tape(tapeMs);
  readonly #endpointer: Endpointer;
  readonly #listening: Disposable;
  /** Frames given to voice activity detection, and frames that the endpointer heard. */
  #taken = 0;
  #heard = 0;
  /** Judgements that wait until the endpointer has its words. */
  readonly #judgements: number[] = [];
  #turns = 0;
  #turn: Turn | undefined;
  #partial: PoolJob | undefined;
  #probe: Segment | undefined;
  #lastText = "";
  #open = true;

  constructor(request: EarRequest, parts: EarParts) {
    this.#request = request;
    this.#parts = parts;
    this.#endpointer = new Endpointer(parts.endpointing);
    this.#listening = parts.vad.attach(this);
  }

  hear(frame: Uint8Array): boolean {
    if (!this.#open) return false;
    if (this.#tape.written + frame.length / 2 - this.#heard * frameSamples > waitingLimitMs * samplesPerMs) {
      this.#parts.counts.framesRefused += 1;
      return false;
    }
    this.#tape.write(frame);
    this.#parts.vad.wake();
    return true;
  }

  agentIsSpeaking(speaking: boolean): void {
    this.#endpointer.agentIsSpeaking = speaking;
  }

  set partialEveryMs(everyMs: number) {
    this.#endpointer.partialEveryMs = everyMs;
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#listening[Symbol.dispose]();
    this.#partial?.cancel();
    this.#probe?.job.cancel();
    for (const segment of this.#turn?.segments ?? []) segment.job.cancel();
    this.#parts.onClose(this);
  }

  take(frame: Int16Array): boolean {
    const from = this.#taken * frameSamples;
    if (this.#endpointer.awaitsWords || this.#tape.written - from < frameSamples) return false;
    this.#tape.read(from, frame);
    this.#taken += 1;
    return true;
  }

  judged(probability: number): void {
    if (!this.#open) return;
    this.#judgements.push(probability);
    this.#follow();
  }

  failed(fault: Fault): void {
    if (!this.#open) return;
    this.#report({ type: "ears.failed", fault });
    this.close();
  }

  /** Lets the endpointer hear what was judged, up to where it needs words that are not there yet. */
  #follow(): void {
    while (this.#open) {
      if (this.#endpointer.awaitsWords) {
        const words = this.#wordsAwaited();
        if (words === undefined) return;
        this.#handle(this.#endpointer.words(words));
        // The frames that came meanwhile were not taken.
        this.#parts.vad.wake();
        continue;
      }
      const probability = this.#judgements.shift();
      if (probability === undefined) return;
      const atMs = this.#heard * frameMs;
      this.#heard += 1;
      this.#handle(this.#endpointer.hear(atMs, probability));
    }
  }

  /** Undefined while some of them are being recognised. */
  #wordsAwaited(): string | undefined {
    if (this.#probe !== undefined) {
      const { text } = this.#probe;
      if (text !== undefined) this.#probe = undefined;
      return text;
    }
    for (const { job } of this.#turn?.segments ?? []) job.promote();
    return this.#turn?.segments.every(({ text }) => text !== undefined) ? wordsOf(this.#turn) : undefined;
  }

  #handle(events: readonly EndpointerEvent[]): void {
    for (const event of events) this.#act(event);
  }

  #act(event: EndpointerEvent): void {
    switch (event.type) {
      case "probe":
        this.#probe = this.#recognise("early-final", event.stretch);
        return;
      case "spoke":
        this.#turns += 1;
        this.#turn = { id: `c${this.#turns}`, segments: [] };
        this.#lastText = "";
        return this.#report({ type: "caller.spoke", turnId: this.#turn.id, uplinkMs: event.atMs });
      case "partial":
        return this.#look(event.stretch);
      case "paused":
      case "cut":
        this.#partial?.cancel();
        this.#turn?.segments.push(this.#recognise(event.type === "cut" ? "final" : "early-final", event.stretch));
        return;
      case "went-on":
        this.#turn?.segments.pop()?.job.cancel();
        return;
      case "resumed":
      case "finished":
      case "dismissed":
        if (this.#turn !== undefined) this.#bound(event, this.#turn);
    }
  }

  #bound(event: Extract<EndpointerEvent, { type: "resumed" | "finished" | "dismissed" }>, turn: Turn): void {
    if (event.type === "resumed") return this.#report({ type: "caller.resumed", turnId: turn.id });
    if (event.type === "dismissed") {
      this.#parts.counts.turnsDismissed += 1;
      return this.#report({ type: "caller.dismissed", turnId: turn.id });
    }
    this.#parts.counts.turnsFinished += 1;
    this.#report({ type: "caller.transcribed", turnId: turn.id, text: wordsOf(turn), final: true });
    this.#report({ type: "caller.finished", turnId: turn.id, uplinkMs: event.atMs });
  }

  #recognise(jobClass: JobClass, stretch: Stretch): Segment {
    const samples = this.#tape.cut(stretch.fromMs, stretch.toMs);
    const segment: Segment = {
      job: this.#parts.pool.recognise(jobClass, { samples, voicedMs: stretch.voicedMs }),
      text: undefined,
    };
    segment.job.text.then(
      (text) => this.#recognised(segment, text ?? ""),
      (error: unknown) => this.#unrecognised(segment, toFault(error, "internal", "recognising")),
    );
    return segment;
  }

  #recognised(segment: Segment, text: string): void {
    if (!this.#open) return;
    segment.text = text;
    if (this.#turn?.segments.includes(segment)) this.#show(wordsOf(this.#turn));
    this.#follow();
  }

  /** The caller is asked to say it again, unless there is nobody left to hear it. */
  #unrecognised(segment: Segment, fault: Fault): void {
    const { broken } = this.#parts.pool;
    if (broken !== undefined) return this.failed(broken);
    this.#request.log.warning("provider_error", {
      provider: "local",
      error_type: "recognition_failed",
      retryable: true,
      message: fault.message,
    });
    this.#recognised(segment, "");
  }

  /** The words so far, if the pool has time for it. One at a time. */
  #look(stretch: Stretch): void {
    if (this.#partial !== undefined) return;
    const turn = this.#turn;
    const samples = this.#tape.cut(stretch.fromMs, stretch.toMs);
    const job = this.#parts.pool.recognise("partial", { samples, voicedMs: stretch.voicedMs });
    this.#partial = job;
    const looked = (text: string | undefined): void => {
      if (this.#partial === job) this.#partial = undefined;
      if (this.#open && text !== undefined && turn !== undefined && turn === this.#turn) this.#show([wordsOf(turn), text].join(" ").trim());
    };
    job.text.then(looked, () => looked(undefined));
  }

  #show(text: string): void {
    if (this.#turn === undefined || text === "" || text === this.#lastText) return;
    this.#lastText = text;
    this.#report({ type: "caller.transcribed", turnId: this.#turn.id, text, final: false });
  }

  #report(notice: EarNotice): void {
    // Who hears of one notice may close the ear before the next of the same moment.
    if (this.#open) this.#request.report(notice);
  }
}

function wordsOf(turn: Turn): string {
  return turn.segments
    .map(({ text }) => text ?? "")
    .filter((text) => text !== "")
    .join(" ");
}
