import { Fir } from "./fir.ts";

/** Between two sample rates, for one stream: it remembers what the filter still needs. Mono, 16 bits. */
export interface Resampler {
  /** How much later the output is than the input, ms; half the filter. */
  readonly latencyMs: number;
  /**
   * The output for these samples: after N samples in, exactly ceil(N * to / from) came out, so nothing drifts.
   * Valid until the next push or flush; with equal rates it is the input itself.
   */
  push(samples: Int16Array): Int16Array;
  /** The last `latencyMs` of the stream, which the filter still holds, or nothing of an empty one; then the stream begins anew. */
  flush(): Int16Array;
}

/**
 * Half the filter's length in samples of the lower rate, also its latency: 20 samples are 2.5 ms at 8 kHz, 1.25 ms at 16 kHz.
 * With the window below everything up to 0.85 of the lower Nyquist frequency passes (3.4 kHz of 4 kHz), and what would fold
 * or mirror into that band is at least 85 dB down; `scripts/bench/resample.ts` measures both.
 */
const halfLength = 20;
const kaiserBeta = 8.6;
/** Samples that the kept arrays hold at first: 20 ms at 48 kHz. A longer frame makes them grow once. */
const firstCapacity = 960;

export function resampler(fromHz: number, toHz: number): Resampler {
  if (fromHz === toHz) return { latencyMs: 0, push: (samples) => samples, flush: () => new Int16Array(0) };
  return new Polyphase(fromHz, toHz);
}

/** A whole recording at another rate (any, also 44.1 kHz), without the filter's latency: what was at 1 s stays there. Length ceil(N * to / from). */
export function resampleClip(samples: Int16Array, fromHz: number, toHz: number): Int16Array {
  const stream = resampler(fromHz, toHz);
  const body = stream.push(samples).slice();
  const tail = stream.flush();
  const all = new Int16Array(body.length + tail.length);
  all.set(body);
  all.set(tail, body.length);
  return all.subarray(tail.length);
}

/** A Kaiser-windowed sinc at `up` times the input rate, of which only the products that meet a real sample are made. */
class Polyphase implements Resampler {
  readonly latencyMs: number;
  readonly #up: number;
  readonly #down: number;
  readonly #filter: Filter;
  /** The last samples that the filter still needs. */
  readonly #line: Float64Array;
  #out: Int16Array;
  #view: Int16Array;
  /** Where the next output lies after the first sample of the coming frame, in steps of 1 / `up` input samples. */
  #next = 0;
  #isEmpty = true;

  constructor(fromHz: number, toHz: number) {
    const divisor = greatestCommonDivisor(fromHz, toHz);
    this.#up = toHz / divisor;
    this.#down = fromHz / divisor;
    this.#filter = filterOf(this.#up, this.#down);
    this.latencyMs = (this.#filter.delay * 1000) / toHz;
    this.#line = new Float64Array(this.#filter.tapsPerPhase - 1);
    this.#out = this.#view = new Int16Array(this.#mostOf(firstCapacity));
  }

  push(samples: Int16Array): Int16Array {
    const count = samples.length;
    if (count > 0) this.#isEmpty = false;
    if (this.#out.length < this.#mostOf(count)) this.#out = this.#view = new Int16Array(this.#mostOf(count));
    const { fir } = this.#filter;
    let made = 0;
    for (let at = 0; at < count; at += fir.longestRun) {
      const piece = count <= fir.longestRun ? samples : samples.subarray(at, at + fir.longestRun);
      const more = fir.run(this.#line, piece, this.#next, this.#out, made);
      this.#next += more * this.#down - piece.length * this.#up;
      made += more;
    }
    if (this.#view.length !== made) this.#view = this.#out.subarray(0, made);
    return this.#view;
  }

  flush(): Int16Array {
    if (this.#isEmpty) return new Int16Array(0);
    const { delay } = this.#filter;
    const silence = new Int16Array(Math.ceil((delay * this.#down) / this.#up));
    const last = this.push(silence).slice(0, delay);
    this.#line.fill(0);
    this.#next = 0;
    this.#isEmpty = true;
    return last;
  }

  /** Samples that come of so many at most. */
  #mostOf(count: number): number {
    return Math.ceil((count * this.#up) / this.#down) + 1;
  }
}

interface Filter {
  readonly fir: Fir;
  readonly tapsPerPhase: number;
  /** How many output samples late the output is. */
  readonly delay: number;
}

const filters = new Map<string, Filter>();

/** The filter for one ratio, shared by all streams. Its cut-off is the lower Nyquist frequency; its gain makes up for the zeros between samples. */
function filterOf(up: number, down: number): Filter {
  const known = filters.get(`${up}/${down}`);
  if (known !== undefined) return known;
  const width = Math.max(up, down);
  // Whole output samples, so that a clip can be set back to its time exactly.
  const delay = Math.ceil((halfLength * width) / down);
  const centre = delay * down;
  const tapsPerPhase = Math.ceil((centre + halfLength * width) / up / 4) * 4;
  const taps = new Float64Array(up * tapsPerPhase);
  for (let at = 0; at < taps.length; at += 1) {
    const x = (at - centre) / width;
    if (Math.abs(x) >= halfLength) continue;
    const sinc = x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
    const window = bessel0(kaiserBeta * Math.sqrt(1 - (x / halfLength) ** 2)) / bessel0(kaiserBeta);
    // Tap `at` meets the sample that lies floor(at / up) before the newest.
    taps[(at % up) * tapsPerPhase + tapsPerPhase - 1 - Math.floor(at / up)] = (sinc * window * up) / width;
  }
  const filter = { fir: new Fir(taps, up, down), tapsPerPhase, delay };
  filters.set(`${up}/${down}`, filter);
  return filter;
}

/** Modified Bessel function of the first kind, order 0, by its power series. */
function bessel0(x: number): number {
  let [sum, term] = [1, 1];
  for (let n = 1; term > sum * 1e-17; n += 1) {
    term *= (x / (2 * n)) ** 2;
    sum += term;
  }
  return sum;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
