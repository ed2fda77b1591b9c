import { encodings, msOf, type Encoding } from "../audio/encodings.ts";
import { read } from "./voice.ts";

export interface HearingLimits {
  /** Voiced audio that makes a turn, ms. */
  readonly startMs: number;
  /** Silence that ends one, ms. */
  readonly silenceMs: number;
}

/** Positions in ms of all audio ever heard. */
export type HearingNotice = { readonly type: "started" | "stopped"; readonly atMs: number };

const hopMs = 10;
const voicedAmplitude = 700;

/**
 * Voice activity by energy, in audio time: what it notices depends on the samples alone, not on when they came.
 * Takes pieces of any whole number of samples.
 */
export class Hearing {
  readonly #encoding: Encoding;
  readonly #limits: HearingLimits;
  readonly #hopBytes: number;
  #rest: Uint8Array = new Uint8Array(0);
  #heardMs = 0;
  #voicedMs = 0;
  #silentMs = 0;
  #speaking = false;

  /** `heardMs`: where its audio begins. */
  constructor(encoding: Encoding, limits: HearingLimits, heardMs = 0) {
    this.#heardMs = heardMs;
    this.#encoding = encoding;
    this.#limits = limits;
    this.#hopBytes = hopMs * encodings[encoding].bytesPerMs;
  }

  get heardMs(): number {
    return this.#heardMs + msOf(this.#rest.length, this.#encoding);
  }

  *hear(bytes: Uint8Array): Generator<HearingNotice> {
    const all = Buffer.concat([this.#rest, bytes]);
    let at = 0;
    for (; at + this.#hopBytes <= all.length; at += this.#hopBytes) {
      this.#heardMs += hopMs;
      if (loud(read(all.subarray(at, at + this.#hopBytes), this.#encoding))) [this.#voicedMs, this.#silentMs] = [this.#voicedMs + hopMs, 0];
      else this.#silentMs += hopMs;
      if (!this.#speaking && this.#silentMs > 100) this.#voicedMs = 0;
      if (!this.#speaking && this.#voicedMs >= this.#limits.startMs) {
        this.#speaking = true;
        yield { type: "started", atMs: this.#heardMs - this.#voicedMs };
      } else if (this.#speaking && this.#silentMs >= this.#limits.silenceMs) {
        this.#speaking = false;
        this.#voicedMs = 0;
        yield { type: "stopped", atMs: this.#heardMs };
      }
    }
    this.#rest = all.subarray(at);
  }
}

function loud(samples: Int16Array): boolean {
  let sum = 0;
  for (const sample of samples) sum += Math.abs(sample);
  return sum > voicedAmplitude * samples.length;
}
