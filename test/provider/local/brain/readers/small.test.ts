import { describe, expect, test } from "vitest";
import { readEcho } from "../../../../../src/provider/local/brain/readers/echo.ts";
import { readMinutes } from "../../../../../src/provider/local/brain/readers/durations.ts";
import { readSum } from "../../../../../src/provider/local/brain/readers/sums.ts";
import { readYesNo } from "../../../../../src/provider/local/brain/readers/yes-no.ts";

describe("yes and no", () => {
  test.each([
    ["yes", "yes"],
    ["Yeah, that's right.", "yes"],
    ["Correct.", "yes"],
    ["ok go ahead", "yes"],
    ["sure", "yes"],
    ["no problem", "yes"],
    ["why not", "yes"],
    ["no", "no"],
    ["Nope", "no"],
    ["that's not right", "no"],
    ["that is wrong", "no"],
    ["no, it is nine three", "no"],
    ["don't", "no"],
    ["I don't know", undefined],
    ["not sure", undefined],
    ["what are you doing right now", undefined],
    ["Friday", undefined],
    ["", undefined],
  ])("%j is %s", (text, reply) => {
    expect(readYesNo(text)).toBe(reply);
  });
});

describe("durations", () => {
  test.each([
    ["in ten minutes", 10],
    ["half an hour", 30],
    ["an hour", 60],
    ["an hour and a half", 90],
    ["two hours and 15 minutes", 135],
    ["a quarter of an hour", 15],
    ["in a couple of minutes", 2],
    ["a 5-minute timer", 5],
    ["twenty seconds", 1],
    ["later", undefined],
    ["ten", undefined],
  ])("%j is %s minutes", (text, minutes) => {
    expect(readMinutes(text)).toBe(minutes);
  });
});

describe("sums", () => {
  test.each([
    ["what is seven times eight", "7 times 8", 56],
    ["What's 12 plus 30?", "12 plus 30", 42],
    ["twelve minus five", "12 minus 5", 7],
    ["15% of 80", "15 percent of 80", 12],
    ["fifteen percent of eighty", "15 percent of 80", 12],
    ["divide 100 by 4", "100 divided by 4", 25],
    ["multiply three by four", "3 times 4", 12],
    ["add five to six", "5 plus 6", 11],
    ["subtract 5 from 20", "20 minus 5", 15],
    ["ten divided by three", "10 divided by 3", 3.33],
    ["ten divided by zero", "10 divided by 0", undefined],
    ["how much is two and two", "2 plus 2", 4],
    ["6 x 7", "6 times 7", 42],
  ])("%j", (text, spoken, result) => {
    expect(readSum(text)).toEqual({ spoken, result });
  });

  test.each([["five five five"], ["a table for two and a half"], ["555-0123"], ["two adults and three kids"]])("%j is no sum", (text) => {
    expect(readSum(text)).toBeUndefined();
  });
});

describe("repeat after me", () => {
  test.each([
    ["repeat after me: the quick brown fox", "the quick brown fox"],
    ["Please repeat after me, one two three.", "one two three."],
    ["say after me hello", "hello"],
    ["Were at thete after me, one, two.", "one, two."],
    ["repeat after me", undefined],
    ["repeat that", undefined],
  ])("%j", (text, words) => {
    expect(readEcho(text)).toBe(words);
  });
});
