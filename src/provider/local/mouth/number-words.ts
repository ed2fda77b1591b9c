const small =
  "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(
    " ",
  );
const tens = "- - twenty thirty forty fifty sixty seventy eighty ninety".split(" ");
const scales = [
  [1e12, "trillion"],
  [1e9, "billion"],
  [1e6, "million"],
  [1e3, "thousand"],
  [100, "hundred"],
] as const;
const irregularOrdinals: Readonly<Record<string, string>> = {
  one: "first",
  two: "second",
  three: "third",
  five: "fifth",
  eight: "eighth",
  nine: "ninth",
  twelve: "twelfth",
};

/** 1204 → "one thousand two hundred four". Whole numbers from 0 below 10^15. */
export function cardinal(number: number): string {
  if (number < 20) return small[number] ?? "";
  if (number < 100) return `${tens[Math.floor(number / 10)]}${number % 10 === 0 ? "" : ` ${small[number % 10]}`}`;
  for (const [scale, name] of scales) {
    if (number < scale) continue;
    const rest = number % scale;
    return `${cardinal(Math.floor(number / scale))} ${name}${rest === 0 ? "" : ` ${cardinal(rest)}`}`;
  }
  return "";
}

/** 21 → "twenty first". */
export function ordinal(number: number): string {
  const words = cardinal(number).split(" ");
  const last = words.pop() ?? "";
  const ending = irregularOrdinals[last] ?? (last.endsWith("y") ? `${last.slice(0, -1)}ieth` : `${last}th`);
  return [...words, ending].join(" ");
}

/** 1987 → "nineteen eighty seven", 2005 → "two thousand five". */
export function yearWords(year: number): string {
  const rest = year % 100;
  if (year < 1000 || year > 2999 || (Math.floor((year % 1000) / 100) === 0 && rest < 10)) return cardinal(year);
  const century = cardinal(Math.floor(year / 100));
  if (rest === 0) return `${century} hundred`;
  return rest < 10 ? `${century} oh ${cardinal(rest)}` : `${century} ${cardinal(rest)}`;
}

/** "4071" → "four zero seven one". Whatever is no digit is left out. */
export const digitWords = (text: string): string => Array.from(text.matchAll(/\d/g), ([digit]) => small[Number(digit)]).join(" ");

/** "1,204.50" → "one thousand two hundred four point five zero"; too long or with a leading zero → digit by digit. */
export function numberWords(text: string): string {
  const [whole = "", fraction] = text.replaceAll(",", "").split(".");
  const words = whole.length > 15 || /^0\d/.test(whole) ? digitWords(whole) : cardinal(Number(whole));
  return fraction === undefined ? words : `${words} point ${digitWords(fraction)}`;
}
