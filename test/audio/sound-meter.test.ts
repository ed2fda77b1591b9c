import { expect, test } from "vitest";
import { bytesOf, encodings, type Encoding } from "../../src/audio/encodings.ts";
import { pcma, pcmu } from "../../src/audio/g711.ts";
import { SoundMeter } from "../../src/audio/sound-meter.ts";

/** 20 ms of a tone that would reach `peak`, cut off at 16 bits. */
function tone(encoding: Encoding, peak: number): Uint8Array {
  const { codec, rateHz } = encodings[encoding];
  const samples = Int16Array.from({ length: rateHz / 50 }, (_, n) =>
    Math.max(-32_768, Math.min(32_767, Math.round(peak * Math.sin((2 * Math.PI * 500 * n) / rateHz)))),
  );
  if (codec === "pcm16") return new Uint8Array(samples.buffer);
  const codes = new Uint8Array(samples.length);
  (codec === "pcmu" ? pcmu : pcma).encode(samples, codes);
  return codes;
}

const encodingsHeard: readonly Encoding[] = ["pcm16@8000", "pcm16@16000", "pcmu@8000", "pcma@8000"];

test.each(encodingsHeard)("%s: a voice's level is that of its speech, whatever the pauses between", (encoding) => {
  const meter = new SoundMeter(encoding);
  for (let n = 0; n < 10; n += 1) meter.take(tone(encoding, 3_276.8));
  for (let n = 0; n < 90; n += 1) meter.take(new Uint8Array(bytesOf(20, encoding)).fill(encodings[encoding].silence));
  expect(meter.sound.levelDb).toBeCloseTo(-23, 0);
  expect(meter.sound.clippedShare).toBe(0);
});

test.each(encodingsHeard)("%s: what is cut off at the limit is told as a share of the samples", (encoding) => {
  const meter = new SoundMeter(encoding);
  meter.take(tone(encoding, 65_536));
  // A sine of twice the limit is over it for two thirds of its time.
  expect(meter.sound.clippedShare).toBeGreaterThan(0.6);
  expect(meter.sound.clippedShare).toBeLessThan(0.75);
});

test("who was never heard has no level", () => {
  const meter = new SoundMeter("pcm16@16000");
  meter.take(new Uint8Array(640));
  meter.take(new Uint8Array(0));
  expect(meter.sound).toEqual({ levelDb: undefined, clippedShare: 0 });
});
