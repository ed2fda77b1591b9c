import { digitNames, digitSlips, ordinals, teens, tens, units } from "./number-words.ts";
import { tokens, type Token } from "./tokens.ts";

/** Digits said one after another, with nothing but fillers between them. */
export interface DigitRun {
  readonly digits: string;
  readonly start: number;
  readonly end: number;
}

const fillers = new Set(["and", "uh", "um", "er", "erm", "dash", "hyphen", "space", "then", "plus", "area", "code"]);
const repeats: Readonly<Record<string, number>> = { double: 2, duible: 2, dubble: 2, triple: 3, treble: 3 };

/**
 * Every run of digits in a text, in any form a recogniser writes them: "12345 54321", "1, 2, 3", "five five five", "oh one", "double five",
 * "Thirty-three-four", "eight hundred". Words that merely sound like digits ("to", "for", "ate") count only between digits.
 */
export function readDigits(text: string): DigitRun[] {
  const words = tokens(text);
  const runs: DigitRun[] = [];
  let digits = "";
  let start = 0;
  let end = 0;
  const close = (): void => {
    if (digits !== "") runs.push({ digits, start, end });
    digits = "";
  };
  for (let at = 0; at < words.length;) {
    const found = digitsAt(words, at) ?? slipAt(words, at, digits !== "");
    const first = words[at];
    const last = words[at + (found?.count ?? 1) - 1];
    if (found !== undefined && first !== undefined && last !== undefined) {
      if (digits === "") start = first.start;
      digits += found.digits;
      end = last.end;
    } else if (digits !== "" && !fillers.has(first?.text ?? "")) {
      close();
    }
    at += found?.count ?? 1;
  }
  close();
  return runs;
}

interface Found {
  readonly digits: string;
  readonly count: number;
}

function digitsAt(words: readonly Token[], at: number): Found | undefined {
  const word = words[at];
  if (word === undefined) return undefined;
  const times = repeats[word.text];
  if (times !== undefined) {
    const next = words[at + 1];
    const digit = next && oneDigit(next.text, true);
    return digit === undefined ? undefined : { digits: digit.repeat(times), count: 2 };
  }
  if (/^\d/.test(word.text)) return /[a-z]/.test(word.text) ? undefined : { digits: word.text.replace(/\D/g, ""), count: 1 };
  const single = oneDigit(word.text, false);
  if (single !== undefined) return afterSingle(words, at, single);
  if (teens[word.text] !== undefined) return { digits: String(teens[word.text]), count: 1 };
  const ten = tens[word.text];
  if (ten === undefined) return undefined;
  const unit = word.pause ? undefined : units[words[at + 1]?.text ?? ""];
  return unit === undefined || unit === 0 ? { digits: String(ten), count: 1 } : { digits: String(ten + unit), count: 2 };
}

/** "eight hundred" is 800, "five hundred twelve" 512, "three thousand" 3000. */
function afterSingle(words: readonly Token[], at: number, single: string): Found {
  const scale = words[at]?.pause === true ? "" : words[at + 1]?.text;
  if (scale === "thousand") return { digits: `${single}000`, count: 2 };
  if (scale !== "hundred") return { digits: single, count: 1 };
  const joiner = words[at + 2]?.text === "and" ? 1 : 0;
  const rest = words[at + 1]?.pause === true ? undefined : digitsAt(words, at + 2 + joiner);
  const isNumber =
    rest !== undefined &&
    rest.digits.length <= 2 &&
    (teens[words[at + 2 + joiner]?.text ?? ""] ?? tens[words[at + 2 + joiner]?.text ?? ""]) !== undefined;
  return isNumber ? { digits: single + rest.digits, count: 2 + joiner + rest.count } : { digits: `${single}00`, count: 2 };
}

