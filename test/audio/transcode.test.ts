import { describe, expect, test } from "vitest";
import { encodings, isEncoding, type Encoding } from "../../src/audio/encodings.ts";
import { transcoder } from "../../src/audio/transcode.ts";
import { seededRandom } from "../../src/kernel/random.ts";
import { signalToNoiseDb, tone } from "./tones.ts";

const all = Object.keys(encodings).filter(isEncoding);
const pairs = all.flatMap((from) => all.map((to) => ({ from, to })));
/** Through a law of 8 bits a tone keeps about 38 dB, through two less. */
const floorDb = (encoding: Encoding): number => (encodings[encoding].codec === "pcm16" ? 80 : 34);
const bytesOfSamples = (samples: Int16Array): Uint8Array => new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
const collect = (pieces: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(pieces));

/** Reads any encoding as samples by way of pcm16 at its own rate. */
function samplesOf(bytes: Uint8Array, encoding: Encoding): Int16Array {
  const pcm = encodings[encoding].codec === "pcm16" ? bytes : transcoder(encoding, "pcm16@8000").push(bytes);
  return new Int16Array(pcm.slice().buffer);
}

test.each(pairs)("$from to $to: a tone stays that tone, whatever the frames' sizes", ({ from, to }) => {
  const seed = 7;
  const random = seededRandom(seed);
  const { rateHz, bytesPerSample } = encodings[from];
  const wire = from.startsWith("pcm16")
    ? bytesOfSamples(tone(1_013, rateHz, 0.5))
    : transcoder("pcm16@8000", from)
        .push(bytesOfSamples(tone(1_013, rateHz, 0.5)))
        .slice();
  const stream = transcoder(from, to);
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < wire.length;) {
    const length = bytesPerSample * (1 + Math.floor(random.next() * 700));
    pieces.push(stream.push(wire.subarray(at, at + length)).slice());
    at += length;
  }
  const out = samplesOf(collect(pieces), to);
  expect(out.length, `seed ${seed}`).toBe(Math.ceil(((wire.length / bytesPerSample) * encodings[to].rateHz) / rateHz));
  const settled = out.slice(encodings[to].rateHz / 10);
  expect(signalToNoiseDb(settled, 1_013, encodings[to].rateHz), `seed ${seed}`).toBeGreaterThan(Math.min(floorDb(from), floorDb(to)));
});

describe("equal encodings", () => {
  test("give back the very bytes that were pushed", () => {
    const frame = Uint8Array.of(1, 2, 3, 4);
    for (const encoding of all) expect(transcoder(encoding, encoding).push(frame)).toBe(frame);
  });
});

test("samples at an odd address in a socket's buffer are read right", () => {
  const samples = tone(700, 16_000, 0.5);
  const shifted = new Uint8Array(samples.byteLength + 1);
  shifted.set(bytesOfSamples(samples), 1);
  const even = transcoder("pcm16@16000", "pcmu@8000").push(bytesOfSamples(samples)).slice();
  expect(transcoder("pcm16@16000", "pcmu@8000").push(shifted.subarray(1))).toEqual(even);
});

test("half a sample is a fault that says how many bytes came", () => {
  const stream = transcoder("pcm16@16000", "pcmu@8000");
  expect(() => stream.push(new Uint8Array(5))).toThrow("5 bytes of pcm16@16000 end inside a sample");
});

test("a minute of odd frames does not drift by a sample", () => {
  const stream = transcoder("pcm16@24000", "pcm16@16000");
  const frame = new Uint8Array(2 * 24_001);
  let bytes = 0;
  for (let second = 0; second < 60; second += 1) bytes += stream.push(frame).length;
  expect(bytes / 2).toBe(Math.ceil((60 * 24_001 * 2) / 3));
});

test("what the filter holds comes with the flush", () => {
  const stream = transcoder("pcmu@8000", "pcm16@16000");
  const spoken = transcoder("pcm16@8000", "pcmu@8000").push(bytesOfSamples(tone(500, 8_000, 0.5)));
  stream.push(spoken);
  expect(stream.flush().length).toBe((stream.latencyMs * 16_000 * 2) / 1_000);
  expect(stream.latencyMs).toBe(2.5);
});
