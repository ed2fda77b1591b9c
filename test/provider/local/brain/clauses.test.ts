import { expect, test } from "vitest";
import { Clauses, clausesOf } from "../../../../src/provider/local/brain/clauses.ts";

test.each([
  ["Hello. How are you?", ["Hello.", "How are you?"]],
  ["It costs 3.5 dollars. Fine?", ["It costs 3.5 dollars.", "Fine?"]],
  ["5 5 5, 0 1 2, 3 4 5 6, right?", ["5 5 5, 0 1 2, 3 4 5 6, right?"]],
  ["Mr. Smith is at St. Mary's. Wait!", ["Mr. Smith is at St. Mary's.", "Wait!"]],
  ["We open at 7 p.m. tonight. Good.", ["We open at 7 p.m. tonight.", "Good."]],
  ["Thank you, Ann.", ["Thank you, Ann."]],
  ["On Friday, November 27th, we are open.", ["On Friday, November 27th,", "we are open."]],
  [
    "The kitchen closes at nine, but the bar is open until eleven, so do come by.",
    ["The kitchen closes at nine,", "but the bar is open until eleven, so do come by."],
  ],
  ["One\nTwo", ["One", "Two"]],
  ["  ", []],
  ["no end", ["no end"]],
  ['He said "stop." Then he left.', ['He said "stop."', "Then he left."]],
])("%j is spoken as %j", (text, clauses) => {
  expect(clausesOf(text)).toEqual(clauses);
});

test("letter by letter the same clauses come, each as soon as it is complete", () => {
  const text = "Gladly, I can book that for you. It is 3.5 miles from St. Mary's, on the left side. Anything else?";
  const clauses = new Clauses();
  const found = Array.from(text, (letter) => clauses.push(letter)).flat();
  expect([...found, ...clauses.flush()]).toEqual(clausesOf(text));
  expect(found.length).toBeGreaterThan(1);
});

test("a text without any mark is cut before it grows too long", () => {
  const clauses = clausesOf("word ".repeat(200));
  expect(Math.max(...clauses.map(({ length }) => length))).toBeLessThanOrEqual(240);
  expect(clauses.join(" ")).toBe("word ".repeat(200).trim());
});
