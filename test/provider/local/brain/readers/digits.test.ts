import { describe, expect, test } from "vitest";
import { correctDigits, groupDigits, readCode, readDigits } from "../../../../../src/provider/local/brain/readers/digits.ts";

test.each([
  ["five five five, oh one two, three four five six", "5550123456"],
  ["555 012 3456", "5550123456"],
  ["12345 54321", "1234554321"],
  ["1, 2, 3", "123"],
  ["1,2,3,4", "1234"],
  ["Thirty-three-four", "334"],
  ["thirty three four", "334"],
  ["twenty three", "23"],
  ["twenty, three", "203"],
  ["double five, five", "555"],
  ["triple five oh one two", "555012"],
  ["double oh seven", "007"],
  ["treble 2 9", "2229"],
  ["eight hundred five five five", "800555"],
  ["eight hundred 555", "800555"],
  ["five hundred twelve", "512"],
  ["three thousand", "3000"],
  ["fifty five fifty", "5550"],
  ["nineteen eighty four", "1984"],
  ["Five five five. Zero one two. Three four five six.", "5550123456"],
  ["5-5-5-0-1-2-3-4-5-6", "5550123456"],
  ["555-012-3456", "5550123456"],
  ["(555) 012 3456", "5550123456"],
  ["+44 20 7946 0958", "442079460958"],
  ["five five five o one two", "555012"],
  ["five to three", "523"],
  ["five five too three for five six", "5523456"],
  ["one won one", "111"],
  ["seven ate nine", "789"],
  ["nine niner nought", "990"],
  ["five five five, oh one to", "555012"],
  ["four seven one nine two", "47192"],
  ["4 7 1 9 2", "47192"],
  ["four seventy one ninety two", "47192"],
  ["five five five and then oh one two", "555012"],
  ["My phone number is 104-999-5470.", "1049995470"],
  ["My phone number is 31-0863-1187.", "3108631187"],
  ["Five, five, five, or one nine, nine, two, two, two.", "5550199222"],
  ["Duible five, five, six, four, two.", "555642"],
  ["eight, six, seven, five, free zero nine", "8675309"],
  ["five three o' it.", "5308"],
  ["uh five, um five, er five", "555"],
])("%j holds the digits %s", (text, digits) => {
  expect(readDigits(text).map((run) => run.digits)).toEqual([digits]);
});

test.each([["a table, to go"], ["it is for Ann"], ["I ate already"], ["oh, well"], ["we won"], ["too late for me to call"]])(
  "%j holds no digits",
  (text) => {
    expect(readDigits(text)).toEqual([]);
  },
);

test.each([
  ["my number is five five five, oh one two, three four five six", "5550123456"],
  ["Oh, five five five oh one two three", "5550123"],
  ["it's 555 0123, thank you", "5550123"],
  ["five five five oh one two three, no sorry, five five five oh one two four", "5550124"],
  ["call me at area code 555, then 0123456", "5550123456"],
  ["For 555 019 922", "4555019922"],
  ["nothing at all", undefined],
])("the phone number in %j is %s", (text, digits) => {
  expect(readCode(text, 7, 15)).toBe(digits);
});

test.each([
  ["5550123456", ["555", "012", "3456"]],
  ["5550123", ["555", "0123"]],
  ["47192", ["471", "92"]],
  ["12345678", ["1234", "5678"]],
  ["02079460958", ["02079", "460", "958"]],
  ["442079460958", ["442", "079", "460", "958"]],
  ["1234567890123", ["123", "456", "789", "0123"]],
  ["12", ["12"]],
])("%s is said in the groups %j", (digits, groups) => {
  expect(groupDigits(digits)).toEqual(groups);
});

test("a for at the beginning is a four when just one digit is lacking", () => {
  expect(readCode("For seven, one nine, too.", 5, 5)).toBe("47192");
  expect(readCode("For 71922.", 5, 5)).toBe("71922");
});

describe("a correction", () => {
  test.each([
    ["47192", "no, it is nine three", "47193"],
    ["47192", "no, four seven two", "47292"],
    ["5550123456", "no, the last two are six one", "5550123461"],
    ["5550123456", "it ends in 9999", "5550129999"],
    ["5550123456", "the first three are five five four", "5540123456"],
    ["5550123456", "no, three four five seven", "5550123457"],
    ["5550123456", "no, it's 556 012 3456", "5560123456"],
    ["47192", "no, four seven one nine three", "47193"],
    ["47192", "no", undefined],
  ])("of %s by %j gives %s", (known, text, right) => {
    expect(correctDigits(known, text)).toBe(right);
  });
});
