import { access, readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { failureWords } from "../../public/page/failure-words.js";
import { RecordedCaller, type Script } from "../../public/page/example-call.js";
import { Fault } from "../../src/kernel/fault.ts";

const root = new URL("../../", import.meta.url);
const read = async (): Promise<Script[]> => JSON.parse(await readFile(new URL("public/examples.json", root), "utf8")) as Script[]; // used as such below

test("Susan says her lines, answers what she is asked, and says goodbye once", async () => {
  const [anna] = await read();
  if (anna === undefined) throw new Error("no example");
  const caller = new RecordedCaller(anna);
  const heard = [
    "Hello, how can I help?",
    "We are open from",
    "Gladly. What name should I put it under?",
    "Thank you, Susan Brown. And a phone number, please?",
    "4 7 1, 9 2, 6 3, right?",
    "A table for 4, tomorrow at 7 in the evening, for Susan Brown. Shall I book it?",
    "It is booked. Anything else?",
    "Goodbye.",
  ];
  expect(heard.map((text) => caller.next(text)?.file)).toEqual(
    ["hours", "booking", "name", "number", "yes", "yes", "goodbye", undefined].map((name) =>
      name === undefined ? undefined : `voices/${name}.wav`,
    ),
  );
});

test("a question asked for ever is answered twice, then she leaves", async () => {
  const [anna] = await read();
  if (anna === undefined) throw new Error("no example");
  const caller = new RecordedCaller(anna);
  const files = Array.from({ length: 7 }, () => caller.next("Your name?")?.file);
  expect(files.slice(2)).toEqual(["voices/name.wav", "voices/name.wav", "voices/goodbye.wav", undefined, undefined]);
});

test("every recording of the examples is there", async () => {
  for (const { lines, answers, goodbye } of await read())
    for (const { file } of [...lines, ...answers, goodbye])
      await expect(
        access(new URL(file.startsWith("examples/") ? `fixtures/speech/${file.slice(9)}` : `public/${file}`, root)),
        file,
      ).resolves.toBeUndefined();
});

test("every fault has words for the person at the page, with something to do", () => {
  for (const code of ["busy", "draining", "caller-refused", "internal"] as const) {
    const { title, advice } = failureWords(new Fault(code, "What happened."));
    expect(title).not.toBe("");
    expect(advice).toMatch(/again/i);
  }
});
