import { expect, test } from "vitest";
import { Page } from "../../src/store/page.ts";

const textOf = (page: Page, path: string): string => {
  const { from = 0, pieces = [] } = page.tasks.find((task) => task.path === path) ?? {};
  return Buffer.from(
    page.memory,
    from,
    pieces.reduce((sum, { bytes }) => sum + bytes, 0),
  ).toString("latin1");
};

test("what is said again and again takes its place once, and what else is there stays", () => {
  const page = new Page();
  page.put("other", ["the other"]);
  for (let time = 0; time < 500; time += 1) page.put("one", [`${time}:`, new Uint8Array(100_000).fill(0x61)]);
  page.put("gone", undefined);
  expect(page.memory.byteLength).toBeLessThan(2_000_000);
  expect(textOf(page, "other")).toBe("the other");
  expect(textOf(page, "one")).toBe(`499:${"a".repeat(100_000)}`);
  expect(page.tasks.map(({ path }) => path)).toEqual(["other", "one", "gone"]);
});

test("a page grows to what many files want, and gives it back when they are written", () => {
  const page = new Page();
  for (let call = 0; call < 40; call += 1) page.put(`call_${call}`, [new Uint8Array(100_000).fill(0x41 + call)]);
  for (let call = 0; call < 40; call += 1) expect(textOf(page, `call_${call}`)).toBe(String.fromCharCode(0x41 + call).repeat(100_000));
  page.clear();
  expect(page.isEmpty).toBe(true);
  expect(page.memory.byteLength).toBe(1_048_576);
});
