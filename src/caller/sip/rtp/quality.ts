// The E-model of ITU-T G.107, reduced to what a receiver can know: loss, burstiness, delay and codec.

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
export const g722Quality: CodecQuality = { impairment: 0, robustness: 25.1 };

/** An estimate of the mean opinion score, 1 to 4.5; not a measurement of what anybody heard. */
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
