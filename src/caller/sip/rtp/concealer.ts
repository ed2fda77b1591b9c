import { encodings, type Encoding } from "../../../audio/encodings.ts";
import { pcma, pcmu } from "../../../audio/g711.ts";

/** Pitch of speech: 66 to 400 Hz. */
const shortestPeriodMs = 2.5;
const longestPeriodMs = 15;
const matchMs = 20;
const historyMs = 40;
/** Made-up audio is as loud as the last for so long, then fades, and is silent from here on. */
const fullMs = 10;
const silentMs = 60;
const blendMs = 5;
/** Samples are compared at about this rate: enough to find a period, a third of the work at 24 kHz. */
const searchHz = 8_000;

/**
 * Makes up for audio that was lost, in the manner of ITU-T G.711 Appendix I: the last period of the voice is repeated, fades from 10 ms
 * on and is silent after 60 ms; the next real audio is faded in over 5 ms. What was not lost passes untouched.
 */
export class Concealer {
  readonly #row: (typeof encodings)[Encoding];
  readonly #history: Int16Array;
  #period = new Int16Array(0);
  /** Samples made up in this run; 0: the last audio was real. */
  #madeUp = 0;
  #samples = new Int16Array(0);
  #bytes = new Uint8Array(0);

  constructor(encoding: Encoding) {
    this.#row = encodings[encoding];
    this.#history = new Int16Array(this.#samplesIn(historyMs));
  }

  /** Real audio, whole samples. Returned as it is, or a copy whose beginning is blended; valid until the next call. */
  heard(bytes: Uint8Array): Uint8Array {
    const samples = this.#decode(bytes);
    if (this.#madeUp === 0) {
      this.#remember(samples);
      return bytes;
    }
    const blend = Math.min(samples.length, this.#samplesIn(blendMs));
    for (let at = 0; at < blend; at += 1) {
      const share = (at + 1) / (blend + 1);
      samples[at] = Math.round((samples[at] ?? 0) * share + this.#made(this.#madeUp + at) * (1 - share));
    }
    this.#madeUp = 0;
    this.#remember(samples);
    return this.#encode(samples);
  }

  /** So many samples in place of lost ones; valid until the next call. */
  conceal(count: number): Uint8Array {
    if (this.#madeUp === 0) this.#findPeriod();
    const samples = this.#room(count);
    for (let at = 0; at < count; at += 1) samples[at] = this.#made(this.#madeUp + at);
    this.#madeUp += count;
    return this.#encode(samples);
  }

  /** The sender was silent for so many samples. */
  silence(count: number): Uint8Array {
    this.#madeUp = 0;
    this.#history.fill(0);
    return this.#encode(this.#room(count).fill(0));
  }

  /** Is there nothing to be heard in this audio? */
  isQuiet(bytes: Uint8Array, threshold = 200): boolean {
    const samples = this.#decode(bytes);
    for (let at = 0; at < samples.length; at += 1) if (Math.abs(samples[at] ?? 0) > threshold) return false;
    return true;
  }

  #made(at: number): number {
    const [full, silent] = [this.#samplesIn(fullMs), this.#samplesIn(silentMs)];
    if (at >= silent || this.#period.length === 0) return 0;
    const gain = at < full ? 1 : (silent - at) / (silent - full);
    return Math.round((this.#period[at % this.#period.length] ?? 0) * gain);
  }

  /** The last period, its end blended so that it can follow itself. */
  #findPeriod(): void {
    const history = this.#history;
    const end = history.length;
    const lag = this.#bestLag();
    const period = history.slice(end - lag);
    const blend = lag >> 2;
    for (let at = 0; at < blend; at += 1) {
      const share = (at + 1) / (blend + 1);
      const earlier = history[end - lag - blend + at] ?? 0;
      period[lag - blend + at] = Math.round((period[lag - blend + at] ?? 0) * (1 - share) + earlier * share);
    }
    this.#period = period;
  }

  #bestLag(): number {
    const history = this.#history;
    const step = Math.max(1, Math.round(this.#row.rateHz / searchHz));
    const [end, length] = [history.length, this.#samplesIn(matchMs)];
    let [best, bestScore] = [this.#samplesIn(longestPeriodMs), 0];
    for (let lag = this.#samplesIn(shortestPeriodMs); lag <= this.#samplesIn(longestPeriodMs); lag += step) {
      let [product, energy] = [0, 1];
      for (let at = end - length; at < end; at += step) {
        const earlier = history[at - lag] ?? 0;
        product += (history[at] ?? 0) * earlier;
        energy += earlier * earlier;
      }
      const score = product <= 0 ? 0 : (product * product) / energy;
      if (score > bestScore) [best, bestScore] = [lag, score];
    }
    return best;
  }

  #remember(samples: Int16Array): void {
    const history = this.#history;
    const kept = Math.min(samples.length, history.length);
    history.copyWithin(0, kept);
    history.set(samples.subarray(samples.length - kept), history.length - kept);
  }

  /** A copy of the samples that may be written to. */
  #decode(bytes: Uint8Array): Int16Array {
    const { codec, bytesPerSample } = this.#row;
    const samples = this.#room(bytes.length / bytesPerSample);
    if (codec === "pcmu") pcmu.decode(bytes, samples);
    else if (codec === "pcma") pcma.decode(bytes, samples);
    else new Uint8Array(samples.buffer, samples.byteOffset, bytes.length).set(bytes);
    return samples;
  }

  #encode(samples: Int16Array): Uint8Array {
    const { codec } = this.#row;
    if (codec === "pcm16") return new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
    if (this.#bytes.length < samples.length) this.#bytes = new Uint8Array(samples.length);
    return (codec === "pcmu" ? pcmu : pcma).encode(samples, this.#bytes).subarray(0, samples.length);
  }

  #room(count: number): Int16Array {
    if (this.#samples.length < count) this.#samples = new Int16Array(count);
    return this.#samples.subarray(0, count);
  }

  #samplesIn(ms: number): number {
    return Math.round((ms * this.#row.rateHz) / 1000);
  }
}
