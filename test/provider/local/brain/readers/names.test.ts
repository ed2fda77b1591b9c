import { expect, test } from "vitest";
import { readName, readNameAnswer } from "../../../../../src/provider/local/brain/readers/names.ts";

test.each([
  ["my name is Ann Lee", "Ann Lee"],
  ["My name is ann lee and I'd like a table", "Ann Lee"],
  ["my name's Bob", "Bob"],
  ["this is Maria Garcia calling", "Maria Garcia"],
  ["I'm Tom", "Tom"],
  ["under the name of Miller please", "Miller"],
  ["under Jones", "Jones"],
  ["call me Al for short", "Al"],
  ["my name is O'Brien", "O'Brien"],
  ["my name is Lee, L E E", "Lee"],
  ["my name is Ann Lea, L E A", "Ann Lea"],
  ["my name is B O B", "Bob"],
  ["my name is Ann, not Anna. My number is 555", "Ann"],
])("%j introduces %s", (text, name) => {
  expect(readName(text)).toBe(name);
});

test.each([
  ["I'm hungry"],
  ["this is great"],
  ["I am calling about my order"],
  ["under the table"],
  ["my name is"],
  ["for four people"],
  ["I'm here"],
])("%j introduces nobody", (text) => {
  expect(readName(text)).toBeUndefined();
});

test.each([
  ["Bob", "Bob"],
  ["Ann Lee.", "Ann Lee"],
  ["it's Bob", "Bob"],
  ["um, Miller", "Miller"],
  ["Yes, the name is Smith", "Smith"],
  ["thanks, it's Bob", "Bob"],
  ["S M I T H", "Smith"],
  ["S as in Sam, M as in Mary, I, T, H", "Smith"],
  ["double L, O, Y, D", "Lloyd"],
  ["L, double O, N", "Loon"],
  ["555 0123", undefined],
  ["what?", undefined],
])("asked for a name, %j means %s", (text, name) => {
  expect(readNameAnswer(text)).toBe(name);
});
