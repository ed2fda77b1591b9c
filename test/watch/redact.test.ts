import { expect, test } from "vitest";
import { redactor } from "../../src/watch/redact.ts";
import { known, planted, replaced } from "./planted.ts";

const { value, text } = redactor(() => [known, replaced, "abc"]);

test.each(planted)("nothing of a secret is left of $where", ({ given }) => {
  const cleaned = typeof given === "string" ? text(given) : "";
  expect(cleaned + JSON.stringify(value({ field: given }))).not.toMatch(/canary/i);
});

test("a known secret in the form of Basic authentication is found too", () => {
  expect(text(`x ${Buffer.from(known).toString("base64")} y`)).toBe(
    "x [hidden]== y".replace("==", Buffer.from(known).toString("base64").match(/=*$/)?.[0] ?? ""),
  );
});

test.each([
  "opening gemini: no answer in 5000 ms (attempt 2 of 3)",
  "a basic receptionist with keys and tokens",
  "https://example.org/path?voice=rms",
  "press the key 5 to go on",
])("what is no secret stays as it was: %s", (given) => {
  expect(text(given)).toBe(given);
});

test("figures and names of secrets stay, for they tell what happened", () => {
  const given = {
    output_text_tokens: 12,
    secret: "OPENAI_API_KEY",
    result: "rotated",
    provider: "openai",
    session_id: "c_0123456789abcdef",
  };
  expect(value(given)).toEqual(given);
});

test("a secret shorter than four characters tears no words apart", () => {
  expect(text("abcdef")).toBe("abcdef");
});

test("a long hostile text is cleaned in a moment", () => {
  for (const unit of ["key ", "key: ", "Bearer ", "//a:", "eyJaaaaaa.", "-----BEGIN ", "token= "]) {
    const cleaned = text(unit.repeat(100_000));
    expect(cleaned.length).toBeLessThan(9_000);
  }
});

test("a word that was none is hidden from the line on in which it has become a secret", () => {
  let secrets: readonly string[] = [];
  const { text, value } = redactor(() => secrets);
  expect([text("swordfish"), value({ word: "swordfish" })]).toEqual(["swordfish", { word: "swordfish" }]);
  secrets = ["swordfish"];
  expect([text("swordfish"), value({ word: "swordfish" })]).toEqual(["[hidden]", { word: "[hidden]" }]);
});

test("a key that objects inherit by is a key like any other", () => {
  const told = redactor(() => []).value(JSON.parse('{"__proto__":{"a":1},"b":2}'));
  expect(Object.keys(told as object)).toEqual(["__proto__", "b"]);
  expect(Object.getPrototypeOf(told)).toBe(Object.prototype);
});
