import { isDenied } from "./negation.ts";
import { withNumerals } from "./numbers.ts";

/** A time of day, "HH:MM" in 24 hours; `likely` decides between morning and evening where the caller did not. */
export type Likely = (minutes: number) => boolean;

interface Mention {
  readonly minutes: number;
  /** Said with am, pm, a part of the day, or in 24 hours. */
  readonly exact: boolean;
  readonly at: number;
}

const half = /\b(half|quarter)[\s-]+(past|pest|pass|passed|after|to|of|before|till)\s+(\d{1,2})\b/gi;
const minutesPast =
  /\b(\d{1,2})\s+(?:minutes?\s+)?(past|pest|pass|passed|after|to|before|till)\s+(\d{1,2})\b(?!\s*(?:people|guests|persons))/gi;
const clock = /\b(\d{1,2})[:.](\d{2})\b/gi;
const named = /\b(noon|midday|mid-day|midnight)\b/gi;
const marked =
  /\b(\d{1,2})(?:\s*(?:-|\s)\s*(?:(?:oh|o)\s*)?(\d{1,2}))?\s*(?:o'?\s?clock|(?=[ap]\.?\s?m\b)|(?=\s+(?:in the (?:morning|afternoon|evening)|at night|tonight)))/gi;
const introduced =
  /\b(?:at|by|around|about|until|to|from|time is|say|make it|like|@)\s+(?:around |about |like )?(\d{1,2})(?:\s+(?:(?:oh|o)\s*)?(\d{1,2}))?(?![\d:]|\s*(?:people|guests|persons|adults|of us|kids|minutes?|hours?|days?|weeks?|st|nd|rd|th|percent|%|dollars|pounds))/gi;
const bare =
  /\b(\d{1,2})(?:\s*(?:-|\s)\s*(?:(?:oh|o)\s*)?(\d{2}|(?<=oh?\s*)\d))?(?![\d:]|\s*(?:people|guests|persons|adults|of us|kids|st|nd|rd|th|percent))\b/gi;
const packed = /\b(\d{1,2})(\d{2})(?:\s*hours)?\b/gi;

/** The time of day that a text names, the last one that is not denied: "half past seven", "7:30 p.m.", "eight o'clock", "noon", "at seven thirty". */
export function readTime(text: string, likely: Likely): string | undefined {
  return latest(text, [half, minutesPast, clock, named, marked, introduced], likely);
}

/** The same when a time was asked for: "seven", "seven thirty" and "1930" are enough. */
export function readTimeAnswer(text: string, likely: Likely): string | undefined {
  const corrected = /^\W*(?:ate|eight)\W*$/i.test(text) ? "8" : text;
  return readTime(corrected, likely) ?? latest(corrected, [packed], likely) ?? latest(corrected, [bare], likely);
}

function latest(text: string, patterns: readonly RegExp[], likely: Likely): string | undefined {
  const written = withNumerals(text);
  const taken: { from: number; to: number }[] = [];
  const found: Mention[] = [];
  for (const pattern of patterns) {
    for (const match of written.matchAll(pattern)) {
      const [from, to] = [match.index, match.index + match[0].length];
      if (taken.some((other) => from < other.to && to > other.from)) continue;
      const minutes = minutesOf(pattern, match);
      if (minutes === undefined) continue;
      taken.push({ from, to });
      if (!isDenied(written, from))
        found.push({
          ...resolve(minutes, written.slice(to, to + 24), written, pattern === named),
          at: from,
        });
    }
  }
  const last = found.toSorted((a, b) => a.at - b.at).at(-1);
  if (last === undefined) return undefined;
  const other = (last.minutes + 720) % 1440;
  return format(last.exact || likely(last.minutes) || !likely(other) ? last.minutes : other);
}

function minutesOf(pattern: RegExp, match: RegExpMatchArray): number | undefined {
  const [, first = "", second = "", third = ""] = match;
  if (pattern === named) return first.toLowerCase() === "midnight" ? 0 : 720;
  if (pattern === half || pattern === minutesPast) {
    const offset = first.toLowerCase() === "half" ? 30 : first.toLowerCase() === "quarter" ? 15 : Number(first);
    const hour = Number(third);
    if (hour > 12 || hour === 0 || offset > 59) return undefined;
    return (hour * 60 + (/past|pest|pass|after/i.test(second) ? offset : -offset) + 1440) % 1440;
  }
  const [hour, minute] = [Number(first), second === "" ? 0 : Number(second)];
  return hour > 24 || minute > 59 ? undefined : ((hour % 24) * 60 + minute) % 1440;
}

function resolve(minutes: number, after: string, text: string, exact: boolean): Omit<Mention, "at"> {
  if (exact || minutes >= 780) return { minutes, exact: true };
  const half = /^\s*(a|p)\.?\s?m\b/i.exec(after)?.[1]?.toLowerCase() ?? partOfDay(text);
  if (half === undefined) return { minutes, exact: minutes < 60 };
  if (half === "a") return { minutes: minutes >= 720 ? minutes - 720 : minutes, exact: true };
  return { minutes: minutes < 720 ? minutes + 720 : minutes, exact: true };
}

function partOfDay(text: string): "a" | "p" | undefined {
  if (/\b(?:evening|afternoon|tonight|night|dinner|supper)\b/i.test(text)) return "p";
  return /\b(?:in the|this|tomorrow|\w+day) morning\b|\bbreakfast\b/i.test(text) ? "a" : undefined;
}

const format = (minutes: number): string => `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
