import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { dial, type Caller } from "../../scripts/caller/caller.ts";
import { fakes, type Fake } from "../../src/fakes/fakes.ts";
import { samplesOf } from "../provider/local/ears/recordings.ts";
import { startProcess, type ServerProcess } from "./process.ts";

const words = samplesOf(join(import.meta.dirname, "../../fixtures/speech/ps_cards_001.wav"));
const file = z.object({
  ageMs: z.number(),
  turns: z.array(z.object({ state: z.string().optional(), heard: z.object({ state: z.string() }).optional() })),
});
const patient = { timeout: 20_000, interval: 50 };

describe("a process that is gone, and started again", { timeout: 60_000 }, () => {
  let data: string;
  let fake: Fake;
  beforeEach(async () => {
    data = await mkdtemp(join(tmpdir(), "linekeeper-restart-"));
    const row = fakes.find(({ name }) => name === "openai");
    if (row === undefined) throw new Error("there is no fake of openai");
    fake = await row.start({ port: 0 });
  });
  afterEach(async () => {
    await fake[Symbol.asyncDispose]();
    await rm(data, { recursive: true, force: true });
  });
  const start = (more: Readonly<Record<string, string>> = {}): Promise<ServerProcess> =>
    startProcess({ ...fake.settings, LINEKEEPER_TIERS: "openai", LINEKEEPER_DATA: data, ...more });
  const kept = (): Promise<readonly string[]> => readdir(join(data, "calls")).catch(() => []);

  /** How far each turn of the one call that was kept had come, by the newer of its two versions. */
  const keptTurns = async (): Promise<readonly unknown[]> => {
    const texts = await Promise.all((await kept()).map((name) => readFile(join(data, "calls", name), "utf8")));
    const versions = texts.map((text) => file.parse(JSON.parse(text)));
    const newest = versions.toSorted((a, b) => b.ageMs - a.ageMs)[0];
    return (newest?.turns ?? []).map(({ state, heard }) => state ?? heard?.state);
  };

  /** A caller who said something and was answered, and whose call was kept after that. */
  async function inTalk(server: ServerProcess): Promise<Caller> {
    const caller = await dial(server.url);
    await caller.hears();
    fake.panel.callerSays("A table for two, please.");
    fake.panel.reply("For which day?");
    await caller.says(words);
    await caller.hears();
    await caller.quiet(5_000);
    return caller;
  }

  test("a call survives kill -9: the caller comes back into the same conversation", async () => {
    await using first = await start();
    const caller = await inTalk(first);
    const { callId, resumeToken } = caller;
    await vi.waitFor(async () => expect(await keptTurns()).toEqual(["whole", "settled", "whole"]), patient);
    first.child.kill("SIGKILL");
    expect(await first.exited).toBe("SIGKILL");
    await using second = await start();
    await using again = await dial(second.url, { resume: resumeToken });
    expect(again.callId).toBe(callId);
    await vi.waitFor(() => expect(again.turns.map(({ text }) => text)).toContain("A table for two, please."), patient);
    fake.panel.callerSays("On Friday.");
    fake.panel.reply("Friday it is.");
    await again.says(words);
    await again.hears();
    expect(fake.panel.last.texts).toEqual(expect.arrayContaining(["A table for two, please.", "For which day?"]));
    expect(fake.panel.violations).toEqual([]);
  });

  test("a drained process hands its calls on, tells the callers to come back, and ends well", async () => {
    await using first = await start({ LINEKEEPER_DRAIN_MS: "0" });
    const caller = await inTalk(first);
    first.child.kill("SIGTERM");
    expect((await caller.ended).code).toBe(1012);
    expect(await first.exited).toBe(0);
    await using second = await start();
    await using again = await dial(second.url, { resume: caller.resumeToken });
    expect(again.callId).toBe(caller.callId);
    expect(first.log.some((line) => line.includes('"call_moved"'))).toBe(true);
  });

  test("a second signal does not wait", async () => {
    await using first = await start({ LINEKEEPER_DRAIN_MS: "600000" });
    const caller = await inTalk(first);
    first.child.kill("SIGTERM");
    await vi.waitFor(() => expect(first.log.some((line) => line.includes('"drain_started"'))).toBe(true), patient);
    await vi.waitFor(() => expect(first.log.some((line) => line.includes('"drain_progress"'))).toBe(true), patient);
    first.child.kill("SIGTERM");
    expect((await caller.ended).code).toBe(1012);
    expect(await first.exited).toBe(0);
  });

  test("a caller who hung up leaves nothing behind", async () => {
    await using first = await start();
    const caller = await inTalk(first);
    await caller[Symbol.asyncDispose]();
    await vi.waitFor(async () => expect(await kept()).toEqual([]), patient);
  });
});
