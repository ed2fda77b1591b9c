import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { transcoder } from "../../../src/audio/transcode.ts";
import { babble, silence } from "../../../src/fakes/voice.ts";
import { seededRandom } from "../../../src/kernel/random.ts";
import { SpeechDetector } from "../../../src/provider/gemini/speech.ts";

const encoding = "pcm16@16000";
const bytesPerMs = 32;
const quiet = (ms: number): Uint8Array => silence(ms * bytesPerMs, encoding);

/** White noise of `rms`, in steps of 16 bits. */
function noise(ms: number, rms: number, seed = 3): Uint8Array {
  const random = seededRandom(seed);
  const samples = Int16Array.from({ length: ms * 16 }, () => (random.next() * 2 - 1) * rms * Math.sqrt(3));
  return new Uint8Array(samples.buffer);
}

function louder(bytes: Uint8Array, factor: number): Uint8Array {
  return new Uint8Array(new Int16Array(bytes.slice().buffer).map((sample) => sample * factor).buffer);
}

function detect(...pieces: readonly Uint8Array[]) {
  const told: string[] = [];
  const detector = new SpeechDetector(500, {
    began: (atMs) => told.push(`began ${atMs}`),
    ended: (atMs) => told.push(`ended ${atMs}`),
  });
  for (const piece of pieces) detector.hear(piece);
  return { told, detector };
}

const words = babble("could you move my visit", encoding, 1_000);

test("speech begins where it begins and ends where it ends, seen after the silence that ends it", () => {
  expect(detect(quiet(600), words, quiet(480)).told).toEqual(["began 600"]);
  expect(detect(quiet(600), words, quiet(520)).told).toEqual(["began 600", "ended 1600"]);
});

test("a caller who pauses for breath has not ended", () => {
  expect(detect(words, quiet(400), words, quiet(600)).told).toEqual(["began 0", "ended 2400"]);
});

test.for([1, 7, 160, 320, 333, 4_000])("frames of %s samples change nothing", (samples) => {
  const all = Buffer.concat([quiet(600), words, quiet(700), words, quiet(700)]);
  const pieces = [];
  for (let at = 0; at < all.length; at += 2 * samples) pieces.push(all.subarray(at, at + 2 * samples));
  const { told, detector } = detect(...pieces);
  expect(told).toEqual(detect(all).told);
  expect(detector.heardMs).toBe(4_000);
});

test("silence, a click and a steady noise are no speech", () => {
  expect(detect(quiet(3_000)).told).toEqual([]);
  expect(detect(quiet(600), words.subarray(0, 60 * bytesPerMs), quiet(600)).told).toEqual([]);
  expect(detect(noise(20_000, 60)).told).toEqual([]);
});

test("speech is heard over the noise of a street, and its end too", () => {
  const street = noise(12_000, 180);
  const over = street.slice();
  const [from, samples] = [6_000, new Int16Array(words.slice().buffer)];
  const mixed = new Int16Array(over.buffer);
  for (const [at, sample] of samples.entries())
    mixed[from * 16 + at] = Math.max(-32_768, Math.min(32_767, (mixed[from * 16 + at] ?? 0) + sample));
  const { told } = detect(over);
  expect(told.slice(-2)).toEqual(["began 6000", "ended 7000"]);
});

test("a caller far from the telephone is heard", () => {
  expect(detect(quiet(600), louder(words, 0.05), quiet(600)).told).toEqual(["began 600", "ended 1600"]);
});

test("a noise that begins and stays is taken for speech at first, and for noise after a while", () => {
  const { told } = detect(quiet(2_000), noise(60_000, 200));
  expect(told[0]).toBe("began 2000");
  expect(told.at(-1)).toMatch(/^ended /);
});

test("a microphone that falls silent in mid-word ends the speech", () => {
  const { told, detector } = detect(quiet(600), words);
  detector.pause();
  detector.pause();
  expect(told).toEqual(["began 600", "ended 1600"]);
});

/** Recordings of one sentence or a few, spoken without a pause of half a second; each 16-bit mono with a plain header. */
const folder = new URL("../../../fixtures/speech/", import.meta.url);
const recordings = readdirSync(folder).filter((name) => /^(ast|ps)_.*\.wav$/.test(name));

test.for(recordings.flatMap((name) => [1, 0.2].map((gain) => ({ name, gain }))))(
  "a recorded caller is one turn, near or far: $name at $gain",
  ({ name, gain }) => {
    const file = readFileSync(new URL(name, folder));
    const rateHz = file.readUInt32LE(24);
    const pcm = file.subarray(file.indexOf("data") + 8);
    const native = rateHz === 16_000 ? pcm : transcoder("pcm16@8000", encoding).push(pcm);
    const { told } = detect(louder(native, gain), quiet(1_000));
    expect(told).toHaveLength(2);
    const [began, ended] = told.map((words) => Number(words.split(" ")[1]));
    const lastedMs = native.length / bytesPerMs;
    expect(began).toBeLessThan(600);
    expect(ended).toBeGreaterThan(lastedMs * 0.6);
    expect(ended).toBeLessThanOrEqual(lastedMs + 20);
  },
);
