import { fromPcm16, loudness } from "./pcm16.js";
import { PlayoutBuffer } from "./playout-buffer.js";
import { Resampler } from "./resampler.js";

/** The server is at most 300 ms ahead; the rest is for a call that comes back with unheard audio. */
const capacityMs = 10_000;
const reportEveryMs = 100;
const levelEveryMs = 20;

/**
 * Plays `{ bytes, turnId }` (pcm16 at `rateHz`) or `{ samples, turnId }` through the jitter buffer. Takes `{ flush: true }` and `{ close: true }` too.
 * Posts `{ playback }` (see `Playback` in playout-buffer.js) and, each 20 ms, `{ level, queuedMs, targetMs, underruns, droppedMs }`.
 */
class Player extends AudioWorkletProcessor {
  #buffer;
  #resampler;
  #scratch;
  #rateHz;
  #open = true;
  #sinceLevelMs = 0;
  #loudest = 0;

  /** @param {{ processorOptions: { rateHz: number } }} options */
  constructor({ processorOptions: { rateHz } }) {
    super();
    this.#rateHz = rateHz;
    this.#buffer = new PlayoutBuffer({ rateHz, capacityMs, reportEveryMs, tell: (playback) => this.port.postMessage({ playback }) });
    this.#resampler = new Resampler(rateHz, sampleRate);
    this.#scratch = new Float32Array(Math.ceil((128 * rateHz) / sampleRate) + 64);
    this.port.onmessage = ({ data }) => {
      if (data.close === true) this.#open = false;
      else if (data.flush === true) this.#buffer.flush();
      else this.#buffer.write(data.samples ?? fromPcm16(data.bytes), data.turnId);
    };
  }

  /**
   * @param {Float32Array[][]} _inputs
   * @param {Float32Array[][]} outputs
   */
  process(_inputs, [channels]) {
    const out = channels?.[0];
    if (out === undefined) return this.#open;
    const input = this.#scratch.subarray(0, this.#resampler.needs(out.length));
    this.#buffer.read(input);
    this.#resampler.process(input, out);
    this.#meter(out);
    return this.#open;
  }

  /** @param {Float32Array} out */
  #meter(out) {
    this.#loudest = Math.max(this.#loudest, loudness(out));
    this.#sinceLevelMs += (out.length * 1000) / sampleRate;
    if (this.#sinceLevelMs < levelEveryMs) return;
    const buffer = this.#buffer;
    this.port.postMessage({
      level: this.#loudest,
      queuedMs: buffer.queuedMs,
      targetMs: buffer.targetMs,
      underruns: buffer.underruns,
      droppedMs: (buffer.droppedSamples * 1000) / this.#rateHz,
    });
    this.#sinceLevelMs = 0;
    this.#loudest = 0;
  }
}

registerProcessor("linekeeper-playback", Player);
