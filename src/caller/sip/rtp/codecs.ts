import { OpusCodec, opusMs, opusSilence } from "../../../audio/codecs/opus.ts";
import { G722Decoder, G722Encoder } from "../../../audio/codecs/g722.ts";
import type { Encoding } from "../../../audio/encodings.ts";
import { g711Quality, g722Quality, opusQuality, type CodecQuality } from "../../../audio/e-model.ts";

/** How audio travels in RTP: RFC 3551 section 4.5, and RFC 7587 for Opus. */
export interface CodecRow {
  /** As in `a=rtpmap`. */
  readonly name: CodecName;
  /** Undefined: a number of the dynamic range, from the offer. */
  readonly payloadType: number | undefined;
  /** Of the time stamps; not always the audio's own rate. */
  readonly clockHz: number;
  /** The channels of `a=rtpmap`, where they are named. */
  readonly channels: number | undefined;
  /** What it is decoded to, for whoever listens. */
  readonly encoding: Encoding;
  readonly quality: CodecQuality;
  open(): AudioCodec;
}

export type CodecName = "PCMU" | "PCMA" | "G722" | "opus";

/** One stream each way. */
export interface AudioCodec {
  /** Audio in the row's encoding, valid until the next call. @throws {Error} of its own kind for a payload that is none */
  decode(payload: Uint8Array): Uint8Array;
  /** One packet of audio in the row's encoding, valid until the next call. */
  encode(audio: Uint8Array): Uint8Array;
  /** How long a payload lasts, in units of the RTP clock; 0: it is none. */
  unitsOf(payload: Uint8Array): number;
  close(): void;
}

const nothing = (): void => {};

/** Nothing is done: the payload is the audio. */
const plain: AudioCodec = {
  decode: (payload) => payload,
  encode: (audio) => audio,
  unitsOf: (payload) => payload.length,
  close: nothing,
};

function g722(): AudioCodec {
  const [encoder, decoder] = [new G722Encoder(), new G722Decoder()];
  return {
    decode: (payload) => bytesOf(decoder.decode(payload)),
    encode: (audio) => encoder.encode(samplesOf(audio)),
    // Its clock stays at 8 kHz by an old mistake that became the standard (RFC 3551 section 4.5.2).
    unitsOf: (payload) => payload.length,
    close: nothing,
  };
}

/** What providers speak and hear best; Opus itself has no rate of its own. */
const opusHz = 24_000;

function opus(): AudioCodec {
  const codec = new OpusCodec(opusHz);
  const isSilent = (audio: Uint8Array): boolean => audio.length === (opusHz / 50) * 2 && audio.every((byte) => byte === 0);
  return {
    decode: (payload) => codec.decode(payload),
    // Most of a call an agent is silent, and encoding costs more than all else.
    encode: (audio) => (isSilent(audio) ? opusSilence : codec.encode(audio)),
    // Its time stamps count 48 kHz, whatever it was made from.
    unitsOf: (payload) => opusMs(payload) * 48,
    close: () => codec.close(),
  };
}

const bytesOf = (samples: Int16Array): Uint8Array => new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);

const samplesOf = (bytes: Uint8Array): Int16Array =>
  bytes.byteOffset % 2 === 0 ? new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length >> 1) : samplesOf(bytes.slice());

const narrow = { clockHz: 8_000, channels: undefined };

export const codecs: Readonly<Record<CodecName, CodecRow>> = {
  PCMU: { ...narrow, name: "PCMU", payloadType: 0, encoding: "pcmu@8000", quality: g711Quality, open: () => plain },
  PCMA: { ...narrow, name: "PCMA", payloadType: 8, encoding: "pcma@8000", quality: g711Quality, open: () => plain },
  G722: { ...narrow, name: "G722", payloadType: 9, encoding: "pcm16@16000", quality: g722Quality, open: g722 },
  opus: {
    name: "opus",
    payloadType: undefined,
    clockHz: 48_000,
    channels: 2,
    encoding: "pcm16@24000",
    quality: opusQuality,
    open: opus,
  },
};

/** In the order of our own offers. */
export const codecNames: readonly CodecName[] = ["PCMU", "PCMA", "G722", "opus"];
