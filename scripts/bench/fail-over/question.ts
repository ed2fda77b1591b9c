import { bytesOf } from "../../../src/audio/encodings.ts";
import { babble } from "../../../src/fakes/voice.ts";
import { seededRandom } from "../../../src/kernel/random.ts";

/** What callers here speak, and what the provider that takes over hears: sample for sample the same. */
const encoding = "pcm16@16000";
/** Loudest difference that the mark makes to a sample: far below the voice. */
const markAmplitude = 64;

/** Something said that is like nothing else ever said here: a voice, and under it noise that is the seed's alone. In whole frames of 20 ms. */
export function question(seed: number, ms: number): Int16Array {
  const random = seededRandom(seed);
  const voice = babble("Have you a table for four tomorrow at seven", encoding, Math.ceil(ms / 20) * 20);
  const samples = new Int16Array(voice.buffer, voice.byteOffset, voice.length / 2);
  return samples.map((sample) => sample + Math.round((random.next() - 0.5) * 2 * markAmplitude));
}

/** How often `said`, or its part from `fromMs` to `toMs`, was heard as it was said, whole and in order. */
export function timesHeard(heard: Uint8Array, said: Int16Array, fromMs = 0, toMs = Number.POSITIVE_INFINITY): number {
  const all = Buffer.from(said.buffer, said.byteOffset, said.byteLength);
  const wanted = all.subarray(bytesOf(fromMs, encoding), Math.min(all.length, bytesOf(toMs, encoding)));
  const place = Buffer.from(heard.buffer, heard.byteOffset, heard.byteLength);
  let times = 0;
  for (let at = place.indexOf(wanted); at >= 0; at = place.indexOf(wanted, at + 2)) times += 1;
  return times;
}
