// ITU-T G.722 (09/2012), mode 1 (64 kbit/s): 16 kHz audio in two bands, each coded by ADPCM; one byte for two samples.
// Block names and tables are those of the recommendation's section 6.

/** Quantiser intervals of the lower band (table 14), and the codes for errors below and above zero. */
const q6 = [
  0, 35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1023, 1121, 1219, 1339, 1458, 1612, 1765, 1980,
  2195, 2557, 2919,
];
const codeBelow = [0, 63, 62, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4];
const codeAbove = [
  0, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46, 45, 44, 43, 42, 41, 40, 39, 38, 37, 36, 35, 34, 33, 32,
];
/** Inverse quantisers: 6 bits of the lower band, its upper 4 bits, 2 bits of the higher band. */
const qm6 = Int32Array.of(
  ...[-136, -136, -136, -136, -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232, -9360, -8576, -7856],
  ...[-7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576, -3168, -2776, -2400, -2032, -1688, -1360, -1040, -728],
  ...[24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192, 10232, 9360, 8576, 7856, 7192, 6576, 6000, 5456],
  ...[4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032, 1688, 1360, 1040, 728, 432, 136, -432, -136],
);
const qm4 = Int32Array.of(0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584, 1200, 0);
const qm2 = Int32Array.of(-7408, -1616, 7408, 1616);
/** How codes move the scale factor. */
const wl = Int32Array.of(
  ...[0, 7, 6, 5, 4, 3, 2, 1, 7, 6, 5, 4, 3, 2, 1, 0].map((row) => [-60, -30, 58, 172, 334, 538, 1198, 3042][row] ?? 0),
);
const wh = Int32Array.of(798, -214, 798, -214);
const ilb = Int32Array.from({ length: 32 }, (_, at) => Math.floor(2048 * 2 ** (at / 32) + 0.5));
const qmf = Int32Array.of(3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11);

const lowest = -32_768;
const highest = 32_767;
const saturate = (value: number): number => (value > highest ? highest : value < lowest ? lowest : value);
const clamp = (value: number, limit: number): number => (value > limit ? limit : value < -limit ? -limit : value);

/** The predictor and scale factor of one band, the same on both sides. */
class Band {
  /** Scale factor, linear and logarithmic. */
  step: number;
  /** Signal estimate. */
  estimate = 0;
  readonly #shift: number;
  readonly #longest: number;
  #log = 0;
  #a1 = 0;
  #a2 = 0;
  #r1 = 0;
  #p1 = 0;
  #p2 = 0;
  #zeroEstimate = 0;
  readonly #b = new Int32Array(6);
  readonly #d = new Int32Array(6);

  /** @param shift 8 for the lower band, 10 for the higher; `longest` is the limit of the logarithmic scale factor */
  constructor(step: number, shift: number, longest: number) {
    this.step = step;
    this.#shift = shift;
    this.#longest = longest;
  }

