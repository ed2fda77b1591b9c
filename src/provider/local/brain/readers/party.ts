import { isDenied } from "./negation.ts";
import { readNumbers } from "./numbers.ts";

const people = "(?:people|persons?|guests?|adults?|kids?|child(?:ren)?|diners?|covers|of us|seats?|pax|friends)";

/** How many people, where the text says so by itself: "for four", "party of six", "two adults and three kids", "just the two of us". */
export function readParty(text: string): number | undefined {
  const counted = readNumbers(text).filter((number) => !number.ordinal && Number.isInteger(number.value) && !isDenied(text, number.start));
  const named = counted.filter((number) =>
    new RegExp(`^[\\s-]*(?:more |other |young |little |small )?${people}\\b`, "i").test(text.slice(number.end)),
  );
  // "With three friends" are four.
  const company =
    /\bwith (?:my )?$/i.test(text.slice(0, named[0]?.start ?? 0)) &&
    /^\s*(?:friends|kids|children)\b/i.test(text.slice(named.at(-1)?.end ?? 0))
      ? 1
      : 0;
  if (named.length > 0) return named.reduce((sum, number) => sum + number.value, company);
  const cued = counted.findLast((number) => isCued(text, number.start, number.end));
  if (cued !== undefined) return cued.value;
  return spoken(text);
}

/** The same when people were asked for: a bare number is enough, also one that the recogniser wrote as "to" or "for". */
export function readPartyAnswer(text: string): number | undefined {
  const said = readParty(text);
  if (said !== undefined) return said;
  const bare = readNumbers(text).findLast(
    (number) =>
      !number.ordinal &&
      Number.isInteger(number.value) &&
      !isDenied(text, number.start) &&
      !isPronoun(text, number.start, number.end) &&
      !isClock(text, number.start, number.end),
  );
  if (bare !== undefined) return bare.value;
  return slips[text.toLowerCase().replace(/[^a-z]/g, "")];
}

/** "The green one on the wall" counts nothing. */
const isPronoun = (text: string, start: number, end: number): boolean =>
  text.slice(start, end).toLowerCase() === "one" && text.trim().split(/\s+/).length > 4;

const slips: Readonly<Record<string, number>> = {
  to: 2,
  too: 2,
  fortwo: 2,
  forto: 2,
  for: 4,
  fore: 4,
  forfor: 4,
  ate: 8,
  forate: 8,
  won: 1,
  tree: 3,
  sicks: 6,
  tin: 10,
};

function isCued(text: string, start: number, end: number): boolean {
  const before =
    /\b(?:(?:table|reservation|booking|dinner|lunch|room|seats?|us|me|one|booked?|people|it) for|party of|group of|we are|we're|there are|we will be|we'll be|there will be|there'll be|just|only|of)\s+(?:about |around |just |only |exactly |the )?$/i;
  if (before.test(text.slice(0, start))) return !isClock(text, start, end) && !isDate(text, end);
  return (
    /(?:^|\s)for\s+(?:just |only |about )?$/i.test(text.slice(0, start)) &&
    !isClock(text, start, end) &&
    !isDate(text, end) &&
    !isSpan(text, end)
  );
}

const isClock = (text: string, start: number, end: number): boolean =>
  /^\s*(?:[ap]\.?\s?m\b|o'?\s?clock|:|in the|thirty|fifteen|forty|oh)/i.test(text.slice(end)) ||
  /\b(?:at|past|to|until|around|from|before|after)\s*$/i.test(text.slice(0, start));

const isDate = (text: string, end: number): boolean =>
  /^\s*(?:of )?(?:january|february|march|april|may|june|july|august|september|october|november|december)\b/i.test(text.slice(end));

const isSpan = (text: string, end: number): boolean =>
  /^\s*(?:minutes?|hours?|days?|weeks?|months?|years?|dollars?|pounds?|euros?)\b/i.test(text.slice(end));

function spoken(text: string): number | undefined {
  if (/\bcouple\b/i.test(text)) return 2;
  if (/\b(?:just|only) (?:me|myself)\b|\bby myself\b|\bon my own\b|\balone\b/i.test(text)) return 1;
  if (
    /\b(?:me and my (?:wife|husband|partner|friend|mother|father|son|daughter|boss)|my (?:wife|husband|partner) and (?:me|i)|both of us)\b/i.test(
      text,
    )
  )
    return 2;
  return undefined;
}
