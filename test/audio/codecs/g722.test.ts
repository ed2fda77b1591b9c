import { expect, test } from "vitest";
import { G722Decoder, G722Encoder } from "../../../src/audio/codecs/g722.ts";

const rateHz = 16_000;
/** The two filters together, in samples of 16 kHz. */
const delay = 22;

const tone = (hz: number, level: number, ms: number): Int16Array =>
  Int16Array.from({ length: (rateHz * ms) / 1000 }, (_, at) => Math.round(level * Math.sin((2 * Math.PI * hz * at) / rateHz)));

function roundTrip(samples: Int16Array): Int16Array {
  const [encoder, decoder] = [new G722Encoder(), new G722Decoder()];
  const out = new Int16Array(samples.length);
  for (let at = 0; at < samples.length; at += 320) out.set(decoder.decode(encoder.encode(samples.subarray(at, at + 320))), at);
  return out;
}

/** Signal over error, dB, after the codec has settled. */
function snr(given: Int16Array, heard: Int16Array): number {
  let [signal, error] = [0, 0];
  for (let at = 1_600; at < given.length; at += 1) {
    const wanted = given[at - delay] ?? 0;
    signal += wanted ** 2;
    error += (wanted - (heard[at] ?? 0)) ** 2;
  }
  return 10 * Math.log10(signal / (error + 1));
}

test.each([
  [300, 30],
  [1_000, 25],
  [3_000, 20],
  [6_000, 10],
])("a tone of %i Hz comes back at least %i dB over what the codec adds", (hz, least) => {
  const given = tone(hz, 8_000, 500);
  expect(snr(given, roundTrip(given))).toBeGreaterThan(least);
});

test("silence stays silent, and the loudest tone does not overflow", () => {
  expect(Math.max(...roundTrip(new Int16Array(3_200)))).toBeLessThan(8);
  const loud = tone(700, 32_000, 300);
  expect(snr(loud, roundTrip(loud))).toBeGreaterThan(20);
});

test("a byte carries two samples", () => {
  expect(new G722Encoder().encode(new Int16Array(320))).toHaveLength(160);
  expect(new G722Decoder().decode(new Uint8Array(160))).toHaveLength(320);
});
