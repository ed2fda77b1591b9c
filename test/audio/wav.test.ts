import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { readWav, writeWav } from "../../src/audio/wav.ts";

interface Shape {
  readonly code?: number;
  readonly channels?: number;
  readonly rateHz?: number;
  readonly bits?: number;
}

/** A file by hand, with a chunk in front that nobody knows. */
function wav(data: Uint8Array, { code = 1, channels = 1, rateHz = 16_000, bits = 16 }: Shape = {}, dataLength = data.length): Uint8Array {
  const format = Buffer.alloc(16);
  format.writeUInt16LE(code, 0);
  format.writeUInt16LE(channels, 2);
  format.writeUInt32LE(rateHz, 4);
  format.writeUInt16LE(bits, 14);
  const chunk = (name: string, bytes: Uint8Array, length = bytes.length): Buffer => {
    const head = Buffer.from(`${name}0000`);
    head.writeUInt32LE(length, 4);
    return Buffer.concat([head, bytes, Buffer.alloc(bytes.length % 2)]);
  };
  const odd = chunk("LIST", Buffer.from("odd"));
  return Buffer.concat([Buffer.from("RIFF0000WAVE"), odd, chunk("fmt ", format), chunk("data", data, dataLength)]);
}

const samples = (...values: number[]): number[] => values;
const int16 = (...values: number[]): Uint8Array => new Uint8Array(Int16Array.from(values).buffer);

test.each([
  { name: "8 bits", file: wav(new Uint8Array([0, 128, 255]), { bits: 8 }), is: samples(-32_768, 0, 32_512) },
  { name: "16 bits", file: wav(int16(-32_768, 5, 32_767)), is: samples(-32_768, 5, 32_767) },
  { name: "24 bits", file: wav(new Uint8Array([0xff, 0xff, 0x7f, 0, 0, 0x80]), { bits: 24 }), is: samples(32_767, -32_768) },
  { name: "32 bits", file: wav(new Uint8Array(Int32Array.of(65_536 * 7, -(2 ** 31)).buffer), { bits: 32 }), is: samples(7, -32_768) },
  {
    name: "32-bit float, also out of bounds",
    file: wav(new Uint8Array(Float32Array.of(0.5, -1, 2, Number.NaN).buffer), { code: 3, bits: 32 }),
    is: samples(16_384, -32_768, 32_767, 0),
  },
  { name: "µ-law", file: wav(new Uint8Array([0x00, 0xff, 0x80]), { code: 7, bits: 8 }), is: samples(-32_124, 0, 32_124) },
  { name: "A-law", file: wav(new Uint8Array([0x2a, 0xaa]), { code: 6, bits: 8 }), is: samples(-32_256, 32_256) },
  { name: "two channels", file: wav(int16(100, 300, -50, 50), { channels: 2 }), is: samples(200, 0) },
  { name: "a data chunk whose length was never written", file: wav(int16(1, 2), {}, 0), is: samples(1, 2) },
  { name: "a data chunk longer than the file", file: wav(int16(1, 2), {}, 0xffffffff), is: samples(1, 2) },
  { name: "half a sample at the end", file: wav(new Uint8Array([1, 0, 2])), is: samples(1) },
])("$name is read", ({ file, is }) => {
  expect([...readWav(file).samples]).toEqual(is);
});

test.each([
  { name: "text", file: Buffer.from("hello, this is no sound at all"), says: "no WAV file" },
  { name: "nothing", file: new Uint8Array(0), says: "no WAV file" },
  { name: "a header alone", file: Buffer.from("RIFF0000WAVE"), says: "no format" },
  { name: "mp3 inside", file: wav(int16(1), { code: 85 }), says: "compressed (format 85)" },
  { name: "12 bits", file: wav(int16(1), { bits: 12 }), says: "12-bit" },
  { name: "no channel", file: wav(int16(1), { channels: 0 }), says: "0 channels" },
  { name: "one sample a second", file: wav(int16(1), { rateHz: 1 }), says: "1 samples a second" },
])("$name is refused in words", ({ file, says }) => {
  expect(() => readWav(file)).toThrow(says);
});

test("what is written is read back, and a fixture is as long as it says", async () => {
  const recording = { rateHz: 24_000, samples: Int16Array.of(1, -2, 32_767, -32_768) };
  expect(readWav(writeWav(recording))).toEqual(recording);
  const jfk = readWav(await readFile(new URL("../../fixtures/speech/jfk.wav", import.meta.url)));
  expect([jfk.rateHz, jfk.samples.length]).toEqual([16_000, 176_000]);
});
