import { cp, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { msOf } from "../../src/audio/encodings.ts";
import { levelDb } from "../../src/audio/level.ts";
import { catalogueSchema, hashOf, promptIds, reviewLimitDays, stalenessOf, type PromptEntry } from "../../src/prompts/catalogue.ts";
import { readPrompts } from "../../src/prompts/prompts.ts";

const shipped = join(import.meta.dirname, "../../src/prompts/files");
const { lines } = catalogueSchema.parse(JSON.parse(await readFile(join(shipped, "catalogue.json"), "utf8")));
const now = Date.now();

/** A copy of the files, to be broken. */
async function copy(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "linekeeper-prompts-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await cp(shipped, folder, { recursive: true });
  return folder;
}

test("every line that is shipped says its text, has been reviewed as it stands, and not too long ago", async () => {
  expect(lines.flatMap((line) => stalenessOf(line, now))).toEqual([]);
  expect((await readPrompts([shipped], now)).problems).toEqual([]);
});

test("every line is there in every language, and can be heard", async () => {
  const prompts = await readPrompts([shipped], now);
  for (const language of ["en", "de", "fr", "es"]) {
    for (const id of promptIds) {
      const { audio, text, cache } = prompts.line(id, language, "call_1");
      expect(cache, `${id} ${language}`).toBe("hit");
      expect(lines.find((line) => line.text === text)?.languages, `${id} ${language}`).toContain(language);
      expect(msOf(audio.length, "pcm16@16000"), `${id} ${language}`).toBeGreaterThan(700);
      expect(msOf(audio.length, "pcm16@16000"), `${id} ${language}`).toBeLessThan(10_000);
      expect(levelDb(audio, "pcm16@16000"), `${id} ${language}`).toBeGreaterThan(-35);
    }
  }
});

test("a text that was changed without its audio, or without a new review, is found", () => {
  const [line] = lines;
  const changed = { ...line, text: "Hold on." } as PromptEntry;
  expect(stalenessOf(changed, now)).toEqual([expect.stringContaining("says another text"), expect.stringContaining("was changed after")]);
  const sooner = Date.parse(changed.review.on) + (reviewLimitDays + 2) * 86_400_000;
  expect(lines[0] && stalenessOf(lines[0], sooner)).toEqual([expect.stringContaining("days old")]);
});

test("a caller is answered in the own language, else its base, else English", async () => {
  const prompts = await readPrompts([shipped], now);
  expect(prompts.line("bridge", "de-CH", "call_1").text).toBe("Einen Moment, bitte.");
  expect(prompts.line("bridge", "FR", "call_1").text).toContain("instant");
  expect(prompts.line("bridge", "pl-PL", "call_1").text).toBe("One moment, please.");
  expect(prompts.line("bridge", "", "call_1").text).toBe("One moment, please.");
});

test.each([
  ["en-US", "9 1 1"],
  ["en-GB", "9 9 9"],
  ["en-AU", "0 0 0"],
  ["de-AT", "1 1 2"],
  ["fr-FR", "1 1 2"],
  ["es-MX", "9 1 1"],
])("a caller in distress with %s is told the number of that country", async (language, number) => {
  expect((await readPrompts([shipped], now)).line("crisis", language, "call_1").text).toContain(number);
});

test.each(["en", "de", "fr", "es", "en-NZ", "es-AR"])(
  "with %s, whose country's number is not known, no number is named",
  async (language) => {
    expect((await readPrompts([shipped], now)).line("crisis", language, "call_1").text).not.toMatch(/\d/);
  },
);

test("no line gives medical advice, and none promises what nobody can keep", () => {
  const forbidden =
    /\b(?:medic\w*|medik\w*|médic\w*|dos(?:e|is|age)\w*|pills?|tablet\w*|pastill\w*|comprim\w*|aspirin\w*|paracetamol|ibuprofen\w*|diagnos\w*|symptom\w*|síntoma\w*|symptôm\w*|treat\w*|therap\w*|breath\w*|atmen|respir\w*|wound\w*|wunde\w*|bleed\w*|blut\w*|sang\w*|cpr|lie down|calm down|beruhig\w*|calm\w*|safe now|will be (?:fine|all right)|everything is)\b/iu;
  for (const { text } of lines) expect(text).not.toMatch(forbidden);
  expect("take two tablets and breathe").toMatch(forbidden);
});

test("a broken or missing file costs that line its audio and nothing else; the next language of the chain is heard", async () => {
  const folder = await copy();
  await rm(join(folder, "bridge.de.wav"));
  await truncate(join(folder, "goodbye.de.wav"), 5_000);
  await writeFile(join(folder, "transfer.en.wav"), "no sound at all");
  const prompts = await readPrompts([folder], now);
  expect(prompts.problems).toHaveLength(3);
  for (const problem of prompts.problems) expect(problem).toContain(folder);
  expect(prompts.line("bridge", "de", "call_1")).toMatchObject({ text: "One moment, please.", cache: "hit" });
  expect(prompts.line("goodbye", "de-DE", "call_1")).toMatchObject({ text: "Thank you for your call. Goodbye.", cache: "hit" });
  const lost = prompts.line("transfer", "en-US", "call_1");
  expect(lost).toMatchObject({ text: "I am connecting you with a person now.", cache: "miss" });
  expect(levelDb(lost.audio, "pcm16@16000")).toBeGreaterThan(-40);
  expect(prompts.line("transfer", "de", "call_1").cache).toBe("hit");
});

test.each(["{", "[]", '{"lines":[{"id":"bridge"}]}'])(
  "a catalogue that reads %s is told, and callers hear what is left",
  async (content) => {
    const folder = await copy();
    await writeFile(join(folder, "catalogue.json"), content);
    const alone = await readPrompts([folder], now);
    expect(alone.problems[0]).toContain("catalogue.json");
    expect(alone.line("crisis", "en", "call_1").cache).toBe("miss");
    expect(alone.line("crisis", "en", "call_1").audio.length).toBeGreaterThan(0);
    expect((await readPrompts([folder, shipped], now)).line("crisis", "en", "call_1").cache).toBe("hit");
  },
);

test("an operator's own recording takes the place of ours, at any sample rate", async () => {
  const folder = await mkdtemp(join(tmpdir(), "linekeeper-own-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const recording = await readFile(join(import.meta.dirname, "../../fixtures/speech/ast_one-moment-please.wav"));
  await writeFile(join(folder, "moment.wav"), recording);
  const text = "One moment please.";
  const entry: PromptEntry = {
    id: "bridge",
    languages: ["en"],
    text,
    file: "moment.wav",
    spoken: { text: hashOf(text), audio: hashOf(recording), by: "a recording" },
    review: { text: hashOf(text), by: "the operator", on: new Date(now).toISOString().slice(0, 10) },
  };
  await writeFile(join(folder, "catalogue.json"), JSON.stringify({ lines: [entry] }));
  const prompts = await readPrompts([folder, shipped], now);
  expect(prompts.problems).toEqual([]);
  expect(prompts.line("bridge", "en-US", "call_1").text).toBe(text);
  expect(prompts.line("goodbye", "en", "call_1").text).toContain("Goodbye");
});

test("whoever follows is told of each line taken and whether it could be heard", async () => {
  const folder = await copy();
  for (const { file } of lines.filter(({ id }) => id === "later")) await rm(join(folder, file));
  const prompts = await readPrompts([folder], now);
  const told: string[] = [];
  const following = prompts.follow(({ callId, id, cache }) => told.push(`${callId} ${id} ${cache}`));
  prompts.line("bridge", "en", "call_1");
  prompts.line("later", "de", "call_1");
  following[Symbol.dispose]();
  prompts.line("bridge", "en", "call_1");
  expect(told).toEqual(["call_1 bridge hit", "call_1 later miss"]);
});
