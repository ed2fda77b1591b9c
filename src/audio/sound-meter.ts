import { encodings, type Encoding } from "./encodings.ts";
import { pcma, pcmu } from "./g711.ts";

/** Quieter frames are pauses; they say nothing of how loud somebody speaks, dBFS. */
const pauseDb = -50;
/** From here on a sample is taken to be cut off: above the largest but one of G.711. */
const clippedFrom = 31_900;

/** How loud and how clean one side sounds. Level: mean of what is no pause, dBFS; undefined: nothing was heard. */
export interface Sound {
  readonly levelDb: number | undefined;
  /** Share of samples at the limit, 0 to 1. */
  readonly clippedShare: number;
}

/** Level and clipping of one side of a call, from whichever frames it is given; allocates nothing. */
export class SoundMeter {
  readonly #encoding: Encoding;
  #frames = 0;
  /** Mean square of each frame that was no pause, summed up. */
  #power = 0;
  #samples = 0;
  #clipped = 0;

  constructor(encoding: Encoding) {
    this.#encoding = encoding;
  }

  /** Whole samples. */
  take(bytes: Uint8Array): void {
    const { codec, bytesPerSample } = encodings[this.#encoding];
    const count = Math.floor(bytes.length / bytesPerSample);
    if (count === 0) return;
    const linearOf = codec === "pcmu" ? pcmu.linearOf : codec === "pcma" ? pcma.linearOf : undefined;
    let sum = 0;
    let clipped = 0;
    for (let at = 0; at < count; at += 1) {
      const sample =
        linearOf === undefined ? (((bytes[2 * at] ?? 0) | ((bytes[2 * at + 1] ?? 0) << 8)) << 16) >> 16 : (linearOf[bytes[at] ?? 0] ?? 0);
      sum += sample * sample;
      if (sample >= clippedFrom || sample <= -clippedFrom) clipped += 1;
    }
    const power = sum / count / 32_768 ** 2;
    if (power < 10 ** (pauseDb / 10)) return;
    this.#frames += 1;
    this.#power += power;
    this.#samples += count;
    this.#clipped += clipped;
  }

  get sound(): Sound {
    return {
      levelDb: this.#frames === 0 ? undefined : 10 * Math.log10(this.#power / this.#frames),
      clippedShare: this.#samples === 0 ? 0 : this.#clipped / this.#samples,
    };
  }
}
