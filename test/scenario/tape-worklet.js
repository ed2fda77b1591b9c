/** Posts what its inputs carry, each as one channel, in blocks: `{ tracks: Float32Array[], endsAt: number }`, `endsAt` in frames of the audio context. */
class Tape extends AudioWorkletProcessor {
  /** @type {Float32Array[]} */
  #tracks = [];
  #filled = 0;

  /** @param {Float32Array[][]} inputs */
  process(inputs) {
    if (this.#filled === 0) this.#tracks = inputs.map(() => new Float32Array(2_048));
    for (const [track, [channel]] of inputs.entries()) if (channel !== undefined) this.#tracks[track]?.set(channel, this.#filled);
    this.#filled += 128;
    if (this.#filled < 2_048) return true;
    this.#filled = 0;
    this.port.postMessage({ tracks: this.#tracks, endsAt: currentFrame + 128 });
    return true;
  }
}

registerProcessor("tape", Tape);
