/**
 * What a line does to a conversation. One for all wires; what a wire does not tell is left at its best (no loss, no delay), so that
 * the estimate is then an upper bound.
 */
export interface Transport {
  /** One way, mouth to ear, ms, as far as known. */
  readonly delayMs: number;
  /** Share of audio that had to be made up, 0 to 1. */
  readonly lossShare: number;
  /** Mean run of lost packets over that of random loss; 1: random. */
  readonly burstRatio: number;
  readonly codec: CodecQuality;
}

/** Equipment impairment and robustness against loss with concealment: ITU-T G.113 Appendix I for narrowband codecs. */
export interface CodecQuality {
  readonly impairment: number;
  readonly robustness: number;
}

/** Codecs with concealment. Wideband codecs are rated as if they were narrowband: the figure says what the line costs, not what the codec gains. */
export const g711Quality: CodecQuality = { impairment: 0, robustness: 25.1 };
export const opusQuality: CodecQuality = { impairment: 0, robustness: 25.1 };
/** The same samples where what is lost is filled with silence: G.711 without concealment. */
export const unconcealedQuality: CodecQuality = { impairment: 0, robustness: 4.3 };
export const g722Quality: CodecQuality = { impairment: 0, robustness: 25.1 };

/**
 * An estimate of the mean opinion score, 1 to 4.5, by the E-model of ITU-T G.107 reduced to what a receiver can know: rating
 * R = 93.2 - Id - Ie,eff, with
 *
 *     Ie,eff = Ie + (95 - Ie) * Ppl / (Ppl / BurstR + Bpl)              Ppl in percent
 *     Id     = 25 * ((1 + x^6)^(1/6) - 3 * (1 + (x/3)^6)^(1/6) + 2)     x = log2(Ta / 100 ms), 0 up to 100 ms
 *     MOS    = 1 + 0.035 R + 7e-6 R (R - 60) (100 - R)                  1 up to R = 0, 4.5 from R = 100
 *
 * All else (noise, echo, loudness, side tone) is taken at the standard's defaults, and nobody's expectation is credited. It is planned
 * quality of a narrowband line: no measurement of what anybody heard, blind to a bad microphone, and not the PESQ or POLQA of a recording.
 */
export function estimateMos({ delayMs, lossShare, burstRatio, codec }: Transport): number {
  const lossPercent = lossShare * 100;
  const { impairment, robustness } = codec;
  const equipment = impairment + ((95 - impairment) * lossPercent) / (lossPercent / Math.max(1, burstRatio) + robustness);
  const rating = 93.2 - delayImpairment(delayMs) - equipment;
  if (rating <= 0) return 1;
  if (rating >= 100) return 4.5;
  return Math.max(1, 1 + 0.035 * rating + rating * (rating - 60) * (100 - rating) * 7e-6);
}

function delayImpairment(delayMs: number): number {
  if (delayMs <= 100) return 0;
  const x = Math.log2(delayMs / 100);
  return 25 * ((1 + x ** 6) ** (1 / 6) - 3 * (1 + (x / 3) ** 6) ** (1 / 6) + 2);
}
