import { encodings, type Encoding } from "../audio/encodings.ts";
import { pcma, pcmu } from "../audio/g711.ts";

const msPerLetter = 65;
const pauseMs = 60;
/** What was said last is kept: a hundred answers with the same words cost a server under test none of its time. */
const spoken = new Map<string, Uint8Array>();
const mostSpoken = 32;

/**
 * A voice for fakes: babble with the rhythm of `text`, one hum a word with a pitch of its own, starting and ending in sound.
 * The same text gives the same samples, to be read only. `ms` stretches it; by default it speaks about 14 letters a second.
 */
export function babble(text: string, encoding: Encoding, ms?: number): Uint8Array {
  const key = `${encoding} ${ms ?? ""} ${text}`;
  const known = spoken.get(key) ?? speak(text, encoding, ms);
  spoken.delete(key);
  spoken.set(key, known);
  const oldest = spoken.keys().next().value;
  if (spoken.size > mostSpoken && oldest !== undefined) spoken.delete(oldest);
  return known;
}

function speak(text: string, encoding: Encoding, ms?: number): Uint8Array {
  const words = text.split(/\s+/).filter((word) => word !== "");
  if (words.length === 0) return new Uint8Array(0);
  const letters = words.reduce((sum, word) => sum + word.length, 0);
  const plainMs = letters * msPerLetter + (words.length - 1) * pauseMs;
  const { rateHz } = encodings[encoding];
  const samples = new Int16Array(Math.round(((ms ?? plainMs) * rateHz) / 1000));
  const samplesPerMs = samples.length / plainMs;
  let atMs = 0;
  for (const word of words) {
    const wordMs = word.length * msPerLetter;
    hum(samples, Math.round(atMs * samplesPerMs), Math.round((atMs + wordMs) * samplesPerMs), pitchOf(word), rateHz);
    atMs += wordMs + pauseMs;
  }
  return write(samples, encoding);
}

export const silence = (bytes: number, encoding: Encoding): Uint8Array => new Uint8Array(bytes).fill(encodings[encoding].silence);

/** Linear samples of any encoding. */
export function read(bytes: Uint8Array, encoding: Encoding): Int16Array {
  const { codec } = encodings[encoding];
  if (codec === "pcmu") return pcmu.decode(bytes);
  if (codec === "pcma") return pcma.decode(bytes);
  return new Int16Array(Uint8Array.from(bytes).buffer);
}

function write(samples: Int16Array, encoding: Encoding): Uint8Array {
  const { codec } = encodings[encoding];
  if (codec === "pcmu") return pcmu.encode(samples);
  if (codec === "pcma") return pcma.encode(samples);
  return new Uint8Array(samples.buffer);
}

function pitchOf(word: string): number {
  let sum = 0;
  for (const letter of word) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 120;
  return 110 + sum;
}

/** Three harmonics, full from the first sample to the last: voice activity must not have to guess where it begins. */
function hum(samples: Int16Array, from: number, to: number, pitchHz: number, rateHz: number): void {
  const step = (2 * Math.PI * pitchHz) / rateHz;
  for (let at = from; at < to && at < samples.length; at += 1) {
    const phase = (at - from) * step + 0.7;
    samples[at] = 5_000 * Math.sin(phase) + 3_000 * Math.sin(2 * phase) + 2_000 * Math.sin(3 * phase);
  }
}
