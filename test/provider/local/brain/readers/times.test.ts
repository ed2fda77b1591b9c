import { expect, test } from "vitest";
import { readTime, readTimeAnswer } from "../../../../../src/provider/local/brain/readers/times.ts";

/** Open from noon to ten. */
const likely = (minutes: number): boolean => minutes >= 720 && minutes < 1320;

test.each([
  ["at seven", "19:00"],
  ["at 7", "19:00"],
  ["at seven thirty", "19:30"],
  ["at seven oh five", "19:05"],
  ["7:30 pm", "19:30"],
  ["7:30 p.m.", "19:30"],
  ["7.30", "19:30"],
  ["half past seven", "19:30"],
  ["quarter to eight", "19:45"],
  ["a quarter past six", "18:15"],
  ["ten past six", "18:10"],
  ["twenty to nine", "20:40"],
  ["At half-pest seven.", "19:30"],
  ["That half-past seven.", "19:30"],
  ["noon", "12:00"],
  ["at midday tomorrow", "12:00"],
  ["midnight", "00:00"],
  ["eight o'clock", "20:00"],
  ["8 o clock", "20:00"],
  ["seven in the evening", "19:00"],
  ["nine in the morning", "09:00"],
  ["9 am", "09:00"],
  ["12 am", "00:00"],
  ["12 pm", "12:00"],
  ["at twelve", "12:00"],
  ["19:45", "19:45"],
  ["tomorrow evening at six", "18:00"],
  ["not at seven, at eight", "20:00"],
  ["at seven, no sorry, at eight", "20:00"],
  ["for four at 7", "19:00"],
  ["make it eight", "20:00"],
])("%j names %s", (text, time) => {
  expect(readTime(text, likely)).toBe(time);
});

test.each([
  ["for four people"],
  ["tomorrow"],
  ["seven"],
  ["four of us"],
  ["at my place"],
  ["in ten minutes"],
  ["from two people"],
  ["5 5 5"],
])("%j names no time by itself", (text) => {
  expect(readTime(text, likely)).toBeUndefined();
});

test.each([
  ["seven", "19:00"],
  ["Seven.", "19:00"],
  ["seven thirty", "19:30"],
  ["Seven-thirty.", "19:30"],
  ["1930", "19:30"],
  ["730", "19:30"],
  ["ate", "20:00"],
  ["um, eight please", "20:00"],
  ["seven or rather eight", "20:00"],
  ["twenty five", undefined],
  ["whenever", undefined],
])("asked for a time, %j means %s", (text, time) => {
  expect(readTimeAnswer(text, likely)).toBe(time);
});
