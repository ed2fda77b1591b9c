import * as chrono from "chrono-node";
import { isDenied } from "./negation.ts";
import { withNumerals } from "./numbers.ts";

const names =
  /\b(?:mon|tues?|wednes|thurs?|fri|satur|sun)(?:day|days)?\b|\b(?:wed|thu|sat)\b|\btoday\b|\btomorrow\b|\bweekend\b|\b(?:in|from) .*\b(?:days?|weeks?)\b|\bweek|\b(?:january|february|march|april|may|june|july|august|september|october|november|december)\b|\d\/\d|\d{4}-\d{2}-\d{2}|\btonight\b|\bthis (?:evening|afternoon|morning)\b/i;

/**
 * The day that a text names, "YYYY-MM-DD", never in the past; of several the last that is not denied.
 * @param now the business's wall clock, as a date of this process's own zone
 */
export function readDay(text: string, now: Date): string | undefined {
  const written = withNumerals(text.replaceAll(/\bto-(?=morrow|day|night)/gi, "to"));
  const special = specialDay(written, now);
  if (special !== undefined) return isoDay(special);
  const found = chrono
    .parse(written, now, { forwardDate: true })
    .filter((result) => names.test(result.text) && !isDenied(written, result.index))
    .filter((result) => (["day", "weekday"] as const).some((part) => result.start.isCertain(part)));
  const last = found.at(-1)?.start;
  const [year, month, day] = [last?.get("year"), last?.get("month"), last?.get("day")];
  if (year == null || month == null || day == null) return ordinalDay(written, now);
  return withOrdinal(written, new Date(year, month - 1, day), now);
}

/** Phrases in which two words together name the day, which the date parser reads one at a time. */
function specialDay(text: string, now: Date): Date | undefined {
  if (/\bday after tomorrow\b/i.test(text)) return later(now, 2);
  if (/\bthis (?:evening|afternoon|morning)\b/i.test(text)) return now;
  const counted = /\b(?:a|1|2|two) weeks? (?:from|after) (\w+)\b|\b(\w+day) week\b/i.exec(text);
  if (counted !== null) {
    const [from] = chrono.parse(counted[1] ?? counted[2] ?? "", now, { forwardDate: true });
    if (from !== undefined) return later(from.start.date(), /\b(?:2|two) weeks/i.test(counted[0]) ? 14 : 7);
  }
  const nextWeek = /\bnext week(?: on)? (\w+day)\b|\b(\w+day)(?: of)? next week\b/i.exec(text);
  if (nextWeek === null) return undefined;
  const weekday = weekdays.indexOf((nextWeek[1] ?? nextWeek[2] ?? "").toLowerCase());
  if (weekday < 0) return undefined;
  const monday = later(now, 8 - (now.getDay() === 0 ? 7 : now.getDay()));
  return later(monday, (weekday + 6) % 7);
}

const weekdays = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

/** "The 27th" alone: the next month that has it from today on. */
function ordinalDay(text: string, now: Date): string | undefined {
  const match = Array.from(text.matchAll(/\bthe (\d{1,2})(?:st|nd|rd|th)\b/gi)).findLast((found) => !isDenied(text, found.index));
  const day = Number(match?.[1] ?? 0);
  if (day < 1 || day > 31) return undefined;
  for (let ahead = 0; ahead < 12; ahead += 1) {
    const date = new Date(now.getFullYear(), now.getMonth() + ahead, day);
    if (date.getDate() === day && isoDay(date) >= isoDay(now)) return isoDay(date);
  }
  return undefined;
}

/** "Sunday the 29th" is the Sunday that is a 29th, when there is one within half a year. */
function withOrdinal(text: string, date: Date, now: Date): string {
  const day = Number(/\b\w+day,? (?:the )?(\d{1,2})(?:st|nd|rd|th)\b/i.exec(text)?.[1] ?? 0);
  if (day === 0 || date.getDate() === day) return isoDay(date);
  for (let candidate = date; candidate.getTime() - now.getTime() < 183 * 86_400_000; candidate = later(candidate, 7)) {
    if (candidate.getDate() === day) return isoDay(candidate);
  }
  return isoDay(date);
}

const later = (date: Date, days: number): Date => new Date(date.getFullYear(), date.getMonth(), date.getDate() + days, 12);

export function isoDay(date: Date): string {
  return [date.getFullYear(), String(date.getMonth() + 1).padStart(2, "0"), String(date.getDate()).padStart(2, "0")].join("-");
}
