import { Fault } from "../kernel/fault.ts";
import { encodings, type Encoding } from "./encodings.ts";
import { pcma, pcmu, type G711 } from "./g711.ts";
import { resampler } from "./resample.ts";

/** From one encoding to another, for one stream. */
export interface Transcoder {
  /** How much later the output is than the input, ms; 0 unless the rate changes. */
  readonly latencyMs: number;
  /**
   * Takes any whole number of samples. The result is valid until the next push or flush; with equal encodings it is `bytes` itself.
   * After N samples in, exactly ceil(N * to / from) came out.
   * @throws {Fault} internal when `bytes` ends inside a sample: whoever cut it would shift every sample that follows.
   */
  push(bytes: Uint8Array): Uint8Array;
  /** What the filter still holds; then the stream begins anew. */
  flush(): Uint8Array;
}

export function transcoder(from: Encoding, to: Encoding): Transcoder {
  const [source, target] = [encodings[from], encodings[to]];
  if (from === to) return { latencyMs: 0, push: (bytes) => whole(bytes, from), flush: () => new Uint8Array(0) };
  const decode = decoder(source.codec);
  const encode = encoder(target.codec);
  const rate = resampler(source.rateHz, target.rateHz);
  return {
    latencyMs: rate.latencyMs,
    push: (bytes) => encode(rate.push(decode(whole(bytes, from)))),
    flush: () => encode(rate.flush()),
  };
}

/**
 * The bytes themselves, for who passes them on as they are.
 * @throws {Fault} internal when they end inside a sample
 */
export function whole(bytes: Uint8Array, encoding: Encoding): Uint8Array {
  if (bytes.length % encodings[encoding].bytesPerSample === 0) return bytes;
  throw new Fault("internal", `${bytes.length} bytes of ${encoding} end inside a sample`);
}

type Codec = (typeof encodings)[Encoding]["codec"];

function decoder(codec: Codec): (bytes: Uint8Array) => Int16Array {
  if (codec === "pcm16") return samplesOf();
  const law: G711 = codec === "pcmu" ? pcmu : pcma;
  let kept = new Int16Array(0);
  return (bytes) => {
    if (kept.length < bytes.length) kept = new Int16Array(bytes.length);
    return law.decode(bytes, kept).subarray(0, bytes.length);
  };
}

function encoder(codec: Codec): (samples: Int16Array) => Uint8Array {
  if (codec === "pcm16") return (samples) => new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
  const law: G711 = codec === "pcmu" ? pcmu : pcma;
  let kept = new Uint8Array(0);
  return (samples) => {
    if (kept.length < samples.length) kept = new Uint8Array(samples.length);
    return law.encode(samples, kept).subarray(0, samples.length);
  };
}

/** Reads pcm16 bytes as samples: in place where they lie even, by a kept copy where a socket's buffer puts them at an odd address. */
function samplesOf(): (bytes: Uint8Array) => Int16Array {
  let kept = new Uint8Array(0);
  return (bytes) => {
    if (bytes.byteOffset % 2 === 0) return new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
    if (kept.length < bytes.length) kept = new Uint8Array(bytes.length);
    kept.set(bytes);
    return new Int16Array(kept.buffer, 0, bytes.length / 2);
  };
}
