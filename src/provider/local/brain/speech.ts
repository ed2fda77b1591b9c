import type { Slot } from "./flow.ts";
import { groupDigits } from "./readers/digits.ts";
import { ordinalEnding } from "./readers/numbers.ts";

/** "19:30" as "7:30 pm", "19:00" as "7 pm", "12:00" as "noon". */
export function speakTime(time: string): string {
  const [hour, minute] = [Number(time.slice(0, 2)) % 24, time.slice(3)];
  if (minute === "00" && hour === 12) return "noon";
  if (minute === "00" && hour === 0) return "midnight";
  return `${hour % 12 === 0 ? 12 : hour % 12}${minute === "00" ? "" : `:${minute}`} ${hour < 12 ? "am" : "pm"}`;
}

/** "2026-11-27" as "Friday, November 27th". */
export function speakDay(day: string): string {
  const date = new Date(`${day}T12:00`);
  const part = (options: Intl.DateTimeFormatOptions): string => date.toLocaleDateString("en-US", options);
  return `${part({ weekday: "long" })}, ${part({ month: "long" })} ${date.getDate()}${ordinalEnding(date.getDate())}`;
}

/** "5550123456" as "5 5 5, 0 1 2, 3 4 5 6": digit by digit, in groups. */
export function speakDigits(digits: string): string {
  return groupDigits(digits)
    .map((group) => Array.from(group).join(" "))
    .join(", ");
}

/** "Ann Lee" as "A, N, N. L, E, E". */
export function spell(text: string): string {
  return text
    .split(/\s+/)
    .map((word) => Array.from(word.toUpperCase().replace(/[^\p{L}\p{N}]/gu, "")).join(", "))
    .filter((word) => word !== "")
    .join(". ");
}

function speakMinutes(minutes: number): string {
  const hours = Math.floor(minutes / 60);
  const rest = minutes % 60;
  const counted = (count: number, unit: string): string => `${count} ${unit}${count === 1 ? "" : "s"}`;
  return [hours > 0 ? counted(hours, "hour") : "", rest > 0 ? counted(rest, "minute") : ""].filter((part) => part !== "").join(" and ");
}

/** A slot's value as it is said. */
export function speakValue(reader: Slot["reader"], value: string | number): string {
  if (reader === "day") return speakDay(String(value));
  if (reader === "time") return speakTime(String(value));
  if (reader === "phone" || reader === "code") return speakDigits(String(value));
  if (reader === "minutes") return speakMinutes(Number(value));
  return String(value);
}

/** A sentence with its blanks filled; an unknown blank is left out. */
export function fill(sentence: string, blanks: Readonly<Record<string, string | number | undefined>>): string {
  return sentence
    .replace(/\{([^{}]*)\}/g, (_, name: string) => String(blanks[name] ?? ""))
    .replace(/\s+([,.?!])/g, "$1")
    .replace(/([.?!])\.(?=\s|$)/g, "$1")
    .replace(/(^|[.?!]\s+)(\p{Ll})(?!\.)/gu, (_, before: string, letter: string) => before + letter.toUpperCase())
    .trim();
}
