/** How audio is written: codec and sample rate, always mono; pcm16 is signed 16-bit little-endian. */
export type Encoding = "pcm16@8000" | "pcm16@16000" | "pcm16@24000" | "pcm16@48000" | "pcmu@8000" | "pcma@8000";

export interface EncodingRow {
  readonly codec: "pcm16" | "pcmu" | "pcma";
  readonly rateHz: number;
  readonly bytesPerSample: number;
  readonly bytesPerMs: number;
  /** The byte that, repeated, is silence. */
  readonly silence: number;
}

const pcm16 = (rateHz: number): EncodingRow => ({ codec: "pcm16", rateHz, bytesPerSample: 2, bytesPerMs: (rateHz * 2) / 1000, silence: 0 });

/** Encodings of constant rate, the only ones that a ring holds; Opus and the like are decoded where they enter. */
export const encodings = {
  "pcm16@8000": pcm16(8_000),
  "pcm16@16000": pcm16(16_000),
  "pcm16@24000": pcm16(24_000),
  "pcm16@48000": pcm16(48_000),
  "pcmu@8000": { codec: "pcmu", rateHz: 8_000, bytesPerSample: 1, bytesPerMs: 8, silence: 0xff },
  "pcma@8000": { codec: "pcma", rateHz: 8_000, bytesPerSample: 1, bytesPerMs: 8, silence: 0xd5 },
} as const satisfies Record<Encoding, EncodingRow>;

export const isEncoding = (text: string): text is Encoding => Object.hasOwn(encodings, text);

export const msOf = (bytes: number, encoding: Encoding): number => bytes / encodings[encoding].bytesPerMs;

/** Whole samples, so that a cut never lands inside one. */
export const bytesOf = (ms: number, encoding: Encoding): number => {
  const row = encodings[encoding];
  return Math.round((ms * row.rateHz) / 1000) * row.bytesPerSample;
};
