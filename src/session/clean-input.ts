import type { CallStart } from "../caller/leg.ts";
import type { InputRule } from "./words.ts";

export interface Cleaned<Input> {
  readonly input: Input;
  /** What was done to it; empty: nothing. */
  readonly rules: readonly InputRule[];
}

/** A caller's turn in writing. */
const longestTyped = 4_000;
/** A name, a number, a parameter. */
const longestWord = 512;

const removed: readonly { readonly rule: InputRule; readonly what: RegExp }[] = [
  // Embeddings, overrides and isolates: they let a line read as what it is not.
  { rule: "direction", what: /[\u202a-\u202e\u2066-\u2069]/gu },
  // Spaces without width, and tags, in which a whole order to a model can be written that no person sees.
  { rule: "invisible", what: /[\u200b\u2060\ufeff\u{e0000}-\u{e007f}]/gu },
];

/** What a caller typed, without what no reader sees and programs act upon; lines and tabs stay. */
export const cleanTyped = (text: string): Cleaned<string> => clean(text.replaceAll("\r\n", "\n"), /[\p{Cc}--[\t\n]]/gv, longestTyped);

/** The same of what is told of a caller when they come; ids and the agent's name are compared only, and stay. */
export function cleanStart(start: CallStart): Cleaned<CallStart> {
  const found = new Set<InputRule>();
  const word = (given: string): string => {
    const { input, rules } = clean(given, /\p{Cc}/gu, longestWord);
    for (const rule of rules) found.add(rule);
    return input;
  };
  const input = {
    ...start,
    from: start.from === undefined ? undefined : word(start.from),
    language: start.language === undefined ? undefined : word(start.language),
    parameters: Object.fromEntries(Object.entries(start.parameters).map(([key, value]) => [key, word(value)])),
  };
  return { input, rules: [...found] };
}

function clean(given: string, controls: RegExp, longest: number): Cleaned<string> {
  const rules: InputRule[] = [];
  let text = given;
  for (const { rule, what } of [{ rule: "control" as const, what: controls }, ...removed]) {
    const without = text.replace(what, "");
    if (without !== text) rules.push(rule);
    text = without;
  }
  if (text.length > longest) {
    rules.push("length");
    text = text.slice(0, longest);
  }
  // Half a character may be what came, or what the cut left.
  if (!text.isWellFormed() && !rules.includes("length")) rules.push("malformed");
  return { input: text.toWellFormed(), rules };
}
