import { expect, test } from "vitest";
import { readParty, readPartyAnswer } from "../../../../../src/provider/local/brain/readers/party.ts";

test.each([
  ["a table for four", 4],
  ["A table for 2, please.", 2],
  ["table for two at eight tomorrow", 2],
  ["for six people", 6],
  ["party of five", 5],
  ["we are seven", 7],
  ["there will be ten of us", 10],
  ["two adults and three kids", 5],
  ["4 people on Friday", 4],
  ["just the two of us", 2],
  ["me and my wife", 2],
  ["for a couple", 2],
  ["just me", 1],
  ["could I come in with three friends", 4],
  ["not four people, five people", 5],
  ["book for four on Friday at seven thirty", 4],
])("%j is a party of %i", (text, size) => {
  expect(readParty(text)).toBe(size);
});

test.each([
  ["at seven"],
  ["for seven thirty"],
  ["for 7 pm"],
  ["for ten minutes"],
  ["on November fifth"],
  ["seven o'clock"],
  ["tomorrow"],
  ["make it eight"],
])("%j says nothing of people by itself", (text) => {
  expect(readParty(text)).toBeUndefined();
});

test.each([
  ["four", 4],
  ["Four.", 4],
  ["um, six I think", 6],
  ["to", 2],
  ["For.", 4],
  ["twenty three", 23],
  ["four at seven", 4],
  ["eight, no, nine", 9],
  ["tomorrow at seven", undefined],
  ["what?", undefined],
])("asked how many, %j means %s", (text, size) => {
  expect(readPartyAnswer(text)).toBe(size);
});
