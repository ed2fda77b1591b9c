import type { Fault } from "../../kernel/fault.ts";
import { textLimit } from "./speak-wire.ts";
import type { SpeechSink, Utterance } from "./stages.ts";

/** With no more `Flush` messages left than this, clauses are gathered. */
const flushReserve = 8;
/** Clauses that wait are joined up to here, in letters: fewer joints sound better, and cost fewer flushes. */
const joinedLetters = 250;
const gatheredLetters = 600;

/** Words that are spoken in one go, and what of their audio was told. */
export class Text {
  readonly speech: Speech;
  readonly words: string;
  /** Told already, when these words are spoken a second time after a socket was lost in the middle of them. */
  #skipBytes = 0;
  #toldBytes = 0;
  #isTold = false;

  constructor(speech: Speech, words: string) {
    [this.speech, this.words] = [speech, words];
  }

  take(bytes: Uint8Array): void {
    this.begin();
    const skipped = Math.min(this.#skipBytes, bytes.length);
    this.#skipBytes -= skipped;
    if (skipped === bytes.length) return;
    this.#toldBytes += bytes.length - skipped;
    this.speech.audio(bytes.subarray(skipped));
  }

  /** Told once, also for words without any sound. */
  begin(): void {
    if (this.#isTold) return;
    this.#isTold = true;
    this.speech.clause(this.words);
  }

  again(): void {
    this.#skipBytes = this.#toldBytes;
  }
}

interface SpeechHost {
  changed(): void;
  cancelled(): void;
  /** It has told its end. */
  over(): void;
}

type State = "open" | "finished" | "over";

/** One utterance: clauses come in while their audio goes out. */
export class Speech implements Utterance {
  readonly #sink: SpeechSink;
  readonly #host: SpeechHost;
  readonly #clauses: string[] = [];
  /** To be spoken once more, before any clause. */
  readonly #again: Text[] = [];
  /** Texts given out and not spoken. */
  #pending = 0;
  #state: State = "open";
  #count = 0;
  /** What the service has been given to speak, and bills. */
  characters = 0;

  constructor(sink: SpeechSink, host: SpeechHost) {
    [this.#sink, this.#host] = [sink, host];
  }

  say(clause: string): void {
    if (this.#state !== "open" || clause === "") return;
    for (let at = 0; at < clause.length; at += textLimit - 1) this.#clauses.push(clause.slice(at, at + textLimit - 1));
    this.#host.changed();
  }

  finish(): void {
    if (this.#state !== "open") return;
    this.#state = "finished";
    // Never told from within: whoever finishes may not be ready for the end.
    queueMicrotask(() => this.#endIfDone(undefined));
    this.#host.changed();
  }

  cancel(): void {
    if (this.#state === "over") return;
    this.#state = "over";
    this.#host.cancelled();
  }

  /** Cancelled by the house itself. */
  silence(): void {
    this.#state = "over";
  }

  get isFinished(): boolean {
    return this.#state !== "open";
  }

  next(flushesLeft: number, isWaiting: boolean): Text | undefined {
    if (this.#state === "over") return undefined;
    const again = this.#again.shift();
    if (again === undefined && !this.#mayGo(flushesLeft, isWaiting)) return undefined;
    const text = again ?? new Text(this, this.#join(flushesLeft));
    if (text.words === "") return undefined;
    this.#pending += 1;
    return text;
  }

  takeBack(text: Text): void {
    this.#pending -= 1;
    text.again();
    if (this.#state !== "over") this.#again.unshift(text);
  }

  spoken(text: Text, fault?: Fault): void {
    this.#pending -= 1;
    if (this.#state === "over") return;
    text.begin();
    this.#endIfDone(fault);
  }

  clause(words: string): void {
    if (this.#state !== "over") this.#sink.clause(words);
  }

  audio(bytes: Uint8Array): void {
    if (this.#state !== "over") this.#sink.audio(bytes);
  }

  #mayGo(flushesLeft: number, isWaiting: boolean): boolean {
    const letters = this.#clauses.reduce((sum, clause) => sum + clause.length, 0);
    if (letters === 0) return false;
    // The first words are wanted at once, and silence is worse than a short text.
    if (this.#count === 0 || isWaiting || this.#state === "finished" || flushesLeft > flushReserve) return true;
    return letters >= gatheredLetters;
  }

  #join(flushesLeft: number): string {
    const limit = flushesLeft > flushReserve ? joinedLetters : textLimit - 1;
    let words = this.#clauses.shift() ?? "";
    const isFirst = this.#count === 0;
    this.#count += 1;
    while (!isFirst && this.#clauses[0] !== undefined && words.length + this.#clauses[0].length < limit)
      words += ` ${this.#clauses.shift()}`;
    return words;
  }

  /** After a fault nothing more is spoken: half an answer with a hole in it is no answer. */
  #endIfDone(fault: Fault | undefined): void {
    if (this.#state === "over") return;
    const isDone = this.#state === "finished" && this.#clauses.length === 0 && this.#again.length === 0 && this.#pending === 0;
    if (fault === undefined && !isDone) return;
    this.#state = "over";
    this.#sink.ended(fault);
    this.#host.over();
  }
}

/** What is to be spoken next: a later speech waits until those before it have given out all their words. */
export function nextText(speeches: readonly Speech[], flushesLeft: number, isWaiting: boolean): Text | undefined {
  for (const speech of speeches) {
    const text = speech.next(flushesLeft, isWaiting);
    if (text !== undefined) return text;
    if (!speech.isFinished) return undefined;
  }
  return undefined;
}
