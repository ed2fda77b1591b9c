import { expect, test } from "vitest";
import { letterErrors, wordErrors } from "./wer.ts";

test.each([
  { said: "hello world", heard: "Hello, world!", errors: 0, words: 2 },
  { said: "hello world", heard: "hello word", errors: 1, words: 2 },
  { said: "hello world", heard: "", errors: 2, words: 2 },
  { said: "hello world", heard: "well hello there world", errors: 2, words: 2 },
  { said: "press two", heard: "Press 2.", errors: 0, words: 2 },
  { said: "five five five one two three four", heard: "555-1234", errors: 0, words: 7 },
  { said: "five five five one two three four", heard: "555-1235", errors: 1, words: 7 },
  { said: "eight zero zero three one", heard: "800-31", errors: 0, words: 5 },
  { said: "zero four nine", heard: "049", errors: 0, words: 3 },
  { said: "twenty three", heard: "23", errors: 0, words: 2 },
  { said: "three hundred", heard: "300", errors: 0, words: 2 },
  { said: "in nineteen eighty four", heard: "In 1984", errors: 0, words: 4 },
  { said: "the twenty first of may", heard: "The 21st of May", errors: 0, words: 5 },
  { said: "the twentieth and the fourth", heard: "the 20th and the 4th", errors: 0, words: 5 },
  { said: "I am sorry", heard: "I'm sorry", errors: 0, words: 3 },
  { said: "log on to voice mail", heard: "logon to voicemail", errors: 0, words: 5 },
  { said: "ill disposed", heard: "ill-disposed", errors: 0, words: 2 },
  { said: "ten metres", heard: "10 meters", errors: 0, words: 2 },
])("“$said” heard as “$heard” has $errors errors in $words words", ({ said, heard, errors, words }) => {
  expect(wordErrors(said, heard)).toEqual({ errors, words });
});

test.each([
  { said: "from noon to 10 pm", heard: "from noonta ten p M.", errors: 1, letters: 15 },
  { said: "the Blue Lantern", heard: "the blue lantern", errors: 0, letters: 14 },
  { said: "call 0451", heard: "call zero four five one", errors: 0, letters: 19 },
  { said: "one two three", heard: "one three", errors: 3, letters: 11 },
])("by its letters “$said” heard as “$heard” has $errors errors in $letters", ({ said, heard, errors, letters }) => {
  expect(letterErrors(said, heard)).toEqual({ errors, letters });
});
