import { bytesOf, encodings, msOf, type Encoding } from "../../audio/encodings.ts";

/** Not played yet: audio, or a mark behind it. */
type Queued = { readonly audio: Buffer } | { readonly mark: string };

/** A carrier's playback buffer and the loudspeaker behind it; plays on when told how much time has passed. */
export class Speaker {
  readonly #encoding: Encoding;
  readonly #reached: (mark: string) => void;
  readonly #queue: Queued[] = [];
  readonly #played: Buffer[] = [];
  readonly #received: Buffer[] = [];
  /** Audio that was thrown away by `clear`, ms. */
  clearedMs = 0;
  clears = 0;
  /** The most that was ever waiting, ms. */
  deepestMs = 0;

  /** @param reached is told of every mark that was passed, or cleared. */
  constructor(encoding: Encoding, reached: (mark: string) => void) {
    this.#encoding = encoding;
    this.#reached = reached;
  }

  /** All audio that ever came. */
  get received(): Buffer {
    return Buffer.concat(this.#received);
  }

  /** What the person at the telephone heard. */
  get played(): Buffer {
    return Buffer.concat(this.#played);
  }

  get playedMs(): number {
    return msOf(
      this.#played.reduce((sum, each) => sum + each.length, 0),
      this.#encoding,
    );
  }

  get waitingMs(): number {
    return msOf(
      this.#queue.reduce((sum, each) => sum + ("audio" in each ? each.audio.length : 0), 0),
      this.#encoding,
    );
  }

  append(audio: Uint8Array): void {
    const copy = Buffer.from(audio);
    this.#received.push(copy);
    this.#queue.push({ audio: copy });
    this.deepestMs = Math.max(this.deepestMs, this.waitingMs);
  }

  /** Told back once everything before it was played; at once if there is nothing. */
  mark(name: string): void {
    if (this.#queue.length === 0) this.#reached(name);
    else this.#queue.push({ mark: name });
  }

  /** Throws away what was not played and tells back every mark in it. */
  clear(): void {
    this.clears += 1;
    this.clearedMs += this.waitingMs;
    const left = this.#queue.splice(0);
    for (const each of left) if ("mark" in each) this.#reached(each.mark);
  }

  /** Plays on for so long, as far as there is something to play. */
  play(ms: number): void {
    let left = bytesOf(ms, this.#encoding);
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      if ("mark" in next) {
        this.#queue.shift();
        this.#reached(next.mark);
      } else if (left === 0) {
        return;
      } else {
        const taken = next.audio.subarray(0, left);
        left -= taken.length;
        this.#played.push(taken);
        if (taken.length === next.audio.length) this.#queue.shift();
        else this.#queue[0] = { audio: next.audio.subarray(taken.length) };
      }
    }
  }

  /** What an empty buffer sounds like. */
  get silence(): number {
    return encodings[this.#encoding].silence;
  }
}
