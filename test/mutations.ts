import type { Random } from "../src/kernel/random.ts";

/** What breaks readers that look at letters: quotes, escapes, brackets, spaces, signs of numbers, what JSON forbids in a text. */
const letters = [
  '"',
  "\\",
  "{",
  "}",
  "[",
  ":",
  ",",
  " ",
  "\n",
  "\u0000",
  "0",
  "9",
  "-",
  ".",
  "e",
  "=",
  "+",
  "/",
  "A",
  "é",
  "😀",
  "\\u0041",
  '""',
  '\\"',
];

/** `text` with up to three letters, or stretches of it, changed, put in, taken out or doubled; now and then as it is. */
export function mutated(text: string, random: Random): string {
  let changed = text;
  const below = (limit: number): number => Math.floor(random.next() * limit);
  for (let left = below(4); left > 0; left -= 1) {
    const at = below(changed.length + 1);
    const to = Math.min(changed.length, at + below(random.next() < 0.2 ? 60 : 3));
    const letter = letters[below(letters.length)] ?? "";
    const stretch = changed.slice(at, to);
    const put = [letter, letter + stretch, "", stretch + stretch][below(4)] ?? "";
    changed = changed.slice(0, at) + put + changed.slice(to);
  }
  return changed;
}
