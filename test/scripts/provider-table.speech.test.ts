import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { describedProviders } from "../../scripts/described-providers.ts";
import { withMarked } from "../../scripts/marked.ts";
import { parityTable } from "../../scripts/parity.ts";

test("the README's table of providers is what their traits say (npm run draw)", async () => {
  const page = await readFile(new URL("../../README.md", import.meta.url), "utf8");
  expect(page).toBe(withMarked(page, "providers", parityTable(await describedProviders())));
});

test("a page without the marks is refused rather than written over", () => {
  expect(() => withMarked("# Nothing here\n", "providers", "| a |")).toThrow(/providers:begin/);
});
