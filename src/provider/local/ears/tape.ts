const samplesPerMs = 16;

/** The last part of one caller's audio, pcm16@16000, found by its position since the ear opened. */
export class Tape {
  readonly #samples: Int16Array;
  readonly #bytes: Uint8Array;
  #written = 0;

  constructor(lengthMs: number) {
    this.#samples = new Int16Array(lengthMs * samplesPerMs);
    this.#bytes = new Uint8Array(this.#samples.buffer);
  }

  /** Samples written so far, also those that are overwritten by now. */
  get written(): number {
    return this.#written;
  }

  /** At most a tape's length of whole samples, at any address. */
  write(pcm: Uint8Array): void {
    const at = (this.#written * 2) % this.#bytes.length;
    const first = Math.min(pcm.length, this.#bytes.length - at);
    this.#bytes.set(first === pcm.length ? pcm : pcm.subarray(0, first), at);
    if (first < pcm.length) this.#bytes.set(pcm.subarray(first), 0);
    this.#written += pcm.length / 2;
  }

  /** Fills `into` with the samples from number `from` on; they must still be there. */
  read(from: number, into: Int16Array): void {
    const at = from % this.#samples.length;
    const first = Math.min(into.length, this.#samples.length - at);
    into.set(this.#samples.subarray(at, at + first));
    if (first < into.length) into.set(this.#samples.subarray(0, into.length - first), first);
  }

  /** A copy of what lies between two positions. */
  cut(fromMs: number, toMs: number): Int16Array {
    const samples = new Int16Array((toMs - fromMs) * samplesPerMs);
    this.read(fromMs * samplesPerMs, samples);
    return samples;
  }
}
