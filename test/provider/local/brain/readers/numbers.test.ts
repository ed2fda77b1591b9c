import { expect, test } from "vitest";
import { readNumbers, withNumerals } from "../../../../../src/provider/local/brain/readers/numbers.ts";

test.each([
  ["23", [23]],
  ["twenty three", [23]],
  ["Twenty-three.", [23]],
  ["thirty-three-four", [33, 4]],
  ["two hundred and five", [205]],
  ["two hundred five", [205]],
  ["a hundred", [100]],
  ["one thousand two hundred thirty four", [1234]],
  ["two thousand and six", [2006]],
  ["1,250", [1250]],
  ["1, 250", [1, 250]],
  ["3.5", [3.5]],
  ["three point one four", [3.14]],
  ["two and a half", [2.5]],
  ["a dozen", [12]],
  ["half a dozen", [6]],
  ["the third", [3]],
  ["twenty-first", [21]],
  ["the 3rd of May", [3]],
  ["one, two, three", [1, 2, 3]],
  ["at 7:30", []],
  ["nothing", []],
  ["twelve plus thirty", [12, 30]],
])("%j holds the quantities %j", (text, values) => {
  expect(readNumbers(text).map(({ value }) => value)).toEqual(values);
});

test.each([
  ["half past seven", "half past 7"],
  ["the twenty-first of May", "the 21st of May"],
  ["1,250 dollars and five cents", "1250 dollars and 5 cents"],
  ["no numbers", "no numbers"],
])("%j in numerals is %j", (text, written) => {
  expect(withNumerals(text)).toBe(written);
});
