import { loudness, toPcm16 } from "./pcm16.js";
import { Resampler } from "./resampler.js";

const frameMs = 20;

/**
 * Turns what comes in (microphone or recording) into frames of 20 ms in pcm16 at `rateHz`, each posted as `{ bytes, level }`.
 * Muted or without input it gives silence: time goes on at the other end. Takes `{ muted }` and `{ close: true }`.
 */
class Capture extends AudioWorkletProcessor {
  #resampler;
  #frame;
  #filled = 0;
  #mono = new Float32Array(128);
  #resampled;
  #muted = false;
  #open = true;

  /** @param {{ processorOptions: { rateHz: number } }} options */
  constructor({ processorOptions: { rateHz } }) {
    super();
    this.#resampler = new Resampler(sampleRate, rateHz);
    this.#frame = new Float32Array((rateHz * frameMs) / 1000);
    this.#resampled = new Float32Array(Math.ceil((128 * rateHz) / sampleRate) + 2);
    this.port.onmessage = ({ data }) => {
      if (data.close === true) this.#open = false;
      else this.#muted = data.muted;
    };
  }

  /** @param {Float32Array[][]} inputs */
  process([channels]) {
    this.#mix(channels ?? []);
    const count = this.#resampler.process(this.#mono, this.#resampled);
    for (let i = 0; i < count; i += 1) {
      this.#frame[this.#filled] = this.#resampled[i] ?? 0;
      this.#filled += 1;
      if (this.#filled === this.#frame.length) this.#post();
    }
    return this.#open;
  }

  /** @param {Float32Array[]} channels */
  #mix(channels) {
    this.#mono.fill(0);
    if (this.#muted) return;
    for (const channel of channels)
      for (let i = 0; i < 128; i += 1) this.#mono[i] = (this.#mono[i] ?? 0) + (channel[i] ?? 0) / channels.length;
  }

  #post() {
    this.#filled = 0;
    const bytes = toPcm16(this.#frame);
    this.port.postMessage({ bytes, level: loudness(this.#frame) }, [bytes]);
  }
}

registerProcessor("linekeeper-capture", Capture);
