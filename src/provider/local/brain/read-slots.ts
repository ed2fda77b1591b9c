import { slotNamed } from "./asked.ts";
import { formOf, type Guide } from "./guide.ts";
import { isLikely } from "./opening-hours.ts";
import { readDay } from "./readers/dates.ts";
import { correctDigits, readCode, readDigits } from "./readers/digits.ts";
import { readMinutes } from "./readers/durations.ts";
import { readName, readNameAnswer } from "./readers/names.ts";
import { readNumbers } from "./readers/numbers.ts";
import { readParty, readPartyAnswer } from "./readers/party.ts";
import { readTime, readTimeAnswer } from "./readers/times.ts";
import type { State } from "./state.ts";

export type Read = Readonly<Record<string, string | number>>;

interface Reading {
  readonly guide: Guide;
  readonly state: State;
  readonly now: Date;
  /** The slot that was asked for, or named by the caller: a bare value is enough. */
  readonly wanted: string | undefined;
}

/** The values for `slots` that a text gives. */
export function readSlots(reading: Reading, text: string, slots: readonly string[]): Read {
  const read: Record<string, string | number> = {};
  // Day before time: the day's opening hours tell morning from evening.
  const inOrder = slots.toSorted((a, b) => Number(readerOf(reading, b) === "day") - Number(readerOf(reading, a) === "day"));
  for (const slot of inOrder) {
    const value = readSlot(reading, text, slot, read);
    if (value !== undefined) read[slot] = value;
  }
  return read;
}

const readerOf = ({ guide }: Reading, slot: string): string | undefined => guide.flow.slots[slot]?.reader;

function readSlot(reading: Reading, text: string, slot: string, read: Read): string | number | undefined {
  const { guide, state, now } = reading;
  const isWanted = reading.wanted === slot;
  const spec = guide.flow.slots[slot];
  const plain = withoutLongNumbers(text);
  switch (spec?.reader) {
    case undefined:
      return undefined;
    case "party":
      return isWanted ? readPartyAnswer(plain) : readParty(plain);
    case "day":
      return readDay(plain, now);
    case "time": {
      const daySlot = Object.keys(guide.flow.slots).find((name) => readerOf(reading, name) === "day") ?? "";
      const day = read[daySlot] ?? state.values[daySlot]?.value;
      const likely = isLikely(guide.flow.business.hours, typeof day === "string" ? day : undefined);
      return isWanted ? readTimeAnswer(plain, likely) : readTime(plain, likely);
    }
    case "name":
      return isWanted ? readNameAnswer(text) : readName(text);
    case "phone":
      return readPhone(text, spec.max ?? 15, isWanted);
    case "code":
      return isWanted
        ? readCode(text, spec.min ?? 1, spec.max ?? 20)
        : readDigits(text).findLast(({ digits }) => digits.length >= (spec.min ?? 3) && digits.length <= (spec.max ?? 20))?.digits;
    case "minutes":
      return readMinutes(text) ?? (isWanted ? readNumbers(text).at(-1)?.value : undefined);
    case "message":
      return isWanted ? wholeMessage(text) : openingMessage(text);
  }
}

/** Long runs of digits are phone and order numbers, never people or hours. */
function withoutLongNumbers(text: string): string {
  let plain = text;
  for (const { digits, start, end } of readDigits(text)) {
    if (digits.length >= 5 && !/[/:-]\d/.test(text.slice(start, end)))
      plain = plain.slice(0, start) + "#".repeat(end - start) + plain.slice(end);
  }
  return plain;
}

function readPhone(text: string, max: number, isWanted: boolean): string | undefined {
  if (isWanted) return readCode(text, 7, max);
  const long = readDigits(text).findLast(({ digits }) => digits.length >= 7 && digits.length <= max);
  if (long !== undefined) return long.digits;
  const isAnnounced =
    /\b(?:(?:my|the|phone|telephone|mobile|cell|contact) number(?: is|'s)?|(?:call|reach|ring) me (?:at|on))\b/i.test(text) &&
    !/\border number\b/i.test(text);
  const longest = readDigits(text).toSorted((a, b) => b.digits.length - a.digits.length)[0]?.digits;
  return isAnnounced && longest !== undefined && longest.length >= 3 ? longest : undefined;
}

function wholeMessage(text: string): string | undefined {
  const said = openingMessage(text) ?? text.trim();
  return /\p{L}{2}/u.test(said) ? said.slice(0, 500) : undefined;
}

function openingMessage(text: string): string | undefined {
  const match =
    /\b(?:message(?: is| says)?|tell (?:him|her|them|the \w+|your \w+)|let (?:him|her|them|the \w+) know)(?:\s*:|\s+that|\s+saying|\s+to say|,)\s*(.{6,500})$/is.exec(
      text,
    );
  return match?.[1]?.trim();
}

/** A slot that the caller names as wrong or to be changed ("change the time to eight", "the name is wrong"). */
export function slotToChange(guide: Guide, state: State, text: string): string | undefined {
  if (!/\b(?:change|wrong|incorrect|different|not right|fix|update|make the|correct|another|instead|should be|the)\b/i.test(text))
    return undefined;
  return slotNamed(guide, state, text);
}

/** The digits that a number has after the caller's correction, or going on where a pause cut it. */
export function corrected(known: string, text: string, max: number): string | undefined {
  const said = readDigits(text).findLast(({ digits }) => digits !== "")?.digits;
  const objects = /\b(?:no|not|nope|wrong|it's|it is|that's|should|sorry|last|first|ends?|change|actually)\b/i.test(text);
  const isRest =
    said !== undefined &&
    !objects &&
    [10, 11].includes(known.length + said.length) &&
    known.length + said.length <= max &&
    known.length < 10;
  return isRest ? known + said : correctDigits(known, text);
}

/** The slots that a caller turn may fill: those of the open task, else those that are kept for the whole call. */
export function openSlots(guide: Guide, state: State): readonly string[] {
  return formOf(guide, state.form?.intent)?.slots ?? Object.keys(guide.flow.slots).filter((slot) => guide.flow.slots[slot]?.keep === true);
}
