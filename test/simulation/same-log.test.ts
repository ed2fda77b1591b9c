import { expect, test } from "vitest";
import { run } from "./run.ts";

test.each([1, 11, 137])("the same seed gives the same calls, to the last event (seed %i)", { timeout: 60_000 }, async (seed) => {
  const [first, second] = [await run(seed), await run(seed)];
  expect(second.hash).toBe(first.hash);
  expect((await run(seed + 1)).hash).not.toBe(first.hash);
});
