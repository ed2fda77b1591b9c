import type { Clock, Timer } from "../../src/kernel/clock.ts";

const frameMs = 20;
/** Speech is what is louder than this part of the loud places of a recording, 20 dB below them. */
const loudPart = 0.1;
const quietestSpeech = 60;

interface Speech {
  readonly samples: Int16Array;
  readonly threshold: number;
  at: number;
  readonly said: () => void;
}

/** A microphone that is always on: a frame every 20 ms on an absolute clock, silence while nobody speaks. */
export class Microphone {
  readonly #clock: Clock;
  readonly #frameSamples: number;
  readonly #send: (frame: Int16Array) => void;
  readonly #speeches: Speech[] = [];
  #timer: Timer | undefined;
  #dueMs = 0;
  #stopped = false;
  /** When the last loud frame was over. */
  speechEndMs: number | undefined;
  /** When the present or last stretch of speech began. */
  speechStartMs: number | undefined;

  constructor(rateHz: number, clock: Clock, send: (frame: Int16Array) => void) {
    this.#clock = clock;
    this.#frameSamples = (rateHz * frameMs) / 1000;
    this.#send = send;
  }

  start(): void {
    this.#dueMs = this.#clock.now() + frameMs;
    this.#arm();
  }

  stop(): void {
    this.#stopped = true;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const speech of this.#speeches.splice(0)) speech.said();
  }

  /** Resolves when the last frame of it was sent, at once when the call is over. */
  say(samples: Int16Array): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    return new Promise((said) => this.#speeches.push({ samples, threshold: this.#threshold(samples), at: 0, said }));
  }

  /** How much of what was to be said has not been said, ms. */
  get unsaidMs(): number {
    return this.#speeches.reduce((sum, { samples, at }) => sum + ((samples.length - at) / this.#frameSamples) * frameMs, 0);
  }

  #arm(): void {
    this.#timer = this.#clock.setTimeout(() => this.#beat(), Math.max(0, this.#dueMs - this.#clock.now()));
  }

  #beat(): void {
    // A late timer is caught up with: the frames are those of a microphone that never stopped.
    for (const now = this.#clock.now(); this.#dueMs <= now; this.#dueMs += frameMs) this.#send(this.#frame());
    this.#arm();
  }

  #frame(): Int16Array {
    const frame = new Int16Array(this.#frameSamples);
    const [speech] = this.#speeches;
    if (speech === undefined) return frame;
    frame.set(speech.samples.subarray(speech.at, speech.at + frame.length));
    speech.at += frame.length;
    if (loudness(frame) >= speech.threshold) this.#noteSpeech();
    if (speech.at >= speech.samples.length) {
      this.#speeches.shift();
      speech.said();
    }
    return frame;
  }

  #noteSpeech(): void {
    const pauseMs = this.#dueMs - (this.speechEndMs ?? -Infinity);
    if (pauseMs > 700) this.speechStartMs = this.#dueMs - frameMs;
    this.speechEndMs = this.#dueMs;
  }

  #threshold(samples: Int16Array): number {
    const levels: number[] = [];
    for (let at = 0; at < samples.length; at += this.#frameSamples) levels.push(loudness(samples.subarray(at, at + this.#frameSamples)));
    levels.sort((a, b) => a - b);
    return Math.max(quietestSpeech, loudPart * (levels[Math.floor(levels.length * 0.95)] ?? 0));
  }
}

function loudness(samples: Int16Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return samples.length === 0 ? 0 : Math.sqrt(sum / samples.length);
}
