import { expect, test } from "vitest";
import { OpusCodec, opusMs, opusSilence } from "../../../src/audio/codecs/opus.ts";

const rateHz = 24_000;
const frame = rateHz / 50;

/** pcm16 of a tone, with a phase that goes on from frame to frame. */
const tone = (hz: number, number: number): Uint8Array => {
  const samples = Int16Array.from({ length: frame }, (_, at) =>
    Math.round(8_000 * Math.sin((2 * Math.PI * hz * (number * frame + at)) / rateHz)),
  );
  return new Uint8Array(samples.buffer);
};

function energyAt(hz: number, bytes: Uint8Array): number {
  const samples = new Int16Array(bytes.slice().buffer);
  let [re, im, energy] = [0, 0, 1];
  samples.forEach((sample, at) => {
    re += sample * Math.cos((2 * Math.PI * hz * at) / rateHz);
    im += sample * Math.sin((2 * Math.PI * hz * at) / rateHz);
    energy += sample * sample;
  });
  return (2 * (re * re + im * im)) / samples.length / energy;
}

test("300 streams at once each come out as they went in", () => {
  const streams = Array.from({ length: 300 }, (_, at) => ({ hz: 300 + 10 * at, codec: new OpusCodec(rateHz) }));
  for (let number = 0; number < 4; number += 1) {
    for (const { hz, codec } of streams) {
      const packet = codec.encode(tone(hz, number));
      expect(opusMs(packet)).toBe(20);
      const audio = codec.decode(packet);
      expect(audio).toHaveLength(2 * frame);
      if (number === 3) expect(energyAt(hz, audio), `${hz} Hz`).toBeGreaterThan(0.9);
    }
  }
  for (const { codec } of streams) codec.close();
});

test("what is no Opus is an error and nothing more", () => {
  const codec = new OpusCodec(rateHz);
  for (const bytes of [0, 5_000]) expect(() => codec.decode(new Uint8Array(bytes))).toThrow(`an Opus packet of ${bytes} bytes`);
  expect(() => codec.decode(Uint8Array.of(0xff, 0xff, 0xff, 0xff))).toThrow("cannot decode");
  expect(() => codec.encode(new Uint8Array(100))).toThrow("cannot encode");
  expect(codec.decode(opusSilence)).toHaveLength(2 * frame);
  codec.close();
  codec.close();
});

test.each([
  [[0xf8], 20],
  [[0x08], 20],
  [[0x18], 60],
  [[0x80], 2.5],
  [[0xf9, 0], 40],
  [[0x1a], 0],
  [[0xfb, 3], 60],
  [[], 0],
])("a packet that begins with %j lasts %d ms", (bytes, ms) => {
  expect(opusMs(Uint8Array.from(bytes))).toBe(ms);
});
