import { abbreviations, lexicon, wordsInCapitals } from "./lexicon.ts";
import { cardinal, digitWords, numberWords, ordinal, yearWords } from "./number-words.ts";

const months = "January February March April May June July August September October November December".split(" ");
const monthName =
  "(?:Jan(?:uary|\\.)?|Feb(?:ruary|\\.)?|Mar(?:ch|\\.)?|Apr(?:il|\\.)?|May|June?|July?|Aug(?:ust|\\.)?|Sept?(?:ember|\\.)?|Oct(?:ober|\\.)?|Nov(?:ember|\\.)?|Dec(?:ember|\\.)?)";
const weekdays = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split(" ");
const weekday = "Sun|Mon|Tues?|Wed|Thu(?:rs)?|Fri|Sat";
const currencies: Readonly<Record<string, readonly [one: string, many: string, oneSmall: string, manySmall: string]>> = {
  $: ["dollar", "dollars", "cent", "cents"],
  "€": ["euro", "euros", "cent", "cents"],
  "£": ["pound", "pounds", "penny", "pence"],
};

/** One way of reading: each match of the pattern becomes what the function says. The order of the table matters. */
type Rule = readonly [pattern: RegExp, read: (...groups: string[]) => string];

const markup: readonly Rule[] = [
  [/```[\s\S]*?(?:```|$)/g, () => " "],
  [/!?\[([^\]]*)\]\([^)]*\)/g, (_, label = "") => label],
  [/^\s*(?:[-*•]|#{1,6}|>|\d{1,2}[.)](?=\s+\D))\s+/gm, () => ""],
  [/[*_~`|]+/g, () => " "],
  [/<\/?[a-z][^>]*>/gi, () => " "],
  [/\p{Extended_Pictographic}|\u200D|\uFE0F/gu, (match = "") => (/[\d#*©®™]/u.test(match) ? match : " ")],
  [/([^\s.!?,;:])[^\S\n]*\n\s*/g, (_, end = "") => `${end}. `],
  [/\s+/g, () => " "],
  [/[‘’]/g, () => "'"],
];

const addresses: readonly Rule[] = [
  [/\b([\w.+-]+)@([\w-]+(?:\.[\w-]+)+)/g, (_, user = "", host = "") => `${spellAddress(user)} at ${spellAddress(host)}`],
  [
    /\b(?:https?:\/\/)?(?:www\.)?((?:[a-z0-9-]+\.)+(?:com|org|net|io|dev|ai|co|uk|de|eu|us|info|app|example|test|edu|gov)\b(?:\/[\w\-./]*\w)?)\/?(?:\?\S*)?/gi,
    (_, rest = "") => spellAddress(rest),
  ],
];

const numbers: readonly Rule[] = [
  // Money: $1,200.50, £3, $2 million.
  [/([$€£]) ?(\d[\d,]*)(?:\.(\d\d))?( (?:thousand|million|billion))?(?!\d)/g, readMoney],
  // Times: 7:30 pm, 19:05, 7pm, 9 a.m.
  [/\b([01]?\d|2[0-3]):([0-5]\d)(?::[0-5]\d)?(?: ?([ap])\.?m\b\.?(?=( +[A-Z]|\s*$)|))?/gi, readTime],
  [
    /\b(1[0-2]|[1-9]) ?([ap])\.?m\b\.?(?=( +[A-Z]|\s*$)|)/gi,
    (_, hour = "", half = "", end) => `${cardinal(Number(hour))} ${half.toLowerCase() === "a" ? "ay" : "p"} m${sentenceEnd(_, end)}`,
  ],
  // Dates: 2026-11-21, 11/21/2026, November 21st, 2026, 21 Nov. 2026.
  [/\b(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])\b/g, (_, year, month, day) => readDate(month, day, year)],
  [/\b(0?[1-9]|1[0-2])\/(0?[1-9]|[12]\d|3[01])\/(\d{4})\b/g, (_, month, day, year) => readDate(month, day, year)],
  [
    new RegExp(`\\b(${monthName}) (\\d{1,2})(?:st|nd|rd|th)?\\b(?:,? ((?:19|20)\\d\\d)\\b)?(?!:)`, "g"),
    (_, month = "", day, year) => readDate(monthNumber(month), day, year),
  ],
  [
    new RegExp(`\\b(\\d{1,2})(?:st|nd|rd|th)? (${monthName})(?: ((?:19|20)\\d\\d)\\b)?(?![\\w])`, "g"),
    (_, day, month = "", year) => readDate(monthNumber(month), day, year),
  ],
  [/\b24\/7\b/g, () => "twenty four seven"],
  [/\b1\/2\b/g, () => "one half"],
  [/\b1\/4\b/g, () => "one quarter"],
  // Telephone numbers: at least seven digits with separators, or a plus sign in front.
  [/(?<![\w.,])(\+?\(?\d[\d\s().-]{5,22}\d)(?![\w%]|[.,]\d)/g, readGroups],
  // What follows these words names something and counts nothing.
  [
    /\b(order|number|code|pin|reference|account|ticket|booking|confirmation|extension|zip|flight|case|invoice|call|dial|ext\.?|no\.|#)((?: (?:number|code|id|is|no\.))?[ :]*#?)(\d{3,}(?:-\d+)*)\b/gi,
    (_, name = "", between = "", digits) => `${name}${between.replace("#", "")} ${readGroups("", digits)}`,
  ],
  [/(?<![\w.,])(\d{5,}|0\d+)(?![\w.,]*\d)/g, (_, digits = "") => digitWords(digits)],
  [/\b([A-Z]{1,4})-?(\d+)\b/g, (_, letters = "", digits = "") => `${spell(letters)} ${digitWords(digits)}`],
  [/\b(in|since|until|by|from|of|year) ((?:19|20)\d\d)\b(?!,\d)/gi, (_, word = "", year) => `${word} ${yearWords(Number(year))}`],
  [/\b(\d{1,6})(?:st|nd|rd|th)\b/g, (_, digits) => ordinal(Number(digits))],
  [/(\d) ?%/g, (_, digit = "") => `${digit} percent`],
  [/(\d) ?°(?: ?([CF])\b)?/g, (_, digit = "", unit) => `${digit} degrees${unit === "C" ? " Celsius" : unit === "F" ? " Fahrenheit" : ""}`],
  [/(\d):(?=\d)/g, (_, digit = "") => `${digit} to `],
  [/(\d) ?[-–] ?(?=\d)/g, (_, digit = "") => `${digit} to `],
  [/(?<=(?:ay|p) m) ?[-–] ?(?=\w)/g, () => " to "],
  [/(?<![\w.])-(?=\d)/g, () => "minus "],
  [/(\d) ?[x×*] ?(?=\d)/g, (_, digit = "") => `${digit} times `],
  [
    /\d[\d,]*(?:\.\d+)?/g,
    (match = "") => {
      const text = match.replace(/,+$/, "");
      return ` ${numberWords(text)}${match.slice(text.length)} `;
    },
  ],
];

const words: readonly Rule[] = [
  [
    new RegExp(`\\b(${weekday})\\.?(?: ?[-–] ?|(?= to ))(${weekday})?\\b`, "g"),
    (_, from = "", to) => `${weekdayName(from)}${to === undefined ? "" : ` to ${weekdayName(to)}`}`,
  ],
  [/\b([A-Z]\w+) St\.(?=( [A-Z]|\s*$)|)/g, (_, name = "", end) => `${name} Street${sentenceEnd(".", end)}`],
  [/\bSt\. (?=[A-Z])/g, () => "Saint "],
  [/\bNo\. (?=(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\b)/g, () => "number "],
  [
    /\b(e\.g|i\.e|[A-Za-z]{2,6})\.(?=(\s*$)|)/gi,
    (match = "", word = "", end) => {
      const meaning = isName(word) ? abbreviations.get(word.toLowerCase()) : undefined;
      return meaning === undefined ? match : `${meaning}${end === undefined ? "" : "."}`;
    },
  ],
  [/ ?& ?/g, () => " and "],
  [/ ?\+ ?/g, () => " plus "],
  [/ ?= ?/g, () => " equals "],
  [/ ?@ ?/g, () => " at "],
  [/ ?% ?/g, () => " percent "],
  [/(\w) ?\/ ?(?=\w)/g, (_, before = "") => `${before} or `],
  [/\b(?:[A-Z]\.){2,}/g, (match = "") => spell(match.replaceAll(".", ""))],
  [/\b[A-Z]{2,5}(?=(?:s|'s)?\b)/g, (match = "") => (wordsInCapitals.has(match) ? match.toLowerCase() : spell(match))],
  [/\b[A-Za-z]+(?:-[A-Za-z]+)?\b/g, (match = "") => lexicon.get(match.toLowerCase()) ?? match],
  [/\s*(?:[—–()[\]{};]|\.{2,}|…|\s-\s)+\s*/g, () => ", "],
  // Everything else that a voice cannot say; accents fall off their letters.
  [/[^\p{L}\p{N}\s.,!?:'-]/gu, () => " "],
  [/\s+(?=[.,!?:])/g, () => ""],
  [/[,:](?:[\s,:]*[,:])+/g, () => ","],
  [/[,:]+(?=\s*[.!?])/g, () => ""],
  [/^[\s.,:!?'-]+|[\s,:]+$/g, () => ""],
  [/\s+/g, () => " "],
];

/** Written text as words that a voice can say: no digits, no symbols, no markup, letters apart where they are spelled. Empty when there is nothing to say. */
export function speakable(written: string): string {
  const calm = /[a-z]/.test(written) || !/[A-Z]{2,} +[A-Z]{2,}/.test(written) ? written : written.toLowerCase();
  // Full-width and circled digits become plain ones; a fraction keeps its distance from the number before it.
  const plainLetters = calm.replace(/[½¼]/g, " $& ").normalize("NFKC").replaceAll("\u2044", "/");
  const plain = [...markup, ...addresses, ...numbers, ...words].reduce(
    (text, [pattern, read]) => text.replace(pattern, read),
    plainLetters,
  );
  return /[\p{L}\p{N}]/u.test(plain) ? plain.normalize("NFKD").replace(/\p{M}/gu, "") : "";
}

function readMoney(_: string, sign = "", whole = "", small?: string, scale?: string): string {
  const amount = Number(whole.replaceAll(",", ""));
  const [one, many, oneSmall, manySmall] = currencies[sign] ?? ["", "", "", ""];
  const rest = /,$/.test(whole) ? "," : "";
  if (scale !== undefined) return `${numberWords(small === undefined ? whole : `${whole}.${small}`)}${scale} ${many}`;
  const parts =
    small === undefined || Number(small) === 0 ? [] : [`${cardinal(Number(small))} ${Number(small) === 1 ? oneSmall : manySmall}`];
  if (amount > 0 || parts.length === 0) parts.unshift(`${numberWords(whole)} ${amount === 1 ? one : many}`);
  return parts.join(" and ") + rest;
}

function readTime(match: string, hour = "", minute = "", half?: string, end?: string): string {
  const hours = Number(hour);
  const minutes = Number(minute);
  const suffix = half === undefined ? "" : ` ${half.toLowerCase() === "a" ? "ay" : "p"} m${sentenceEnd(match, end)}`;
  if (minutes === 0)
    return hours === 0 ? "midnight" : `${cardinal(hours)}${suffix === "" ? (hours > 12 ? " hundred hours" : " o'clock") : suffix}`;
  return `${hours === 0 ? "zero" : cardinal(hours)} ${minutes < 10 ? "oh " : ""}${cardinal(minutes)}${suffix}`;
}

/** "p.m." at the end of a sentence swallows the dot that ends it. */
function sentenceEnd(match: string, end: string | undefined): string {
  return end !== undefined && match.endsWith(".") ? "." : "";
}

function readDate(month = "", day = "", year?: string): string {
  const name = months[Number(month) - 1] ?? month;
  return `${name} ${ordinal(Number(day))}${year === undefined ? "" : `, ${yearWords(Number(year))}`}`;
}

const monthNumber = (name: string): string => String(months.findIndex((month) => month.startsWith(name.slice(0, 3))) + 1);

const weekdayName = (name: string): string => weekdays.find((day) => day.startsWith(name)) ?? name;

/** Digit by digit, a comma where the writer left a gap; too few digits are no number to be spelled and stay. */
function readGroups(match: string, text = ""): string {
  const groups = text.match(/\d+/g) ?? [];
  if (match !== "" && groups.join("").length < 7) return match;
  return `${text.startsWith("+") ? "plus " : ""}${groups.map(digitWords).join(", ")}`;
}

const spell = (letters: string): string =>
  letters
    .split("")
    .map((letter) => (letter === "A" ? "ay" : letter))
    .join(" ");

const spellAddress = (address: string): string =>
  address
    .replaceAll(".", " dot ")
    .replaceAll("/", " slash ")
    .replaceAll("-", " dash ")
    .replaceAll("_", " underscore ")
    .replaceAll("+", " plus ")
    .replace(/\d/g, (digit) => ` ${digitWords(digit)} `);

/** "min." and "sat." are abbreviations only where they cannot be the last word of a sentence's ordinary text. */
const isName = (word: string): boolean => !["sat", "wed", "sun", "mon", "fri"].includes(word);
