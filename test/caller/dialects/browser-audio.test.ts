import { expect, test } from "vitest";
import { OpusCodec, opusMs } from "../../../src/audio/codecs/opus.ts";
import { wireAudio } from "../../../src/caller/dialects/browser-audio.ts";

const tone = (ms: number): Uint8Array => new Uint8Array(Int16Array.from({ length: ms * 24 }, (_, at) => 8_000 * Math.sin(at / 9)).buffer);

test("Opus is pcm16 at 24 kHz for the session, packet by packet in both directions", () => {
  using audio = wireAudio("opus", "opus");
  expect([audio.uplink, audio.downlink]).toEqual(["pcm16@24000", "pcm16@24000"]);
  const packet = audio.encode(tone(20));
  expect(packet.length).toBeLessThan(200);
  expect(opusMs(packet)).toBe(20);
  expect(audio.decode(packet)).toHaveLength(960);
});

test("the short end of a turn is filled up to a packet, and silence costs three bytes", () => {
  using audio = wireAudio("pcm16@16000", "opus");
  expect(opusMs(audio.encode(tone(7)))).toBe(20);
  expect(audio.encode(new Uint8Array(960))).toHaveLength(3);
  expect(audio.uplink).toBe("pcm16@16000");
});

test.each([
  { up: "opus" as const, bytes: Uint8Array.of(), says: "no Opus packet" },
  { up: "opus" as const, bytes: Uint8Array.of(0xfb, 0x3f), says: "no Opus packet" },
  { up: "webm/opus" as const, bytes: Buffer.from("RIFF"), says: "EBML header" },
  { up: "pcm16@16000" as const, bytes: new Uint8Array(3), says: "no whole samples" },
])("$up of $bytes is refused", ({ up, bytes, says }) => {
  using audio = wireAudio(up, "pcm16@24000");
  expect(() => audio.decode(bytes)).toThrow(expect.objectContaining({ message: expect.stringContaining(says) as unknown }));
});

test("a thousand connections one after the other leave no memory behind", () => {
  const packet = ((codec) => [codec.encode(tone(20)), codec.close()] as const)(new OpusCodec(24_000))[0];
  for (let n = 0; n < 1_000; n += 1) {
    using audio = wireAudio("opus", "opus");
    audio.decode(packet);
  }
});
