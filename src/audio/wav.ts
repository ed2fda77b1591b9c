// RIFF WAVE as written by recorders and studios. Source: "Multiple Channel Audio Data and WAVE Files" (Microsoft), read 2026-11.
import { Fault } from "../kernel/fault.ts";
import { pcma, pcmu } from "./g711.ts";

/** A recording, mixed down to one channel. */
export interface Recording {
  readonly rateHz: number;
  readonly samples: Int16Array;
}

interface Format {
  readonly kind: "integer" | "float" | "A-law" | "µ-law";
  readonly channels: number;
  readonly rateHz: number;
  readonly bits: number;
}

/**
 * PCM of 8, 16, 24 or 32 bits, float of 32 or 64, or G.711, any rate, up to 8 channels.
 * @throws {Fault} caller-unsupported, saying what was found.
 */
export function readWav(bytes: Uint8Array): Recording {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || tag(view, 0) !== "RIFF" || tag(view, 8) !== "WAVE") throw unsupported("it is no WAV file (no RIFF/WAVE header)");
  let format: Format | undefined;
  for (let at = 12; at + 8 <= bytes.length;) {
    const name = tag(view, at);
    // Recorders that were cut off leave 0 or the highest number as the length: then it is all that follows.
    const told = view.getUint32(at + 4, true);
    const left = bytes.length - at - 8;
    const length = told > left || (name === "data" && told === 0) ? left : told;
    if (name === "fmt ") format = readFormat(view, at + 8, length);
    if (name === "data") {
      if (format === undefined) throw unsupported("its sound comes before its format");
      return { rateHz: format.rateHz, samples: mixDown(view, at + 8, length, format) };
    }
    at += 8 + length + (length % 2);
  }
  throw unsupported(format === undefined ? "it has no format" : "it has no sound in it (no data chunk)");
}

/** PCM of 16 bits, one channel. */
export function writeWav({ rateHz, samples }: Recording): Uint8Array {
  const bytes = new Uint8Array(44 + samples.length * 2);
  const view = new DataView(bytes.buffer);
  for (const [at, text] of [
    [0, "RIFF"],
    [8, "WAVEfmt "],
    [36, "data"],
  ] as const)
    bytes.set(Buffer.from(text), at);
  view.setUint32(4, bytes.length - 8, true);
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rateHz, true);
  view.setUint32(28, rateHz * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  view.setUint32(40, samples.length * 2, true);
  for (const [index, sample] of samples.entries()) view.setInt16(44 + index * 2, sample, true);
  return bytes;
}

const kinds: Readonly<Record<number, Format["kind"]>> = { 1: "integer", 3: "float", 6: "A-law", 7: "µ-law" };
const widthsOf: Readonly<Record<Format["kind"], readonly number[]>> = {
  integer: [8, 16, 24, 32],
  float: [32, 64],
  "A-law": [8],
  "µ-law": [8],
};
/** The real kind stands in the first bytes of the sub-format. */
const extensible = 0xfffe;

function readFormat(view: DataView, at: number, length: number): Format {
  if (length < 16) throw unsupported("its format is cut short");
  const code = view.getUint16(at, true);
  const real = code === extensible && length >= 26 ? view.getUint16(at + 24, true) : code;
  const kind = kinds[real];
  if (kind === undefined) throw unsupported(`it is compressed (format ${real}); convert it to PCM`);
  const [channels, rateHz, bits] = [view.getUint16(at + 2, true), view.getUint32(at + 4, true), view.getUint16(at + 14, true)];
  if (channels < 1 || channels > 8) throw unsupported(`it has ${channels} channels, 1 to 8 are read`);
  if (rateHz < 4_000 || rateHz > 384_000) throw unsupported(`it has ${rateHz} samples a second, 4,000 to 384,000 are read`);
  const widths = widthsOf[kind];
  if (!widths.includes(bits)) throw unsupported(`it has ${bits}-bit ${kind} samples; ${widths.join(", ")} are read`);
  return { kind, channels, rateHz, bits };
}

function mixDown(view: DataView, start: number, length: number, { kind, channels, bits }: Format): Int16Array {
  const width = bits / 8;
  const read = reader(view, kind, bits);
  const samples = new Int16Array(Math.floor(length / (width * channels)));
  for (let index = 0, at = start; index < samples.length; index += 1) {
    let sum = 0;
    for (let channel = 0; channel < channels; channel += 1, at += width) sum += read(at);
    samples[index] = Math.max(-32_768, Math.min(32_767, Math.round(sum / channels)));
  }
  return samples;
}

/** On the scale of 16 bits. Not-a-number is silence. */
function reader(view: DataView, kind: Format["kind"], bits: number): (at: number) => number {
  if (kind === "float") {
    const read = bits === 32 ? (at: number) => view.getFloat32(at, true) : (at: number) => view.getFloat64(at, true);
    return (at) => {
      const value = read(at);
      return Number.isFinite(value) ? value * 32_768 : 0;
    };
  }
  if (kind !== "integer") {
    const { linearOf } = kind === "A-law" ? pcma : pcmu;
    return (at) => linearOf[view.getUint8(at)] ?? 0;
  }
  if (bits === 8) return (at) => (view.getUint8(at) - 128) * 256;
  if (bits === 16) return (at) => view.getInt16(at, true);
  if (bits === 24) return (at) => view.getInt16(at + 1, true) + view.getUint8(at) / 256;
  return (at) => view.getInt32(at, true) / 65_536;
}

const tag = (view: DataView, at: number): string => String.fromCharCode(...[0, 1, 2, 3].map((offset) => view.getUint8(at + offset)));

const unsupported = (message: string): Fault => new Fault("caller-unsupported", message);
