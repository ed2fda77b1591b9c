import { withNumerals } from "./numbers.ts";

/** A small sum and its result, in words that can be read aloud. */
export interface Sum {
  readonly spoken: string;
  readonly result: number | undefined;
}

const amount = "(-?\\d+(?:\\.\\d+)?)";
const operators: readonly (readonly [pattern: string, word: string, run: (a: number, b: number) => number | undefined])[] = [
  ["(?:plus|\\+|and|added to)", "plus", (a, b) => a + b],
  ["(?:minus|-|take away|less)", "minus", (a, b) => a - b],
  ["(?:times|multiplied by|\\*|x|×)", "times", (a, b) => a * b],
  ["(?:divided by|over|\\/|÷)", "divided by", (a, b) => (b === 0 ? undefined : a / b)],
  ["(?:%|percent|per cent) of", "percent of", (a, b) => (a / 100) * b],
];

/** "What is seven times eight", "15% of 80", "divide 100 by 4", "12 plus 30". `result` is undefined for a division by zero. */
export function readSum(text: string): Sum | undefined {
  const written = withNumerals(text.toLowerCase());
  const divide = new RegExp(`\\bdivide ${amount} by ${amount}`).exec(written);
  const multiply = new RegExp(`\\bmultiply ${amount} (?:by|with|and) ${amount}`).exec(written);
  const add = new RegExp(`\\badd ${amount} (?:to|and) ${amount}`).exec(written);
  const subtract = new RegExp(`\\bsubtract ${amount} from ${amount}`).exec(written);
  if (divide !== null) return spoken(divide, "divided by");
  if (multiply !== null) return spoken(multiply, "times");
  if (add !== null) return spoken(add, "plus");
  if (subtract !== null) return spoken([subtract[0], subtract[2] ?? "", subtract[1] ?? ""], "minus");
  for (const [pattern, word] of operators) {
    if (word === "plus" && !/plus|\+|sum|how much|what(?:'s| is)|add/.test(written)) continue;
    const match = new RegExp(`${amount}\\s*${pattern}\\s*${amount}`).exec(written);
    if (match !== null && !(word === "minus" && /\d-\d/.test(match[0]) && !/what|how much/.test(written))) return spoken(match, word);
  }
  return undefined;
}

function spoken(match: readonly string[], word: string): Sum {
  const [a, b] = [Number(match[1]), Number(match[2])];
  const result = operators.find(([, name]) => name === word)?.[2](a, b);
  return {
    spoken: `${a} ${word} ${b}`,
    result: result === undefined ? undefined : Math.round(result * 100) / 100,
  };
}
