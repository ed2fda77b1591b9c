import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { crisisDetector } from "../../src/crisis/detector.ts";
import { normal } from "../../src/crisis/normal.ts";

const linesOf = (name: string): string[] =>
  readFileSync(join(import.meta.dirname, `../../fixtures/crisis/${name}.txt`), "utf8")
    .split("\n")
    .filter((line) => line !== "");
const [crisis, benign] = [linesOf("crisis"), linesOf("benign")];
const detect = crisisDetector();

test("every line of somebody in need is flagged", () => {
  expect(crisis.length).toBeGreaterThanOrEqual(80);
  expect(crisis.filter((line) => detect(line) === undefined)).toEqual([]);
});

test("no ordinary line is flagged", () => {
  expect(benign.length).toBeGreaterThanOrEqual(200);
  expect(benign.filter((line) => detect(line) !== undefined).map((line) => [line, detect(line)])).toEqual([]);
});

test.each([
  ["I'm  GOING to; kill -- myself!!", " im going to . kill myself . "],
  ["Ｉ　ｗａｎｔ ｔｏ ｄｉｅ", " i want to die "],
  ["s u i c i d e", " suicide "],
  ["k1ll mys3lf at 7 on the 15th, room 101", " kill myself at 7 on the 15th . room 101 "],
  ["a b or c", " a b or c "],
  ["", "  "],
])("%j is read as %j", (text, read) => {
  expect(normal(text, "")).toBe(read);
});

test("a negation undoes a phrase, unless it is far from it or taken back", () => {
  expect(detect("I am not going to kill myself")).toBeUndefined();
  expect(detect("It is not a joke, I am going to kill myself")).toMatchObject({ category: "self-harm" });
  expect(detect("I am not going to kill myself but I thought about it")).toMatchObject({ category: "self-harm" });
  expect(detect("I'm not going to kill myself. I want to die.")).toBeDefined();
});

test.each([
  ["He has got a knife", { category: "danger", language: "en" }],
  ["Ich kriege keine Luft", { category: "medical", language: "de" }],
  ["quiero morirme", { category: "self-harm", language: "es" }],
])("what it is and in which language is told: %s", (text, crisis) => {
  expect(detect(text)).toEqual(crisis);
});

test("the operator's own phrases are looked for too, in languages that we do not know as well", () => {
  const own = crisisDetector({ en: ["code Red|Amber", "the oven ... burns"], pl: ["chcę umrzeć", "pomóżcie*"] });
  expect(own("We have a CODE amber here!")).toEqual({ category: "configured", language: "en" });
  expect(own("the oven, it burns")).toBeUndefined();
  expect(own("the oven upstairs burns")).toMatchObject({ category: "configured" });
  expect(own("Chcę umrzeć.")).toEqual({ category: "configured", language: "pl" });
  expect(own("pomozcie mi")).toMatchObject({ language: "pl" });
  expect(own("I want to die")).toMatchObject({ category: "self-harm" });
});

test("hostile text does not make it backtrack: minutes would go by", () => {
  const texts = [
    "not ".repeat(50_000),
    "i dont want to ".repeat(10_000),
    "a b ".repeat(50_000),
    "k".repeat(1_000_000),
    "\u0301".repeat(100_000),
  ];
  for (const text of texts) expect(detect(text)).toBeUndefined();
});
