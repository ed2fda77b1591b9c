/** Word errors between what was said and what was heard. */
export interface WordErrors {
  /** Words to change, add or leave out. */
  readonly errors: number;
  /** Words said. */
  readonly words: number;
}

/** Spelling, punctuation and the way numbers are written do not count: the kindest of several readings does. */
export function wordErrors(said: string, heard: string): WordErrors {
  const reference = wordsOf(said, "number");
  const errors = readings.flatMap((reading) => {
    const words = wordsOf(heard, reading);
    return [distance(reference, words), distance(joined(reference, new Set(words)), joined(words, new Set(reference)))];
  });
  return { errors: Math.min(...errors), words: reference.length };
}

/** Letters to change, add or leave out, of those said: where words end does not count, so that "noonta ten" is nearly "noon to ten". */
export interface LetterErrors {
  readonly errors: number;
  readonly letters: number;
}

/** Whether a sound carries a text, whatever words a small ear makes of it; what is lost of the sound counts as in words. */
export function letterErrors(said: string, heard: string): LetterErrors {
  const lettersOf = (text: string, reading: Reading): string[] => Array.from(wordsOf(text, reading).join(""));
  const reference = lettersOf(said, "number");
  return { errors: Math.min(...readings.map((reading) => distance(reference, lettersOf(heard, reading)))), letters: reference.length };
}

/** How numbers may be read. */
type Reading = "number" | "pairs" | "digits";
const readings: readonly Reading[] = ["number", "pairs", "digits"];

const ones =
  "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(
    " ",
  );
const tens = "- - twenty thirty forty fifty sixty seventy eighty ninety".split(" ");
const irregularOrdinals = new Map(
  Object.entries({
    one: "first",
    two: "second",
    three: "third",
    five: "fifth",
    eight: "eighth",
    nine: "ninth",
    twelve: "twelfth",
  }),
);
/** Other ways to write the same. */
const alike = new Map<string, string>(
  Object.entries({
    metres: "meters",
    metre: "meter",
    ok: "okay",
    colour: "color",
    alright: "all right",
    "i'm": "i am",
    "i'd": "i would",
    "it's": "it is",
    "that's": "that is",
    "you've": "you have",
    "you'd": "you would",
    "you're": "you are",
    "we're": "we are",
    "don't": "do not",
    "can't": "cannot",
    mr: "mister",
    mrs: "missus",
    dr: "doctor",
    voicemail: "voice mail",
    mailbox: "mail box",
    touchtone: "touch tone",
    logon: "log on",
    "e-mail": "email",
  }),
);

function cardinal(value: number): string {
  // Below a thousand all indices lie in their tables.
  if (value < 20) return ones[value]!;
  if (value < 100) return `${tens[Math.floor(value / 10)]!} ${value % 10 === 0 ? "" : ones[value % 10]!}`;
  return `${ones[Math.floor(value / 100)]!} hundred ${value % 100 === 0 ? "" : cardinal(value % 100)}`;
}

/** Up to two digits and whole hundreds are numbers; more are read digit by digit. */
function spoken(digits: string): string {
  const isNumber = (digits.length <= 2 && !digits.startsWith("0")) || /^[1-9]00$/.test(digits);
  return isNumber || digits === "0" ? cardinal(Number(digits)) : eachDigit(digits);
}

function eachDigit(digits: string): string {
  return Array.from(digits, (digit) => cardinal(Number(digit))).join(" ");
}

function ordinal(number: string): string {
  return number.replace(/\w+$/, (last) => irregularOrdinals.get(last) ?? `${last.replace(/y$/, "ie")}th`);
}

function yearInPairs(_: string, century: string, rest: string): string {
  return `${cardinal(Number(century))} ${rest.startsWith("0") ? `oh ${cardinal(Number(rest))}` : cardinal(Number(rest))}`;
}

function wordsOf(text: string, reading: Reading): string[] {
  let plain = text
    .toLowerCase()
    .normalize("NFKD")
    .replace(/[\u0300-\u036f]/g, "")
    .replace(/[’‘]/g, "'")
    .replace(/&/g, " and ")
    .replace(/%/g, " percent ")
    .replace(/\$(\d+)/g, "$1 dollars")
    .replace(/(\d+)(?:st|nd|rd|th)\b/g, (_, digits: string) => ordinal(spoken(digits).trim()))
    .replace(/(\d+):(\d\d)/g, "$1 $2")
    .replace(/(\d),(\d{3})\b/g, "$1$2")
    .replace(/[^a-z0-9' ]+/g, " ");
  if (reading === "pairs") plain = plain.replace(/\b(1[1-9])(\d\d)\b/g, yearInPairs);
  return plain
    .replace(/\d+/g, (digits) => ` ${reading === "digits" ? eachDigit(digits) : spoken(digits)} `)
    .split(/\s+/)
    .map((word) => word.replace(/^'+|'+$/g, ""))
    .flatMap((word) => (alike.get(word) ?? word).split(" "))
    .map((word) => word.replace(/'/g, ""))
    .filter((word) => word !== "");
}

/** Neighbours that the other side writes as one word ("log on", "logon") become one. */
function joined(words: readonly string[], others: ReadonlySet<string>): string[] {
  const out: string[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const both = `${words[at]!}${words[at + 1] ?? ""}`;
    const together = at + 1 < words.length && others.has(both);
    out.push(together ? both : words[at]!);
    if (together) at += 1;
  }
  return out;
}

/** Fewest changes, additions and omissions (Levenshtein), row by row. */
function distance(from: readonly string[], to: readonly string[]): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (const [index, word] of from.entries()) {
    const next = [index + 1];
    for (const [column, other] of to.entries()) {
      // Both rows have one entry more than `to`.
      next.push(Math.min(row[column + 1]! + 1, next[column]! + 1, row[column]! + (word === other ? 0 : 1)));
    }
    row = next;
  }
  return row[to.length]!;
}
