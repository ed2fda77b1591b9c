import { weekdays, type Flow } from "./flow.ts";
import { speakTime } from "./speech.ts";

type Hours = Flow["business"]["hours"];

const minutesOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));

/** The opening times of a day, "YYYY-MM-DD". */
export function timesOn(hours: Hours, day: string): readonly (readonly [string, string])[] {
  return hours[weekdays[new Date(`${day}T12:00`).getDay()] ?? "sunday"];
}

/** Whether a table can be had at that time; not at the minute of closing. */
export function isOpen(hours: Hours, day: string, time: string): boolean {
  return timesOn(hours, day).some(([from, to]) => minutesOf(time) >= minutesOf(from) && minutesOf(time) < minutesOf(to));
}

/** Whether the business is open at that minute of some day, or of `day` when it is known. */
export function isLikely(hours: Hours, day: string | undefined): (minutes: number) => boolean {
  const spans = day === undefined ? Object.values(hours).flat() : timesOn(hours, day);
  const known = spans.length > 0 ? spans : Object.values(hours).flat();
  return (minutes) => known.some(([from, to]) => minutes >= minutesOf(from) && minutes < minutesOf(to));
}

/** "open from noon to 10 pm", or "closed". */
export function spokenTimes(times: readonly (readonly [string, string])[]): string {
  if (times.length === 0) return "closed";
  return `open ${spans(times)}`;
}

const spans = (times: readonly (readonly [string, string])[]): string =>
  times.map(([from, to]) => `from ${speakTime(from)} to ${speakTime(to)}`).join(" and ");

const week = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] as const;

/** The week in a sentence's end: "Tuesday to Thursday from noon to 10 pm, Friday and Saturday from noon to 11 pm, and closed on Monday". */
export function spokenWeek(hours: Hours): string {
  const groups: { days: string[]; times: string }[] = [];
  for (const day of week) {
    const times = spans(hours[day]);
    const last = groups.at(-1);
    const named = `${day.slice(0, 1).toUpperCase()}${day.slice(1)}`;
    if (last?.times === times) last.days.push(named);
    else groups.push({ days: [named], times });
  }
  const open = groups.filter((group) => group.times !== "").map((group) => `${dayRange(group.days)} ${group.times}`);
  const closed = groups.filter((group) => group.times === "").flatMap((group) => group.days);
  return open.join(", ") + (closed.length === 0 ? "" : `, and closed on ${closed.join(" and ")}`);
}

function dayRange(days: readonly string[]): string {
  if (days.length === 7) return "every day";
  return days.length > 2 ? `${days[0]} to ${days.at(-1)}` : days.join(" and ");
}
