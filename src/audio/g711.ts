/** One companding law of ITU-T G.711 (11/88), by tables in both directions. Linear samples are 16 bits wide, the law's own scale shifted up. */
export interface G711 {
  /** Linear values by code, 256 entries. */
  readonly linearOf: Int16Array;
  /** Codes by linear value, 65,536 entries, found at `sample & 0xffff`. */
  readonly codeOf: Uint8Array;
  /** One sample a byte. Writes to the front of `into`, which must be long enough, and returns it. */
  decode(codes: Uint8Array, into?: Int16Array): Int16Array;
  /** One byte a sample. Writes to the front of `into`, which must be long enough, and returns it. */
  encode(samples: Int16Array, into?: Uint8Array): Uint8Array;
}

/** µ-law, section 3 table 2: 14-bit magnitudes with a bias of 33, all bits inverted on the line. */
export const pcmu: G711 = law(
  (code) => {
    const inverted = ~code & 0xff;
    const magnitude = ((((inverted & 0x0f) << 1) + 33) << ((inverted >> 4) & 7)) - 33;
    return (inverted & 0x80 ? -magnitude : magnitude) << 2;
  },
  (sample) => {
    // One's complement of a negative value, so that both signs have equal steps (as in the ITU's own G.191 tools).
    const biased = Math.min((sample < 0 ? ~sample : sample) >> 2, 8158) + 33;
    const segment = 26 - Math.clz32(biased);
    const code = (sample < 0 ? 0x80 : 0) | (segment << 4) | ((biased >> (segment + 1)) & 0x0f);
    return ~code & 0xff;
  },
);

/** A-law, section 3 table 1: 13-bit magnitudes, even bits inverted on the line. */
export const pcma: G711 = law(
  (code) => {
    const plain = code ^ 0x55;
    const segment = (plain >> 4) & 7;
    const step = ((plain & 0x0f) << 1) + 1;
    const magnitude = segment === 0 ? step : (step + 32) << (segment - 1);
    return (plain & 0x80 ? magnitude : -magnitude) << 3;
  },
  (sample) => {
    const magnitude = (sample < 0 ? ~sample : sample) >> 4;
    const segment = Math.max(0, 28 - Math.clz32(magnitude));
    const step = segment === 0 ? magnitude : (magnitude >> (segment - 1)) & 0x0f;
    return ((sample < 0 ? 0 : 0x80) | (segment << 4) | step) ^ 0x55;
  },
);

function law(expand: (code: number) => number, compress: (sample: number) => number): G711 {
  const linearOf = Int16Array.from({ length: 256 }, (_, code) => expand(code));
  const codeOf = Uint8Array.from({ length: 65_536 }, (_, index) => compress((index << 16) >> 16));
  return {
    linearOf,
    codeOf,
    decode(codes, into = new Int16Array(codes.length)) {
      for (let at = 0; at < codes.length; at += 1) into[at] = linearOf[codes[at] ?? 0] ?? 0;
      return into;
    },
    encode(samples, into = new Uint8Array(samples.length)) {
      for (let at = 0; at < samples.length; at += 1) into[at] = codeOf[(samples[at] ?? 0) & 0xffff] ?? 0;
      return into;
    },
  };
}
