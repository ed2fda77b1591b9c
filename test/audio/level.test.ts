import { expect, test } from "vitest";
import { encodings, isEncoding } from "../../src/audio/encodings.ts";
import { levelDb, silenceDb } from "../../src/audio/level.ts";
import { transcoder } from "../../src/audio/transcode.ts";
import { tone } from "./tones.ts";

const all = Object.keys(encodings).filter(isEncoding);

test.each(all)("%s: a sine reads its root mean square", (encoding) => {
  const wave = tone(1_000, 48_000, 0.5);
  const bytes = transcoder("pcm16@48000", encoding).push(new Uint8Array(wave.buffer));
  // Half scale is -6.02 dB, a sine another -3.01; companding may move it by a little.
  expect(levelDb(bytes, encoding)).toBeGreaterThan(-9.2);
  expect(levelDb(bytes, encoding)).toBeLessThan(-8.9);
});

test("silence and an empty frame read the floor, in every encoding that has a zero", () => {
  expect(levelDb(new Uint8Array(320), "pcm16@8000")).toBe(silenceDb);
  expect(levelDb(new Uint8Array(160).fill(encodings["pcmu@8000"].silence), "pcmu@8000")).toBe(silenceDb);
  expect(levelDb(new Uint8Array(0), "pcma@8000")).toBe(silenceDb);
});

test("A-law's quietest code is not louder than -70 dB", () => {
  expect(levelDb(new Uint8Array(160).fill(encodings["pcma@8000"].silence), "pcma@8000")).toBeLessThan(-70);
});

test("a full-scale square reads 0 dB", () => {
  expect(levelDb(new Uint8Array(Int16Array.from({ length: 80 }, () => -32_768).buffer), "pcm16@16000")).toBeCloseTo(0, 6);
});
