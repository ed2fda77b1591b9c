/** Filter taps on each side of an output sample, counted in samples of the slower of the two rates. */
const reach = 16;
/** Positions between two input samples for which the filter is tabled; between two of them it is interpolated. */
const phases = 128;

/**
 * A streaming sample-rate converter for mono audio: a windowed sinc (Blackman), cut at 0.92 of the lower Nyquist frequency.
 * Any ratio; state is kept from call to call, so audio may come in pieces of any length. Equal rates are copied.
 */
export class Resampler {
  #fromHz;
  #toHz;
  /** Taps on each side, in input samples. */
  #half;
  #table;
  /** The newest `2 * half` input samples that earlier calls left, in front of the present input. */
  #past;
  /** Where the next output sample lies: whole input samples after the first of `past`, and `toHz`ths of one. Whole numbers never drift. */
  #whole;
  #parts = 0;

  /**
   * @param {number} fromHz
   * @param {number} toHz
   */
  constructor(fromHz, toHz) {
    this.#fromHz = fromHz;
    this.#toHz = toHz;
    const stretch = Math.max(1, fromHz / toHz);
    this.#half = Math.ceil(reach * stretch);
    this.#table = filterTable(this.#half, 0.92 / stretch);
    this.#past = new Float32Array(2 * this.#half);
    this.#whole = this.#half;
  }

  /**
   * How many input samples `process` wants to give exactly `outputs` samples.
   * @param {number} outputs
   */
  needs(outputs) {
    if (this.#fromHz === this.#toHz) return outputs;
    const last = this.#whole + Math.floor((this.#parts + (outputs - 1) * this.#fromHz) / this.#toHz);
    return Math.max(0, last + this.#half + 1 - this.#past.length);
  }

  /**
   * Takes all of `input`; returns how many samples it wrote. `output` must have room for `input.length * toHz / fromHz + 2` of them.
   * @param {Float32Array} input
   * @param {Float32Array} output
   */
  process(input, output) {
    if (this.#fromHz === this.#toHz) {
      output.set(input);
      return input.length;
    }
    const past = this.#past;
    const half = this.#half;
    const end = past.length + input.length;
    let written = 0;
    while (this.#whole + half < end && written < output.length) {
      output[written] = this.#sampleAt(input);
      written += 1;
      this.#parts += this.#fromHz;
      while (this.#parts >= this.#toHz) {
        this.#parts -= this.#toHz;
        this.#whole += 1;
      }
    }
    if (input.length >= past.length) past.set(input.subarray(input.length - past.length));
    else {
      past.copyWithin(0, input.length);
      past.set(input, past.length - input.length);
    }
    this.#whole -= input.length;
    return written;
  }

  /** @param {Float32Array} input */
  #sampleAt(input) {
    const past = this.#past;
    const half = this.#half;
    const table = this.#table;
    const whole = this.#whole;
    const between = (this.#parts / this.#toHz) * phases;
    const phase = Math.floor(between);
    const share = between - phase;
    const taps = 2 * half;
    const row = phase * taps;
    let sum = 0;
    for (let tap = 0; tap < taps; tap += 1) {
      const place = whole - half + 1 + tap;
      const sample = place < past.length ? (past[place] ?? 0) : (input[place - past.length] ?? 0);
      const low = table[row + tap] ?? 0;
      sum += sample * (low + ((table[row + taps + tap] ?? 0) - low) * share);
    }
    return sum;
  }
}

/**
 * One row of `2 * half` weights per phase, and one row more so that the last phase can be interpolated. Each row sums to 1.
 * @param {number} half
 * @param {number} cut as a fraction of the input's Nyquist frequency
 */
function filterTable(half, cut) {
  const taps = 2 * half;
  const table = new Float32Array((phases + 1) * taps);
  for (let phase = 0; phase <= phases; phase += 1) {
    const row = table.subarray(phase * taps, (phase + 1) * taps);
    let sum = 0;
    for (let tap = 0; tap < taps; tap += 1) {
      const away = tap - half + 1 - phase / phases;
      const weight = sinc(away * cut) * blackman(away / half);
      row[tap] = weight;
      sum += weight;
    }
    for (let tap = 0; tap < taps; tap += 1) row[tap] = (row[tap] ?? 0) / sum;
  }
  return table;
}

/** @param {number} x */
const sinc = (x) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

/** @param {number} x from -1 to 1 */
const blackman = (x) => (Math.abs(x) >= 1 ? 0 : 0.42 + 0.5 * Math.cos(Math.PI * x) + 0.08 * Math.cos(2 * Math.PI * x));
