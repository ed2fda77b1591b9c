import { bytesOf, encodings, msOf, type Encoding } from "../audio/encodings.ts";

/** What the carrier never received is filled with silence up to here; a longer gap is a clock that jumped. */
const longestGapMs = 10_000;
/** Below this a gap is rounding of the time stamps. */
const shortestGapMs = 5;
const pieceMs = 100;

/** Watches the time stamps of the caller's audio and fills their gaps, so that whoever listens has a continuous time base. */
export class MediaClock {
  readonly #encoding: Encoding;
  readonly #silence: Uint8Array;
  /** Less than 0: before the first audio. */
  #expectedMs = -1;

  constructor(encoding: Encoding) {
    this.#encoding = encoding;
    this.#silence = new Uint8Array(bytesOf(pieceMs, encoding)).fill(encodings[encoding].silence);
  }

  /** Audio came that begins at `atMs`: so much is missing between it and the end of what came before, ms; mostly 0. */
  advance(atMs: number, bytes: number): number {
    const expectedMs = this.#expectedMs;
    const gapMs = expectedMs < 0 ? 0 : atMs - expectedMs;
    const endMs = atMs + msOf(bytes, this.#encoding);
    // Late packets do not set the clock back: what they would fill again was filled.
    if (endMs > expectedMs) this.#expectedMs = endMs;
    return gapMs >= shortestGapMs ? Math.min(gapMs, longestGapMs) : 0;
  }

  /** So much silence, in pieces of at most 100 ms. */
  *silence(ms: number): Generator<Uint8Array> {
    for (let left = bytesOf(ms, this.#encoding); left > 0; left -= this.#silence.length)
      yield left < this.#silence.length ? this.#silence.subarray(0, left) : this.#silence;
  }
}
