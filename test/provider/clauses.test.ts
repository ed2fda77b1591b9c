import { expect, test } from "vitest";
import { Clauses, clausesOf } from "../../src/provider/clauses.ts";

const lengths = { firstAtComma: 12, laterAtComma: 60, longest: 240 };

test.each([
  ["Hello. How are you?", ["Hello.", "How are you?"]],
  ["It costs 3.5 dollars. Fine?", ["It costs 3.5 dollars.", "Fine?"]],
  ["5 5 5, 0 1 2, 3 4 5 6, right?", ["5 5 5, 0 1 2, 3 4 5 6, right?"]],
  ["Mr. Smith is at St. Mary's. Wait!", ["Mr. Smith is at St. Mary's.", "Wait!"]],
  ["That is 3.5 km from Dr. Lee's.", ["That is 3.5 km from Dr. Lee's."]],
  ["We open at 7 p.m. tonight. Good.", ["We open at 7 p.m. tonight.", "Good."]],
  ["Thank you, Ann.", ["Thank you, Ann."]],
  ["On Friday, November 27th, we are open.", ["On Friday, November 27th,", "we are open."]],
  ["Let me have a look at that, it will not take long.", ["Let me have a look at that,", "it will not take long."]],
  [
    "The kitchen closes at nine, but the bar is open until eleven, so do come by.",
    ["The kitchen closes at nine,", "but the bar is open until eleven, so do come by."],
  ],
  ["**Yes**, of `course`!", ["Yes, of course!"]],
  ["1. Room seven", ["1. Room seven"]],
  ["One\nTwo", ["One", "Two"]],
  ["  ", []],
  ["", []],
  ["no end", ["no end"]],
  ['He said "stop." Then he left.', ['He said "stop."', "Then he left."]],
])("%j is spoken as %j", (text, clauses) => {
  expect(clausesOf(text, lengths)).toEqual(clauses);
});

test.for([
  "Gladly, I can book that for you. It is 3.5 miles from St. Mary's, on the left side. Anything else?",
  "Well, there are three rooms. The first, on the sea, costs 120.50 a night! Would you like it? Take your time, there is no hurry at all",
])("however %j is cut up on its way, its clauses are the same, each comes as soon as it is complete, and no word is lost", (text) => {
  for (const size of [1, 2, 3, 7, 50]) {
    const clauses = new Clauses(lengths);
    const found: string[] = [];
    for (let at = 0; at < text.length; at += size) found.push(...clauses.push(text.slice(at, at + size)));
    expect(found.length, `pieces of ${size}`).toBeGreaterThan(1);
    found.push(...clauses.flush());
    expect(found, `pieces of ${size}`).toEqual(clausesOf(text, lengths));
    expect(found.join(" ")).toBe(text);
  }
});

test("a text without any mark is cut before it grows too long, and spoken before it ends", () => {
  const text = "word ".repeat(200);
  expect(new Clauses(lengths).push(text).length).toBeGreaterThan(1);
  const clauses = clausesOf(text, lengths);
  expect(Math.max(...clauses.map(({ length }) => length))).toBeLessThanOrEqual(lengths.longest);
  expect(clauses.join(" ")).toBe(text.trim());
});

test("lengths are the voice's: where clauses cost something they are longer", () => {
  const text = "Let me have a look at that, it will not take long, and then I shall call you back.";
  expect(clausesOf(text, { ...lengths, firstAtComma: 40 })).toEqual([
    "Let me have a look at that, it will not take long,",
    "and then I shall call you back.",
  ]);
});
