/** What the detector noticed, in ms of all audio it ever heard. */
export interface SpeechEvents {
  /** Speech began at `atMs`, a moment ago. */
  began(atMs: number): void;
  /** It ended at `atMs`, with silence after it; `voicedMs` of it were loud. */
  ended(atMs: number, voicedMs: number): void;
}

const sampleRateHz = 16_000;
const hopMs = 20;
const hopSamples = (sampleRateHz * hopMs) / 1_000;
/** Loud audio that makes speech; a click or a bump is shorter. */
const startMs = 120;
/** Silence that undoes a beginning. */
const gapMs = 200;
/** How far above the noise speech stands, and what is never speech, dBFS. */
const aboveNoiseDb = 12;
const quietestSpeechDb = -50;
const noiseRangeDb = { least: -75, most: -35 };
/** The noise is the quietest of the recent past: it falls at once and rises slowly, more slowly still while somebody speaks. */
const fall = 0.4;
const riseDb = 0.1;
const riseWhileSpeakingDb = 0.02;

/**
 * Speech in PCM of 16 kHz by its loudness above the noise. An estimate: it takes a loud radio for a caller, and misses a whisper.
 * It depends on the samples alone, not on when they came, and allocates nothing.
 */
export class SpeechDetector {
  readonly #events: SpeechEvents;
  readonly #silenceMs: number;
  #sum = 0;
  #samples = 0;
  #heardMs = 0;
  #noiseDb = -60;
  #state: { name: "quiet" } | { name: "starting" | "speaking"; fromMs: number; voicedMs: number; lastVoicedMs: number } = { name: "quiet" };

  constructor(silenceMs: number, events: SpeechEvents) {
    [this.#silenceMs, this.#events] = [silenceMs, events];
  }

  /** Position of the next sample, ms. */
  get heardMs(): number {
    return this.#heardMs + (this.#samples * 1_000) / sampleRateHz;
  }

  /** Any whole number of samples. */
  hear(bytes: Uint8Array): void {
    for (let at = 0; at + 1 < bytes.length;) {
      const until = Math.min(bytes.length - 1, at + 2 * (hopSamples - this.#samples));
      let sum = 0;
      const from = at;
      for (; at < until; at += 2) {
        const sample = (((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)) << 16) >> 16;
        sum += sample * sample;
      }
      this.#sum += sum;
      this.#samples += (at - from) / 2;
      if (this.#samples === hopSamples) this.#hop();
    }
  }

  /** No more audio comes for now: whoever was speaking has ended. */
  pause(): void {
    const state = this.#state;
    this.#state = { name: "quiet" };
    if (state.name === "speaking") this.#events.ended(state.lastVoicedMs, state.voicedMs);
  }

  #hop(): void {
    const levelDb = 10 * Math.log10(this.#sum / hopSamples / 32_768 ** 2 + 1e-12);
    this.#sum = this.#samples = 0;
    const fromMs = this.#heardMs;
    this.#heardMs += hopMs;
    const voiced = levelDb > Math.max(this.#noiseDb + aboveNoiseDb, quietestSpeechDb);
    this.#follow(levelDb);
    if (voiced) this.#voiced(fromMs);
    else this.#unvoiced();
  }

  #follow(levelDb: number): void {
    const above = levelDb - this.#noiseDb;
    const step = above < 0 ? above * fall : Math.min(above, this.#state.name === "speaking" ? riseWhileSpeakingDb : riseDb);
    this.#noiseDb = Math.min(noiseRangeDb.most, Math.max(noiseRangeDb.least, this.#noiseDb + step));
  }

  #voiced(fromMs: number): void {
    if (this.#state.name === "quiet") this.#state = { name: "starting", fromMs, voicedMs: 0, lastVoicedMs: fromMs };
    const state = this.#state;
    state.voicedMs += hopMs;
    state.lastVoicedMs = this.#heardMs;
    if (state.name === "speaking" || state.voicedMs < startMs) return;
    state.name = "speaking";
    this.#events.began(state.fromMs);
  }

  #unvoiced(): void {
    const state = this.#state;
    if (state.name === "quiet") return;
    const silentMs = this.#heardMs - state.lastVoicedMs;
    if (silentMs < (state.name === "speaking" ? this.#silenceMs : gapMs)) return;
    this.pause();
  }
}
