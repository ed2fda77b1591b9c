import type { Encoding } from "../../../audio/encodings.ts";
import { g711Quality, type CodecQuality } from "./quality.ts";

/** How audio travels in RTP: RFC 3551 section 4.5, RFC 7587 for Opus. */
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

export type CodecName = "PCMU" | "PCMA";

/** One stream each way. */
export interface AudioCodec {
  /** Audio in the row's encoding, valid until the next call. @throws {Error} of its own kind for a payload that is none */
  decode(payload: Uint8Array): Uint8Array;
  /** One packet of audio in the row's encoding, valid until the next call. */
  encode(audio: Uint8Array): Uint8Array;
  /** How long a payload lasts, in units of the RTP clock; 0: it is none. */
  unitsOf(payload: Uint8Array): number;
}

/** Nothing is done: the payload is the audio. */
const plain: AudioCodec = { decode: (payload) => payload, encode: (audio) => audio, unitsOf: (payload) => payload.length };

export const codecs: Readonly<Record<CodecName, CodecRow>> = {
  PCMU: {
    name: "PCMU",
    payloadType: 0,
    clockHz: 8_000,
    channels: undefined,
    encoding: "pcmu@8000",
    quality: g711Quality,
    open: () => plain,
  },
  PCMA: {
    name: "PCMA",
    payloadType: 8,
    clockHz: 8_000,
    channels: undefined,
    encoding: "pcma@8000",
    quality: g711Quality,
    open: () => plain,
  },
};

/** In the order of our own offers. */
export const codecNames: readonly CodecName[] = ["PCMU", "PCMA"];
