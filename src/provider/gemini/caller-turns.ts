import type { Clock, Timer } from "../../kernel/clock.ts";
import type { LinkNotice } from "../contract.ts";

interface Turn {
  readonly id: string;
  readonly fromMs: number;
  /** The words that are certain, and a guess at those to come. */
  text: string;
  guess: string;
  /** Whether the service heard it too: it gave words for it, or said that it hears, or let itself be interrupted. */
  evident: boolean;
  /** Final words were told. */
  final: boolean;
}

/**
 * `unheard`: the service hears a caller whom our detector does not. `pausing`: silence after speech of which the service has given no
 * sign so far. `finished`: an answer is owed.
 */
type State =
  | { readonly name: "quiet" }
  | { readonly name: "speaking" | "unheard" | "finished"; readonly turn: Turn }
  | { readonly name: "pausing"; readonly turn: Turn; readonly endMs: number; readonly voicedMs: number };

/** The soft beginning of a word that the detector is late for, ms. */
const leadMs = 200;
/** A service that gives no sign within this heard no speech, ms: a car, a cough, a radio. */
const signLimitMs = 3_000;
/** But somebody who says so much and gets no sign, and says as much again, is a caller whom the service owes an answer. */
const surelyVoicedMs = 700;
/** A caller whom only the service hears has finished when no words come for so long. */
const unheardPauseMs = 1_500;
/** Words still come while the answer begins; after so long without any they are all there. */
const wordsPauseMs = 700;
/** Words that come so much caller audio after a turn's end belong to a new one. */
const lateWordsMs = 3_000;

export interface CallerTurnsHost {
  readonly clock: Clock;
  /** ms of audio heard since the link opened. */
  readonly uplinkMs: () => number;
  readonly id: () => string;
  notice(notice: LinkNotice): void;
  /** An answer is owed, or after all not. */
  owes(answer: boolean): void;
}

/**
 * The caller's turns. The service tells of them by hints only, which come late or never, so two sources are joined.
 *
 * Evidence, from the service: words, an interruption, the beginning of an answer, and on some sessions its own voice activity. Only
 * evidence makes speech a turn that is owed an answer, and what it says of the end holds.
 * Estimate, from our detector: that somebody began to speak (told at once, for barge-in cannot wait), where in the audio that was, and
 * when they stopped. Without any evidence it is taken back as `caller.dismissed`.
 */
export class CallerTurns {
  readonly #host: CallerTurnsHost;
  #state: State = { name: "quiet" };
  /** The turn before the present one, as long as words may come for it. */
  #latest: Turn | undefined;
  #lastEndMs = 0;
  #answeredMs = 0;
  /** Whether the last long utterance was dismissed for want of a sign. */
  #missed = false;
  #timer: Timer | undefined;

  constructor(host: CallerTurnsHost) {
    this.#host = host;
  }

  /** Whether our detector alone says that the caller speaks. */
  get unproven(): boolean {
    return this.#state.name === "speaking" && !this.#state.turn.evident;
  }

  /** All caller audio up to here was answered, or was none. */
  get answeredMs(): number {
    return this.#answeredMs;
  }

  close(): void {
    this.#host.clock.clearTimeout(this.#timer);
  }

  // Our estimate

  speechBegan(atMs: number): void {
    const state = this.#state;
    if (state.name === "quiet") return this.#open("speaking", Math.max(this.#lastEndMs, atMs - leadMs));
    if (state.name === "finished") {
      this.#host.notice({ type: "caller.resumed", turnId: state.turn.id });
      this.#host.owes(false);
    }
    this.#disarm();
    this.#state = { name: "speaking", turn: state.turn };
  }

  speechEnded(endMs: number, voicedMs: number): void {
    if (this.#state.name !== "speaking") return;
    const { turn } = this.#state;
    if (turn.evident) return this.#finish(turn, endMs);
    this.#state = { name: "pausing", turn, endMs, voicedMs };
    this.#arm(signLimitMs, () => {
      const surely = voicedMs >= surelyVoicedMs;
      if (surely && this.#missed) return this.#finish(turn, endMs);
      this.#missed ||= surely;
      this.#dismiss(turn, endMs);
    });
  }

