import { readBase64 } from "../../wire/base64.ts";
import { digitsEnd, isAt, isTextAt, lettersOf, wordEnd } from "../../wire/letters.ts";
import type { ServerEvent } from "./server-events.ts";

type AudioEvent = Extract<ServerEvent, { type: "response.audio" }>;

// What stands before each value.
const toType = lettersOf('"type":"response.output_audio.delta');
const toEventId = lettersOf('"event_id":"');
const toResponseId = lettersOf('"response_id":"');
const toItemId = lettersOf('"item_id":"');
const toOutputIndex = lettersOf('"output_index":');
const toContentIndex = lettersOf('"content_index":');
const toDelta = lettersOf('"delta":"');
const toEnd = lettersOf('"}');
const [quote, opening, comma] = [0x22, 0x7b, 0x2c];

/** Which keys were there; the ids of the event and of the item's place may be wanting. */
const bits = { type: 1, eventId: 2, responseId: 4, itemId: 8, outputIndex: 16, contentIndex: 32 } as const;
const needed = bits.type | bits.responseId | bits.itemId;

/**
 * The event that comes fifty times a second, read by its letters instead of parsed. The ids are given that are known: of others strings are
 * made. Undefined: the text from `from` to `end` is another event, or one that is unusual in any way (keys that are not known or come
 * twice, spaces, escapes, audio that is not last or no base64); then the parser decides.
 */
export function readAudioDelta(text: Buffer, from: number, end: number, responseId: string, itemId: string): AudioEvent | undefined {
  if (text[from] !== opening) return undefined;
  let seen = 0;
  let responseAt = 0;
  let itemAt = 0;
  let at = from + 1;
  while (at < end && !isAt(text, at, toDelta)) {
    let bit: number;
    let to: number;
    if (isAt(text, at, toType)) {
      bit = bits.type;
      to = closed(text, at + toType.length);
    } else if (isAt(text, at, toEventId)) {
      bit = bits.eventId;
      to = wordClosed(text, at + toEventId.length, end);
    } else if (isAt(text, at, toResponseId)) {
      bit = bits.responseId;
      responseAt = at + toResponseId.length;
      to = wordClosed(text, responseAt, end);
    } else if (isAt(text, at, toItemId)) {
      bit = bits.itemId;
      itemAt = at + toItemId.length;
      to = wordClosed(text, itemAt, end);
    } else if (isAt(text, at, toOutputIndex)) {
      bit = bits.outputIndex;
      to = digitClosed(text, at + toOutputIndex.length);
    } else if (isAt(text, at, toContentIndex)) {
      bit = bits.contentIndex;
      to = digitClosed(text, at + toContentIndex.length);
    } else return undefined;
    if (to < 0 || (seen & bit) !== 0 || text[to] !== comma) return undefined;
    seen |= bit;
    at = to + 1;
  }
  const deltaEnd = end - toEnd.length;
  if ((seen & needed) !== needed || !isAt(text, deltaEnd, toEnd)) return undefined;
  // What is no base64 may be an escape, another key, or what JSON forbids in a text.
  const bytes = readBase64(text, at + toDelta.length, deltaEnd);
  if (bytes === undefined) return undefined;
  return { type: "response.audio", responseId: wordAt(text, responseAt, responseId), itemId: wordAt(text, itemAt, itemId), bytes };
}

/** Behind the quote that stands at `at`; less than 0: there is none. */
const closed = (text: Buffer, at: number): number => (text[at] === quote ? at + 1 : -1);

function wordClosed(text: Buffer, from: number, end: number): number {
  const to = wordEnd(text, from, end);
  return to === from ? -1 : closed(text, to);
}

/** One digit is what is ever seen; more may be a number that JSON forbids. */
function digitClosed(text: Buffer, from: number): number {
  const to = digitsEnd(text, from, 1);
  return to === from ? -1 : to;
}

/** The word that begins at `from` and ends before a quote; `known`, where it is that. */
function wordAt(text: Buffer, from: number, known: string): string {
  if (known !== "" && isTextAt(text, from, known) && text[from + known.length] === quote) return known;
  return text.toString("latin1", from, wordEnd(text, from, text.length));
}
