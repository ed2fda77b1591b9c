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
  #expectedMs: number | undefined;
  filledMs = 0;

  constructor(encoding: Encoding) {
    this.#encoding = encoding;
    this.#silence = new Uint8Array(bytesOf(pieceMs, encoding)).fill(encodings[encoding].silence);
  }

  /** Hands silence to `fill` for the time between the end of the last audio and `atMs`, in pieces of at most 100 ms. */
  advance(atMs: number, bytes: number, fill: (silence: Uint8Array) => void): void {
    const gapMs = this.#expectedMs === undefined ? 0 : atMs - this.#expectedMs;
    if (gapMs >= shortestGapMs) {
      const missingMs = Math.min(gapMs, longestGapMs);
      this.filledMs += missingMs;
      for (let left = bytesOf(missingMs, this.#encoding); left > 0; left -= this.#silence.length) {
        fill(left < this.#silence.length ? this.#silence.subarray(0, left) : this.#silence);
      }
    }
    // Late packets do not set the clock back: what they would fill again was filled.
    this.#expectedMs = Math.max(this.#expectedMs ?? 0, atMs + msOf(bytes, this.#encoding));
  }
}