  /** The turn is ended by hand. */
  committed(endMs: number): void {
    if (this.#state.name === "finished") this.#latest = this.#state.turn;
    if (this.#state.name === "quiet" || this.#state.name === "finished") this.#open("speaking", this.#lastEndMs);
    if (this.#state.name !== "quiet") this.#finish(this.#state.turn, endMs);
  }

  // What the service says

  /** It hears the caller: by its own voice activity (then with its position), or because it let itself be interrupted. */
  activityBegan(atMs: number | undefined): void {
    if (this.#state.name === "quiet") this.#open("unheard", Math.max(this.#lastEndMs, (atMs ?? this.#host.uplinkMs()) - leadMs));
    this.#evident();
  }

  activityEnded(atMs: number | undefined): void {
    const state = this.#state;
    if (state.name === "quiet" || state.name === "finished") return;
    const endMs = Math.min(atMs ?? this.#host.uplinkMs(), this.#host.uplinkMs());
    this.#finish(state.turn, state.name === "pausing" ? state.endMs : Math.max(endMs, state.turn.fromMs));
  }

  /** False: words of a turn that nobody noticed, too late to tell of it. */
  heard(text: string, agentSpeaks: boolean): boolean {
    if (text === "") return true;
    if (this.#state.name === "quiet" && !this.#takesLate(agentSpeaks)) {
      if (agentSpeaks || this.#host.uplinkMs() - this.#lastEndMs < lateWordsMs) return false;
      this.#open("unheard", Math.max(this.#lastEndMs, this.#host.uplinkMs() - lateWordsMs));
    }
    const turn = this.#state.name === "quiet" ? this.#latest : this.#state.turn;
    if (turn === undefined) return false;
    turn.text += text;
    turn.guess = "";
    this.#tellWords(turn, false);
    this.#evident();
    if (this.#state.name === "quiet") this.#awaitWords(turn);
    return true;
  }

  guessed(text: string): void {
    if (this.#state.name === "quiet") return;
    const { turn } = this.#state;
    turn.guess = text;
    this.#tellWords(turn, false);
    this.#evident();
  }

  /** The model began to speak or to call: whatever the caller said before is what it answers. */
  answered(): void {
    const state = this.#state;
    if (state.name === "quiet") return;
    if (state.name !== "finished") this.#finish(state.turn, state.name === "pausing" ? state.endMs : this.#host.uplinkMs());
    this.#state = { name: "quiet" };
    this.#latest = state.turn;
    this.#host.owes(false);
    this.#awaitWords(state.turn);
  }

  /** The model wants to hear more before it answers. */
  wantsMore(): void {
    if (this.#state.name !== "finished") return;
    const { turn } = this.#state;
    this.#state = { name: "unheard", turn };
    this.#host.notice({ type: "caller.resumed", turnId: turn.id });
    this.#host.owes(false);
  }

  /** The answer is over: its words and those that it answers are all there, and so is its place in the service's memory. */
  settle(): void {
    if (this.#latest !== undefined) this.#conclude(this.#latest);
    this.#answeredMs = this.#lastEndMs;
    if (this.#state.name === "finished") this.#answeredMs = Math.min(this.#answeredMs, this.#state.turn.fromMs);
  }

  /** The words so far must do: what comes next rests on them. */
  settleWords(): void {
    if (this.#latest !== undefined && this.#latest.text !== "") this.#conclude(this.#latest);
  }

  // Turns

  #open(name: "speaking" | "unheard", fromMs: number): void {
    if (this.#latest !== undefined) this.#conclude(this.#latest);
    const turn: Turn = { id: this.#host.id(), fromMs, text: "", guess: "", evident: false, final: false };
    this.#state = { name, turn };
    this.#host.notice({ type: "caller.spoke", turnId: turn.id, uplinkMs: fromMs });
    this.#host.owes(false);
  }

  #evident(): void {
    const state = this.#state;
    if (state.name === "quiet") return;
    state.turn.evident = true;
    this.#missed = false;
    if (state.name === "pausing") this.#finish(state.turn, state.endMs);
    else if (state.name === "unheard") this.#arm(unheardPauseMs, () => this.#finish(state.turn, this.#host.uplinkMs()));
  }

  #finish(turn: Turn, endMs: number): void {
    this.#disarm();
    this.#state = { name: "finished", turn };
    this.#lastEndMs = endMs;
    this.#host.notice({ type: "caller.finished", turnId: turn.id, uplinkMs: endMs });
    this.#host.owes(true);
  }

  #dismiss(turn: Turn, endMs: number): void {
    this.#state = { name: "quiet" };
    this.#lastEndMs = endMs;
    this.#host.notice({ type: "caller.dismissed", turnId: turn.id });
  }

  // Words

  #takesLate(agentSpeaks: boolean): boolean {
    if (this.#latest === undefined || this.#latest.final) return false;
    return agentSpeaks || this.#host.uplinkMs() - this.#lastEndMs < lateWordsMs;
  }

  #awaitWords(turn: Turn): void {
    this.#arm(wordsPauseMs, () => {
      if (turn.text !== "") this.#conclude(turn);
    });
  }

  #conclude(turn: Turn): void {
    if (turn.final) return;
    turn.final = true;
    if (this.#latest === turn) this.#disarm();
    this.#tellWords(turn, true);
  }

  #tellWords(turn: Turn, final: boolean): void {
    const text = final ? turn.text : turn.text + turn.guess;
    this.#host.notice({ type: "caller.transcribed", turnId: turn.id, text: text.trim(), final });
  }

  #arm(delayMs: number, run: () => void): void {
    this.#disarm();
    this.#timer = this.#host.clock.setTimeout(run, delayMs);
  }

  #disarm(): void {
    this.#host.clock.clearTimeout(this.#timer);
  }
}
