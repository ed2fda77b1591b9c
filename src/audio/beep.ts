import { encodings, type Encoding } from "./encodings.ts";
import { pcma, pcmu } from "./g711.ts";

/** Looked at with about so many samples a second; a beep has no need of more. */
const lookHz = 8_000;
const [lowestHz, highestHz] = [350, 2_600];
/** A tone shorter than this is no beep. */
const beepMs = 200;
/** A pure tone is foreseen from its last two samples but for so much of its power. */
const longestRest = 0.01;
/** From frame to frame its pitch stays within this share. */
const steadiness = 0.02;
const audibleDb = -40;

/** Hears the single steady tone with which an answering machine says that it records now; speech, music and keys are none. */
export class BeepEar {
  readonly #encoding: Encoding;
  readonly #step: number;
  #hz = 0;
  #steadyMs = 0;

  constructor(encoding: Encoding) {
    this.#encoding = encoding;
    this.#step = Math.max(1, Math.round(encodings[encoding].rateHz / lookHz));
  }

  /** True: a beep has sounded for long enough. Whole samples; allocates nothing. */
  hear(bytes: Uint8Array): boolean {
    const { rateHz, bytesPerMs, codec, bytesPerSample } = encodings[this.#encoding];
    const linearOf = codec === "pcmu" ? pcmu.linearOf : codec === "pcma" ? pcma.linearOf : undefined;
    const count = Math.floor(bytes.length / bytesPerSample);
    // A tone obeys x(n) + x(n-2) = 2 cos(w) x(n-1); the factor that fits best tells its pitch, and what it leaves how pure it is.
    let [before, last, power, product, both, looked] = [0, 0, 0, 0, 0, 0];
    for (let at = 0; at < count; at += this.#step) {
      const sample =
        linearOf === undefined ? (((bytes[2 * at] ?? 0) | ((bytes[2 * at + 1] ?? 0) << 8)) << 16) >> 16 : (linearOf[bytes[at] ?? 0] ?? 0);
      if (looked >= 2) {
        const sum = sample + before;
        power += last * last;
        product += last * sum;
        both += sum * sum;
      }
      [before, last] = [last, sample];
      looked += 1;
    }
    const loudDb = looked <= 2 ? -Infinity : 10 * Math.log10(power / (looked - 2) / 32_768 ** 2);
    const factor = power === 0 ? 0 : product / power;
    const rest = (both - factor * product) / Math.max(1, both + power);
    const hz = (Math.acos(Math.max(-1, Math.min(1, factor / 2))) * rateHz) / this.#step / (2 * Math.PI);
    const isTone = loudDb > audibleDb && rest < longestRest && hz >= lowestHz && hz <= highestHz;
    const isSame = Math.abs(hz - this.#hz) <= steadiness * hz;
    this.#hz = hz;
    this.#steadyMs = isTone && (isSame || this.#steadyMs === 0) ? this.#steadyMs + bytes.length / bytesPerMs : 0;
    return this.#steadyMs >= beepMs;
  }
}
