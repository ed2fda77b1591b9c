import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { resampleClip } from "../../src/audio/resample.ts";
import { byTelephone, recordings, samplesOf } from "../provider/local/ears/recordings.ts";
import { wordErrors } from "../wer.ts";
import { reportOf } from "../../scripts/caller/report.ts";
import { startServer, type Server } from "./server.ts";

let server: Server;
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => server[Symbol.asyncDispose]());

/** Whole calls through the whole server: the recording is spoken as the caller; both sides' words and the answer's sound come back. */
async function call(
  samples: Int16Array,
  telephone = false,
): Promise<{ heard: string; turns: readonly string[]; answerMs: number; lost: number }> {
  await using caller = await server.dials(telephone ? { uplink: "pcm16@8000", downlink: "pcmu@8000" } : {});
  await caller.says(telephone ? resampleClip(byTelephone(samples), 16_000, 8_000) : samples);
  await caller.quiet(40_000);
  const { turns, lost } = reportOf(caller);
  const heard = turns.filter(({ role }) => role === "caller").map(({ text }) => text);
  const last = turns.findLast(({ role }) => role === "agent");
  return {
    heard: heard.join(" "),
    turns: turns.map(({ role, text }) => `${role}: ${text}`),
    answerMs: last?.heardMs ?? 0,
    lost: lost.uplinkChunks + lost.downlinkChunks,
  };
}

/** All at once would be more than the machine may hear; the rest wait for a line. */
async function inTurn<Item, Result>(items: readonly Item[], lines: number, each: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  const waiting = [...items.entries()];
  const line = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) results[next[0]] = await each(next[1]);
  };
  await Promise.all(Array.from({ length: lines }, line));
  return results;
}

/** Callers at once; fewer than any machine we know may hear. */
const lines = 6;

const bands = [
  { band: "wide", telephone: false, limit: 0.05 },
  { band: "telephone", telephone: true, limit: 0.07 },
] as const;

describe.each(bands)("recorded people who call ($band band)", ({ band, telephone, limit }) => {
  test(
    `are understood, but for ${Math.round(limit * 100)} % of their words, and answered; nothing is lost`,
    { timeout: 240_000 },
    async () => {
      let [errors, words] = [0, 0];
      const results = await inTurn(recordings(), lines, async ({ file, text }) => ({
        file,
        text,
        ...(await call(samplesOf(file), telephone)),
      }));
      for (const { file, text, heard, answerMs, lost } of results) {
        const found = wordErrors(text, heard);
        errors += found.errors;
        words += found.words;
        console.info(`${band.padEnd(9)} ${basename(file).padEnd(34)} ${found.errors}/${found.words} wrong  heard: ${heard}`);
        expect(answerMs, `${basename(file)} was answered aloud`).toBeGreaterThan(300);
        expect(lost, `chunks lost of ${basename(file)}`).toBe(0);
      }
      console.info(`${band}: ${((100 * errors) / words).toFixed(2)} % word errors (${errors}/${words})`);
      expect(errors / words).toBeLessThanOrEqual(limit);
    },
  );

  test("who give their phone number have it read back right, nine times of ten at least", { timeout: 240_000 }, async () => {
    const folder = join(import.meta.dirname, "../../fixtures/phone-numbers");
    const [, ...rows] = readFileSync(join(folder, "numbers.tsv"), "utf8").trim().split("\n");
    const numbers = rows.map((row) => row.split("\t")).map(([file = "", digits = ""]) => ({ file, digits }));
    const results = await inTurn(numbers, lines, async ({ file, digits }) => ({
      file,
      digits,
      ...(await call(samplesOf(join(folder, file)), telephone)),
    }));
    const right = results.filter(
      ({ digits, turns }) => (turns.findLast((turn) => turn.startsWith("agent:")) ?? "").replace(/\D/g, "") === digits,
    );
    for (const { file, digits, turns } of results)
      console.info(`${band.padEnd(9)} ${file.padEnd(24)} ${digits}  ${turns.at(-1) ?? "(nothing)"}`);
    console.info(`${band}: ${right.length} of ${results.length} numbers read back right`);
    expect(right.length / results.length).toBeGreaterThanOrEqual(0.9);
  });
});

test("the same recording through the same build gives the same turns", async () => {
  const [recording] = recordings().filter(({ file }) => file.endsWith("ps_goforward.wav"));
  const once = await call(samplesOf(recording?.file ?? ""));
  const again = await call(samplesOf(recording?.file ?? ""));
  const words = (turns: readonly string[]): readonly string[] => turns.filter((turn) => turn.startsWith("caller:"));
  expect(words(again.turns)).toEqual(words(once.turns));
  expect(words(once.turns)).not.toEqual([]);
});
