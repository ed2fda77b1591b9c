import { dtmfTones } from "../audio/dtmf-tones.ts";
import { bytesOf, encodings, isEncoding, type Encoding } from "../audio/encodings.ts";
import { pcma, pcmu } from "../audio/g711.ts";
import { unsupported } from "./wire-json.ts";

const codecs: Readonly<Record<string, "pcmu" | "pcma" | "pcm16">> = {
  pcmu: "pcmu",
  mulaw: "pcmu",
  ulaw: "pcmu",
  "audio/x-mulaw": "pcmu",
  "audio/pcmu": "pcmu",
  pcma: "pcma",
  alaw: "pcma",
  "audio/x-alaw": "pcma",
  "audio/pcma": "pcma",
  l16: "pcm16",
  slin: "pcm16",
  linear16: "pcm16",
  "raw/slin": "pcm16",
  "audio/l16": "pcm16",
  "audio/x-l16": "pcm16",
};

/**
 * The encoding that a carrier means by a codec's name and a rate.
 * @throws {Fault} caller-unsupported, with what was asked for
 */
export function encodingFor(codec: string, rateHz: number): Encoding {
  const name = codec.toLowerCase();
  const known = Object.hasOwn(codecs, name) ? `${codecs[name]}@${rateHz}` : "";
  if (!isEncoding(known)) throw unsupported(`audio: ${codec.slice(0, 64)} at ${rateHz} Hz is not spoken here`);
  return known;
}

/** The same audio in pieces of `frameBytes`, the last one filled up with silence, for peers that take no less. */
export function wholeFrames(audio: Uint8Array, frameBytes: number, silence: number): Uint8Array {
  const short = audio.length % frameBytes;
  if (short === 0) return audio;
  const whole = new Uint8Array(audio.length + frameBytes - short).fill(silence, audio.length);
  whole.set(audio);
  return whole;
}

/** The same 16-bit samples with their two bytes the other way round. */
export function swapped(audio: Uint8Array): Buffer {
  const copy = Buffer.from(audio.subarray(0, audio.length - (audio.length % 2)));
  return copy.swap16();
}

export const base64Of = (audio: Uint8Array): string => Buffer.from(audio.buffer, audio.byteOffset, audio.byteLength).toString("base64");

/** Digits as sound, in pieces as agent audio comes: for wires that have no words for them. */
export function tonesFor(digits: string, encoding: Encoding, pieceMs: number): Uint8Array[] {
  const { codec, rateHz } = encodings[encoding];
  const samples = dtmfTones(digits, rateHz);
  const sound = codec === "pcm16" ? new Uint8Array(samples.buffer) : (codec === "pcmu" ? pcmu : pcma).encode(samples);
  const piece = bytesOf(pieceMs, encoding);
  return Array.from({ length: Math.ceil(sound.length / piece) }, (_, index) => sound.subarray(index * piece, (index + 1) * piece));
}
