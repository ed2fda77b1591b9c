import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { drawStatechart } from "../../scripts/statechart.ts";

test("the drawn chart is the machine (npm run draw)", async () => {
  const drawn = await readFile(new URL("../../src/session/machine.md", import.meta.url), "utf8");
  expect(drawn).toBe(drawStatechart());
});
