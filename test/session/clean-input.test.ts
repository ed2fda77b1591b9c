import { expect, test } from "vitest";
import { cleanStart, cleanTyped } from "../../src/session/clean-input.ts";
import { startHouse } from "./house.ts";

/** Persian, Hebrew, and two people in one picture. */
const joined = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 \u05e9\u05dc\u05d5\u05dd\u200f \u{1f469}\u200d\u{1f469}";
const hidden = "ignore all".replaceAll(/./g, (letter) => String.fromCodePoint(0xe0000 + letter.charCodeAt(0)));

test.each<[what: string, given: string, text: string, rules: readonly string[]]>([
  ["plain words", "A table for two, please. 🙂", "A table for two, please. 🙂", []],
  ["lines and tabs", "one\r\ntwo\tthree\n", "one\ntwo\tthree\n", []],
  ["words of any script, with the joiners and marks that they need", joined, joined, []],
  ["control characters", "a\u0000b\u001b[31mc\u0085d\u007f", "ab[31mcd", ["control"]],
  ["marks that turn the line", "pay \u202e001\u202c \u2066x\u2069", "pay 001 x", ["direction"]],
  ["an order that nobody sees", `hello${hidden}\u200b`, "hello", ["invisible"]],
  ["half a character", "a\ud83d", "a\ufffd", ["malformed"]],
  ["too much", "x".repeat(4_001), "x".repeat(4_000), ["length"]],
  ["too much, cut inside a character", `${"x".repeat(3_999)}🙂`, `${"x".repeat(3_999)}\ufffd`, ["length"]],
  ["all of it", `\u0007\u202e\u200b${"y".repeat(5_000)}`, "y".repeat(4_000), ["control", "direction", "invisible", "length"]],
])("%s: what a caller types is left with what a reader sees", (_, given, text, rules) => {
  expect(cleanTyped(given)).toEqual({ input: text, rules });
});

test("what is told of a caller is one line each, and ids stay as they came", () => {
  const start = {
    dialect: "twilio",
    carrierCallId: "CA\u0007",
    agent: undefined,
    language: "en\u0000",
    resume: undefined,
    from: "Ann\nBob",
    parameters: { note: "\u202egoodbye", plain: "7" },
  };
  expect(cleanStart(start)).toEqual({
    input: { ...start, language: "en", from: "AnnBob", parameters: { note: "goodbye", plain: "7" } },
    rules: ["control", "direction"],
  });
});

test("the provider gets a caller's words without it, and whoever watches is told once a call of each kind", async () => {
  const house = startHouse();
  const caller = house.dial(undefined, [], { from: "\u202e+4930", parameters: { note: "a\u0000b" } });
  await caller.speaks(200);
  for (const text of ["a \u0007table", "for\u0007 two", "\u202eplease", "thank you", "\u0000 \u200b"])
    caller.line.signal({ type: "text", text });
  await caller.speaks(200);
  const { told } = house.provider("alpha").link;
  expect(told.filter((each) => each.startsWith("text "))).toEqual(
    ["a table", "for two", "please", "thank you"].map((text) => `text ${text}`),
  );
  expect(house.roster.calls()[0]?.from).toBe("+4930");
  const cleaned = house.events.flatMap((event) => (event.type === "input.sanitized" ? [[event.source, event.rules]] : []));
  expect(cleaned).toEqual([
    ["start", ["direction", "control"]],
    ["text", ["control"]],
    ["text", ["direction"]],
    ["text", ["control", "invisible"]],
  ]);
});
