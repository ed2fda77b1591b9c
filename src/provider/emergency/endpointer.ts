import { bytesOf, msOf, type Encoding } from "../../audio/encodings.ts";
import { levelDb } from "../../audio/level.ts";

const windowMs = 20;
/** The caller speaks when so much more of the last moments was loud than was quiet, ms. */
const onsetMs = 200;
/** Silence that ends a turn, ms. */
const pauseMs = 800;
/** What goes on for so long is noise, or somebody who wants no answer, ms. */
const longestTurnMs = 30_000;
const quietestSpeechDb = -48;
const aboveFloorDb = 10;
/** More is asked while our own voice may come back as echo. */
const aboveEchoDb = 10;
/** How fast the noise floor follows a line that grows louder, dB a window. */
const floorRiseDb = 0.06;

export interface EndpointerReport {
  /** Positions are in audio heard since the beginning, ms. */
  spoke(uplinkMs: number): void;
  finished(uplinkMs: number): void;
}

type State = { readonly name: "quiet"; loudMs: number } | { readonly name: "speaking"; readonly sinceMs: number; lastLoudMs: number };

/** Where the caller's turns begin and end, by loudness alone: it needs nothing that could be broken. Allocates nothing per frame. */
export class Endpointer {
  readonly #encoding: Encoding;
  readonly #report: EndpointerReport;
  readonly #window: Uint8Array;
  #filled = 0;
  #heardMs = 0;
  #floorDb = -60;
  #state: State = { name: "quiet", loudMs: 0 };
  /** While true, more is asked of what counts as speech. */
  agentIsSpeaking = false;

  constructor(encoding: Encoding, report: EndpointerReport) {
    this.#encoding = encoding;
    this.#report = report;
    this.#window = new Uint8Array(bytesOf(windowMs, encoding));
  }

  /** All that was heard, ms. */
  get heardMs(): number {
    return this.#heardMs + msOf(this.#filled, this.#encoding);
  }

  hear(frame: Uint8Array): void {
    for (let at = 0; at < frame.length;) {
      const part = frame.subarray(at, at + this.#window.length - this.#filled);
      this.#window.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled < this.#window.length) return;
      this.#filled = 0;
      this.#heardMs += windowMs;
      this.#judge(levelDb(this.#window, this.#encoding));
    }
  }

  #judge(db: number): void {
    const isLoud = db > Math.max(quietestSpeechDb, this.#floorDb + aboveFloorDb) + (this.agentIsSpeaking ? aboveEchoDb : 0);
    this.#floorDb = db < this.#floorDb ? db : this.#floorDb + floorRiseDb;
    const state = this.#state;
    if (state.name === "quiet") {
      state.loudMs = Math.max(0, state.loudMs + (isLoud ? windowMs : -windowMs));
      if (state.loudMs < onsetMs) return;
      const sinceMs = this.#heardMs - onsetMs;
      this.#state = { name: "speaking", sinceMs, lastLoudMs: this.#heardMs };
      this.#report.spoke(sinceMs);
      return;
    }
    if (isLoud) state.lastLoudMs = this.#heardMs;
    if (this.#heardMs - state.lastLoudMs < pauseMs && this.#heardMs - state.sinceMs < longestTurnMs) return;
    this.#state = { name: "quiet", loudMs: 0 };
    this.#report.finished(state.lastLoudMs);
  }
}

/** Silence after which a turn is over for sure, ms. */
export const turnEndMs = pauseMs + windowMs;
