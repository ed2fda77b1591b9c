import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { LaterTexts } from "../../src/provider/later-texts.ts";

test("texts are taken in their order, once what came with them was looked at", async () => {
  const taken: string[] = [];
  const [one, other] = [1, 2].map((link) => new LaterTexts((text) => taken.push(`${link} ${text}`)));
  one?.add("a");
  other?.add("b");
  one?.add("c");
  expect(taken).toEqual([]);
  while (taken.length < 3) await nextTurn();
  expect(taken.filter((text) => text.startsWith("1"))).toEqual(["1 a", "1 c"]);
  expect(taken).toContain("2 b");
});

test("what cannot wait is taken after what came before it", async () => {
  const taken: string[] = [];
  const texts = new LaterTexts((text) => taken.push(text));
  texts.add("a");
  texts.add("b");
  texts.catchUp();
  expect(taken).toEqual(["a", "b"]);
  texts.catchUp();
  await nextTurn();
  expect(taken).toEqual(["a", "b"]);
});

test("one text that ends the link takes those after it along", async () => {
  const taken: string[] = [];
  const texts = new LaterTexts((text) => {
    taken.push(text);
    if (text === "bye") texts.close();
  });
  for (const text of ["a", "bye", "b"]) texts.add(text);
  texts.catchUp();
  texts.add("c");
  texts.close();
  await nextTurn();
  expect(taken).toEqual(["a", "bye"]);
});

test("between two texts, whatever has come in meanwhile has its turn", async () => {
  let taken = 0;
  const texts = new LaterTexts(() => (taken += 1));
  for (let text = 0; text < 5; text += 1) texts.add("long");
  const seen: number[] = [];
  while (taken < 5) {
    await nextTurn();
    seen.push(taken);
  }
  expect(seen).toEqual(expect.arrayContaining([1, 2, 3, 4, 5]));
});

test("a provider that says very much at once fills no memory", () => {
  const taken: number[] = [];
  const texts = new LaterTexts((text) => taken.push(Number(text)));
  for (let text = 0; text < 10_000; text += 1) texts.add(String(text));
  expect(taken.length).toBeGreaterThan(9_900);
  texts.catchUp();
  expect(taken).toEqual(Array.from({ length: 10_000 }, (_, text) => text));
});
