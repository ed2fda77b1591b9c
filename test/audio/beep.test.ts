import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { BeepEar } from "../../src/audio/beep.ts";
import { bytesOf, encodings, type Encoding } from "../../src/audio/encodings.ts";
import { pcmu } from "../../src/audio/g711.ts";
import { readWav } from "../../src/audio/wav.ts";
import { seededRandom } from "../../src/kernel/random.ts";

const speech = new URL("../../fixtures/speech/", import.meta.url);

/** Whether any 20 ms frame of it completes a beep. */
function beeps(encoding: Encoding, samples: Int16Array): boolean {
  const ear = new BeepEar(encoding);
  const bytes =
    encodings[encoding].codec === "pcmu" ? pcmu.encode(samples) : new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
  const frameBytes = bytesOf(20, encoding);
  for (let at = 0; at < bytes.length; at += frameBytes) if (ear.hear(bytes.subarray(at, at + frameBytes))) return true;
  return false;
}

function tones(rateHz: number, ms: number, ...hz: readonly number[]): Int16Array {
  const random = seededRandom(11);
  return Int16Array.from({ length: (rateHz * ms) / 1_000 }, (_, n) => {
    const sound = hz.reduce((sum, each) => sum + Math.sin((2 * Math.PI * each * n) / rateHz), 0);
    return Math.round((6_000 * sound) / hz.length + 60 * (random.next() - 0.5));
  });
}

test.each([440, 850, 1_000, 1_400, 2_000])("a steady tone of %i Hz is a beep, on a telephone and in wideband", (hz) => {
  expect(beeps("pcmu@8000", tones(8_000, 400, hz))).toBe(true);
  expect(beeps("pcm16@16000", tones(16_000, 400, hz))).toBe(true);
});

test("a tone that is over too soon, the two tones of a key, and silence are none", () => {
  expect(beeps("pcmu@8000", tones(8_000, 120, 1_000))).toBe(false);
  expect(beeps("pcmu@8000", tones(8_000, 500, 770, 1_336))).toBe(false);
  expect(beeps("pcmu@8000", new Int16Array(8_000))).toBe(false);
});

test("no recorded caller is taken for a beep", () => {
  const names = readdirSync(speech).filter((name) => name.endsWith(".wav"));
  expect(names.length).toBeGreaterThan(3);
  for (const name of names) {
    const { rateHz, samples } = readWav(readFileSync(new URL(name, speech)));
    expect([8_000, 16_000, 24_000, 48_000], name).toContain(rateHz);
    // The table has a row for each of these rates.
    expect(beeps(`pcm16@${rateHz}` as Encoding, samples), name).toBe(false);
  }
});