function slipAt(words: readonly Token[], at: number, inside: boolean): Found | undefined {
  const word = words[at];
  const digit = word === undefined ? undefined : digitSlips[word.text];
  if (word === undefined || digit === undefined) return undefined;
  const next = words[at + 1];
  const leads = next !== undefined && (digitsAt(words, at + 1) !== undefined || digitSlips[next.text] !== undefined);
  // "Oh, five five" is a sigh; "oh one two" is a zero. "To" and "for" before a number are mostly just that.
  const taken = inside
    ? leads || next === undefined
    : digit === 0 && word.text !== "or" && leads && !word.pause && digitsAt(words, at + 1) !== undefined;
  return taken ? { digits: String(digit), count: 1 } : undefined;
}

function oneDigit(word: string, slips: boolean): string | undefined {
  const value = units[word] ?? digitNames[word] ?? (slips ? (digitSlips[word] ?? plainDigit(word)) : undefined);
  return value === undefined ? undefined : String(value);
}

const plainDigit = (word: string): number | undefined => (/^\d$/.test(word) ? Number(word) : undefined);

/** Whether a word is part of a number, however it is written. */
export function isNumberWord(word: string): boolean {
  return /^\d/.test(word) || [units, teens, tens, ordinals, digitNames].some((table) => table[word] !== undefined);
}

/**
 * The caller's number in a text that should hold one: the last run of a fitting length, or all runs joined. Undefined: no digit at all.
 * A "for" or "to" at the very beginning is a digit when just one is lacking.
 */
export function readCode(text: string, min: number, max: number): string | undefined {
  const runs = readDigits(text);
  const [first] = runs;
  const lead = digitSlips[/^\W*(\w+)\W+$/.exec(text.slice(0, first?.start ?? 0))?.[1]?.toLowerCase() ?? ""];
  if (runs.length === 1 && first !== undefined && lead !== undefined && [min, ...usualLengths].includes(first.digits.length + 1)) {
    return String(lead) + first.digits;
  }
  const fitting = runs.findLast((run) => run.digits.length >= min && run.digits.length <= max);
  if (fitting !== undefined) return fitting.digits;
  const all = runs.map((run) => run.digits).join("");
  return all === "" || all.length > max ? undefined : all;
}

/** Of a phone number without and with its area code. */
const usualLengths = [7, 10];

/** Digits in the groups in which people say a phone number of that length: 3-4, 3-3-4, 5-3-3, else threes. */
export function groupDigits(digits: string): string[] {
  const sizes = groupSizes[digits.length] ?? threes(digits.length);
  let at = 0;
  return sizes.map((size) => digits.slice(at, (at += size)));
}

const groupSizes: Readonly<Record<number, readonly number[]>> = {
  4: [4],
  5: [3, 2],
  7: [3, 4],
  8: [4, 4],
  10: [3, 3, 4],
  11: [5, 3, 3],
};

function threes(length: number): number[] {
  const sizes: number[] = [];
  for (let left = length; left > 0; left -= 3) {
    if (left === 4) return [...sizes, 4];
    sizes.push(Math.min(3, left));
  }
  return sizes;
}

/**
 * A number after a correction: all of it said anew, or only a part ("no, it is nine three", "the last two are six one").
 * The part replaces the stretch of equal length that differs least from it, the later one of equals.
 */
export function correctDigits(known: string, text: string): string | undefined {
  const said = readDigits(text).findLast((run) => run.digits !== "")?.digits;
  if (said === undefined) return undefined;
  if (said.length >= known.length) return said;
  if (/\b(?:last|ends?|end(?:s|ing) (?:in|with))\b/i.test(text)) return known.slice(0, -said.length) + said;
  if (/\b(?:first|starts?|begins?)\b/i.test(text)) return said + known.slice(said.length);
  let best = { at: known.length - said.length, differing: Infinity };
  for (let at = 0; at + said.length <= known.length; at += 1) {
    const differing = Array.from(said).filter((digit, index) => known[at + index] !== digit).length;
    if (differing > 0 && differing <= best.differing) best = { at, differing };
  }
  if (best.differing === said.length) best = { at: known.length - said.length, differing: 0 };
  return known.slice(0, best.at) + said + known.slice(best.at + said.length);
}