  /** Takes the quantised difference and the weight of its code: blocks 3 and 4. */
  adapt(difference: number, weight: number): void {
    this.#log = Math.min(this.#longest, Math.max(0, ((this.#log * 127) >> 7) + weight));
    const shift = this.#shift - (this.#log >> 11);
    const mantissa = ilb[(this.#log >> 6) & 31] ?? 0;
    this.step = (shift < 0 ? mantissa << -shift : mantissa >> shift) << 2;
    this.#predict(difference);
  }

  #predict(difference: number): void {
    const reconstructed = saturate(this.estimate + difference);
    const partial = saturate(this.#zeroEstimate + difference);
    const [sign0, sign1, sign2] = [partial < 0, this.#p1 < 0, this.#p2 < 0];

    const pole = saturate(this.#a1 << 2);
    const tilt = sign0 === sign1 ? Math.min(highest, -pole) : pole;
    const a2 = clamp((sign0 === sign2 ? 128 : -128) + (tilt >> 7) + ((this.#a2 * 32_512) >> 15), 12_288);
    const a1 = clamp(saturate((sign0 === sign1 ? 192 : -192) + ((this.#a1 * 32_640) >> 15)), saturate(15_360 - a2));

    const [b, d] = [this.#b, this.#d];
    const gain = difference === 0 ? 0 : 128;
    const isNegative = difference < 0;
    for (let at = 0; at < 6; at += 1) {
      const move = (d[at] ?? 0) < 0 === isNegative ? gain : -gain;
      b[at] = saturate(move + (((b[at] ?? 0) * 32_640) >> 15));
    }
    d.copyWithin(1, 0, 5);
    d[0] = difference;

    let zeros = 0;
    for (let at = 5; at >= 0; at -= 1) zeros += ((b[at] ?? 0) * saturate(2 * (d[at] ?? 0))) >> 15;
    this.#zeroEstimate = saturate(zeros);
    const poles = saturate(((a1 * saturate(2 * reconstructed)) >> 15) + ((a2 * saturate(2 * this.#r1)) >> 15));
    this.estimate = saturate(poles + this.#zeroEstimate);

    this.#r1 = reconstructed;
    [this.#p2, this.#p1] = [this.#p1, partial];
    [this.#a1, this.#a2] = [a1, a2];
  }
}

const lowerBand = (): Band => new Band(32, 8, 18_432);
const higherBand = (): Band => new Band(8, 10, 22_528);

/** One stream of 16 kHz audio to 64 kbit/s. */
export class G722Encoder {
  readonly #low = lowerBand();
  readonly #high = higherBand();
  readonly #line = new Int32Array(24);
  #codes = new Uint8Array(0);

  /** An even number of samples; the result, a byte for two of them, is valid until the next call. */
  encode(samples: Int16Array): Uint8Array {
    const count = samples.length >> 1;
    if (this.#codes.length < count) this.#codes = new Uint8Array(count);
    const line = this.#line;
    for (let at = 0; at < count; at += 1) {
      line.copyWithin(0, 2);
      line[22] = samples[2 * at] ?? 0;
      line[23] = samples[2 * at + 1] ?? 0;
      let [even, odd] = [0, 0];
      for (let tap = 0; tap < 12; tap += 1) {
        even += (line[2 * tap] ?? 0) * (qmf[tap] ?? 0);
        odd += (line[2 * tap + 1] ?? 0) * (qmf[11 - tap] ?? 0);
      }
      this.#codes[at] = (this.#encodeHigh((odd - even) >> 14) << 6) | this.#encodeLow((even + odd) >> 14);
    }
    return this.#codes.subarray(0, count);
  }

  #encodeLow(sample: number): number {
    const band = this.#low;
    const error = saturate(sample - band.estimate);
    const magnitude = error < 0 ? -(error + 1) : error;
    let level = 1;
    while (level < 30 && magnitude >= ((q6[level] ?? 0) * band.step) >> 12) level += 1;
    const code = (error < 0 ? codeBelow : codeAbove)[level] ?? 0;
    band.adapt((band.step * (qm4[code >> 2] ?? 0)) >> 15, wl[code >> 2] ?? 0);
    return code;
  }

  #encodeHigh(sample: number): number {
    const band = this.#high;
    const error = saturate(sample - band.estimate);
    const magnitude = error < 0 ? -(error + 1) : error;
    const isLarge = magnitude >= (564 * band.step) >> 12;
    const code = error < 0 ? (isLarge ? 0 : 1) : isLarge ? 2 : 3;
    band.adapt((band.step * (qm2[code] ?? 0)) >> 15, wh[code] ?? 0);
    return code;
  }
}

/** One stream of 64 kbit/s to 16 kHz audio. */
export class G722Decoder {
  readonly #low = lowerBand();
  readonly #high = higherBand();
  readonly #line = new Int32Array(24);
  #samples = new Int16Array(0);

  /** Two samples a byte; valid until the next call. */
  decode(codes: Uint8Array): Int16Array {
    if (this.#samples.length < 2 * codes.length) this.#samples = new Int16Array(2 * codes.length);
    const line = this.#line;
    for (let at = 0; at < codes.length; at += 1) {
      const code = codes[at] ?? 0;
      const low = this.#decodeLow(code & 0x3f);
      const high = this.#decodeHigh(code >> 6);
      line.copyWithin(0, 2);
      line[22] = low + high;
      line[23] = low - high;
      let [even, odd] = [0, 0];
      for (let tap = 0; tap < 12; tap += 1) {
        even += (line[2 * tap] ?? 0) * (qmf[tap] ?? 0);
        odd += (line[2 * tap + 1] ?? 0) * (qmf[11 - tap] ?? 0);
      }
      this.#samples[2 * at] = saturate(odd >> 11);
      this.#samples[2 * at + 1] = saturate(even >> 11);
    }
    return this.#samples.subarray(0, 2 * codes.length);
  }

  #decodeLow(code: number): number {
    const band = this.#low;
    const sample = clamp(band.estimate + ((band.step * (qm6[code] ?? 0)) >> 15), 16_383);
    band.adapt((band.step * (qm4[code >> 2] ?? 0)) >> 15, wl[code >> 2] ?? 0);
    return sample;
  }

  #decodeHigh(code: number): number {
    const band = this.#high;
    const difference = (band.step * (qm2[code] ?? 0)) >> 15;
    const sample = clamp(band.estimate + difference, 16_383);
    band.adapt(difference, wh[code] ?? 0);
    return sample;
  }
}
