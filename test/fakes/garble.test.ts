import { expect, test } from "vitest";
import { garble } from "../../src/fakes/garble.ts";

const samples = [
  { type: "a.b", inner: { n: 1, list: [1, 2] }, text: "hello" },
  { type: "c.d", text: "there" },
];

test("the same seed breaks messages in the same way, another in another", () => {
  const once = [...garble(samples, "type", 200, 1)];
  expect([...garble(samples, "type", 200, 1)]).toEqual(once);
  expect([...garble(samples, "type", 200, 2)]).not.toEqual(once);
});

test("what is called unreadable has no known type, and the rest has one", () => {
  let [readable, unreadable] = [0, 0];
  for (const broken of garble(samples, "type", 2_000, 5)) {
    const type = typeOf(broken.message);
    if (broken.unreadable) unreadable += 1;
    else readable += 1;
    expect(
      samples.some((sample) => sample.type === type),
      broken.message,
    ).toBe(!broken.unreadable);
  }
  expect(readable).toBeGreaterThan(500);
  expect(unreadable).toBeGreaterThan(500);
});

test("on a wire without types, no known top-level key is left in an unreadable message", () => {
  for (const broken of garble([{ setupComplete: {} }, { goAway: { timeLeft: "5s" } }], undefined, 500, 9)) {
    if (broken.unreadable && broken.message.startsWith("{") && broken.message.endsWith("}"))
      expect(broken.message).not.toMatch(/"(setupComplete|goAway)":/);
  }
});

function typeOf(message: string): unknown {
  try {
    const value: unknown = JSON.parse(message);
    return typeof value === "object" && value !== null && "type" in value ? value.type : undefined;
  } catch {
    return undefined;
  }
}
