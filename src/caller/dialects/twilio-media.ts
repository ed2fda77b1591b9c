// The message of Twilio's that comes fifty times a second and call, read by its letters instead of parsed.
import { readBase64 } from "../../wire/base64.ts";
import { digitsEnd, isAt, lettersOf, numberAt, wordEnd } from "../../wire/letters.ts";
import type { CallerAudio } from "../dialect.ts";

const toMedia = lettersOf('{"event":"media","sequenceNumber":"');
const toChunk = lettersOf('","media":{"track":"inbound","chunk":"');
const toTimestamp = lettersOf('","timestamp":"');
const toPayload = lettersOf('","payload":"');
const toStream = lettersOf('"},"streamSid":"');
const toEnd = lettersOf('"}');
const streamSidLength = 34;
const mostDigits = 9;
/** All but the digits and the audio. */
const leastBytes = [toMedia, toChunk, toTimestamp, toPayload, toStream, toEnd].reduce((sum, { length }) => sum + length, streamSidLength);

/**
 * What the caller said, and when, in the text from `from` to `end`, if that is a media message exactly as Twilio writes them. Undefined:
 * of another kind, or unusual in any way; then the parser decides.
 */
export function scanMedia(text: Buffer, from: number, end: number): CallerAudio | undefined {
  if (end - from <= leastBytes || !isAt(text, from, toMedia)) return undefined;
  const sequenceEnd = digitsEnd(text, from + toMedia.length, mostDigits);
  if (!isAt(text, sequenceEnd, toChunk)) return undefined;
  const chunkEnd = digitsEnd(text, sequenceEnd + toChunk.length, mostDigits);
  if (!isAt(text, chunkEnd, toTimestamp)) return undefined;
  const timeAt = chunkEnd + toTimestamp.length;
  const timeEnd = digitsEnd(text, timeAt, mostDigits);
  if (timeEnd === timeAt || !isAt(text, timeEnd, toPayload)) return undefined;
  const payloadAt = timeEnd + toPayload.length;
  const streamEnd = end - toEnd.length;
  const payloadEnd = streamEnd - streamSidLength - toStream.length;
  if (!isAt(text, payloadEnd, toStream) || !isAt(text, streamEnd, toEnd)) return undefined;
  if (wordEnd(text, payloadEnd + toStream.length, streamEnd) !== streamEnd) return undefined;
  const bytes = readBase64(text, payloadAt, payloadEnd);
  return bytes && { type: "audio", bytes, atMs: numberAt(text, timeAt, timeEnd) };
}
