import { expect, test } from "vitest";
import { readDay } from "../../../../../src/provider/local/brain/readers/dates.ts";

/** A Friday. */
const now = new Date(2026, 10, 20, 10, 0);

test.each([
  ["today", "2026-11-20"],
  ["tonight", "2026-11-20"],
  ["this evening", "2026-11-20"],
  ["tomorrow", "2026-11-21"],
  ["A table for two to-morrow at one o'clock.", "2026-11-21"],
  ["tomorrow evening", "2026-11-21"],
  ["the day after tomorrow", "2026-11-22"],
  ["on Sunday", "2026-11-22"],
  ["this Sunday", "2026-11-22"],
  ["next friday", "2026-11-27"],
  ["Tuesday next week", "2026-11-24"],
  ["next week on Wednesday", "2026-11-25"],
  ["a week from Sunday", "2026-11-29"],
  ["November twenty seventh", "2026-11-27"],
  ["the twenty-seventh of November", "2026-11-27"],
  ["December 1st at 6", "2026-12-01"],
  ["on the 27th", "2026-11-27"],
  ["on the third", "2026-12-03"],
  ["Sunday the 29th", "2026-11-29"],
  ["in two weeks", "2026-12-04"],
  ["12/3", "2026-12-03"],
  ["2026-12-24", "2026-12-24"],
  ["January 2nd", "2027-01-02"],
  ["not Friday, Saturday", "2026-11-21"],
  ["not on Saturday but on Sunday", "2026-11-22"],
  ["on Saturday, no sorry, on Sunday", "2026-11-22"],
  ["a table for two at seven tomorrow", "2026-11-21"],
])("%j is %s", (text, day) => {
  expect(readDay(text, now)).toBe(day);
});

test.each([
  ["at seven"],
  ["in ten minutes"],
  ["a second, please"],
  ["may I book"],
  ["my number is 555 0123"],
  ["for four people"],
  ["not Friday"],
  ["march"],
])("%j names no day", (text) => {
  expect(readDay(text, now)).toBeUndefined();
});
