import { encodings, type Encoding } from "./encodings.ts";
import { pcma, pcmu } from "./g711.ts";

/** What silence reads, dBFS: below one step of 16 bits. */
export const silenceDb = -96;

/** The loudness (root mean square) of a frame, dBFS: a full-scale square wave is 0, a full-scale sine -3, silence -96. */
export function levelDb(bytes: Uint8Array, encoding: Encoding): number {
  const { codec, bytesPerSample } = encodings[encoding];
  const count = Math.floor(bytes.length / bytesPerSample);
  let sum = 0;
  if (codec === "pcm16") {
    for (let at = 0; at < count; at += 1) {
      const sample = (((bytes[2 * at] ?? 0) | ((bytes[2 * at + 1] ?? 0) << 8)) << 16) >> 16;
      sum += sample * sample;
    }
  } else {
    const { linearOf } = codec === "pcmu" ? pcmu : pcma;
    for (let at = 0; at < count; at += 1) {
      const sample = linearOf[bytes[at] ?? 0] ?? 0;
      sum += sample * sample;
    }
  }
  return sum === 0 ? silenceDb : Math.max(silenceDb, 10 * Math.log10(sum / count / 32_768 ** 2));
}
