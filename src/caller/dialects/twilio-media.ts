// The message of Twilio's that comes fifty times a second and call, read by its letters instead of parsed.

export interface TwilioMedia {
  readonly payload: string;
  readonly atMs: number;
}

const toMedia = '{"event":"media","sequenceNumber":"';
const toChunk = '","media":{"track":"inbound","chunk":"';
const toTimestamp = '","timestamp":"';
const toPayload = '","payload":"';
const toStream = '"},"streamSid":"';
const end = '"}';
const streamSidLength = 34;
const [zero, nine] = [0x30, 0x39];
const mostDigits = 9;
const backslash = "\\";

/**
 * What the caller said, and when, of a media message that is written exactly as Twilio writes them. Undefined: of another kind, or
 * unusual in any way; then the parser decides. The payload may yet be no base64, or hold what JSON forbids: who decodes it must check.
 */
export function readMedia(message: string): TwilioMedia | undefined {
  if (!message.startsWith(toMedia)) return undefined;
  const sequenceEnd = digitsEnd(message, toMedia.length);
  if (!message.startsWith(toChunk, sequenceEnd)) return undefined;
  const chunkEnd = digitsEnd(message, sequenceEnd + toChunk.length);
  if (!message.startsWith(toTimestamp, chunkEnd)) return undefined;
  const timeAt = chunkEnd + toTimestamp.length;
  const timeEnd = digitsEnd(message, timeAt);
  if (timeEnd === timeAt || !message.startsWith(toPayload, timeEnd)) return undefined;
  const payloadAt = timeEnd + toPayload.length;
  const payloadEnd = message.length - end.length - streamSidLength - toStream.length;
  if (payloadEnd <= payloadAt || !message.startsWith(toStream, payloadEnd) || !message.endsWith(end)) return undefined;
  if (!isWord(message, payloadEnd + toStream.length, message.length - end.length)) return undefined;
  const payload = message.slice(payloadAt, payloadEnd);
  return payload.includes(backslash) || payload.includes('"') ? undefined : { payload, atMs: Number(message.slice(timeAt, timeEnd)) };
}

/** Where the digits that begin at `from` end; no more than the parser takes. */
function digitsEnd(text: string, from: number): number {
  let at = from;
  while (at - from < mostDigits && text.charCodeAt(at) >= zero && text.charCodeAt(at) <= nine) at += 1;
  return at;
}

/** Letters and digits alone. */
function isWord(text: string, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) {
    const code = text.charCodeAt(at);
    const letter = (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a;
    if (!letter && (code < zero || code > nine)) return false;
  }
  return true;
}
