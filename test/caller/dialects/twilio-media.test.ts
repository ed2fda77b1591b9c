import { expect, test } from "vitest";
import type { CallerAudio, DialectCodec } from "../../../src/caller/dialect.ts";
import { scanMedia } from "../../../src/caller/dialects/twilio-media.ts";
import { twilio } from "../../../src/caller/dialects/twilio.ts";
import { seededRandom, type Random } from "../../../src/kernel/random.ts";
import { mutated } from "../../mutations.ts";

const streamSid = `MZ${"0123456789abcdef".repeat(2)}`;

function media(random: Random): string {
  const payload = Buffer.from(Uint8Array.from({ length: Math.floor(random.next() * 8) * 20 + 1 }, () => Math.floor(random.next() * 256)));
  const chunk = Math.floor(random.next() * 1_000);
  const parts = { track: "inbound", chunk: String(chunk), timestamp: String(chunk * 20), payload: payload.toString("base64") };
  return JSON.stringify({ event: "media", sequenceNumber: String(chunk + 1), media: parts, streamSid });
}

test("a media message as Twilio writes it is read without the parser", () => {
  const message = media(seededRandom(1));
  const { media: parts } = JSON.parse(message);
  const bytes = Uint8Array.from(Buffer.from(parts.payload, "base64"));
  expect(scanned(message)).toEqual({ type: "audio", bytes: Buffer.from(bytes), atMs: Number(parts.timestamp) });
});

test("of 100,000 messages, most of them damaged, none is read otherwise than by the parser", { timeout: 60_000 }, () => {
  const random = seededRandom(7);
  const codec = twilio.open({ target: "/twilio", query: new URLSearchParams(), headers: {} });
  let unparsed = 0;
  for (let left = 100_000; left > 0; left -= 1) {
    const message = mutated(media(random), random);
    const audio = scanned(message);
    if (audio === undefined) continue;
    unparsed += 1;
    const [short, long] = [written(audio), outcome(codec, message)];
    if (short !== long) expect.fail(`${JSON.stringify(message)} is ${short}, by the parser ${long}`);
  }
  expect(unparsed).toBeGreaterThan(25_000);
});

/** As it lies between other bytes in a socket's buffer. */
function scanned(message: string): CallerAudio | undefined {
  const text = Buffer.from(`"}${message}"}`);
  return scanMedia(text, 2, text.length - 2);
}

const written = ({ bytes, atMs }: CallerAudio): string => `${atMs} ${Buffer.from(bytes).toString("base64")}`;

function outcome(codec: DialectCodec, message: string): string {
  try {
    const signal = codec.decodeText(message);
    return signal.type === "audio" ? written(signal) : JSON.stringify(signal);
  } catch (error) {
    return String(error);
  }
}
