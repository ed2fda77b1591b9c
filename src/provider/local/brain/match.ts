import { tokens } from "./readers/tokens.ts";

/** Small words say little about what is meant; most of a phrase's weight lies on the others. */
const small = new Set(
  "no yes not a an the to of for on in at is it its it's are am be do does did can could would will i i'd i'm you your my me we us our please so and or that this there with".split(
    " ",
  ),
);

export interface Phrase {
  readonly words: readonly string[];
  readonly weight: number;
}

/** A phrase prepared for matching. */
export function phrase(text: string): Phrase {
  const words = tokens(text).map((word) => stem(word.text));
  return { words, weight: words.reduce((sum, word) => sum + weightOf(word), 0) };
}

/** What a text holds, prepared for matching against many phrases. */
export function stems(text: string): string[] {
  return tokens(text).map((word) => stem(word.text));
}

/**
 * The share of a phrase that the text holds, 0 to 1: words in order and near each other, endings forgiven,
 * in long words one wrong letter too. Words apart cost a little.
 */
export function share(text: readonly string[], sought: Phrase): number {
  let best = 0;
  for (let from = 0; from < text.length; from += 1) {
    if (!alike(text[from] ?? "", sought.words[0] ?? "") && !alike(text[from] ?? "", sought.words[1] ?? "")) continue;
    let held = 0;
    let at = from;
    let last = from;
    for (const word of sought.words) {
      const place = indexWithin(text, word, at, at + 4);
      if (place < 0) continue;
      held += weightOf(word);
      at = place + 1;
      last = place;
    }
    const gaps = Math.max(0, last - from + 1 - sought.words.length);
    best = Math.max(best, held / sought.weight - 0.04 * gaps);
  }
  return best;
}

/** The rank of a match among others: longer phrases held in full come first. */
export const rank = (held: number, sought: Phrase): number => held * (1 + Math.min(sought.weight, 4) / 4);

function indexWithin(text: readonly string[], word: string, from: number, to: number): number {
  for (let at = from; at < Math.min(to, text.length); at += 1) if (alike(text[at] ?? "", word)) return at;
  return -1;
}

const weightOf = (word: string): number => (small.has(word) ? 0.25 : 1);

function stem(word: string): string {
  if (word.length <= 4 || small.has(word)) return word;
  return word.replace(/(?:'s|ations?|ings?|ed|es|s|e)$/, (ending) => (word.length - ending.length >= 3 ? "" : ending));
}

function alike(heard: string, sought: string): boolean {
  if (heard === sought) return heard !== "";
  return sought.length >= 5 && heard.length >= 4 && heard[0] === sought[0] && isOneEditApart(heard, sought);
}

function isOneEditApart(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1) return false;
  let at = 0;
  while (at < a.length && a[at] === b[at]) at += 1;
  return a.slice(at + 1) === b.slice(at + 1) || a.slice(at) === b.slice(at + 1) || a.slice(at + 1) === b.slice(at);
}
