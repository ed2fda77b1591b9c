import { isNumberWord } from "./digits.ts";
import { tokens, type Token } from "./tokens.ts";

const introductions =
  /\b(?:my (?:full )?name is|my name's|the name is|the name's|name is|names|name's|this is|i am called|i'm called|call me|under the name(?: of)?|in the name of|under|it's for|for (?:mr|mrs|ms|miss|dr)\.?|i'm|i am|(?:mr|mrs|ms|miss|dr)\.?)\s+/gi;
/** Words after which no name goes on, or that are none. */
const ends = new Set(
  "and for at on my the a an in to from i we it it's its is please thanks thank phone number tomorrow today tonight with of but so yes no yeah okay ok not would want wanted like calling looking here there speaking trying going fine good sorry hoping having afraid just still also table booking reservation order about by s that this you your what when where how who can could do does did will have has was were be been am are oh um uh er well hello hi hey bye any name different same all done right back again lost interested happy coming running late sure late wrong correct change move cancel speak spell monday tuesday wednesday thursday friday saturday sunday called or if then me us him her them new waiting seven".split(
    " ",
  ),
);
const fillers = new Set(
  "and thanks thank you um uh er erm well oh hi hello hey it it's its is that's that yes yeah yep okay ok sure so the name my please under for just i'm i am this call me no sorry it'll be is".split(
    " ",
  ),
);

/** A name that the caller introduces: "my name is Ann Lee", "this is Bob", "under Garcia", also spelled: "Lee, L E E". */
export function readName(text: string): string | undefined {
  let found: string | undefined;
  for (const match of text.matchAll(introductions)) {
    const name = nameFrom(tokens(text.slice(match.index + match[0].length)));
    // "I'm hungry" introduces nobody; only a capital letter shows that a name follows.
    const weak = /^(?:i'm|i am|under|this is|it's for|names)\s/i.test(match[0]);
    if (name !== undefined && (!weak || /^\p{Lu}/u.test(text.slice(match.index + match[0].length)))) found = name;
  }
  return found;
}

/** The same when the name was asked for: the bare name is enough. */
export function readNameAnswer(text: string): string | undefined {
  const introduced = readName(text);
  if (introduced !== undefined) return introduced;
  const words = tokens(text);
  const from = words.findIndex((word) => !fillers.has(word.text));
  if (from < 0) return undefined;
  const rest = words.slice(from);
  return rest.length > 12 ? undefined : nameFrom(rest);
}

function nameFrom(words: readonly Token[]): string | undefined {
  const spelled = spelledFrom(words, 0);
  if (spelled !== undefined) return capitalised(spelled.name);
  const parts: string[] = [];
  for (const [at, word] of words.entries()) {
    const spelling = spelledFrom(words, at);
    if (spelling !== undefined) return closing(parts, spelling.name);
    if (parts.length === 3 || ends.has(word.text) || isNumberWord(word.text) || word.text.length < 2) break;
    parts.push(word.text);
    if (word.pause && spelledFrom(words, at + 1) === undefined) break;
  }
  return parts.length === 0 ? undefined : parts.map(capitalised).join(" ");
}

/** The spelling settles how the last name is written: "Lee, L E A" is Lea. */
function closing(parts: readonly string[], spelled: string): string {
  return [...parts.slice(0, parts.length === 1 && parts[0]?.[0] !== spelled[0] ? 1 : -1), spelled].map(capitalised).join(" ");
}

/** Letters said one by one: "A N N", "B as in boy, O, B", "double L". At least two. */
function spelledFrom(words: readonly Token[], from: number): { name: string } | undefined {
  let name = "";
  let count = 0;
  for (let at = from; at < words.length;) {
    const word = words[at]?.text ?? "";
    const next = words[at + 1]?.text ?? "";
    if (word === "double" && next.length === 1) {
      name += next + next;
      at += 2;
      count += 2;
    } else if (word.length === 1 && /\p{L}/u.test(word)) {
      name += word;
      count += 1;
      const likened =
        (next === "as" && words[at + 2]?.text === "in") || (next === "like" && words[at + 2]?.text === "in")
          ? 4
          : next === "for" && (words[at + 2]?.text ?? "").startsWith(word)
            ? 3
            : 1;
      at += likened;
    } else break;
  }
  return count >= 2 ? { name } : undefined;
}

function capitalised(word: string): string {
  return word.replace(/(^|['-])\p{L}/gu, (start) => start.toUpperCase());
}
