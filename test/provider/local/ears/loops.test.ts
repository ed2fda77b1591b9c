import { expect, test } from "vitest";
import { withoutLoop } from "../../../../src/provider/local/ears/loops.ts";

const block = [11, 12, 13, 14, 15];

test.each([
  {
    name: "a phrase said twice at an ordinary pace stays",
    tokens: [9, ...block, ...block],
    seconds: 4,
    kept: 11,
  },
  {
    name: "a phrase that came twice faster than anybody speaks is cut to one",
    tokens: [9, ...block, ...block],
    seconds: 1.5,
    kept: 6,
  },
  {
    name: "a phrase that came three times is cut to one",
    tokens: [9, ...block, ...block, ...block],
    seconds: 60,
    kept: 6,
  },
  {
    name: "a copy that is not complete yet is none",
    tokens: [9, ...block, ...block.slice(0, 4)],
    seconds: 1,
    kept: 10,
  },
  { name: "short repeats such as digits stay", tokens: [5, 5, 5, 7, 7], seconds: 1, kept: 5 },
])("$name", ({ tokens, seconds, kept }) => {
  expect(withoutLoop(tokens, seconds)).toEqual(tokens.slice(0, kept));
});
