import { ordinals, teens, tens, units } from "./number-words.ts";
import { tokens, type Token } from "./tokens.ts";

/** A quantity in a text, with its place. */
export interface NumberMention {
  readonly value: number;
  readonly ordinal: boolean;
  readonly start: number;
  readonly end: number;
}

const scales: Readonly<Record<string, number>> = {
  hundred: 100,
  thousand: 1000,
  million: 1_000_000,
};

/** Every quantity in a text, written in digits or words: "23", "twenty-three", "two hundred and five", "3.5", "1,250", "a dozen", "the third". */
export function readNumbers(text: string): NumberMention[] {
  // "1,250" is one number, "1, 250" are two; the blank keeps every place where it was.
  const words = tokens(text.replace(/(?<=\d),(?=\d{3}(?!\d))/g, "")).filter((word) => !word.text.includes(":"));
  const shift = shifts(text);
  const found: NumberMention[] = [];
  for (let at = 0; at < words.length;) {
    const number = quantity(words, at);
    const first = words[at];
    const last = words[at + (number?.count ?? 1) - 1];
    if (number !== undefined && first !== undefined && last !== undefined) {
      found.push({
        value: number.value,
        ordinal: number.ordinal,
        start: shift(first.start),
        end: shift(last.end),
      });
    }
    at += number?.count ?? 1;
  }
  return found;
}

/** Places in the text without thousands commas, back to places in the text itself. */
function shifts(text: string): (at: number) => number {
  const commas = Array.from(text.matchAll(/(?<=\d),(?=\d{3}(?!\d))/g), (match, before) => match.index - before);
  return (at) => at + commas.filter((comma) => comma < at).length;
}

interface Quantity {
  readonly value: number;
  readonly ordinal: boolean;
  readonly count: number;
}

function quantity(words: readonly Token[], at: number): Quantity | undefined {
  const word = words[at]?.text ?? "";
  if (word === "dozen") return plain(12, 1);
  if (word === "half" && words[at + 1]?.text === "a" && words[at + 2]?.text === "dozen") return plain(6, 3);
  if (word === "a" && words[at + 1]?.text === "dozen") return plain(12, 2);
  if (/^\d+(?:st|nd|rd|th)$/.test(word)) return { value: Number.parseInt(word, 10), ordinal: true, count: 1 };
  let small = belowHundred(words, at) ?? (word === "a" && scales[words[at + 1]?.text ?? ""] !== undefined ? plain(1, 1) : undefined);
  if (small === undefined) return undefined;
  let total = 0;
  let count = 0;
  while (small !== undefined) {
    count += small.count;
    const scale: number | undefined = small.ordinal || words[at + count - 1]?.pause ? undefined : scales[words[at + count]?.text ?? ""];
    if (scale === undefined) return withFraction(words, at, { value: total + small.value, ordinal: small.ordinal, count });
    total = scale === 100 ? total + small.value * 100 : (total + small.value) * scale;
    count += 1;
    const joiner = words[at + count]?.text === "and" ? 1 : 0;
    small = words[at + count - 1]?.pause ? undefined : belowHundred(words, at + count + joiner);
    if (small !== undefined) count += joiner;
  }
  return plain(total, count);
}

const plain = (value: number, count: number): Quantity => ({ value, ordinal: false, count });

function belowHundred(words: readonly Token[], at: number): Quantity | undefined {
  const word = words[at];
  if (word === undefined) return undefined;
  if (/^\d+(?:\.\d+)?$/.test(word.text)) return plain(Number(word.text), 1);
  const single = units[word.text] ?? teens[word.text];
  if (single !== undefined) return plain(single, 1);
  if (ordinals[word.text] !== undefined) return { value: ordinals[word.text] ?? 0, ordinal: true, count: 1 };
  const ten = tens[word.text];
  if (ten === undefined) return undefined;
  const next = word.pause ? "" : (words[at + 1]?.text ?? "");
  const unit = units[next];
  if (unit !== undefined && unit > 0) return plain(ten + unit, 2);
  const last = ordinals[next];
  return last !== undefined && last < 10 ? { value: ten + last, ordinal: true, count: 2 } : plain(ten, 1);
}

function withFraction(words: readonly Token[], at: number, whole: Quantity): Quantity {
  const next = (ahead: number): string => words[at + whole.count + ahead]?.text ?? "";
  if (whole.ordinal || words[at + whole.count - 1]?.pause === true) return whole;
  if (next(0) === "and" && next(1) === "a" && next(2) === "half") return plain(whole.value + 0.5, whole.count + 3);
  if (next(0) !== "point") return whole;
  let digits = "";
  while (units[next(digits.length + 1)] !== undefined) digits += String(units[next(digits.length + 1)]);
  return digits === "" ? whole : plain(Number(`${whole.value}.${digits}`), whole.count + 1 + digits.length);
}

/** The text with its quantities in digits: "half past seven" becomes "half past 7", "the twenty-first" "the 21st". */
export function withNumerals(text: string): string {
  let written = "";
  let at = 0;
  for (const number of readNumbers(text)) {
    // "7.30" must not become 7.3.
    if (/^[\d.]+$/.test(text.slice(number.start, number.end))) continue;
    written += text.slice(at, number.start) + String(number.value) + (number.ordinal ? ordinalEnding(number.value) : "");
    at = number.end;
  }
  return written + text.slice(at);
}

export function ordinalEnding(value: number): string {
  if (value % 100 >= 11 && value % 100 <= 13) return "th";
  return ["th", "st", "nd", "rd"][value % 10] ?? "th";
}
