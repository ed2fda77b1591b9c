import { bytesOf, msOf, type Encoding } from "../../src/audio/encodings.ts";

export interface Played {
  readonly turnId: string;
  readonly ms: number;
}

interface Piece {
  readonly turn: PlayedTurn;
  readonly bytes: Uint8Array;
  readonly startMs: number;
  readonly endMs: number;
}

/** One agent turn as the loudspeaker knows it; times on the clock of whoever asks. */
export interface PlayedTurn {
  readonly turnId: string;
  readonly startMs: number;
  endMs: number;
  heardMs: number;
}

/** A loudspeaker that plays in real time what it gets, by arithmetic alone. What left it is kept, for a recording. */
export class Playback {
  readonly encoding: Encoding;
  readonly turns: PlayedTurn[] = [];
  readonly #queue: Piece[] = [];
  readonly #heard: { atMs: number; bytes: Uint8Array }[] = [];
  #playsUntilMs = 0;
  /** Turns whose figure changed since the last report. */
  readonly #news = new Set<PlayedTurn>();

  constructor(encoding: Encoding) {
    this.encoding = encoding;
  }

  take(turnId: string, bytes: Uint8Array, nowMs: number): void {
    const startMs = Math.max(nowMs, this.#playsUntilMs);
    const turn = this.#turnOf(turnId, startMs);
    this.#playsUntilMs = startMs + msOf(bytes.length, this.encoding);
    this.#queue.push({ turn, bytes, startMs, endMs: this.#playsUntilMs });
  }

  /** The turns that were heard further since the last time. */
  advance(nowMs: number): Played[] {
    for (let piece = this.#queue[0]; piece !== undefined && piece.endMs <= nowMs; piece = this.#queue[0]) {
      this.#queue.shift();
      this.#hear(piece, piece.bytes);
    }
    const playing = this.#queue[0];
    if (playing !== undefined && playing.startMs < nowMs) this.#news.add(playing.turn);
    const reports = [...this.#news].map((turn) => ({ turnId: turn.turnId, ms: Math.floor(this.#msOf(turn, nowMs)) }));
    this.#news.clear();
    return reports;
  }

  /** Stops at once. The last word on the turn that was playing; undefined: nothing was. */
  flush(nowMs: number): Played | undefined {
    const reports = this.advance(nowMs);
    const [playing] = this.#queue;
    const heard = playing === undefined ? 0 : bytesOf(Math.max(0, nowMs - playing.startMs), this.encoding);
    if (playing !== undefined && heard > 0) this.#hear(playing, playing.bytes.subarray(0, heard));
    this.#queue.length = 0;
    this.#news.clear();
    this.#playsUntilMs = nowMs;
    const last = playing?.turn ?? this.turns.at(-1);
    return last === undefined ? reports.at(-1) : { turnId: last.turnId, ms: Math.floor(last.heardMs) };
  }

  isPlaying(nowMs: number): boolean {
    return nowMs < this.#playsUntilMs;
  }

  /** What was heard, each piece with when it was; in order. */
  get heard(): readonly { readonly atMs: number; readonly bytes: Uint8Array }[] {
    return this.#heard;
  }

  #hear({ turn, startMs }: Piece, bytes: Uint8Array): void {
    const ms = msOf(bytes.length, this.encoding);
    turn.heardMs += ms;
    turn.endMs = startMs + ms;
    this.#heard.push({ atMs: startMs, bytes });
    this.#news.add(turn);
  }

  #msOf(turn: PlayedTurn, nowMs: number): number {
    const playing = this.#queue[0];
    return turn.heardMs + (playing?.turn === turn ? Math.max(0, nowMs - playing.startMs) : 0);
  }

  #turnOf(turnId: string, startMs: number): PlayedTurn {
    const known = this.turns.findLast((turn) => turn.turnId === turnId);
    if (known !== undefined) return known;
    const turn = { turnId, startMs, endMs: startMs, heardMs: 0 };
    this.turns.push(turn);
    return turn;
  }
}
