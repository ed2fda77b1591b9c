import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, type ExpectStatic } from "vitest";
import { loudness } from "../../public/client/pcm16.js";
import { resampleClip } from "../../src/audio/resample.ts";
import { systemClock } from "../../src/kernel/clock.ts";
import { silentLog } from "../../src/kernel/log.ts";
import { createEars } from "../../src/provider/local/ears/ears.ts";
import { modelFile } from "../../src/provider/local/models.ts";
import type { Ears } from "../../src/provider/local/parts.ts";
import { concatenated, heardIn, recordings, samplesOf, silence, speechFolder, turnsIn } from "../provider/local/ears/recordings.ts";
import { letterErrors, wordErrors, type LetterErrors } from "../wer.ts";
import type { Turn } from "./in-the-page.js";
import { startServer, type Server } from "./server.ts";
import { chromiumIsThere, chromiumPath, visit, type Tape, type Visitor } from "./visitor.ts";

const needed = process.env["LINEKEEPER_TEST_NEEDS"] === "all";
if (!chromiumIsThere && !needed)
  console.warn(`SKIPPED: nobody calls from a browser, there is no ${chromiumPath} (apt-get install chromium)`);

/** The greeting and its notice take about ten seconds; who waits for their end speaks after this. */
const untilGreetedMs = 12_500;
/** Root mean square of speech that nobody strains to hear. */
const audible = 0.03;
/** The voice is a plain one and the ears are small: of what is said this share may be heard otherwise, letters of a whole text, words of a part. */
const mishearing = 0.125;
const patient = { timeout: 60_000, interval: 100 };

describe.skipIf(!chromiumIsThere && !needed)("somebody who calls from Chromium", { timeout: 120_000 }, () => {
  let server: Server;
  let ears: Ears;
  let listening: Promise<unknown> = Promise.resolve();
  beforeAll(async () => {
    server = await startServer();
    ears = await createEars({ clock: systemClock, log: silentLog, modelFile, children: 1 });
  }, 60_000);
  afterAll(async () => {
    await ears?.close();
    await server?.[Symbol.asyncDispose]();
  });

  const begin = (visitor: Visitor): Promise<void> => visitor.page.getByRole("button", { name: "Start the call" }).click();

  /**
   * The call's turns, once both have had their say `agentTurns` times over and the agent was heard out. A test that runs beside
   * others hands in its own `expect`: the global one belongs to whichever test began last.
   */
  async function turnsAfter(visitor: Visitor, agentTurns: number, its: ExpectStatic = expect): Promise<readonly Turn[]> {
    await its
      .poll(async () => (await visitor.turns()).filter(({ role, final }) => role === "agent" && final).length, patient)
      .toBeGreaterThanOrEqual(agentTurns);
    return visitor.turns();
  }

  const wordsOf = (turns: readonly Turn[], role: Turn["role"]): string =>
    turns.flatMap((turn) => (turn.role === role ? [turn.text] : [])).join(" ");

  /** What our own ears make of a stretch of what left for the loudspeaker; one stretch after the other. */
  async function recognised({ agent, rateHz }: Tape, from = 0, to = agent.length): Promise<string> {
    const sound = Int16Array.from(agent.subarray(from, to), (sample) => sample * 32_767);
    const before = listening;
    const heard = (async () => {
      await before;
      return turnsIn(await heardIn(ears, concatenated(resampleClip(sound, rateHz, 16_000), silence(1_500)))).join(" ");
    })();
    listening = heard;
    return heard;
  }

  /** All that the agent said, on the screen and by its sound. */
  async function recognisedAll(visitor: Visitor): Promise<LetterErrors & { readonly shown: string; readonly heard: string }> {
    const tape = await visitor.tape();
    expect(loudnessOf(tape), "the answer is loud enough").toBeGreaterThan(audible);
    const shown = wordsOf(await visitor.turns(), "agent");
    const heard = await recognised(tape);
    return { shown, heard, ...letterErrors(spelled(shown), spelled(heard)) };
  }

  /** By sound alone nobody can tell these words from digits. */
  const spelled = (text: string): string => text.replace(/\b(to|too)\b/gi, "two").replace(/\bfor\b/gi, "four");

  const people = recordings()
    .filter(({ file }) => /jfk|ast_privacy-prompt/.test(file))
    .map((recording) => ({ ...recording, name: basename(recording.file) }));

  // One after the other: where several Chromiums share two cores, the sound of each suffers.
  test.for(people)("$name is understood, and answered aloud with the words on the screen", async ({ name, file, text }, { expect }) => {
    await using visitor = await visit(server.url, concatenated(silence(untilGreetedMs), samplesOf(file)), { taped: true });
    await begin(visitor);
    await expect.poll(async () => wordErrors(text, wordsOf(await visitor.turns(), "caller")).errors, patient).toBeLessThanOrEqual(1);
    await expect
      .poll(async () => (await visitor.turns()).at(-1), patient)
      .toMatchObject({ role: "agent", final: true, interrupted: false });
    console.info(`${name}: caller shown as "${wordsOf(await visitor.turns(), "caller")}"`);
    const { shown, heard, errors, letters } = await recognisedAll(visitor);
    console.info(`${name}: agent shown as "${shown}"\n  its sound is recognised as "${heard}": ${errors} of ${letters} letters differ`);
    expect(errors / letters).toBeLessThanOrEqual(mishearing);
    expect(visitor.complaints).toEqual([]);
  });

  test("a phone number is read back as it was said", async ({ expect }) => {
    const file = join(speechFolder, "../phone-numbers/synthetic-slt-11.wav");
    await using visitor = await visit(server.url, concatenated(silence(untilGreetedMs), samplesOf(file)), { taped: true });
    await begin(visitor);
    const turns = await turnsAfter(visitor, 2, expect);
    expect(turns.at(-1)?.text.replace(/\D/g, "")).toBe("4269921149");
    const { shown, heard, errors, letters } = await recognisedAll(visitor);
    console.info(`the read-back is shown as "${shown}"\n  its sound is recognised as "${heard}": ${errors} of ${letters} letters differ`);
    expect(errors / letters).toBeLessThanOrEqual(mishearing);
  });

  test("who speaks during the greeting stops it, sees where it was cut, and is answered", async () => {
    const [prompt] = recordings().filter(({ file }) => file.endsWith("ast_privacy-prompt.wav"));
    const said = samplesOf(prompt?.file ?? "");
    await using visitor = await visit(server.url, concatenated(silence(5_000), said), { taped: true });
    await begin(visitor);
    const turns = await turnsAfter(visitor, 2);
    const [greeting, caller, answer] = turns;
    expect(turns.map(({ role }) => role)).toEqual(["agent", "caller", "agent"]);
    expect([greeting?.interrupted, caller?.interrupted, answer?.interrupted]).toEqual([true, false, false]);
    expect(await visitor.page.locator(".turn.interrupted").innerText()).toContain("interrupted");
    expect(wordErrors(prompt?.text ?? "", caller?.text ?? "").errors).toBeLessThanOrEqual(1);

    const tape = await visitor.tape();
    const [flushedAt = 0] = tape.flushes;
    const spokeFrom = tape.caller.findIndex((sample) => Math.abs(sample) > 0.05);
    const spokeTo = tape.caller.findLastIndex((sample) => Math.abs(sample) > 0.05);
    expect(loudnessOf(tape, spokeFrom - tape.rateHz, spokeFrom), "the greeting was being spoken").toBeGreaterThan(audible);
    const restOfSpeech = tape.agent.subarray(Math.round((spokeFrom + spokeTo) / 2), spokeTo);
    expect(
      restOfSpeech.findIndex((sample) => sample !== 0),
      "silence while the caller goes on",
    ).toBe(-1);
    const heard = await recognised(tape, 0, flushedAt);
    const { errors, words } = wordErrors(greeting?.text ?? "", heard);
    console.info(`the cut greeting is shown as "${greeting?.text}" and was heard as "${heard}"`);
    // The word that was cut in the middle may count for either side.
    expect(errors).toBeLessThanOrEqual(1 + words * mishearing);
  });

  test("a typed question is answered on the screen and aloud", async () => {
    await using visitor = await visit(server.url, silence(1_000), { taped: true });
    const { page } = visitor;
    await begin(visitor);
    await visitor.isIn("speaking");
    await page.getByLabel("Type to the agent").fill("What are your opening hours?");
    await page.keyboard.press("Enter");
    const [greeting, question, answer] = await turnsAfter(visitor, 2);
    expect(greeting).toMatchObject({ role: "agent", interrupted: true });
    expect(question).toMatchObject({ role: "caller", text: "What are your opening hours?" });
    expect(answer?.text).toMatch(/open Tuesday to Thursday/);
    const tape = await visitor.tape();
    const heard = await recognised(tape, tape.flushes[0]);
    const { errors, letters } = letterErrors(answer?.text ?? "", heard);
    console.info(`the answer is shown as "${answer?.text}" and was heard as "${heard}": ${errors} of ${letters} letters differ`);
    expect(errors / letters).toBeLessThanOrEqual(mishearing);
    await page.getByRole("button", { name: "Hang up" }).click();
    await visitor.isIn("ended");
    expect(visitor.complaints).toEqual([]);
  });

  test("both example calls run through to their end and make sense", async () => {
    const [table, kennedy] = await Promise.all(
      [/Susan books a table/, /Kennedy/].map(async (name) => {
        await using visitor = await visit(server.url);
        await visitor.page.getByRole("button", { name }).click();
        await visitor.isIn("ended", 100_000);
        const shown = (await visitor.turns()).map(
          ({ role, text, interrupted }) => `${role}: ${text}${interrupted ? " (interrupted)" : ""}`,
        );
        console.info(shown.join("\n"));
        expect(visitor.complaints).toEqual([]);
        expect(await visitor.page.locator(".note.alert").count()).toBe(0);
        return shown.join("\n");
      }),
    );
    expect(table).toMatch(/caller: .*book a table for (four|4)/i);
    expect(table).toMatch(/agent: .*\(interrupted\)/);
    expect(table).toMatch(/agent: .*4 7 1, 9 2 6 3/);
    expect(table).toMatch(/agent: .*\b4\b.* at 7 pm.* Susan Brown/);
    expect(table).toMatch(/agent: .* reference is \d/);
    expect(kennedy).toMatch(/agent: .*I heard: And so,? my fellow Americans.*for your country/);
    for (const call of [table, kennedy]) expect(call).toMatch(/caller: .*Good-?bye.*\nagent: .*Goodbye!$/i);
  });

  test("who calls while all lines are taken is told so, and gets through when one is free", async () => {
    await using small = await startServer({ LINEKEEPER_LOCAL_CALLS: "1" });
    await using first = await visit(small.url);
    await begin(first);
    await first.isIn("speaking");
    await using second = await visit(small.url);
    await begin(second);
    await expect.poll(() => second.page.getByRole("alert").innerText(), patient).toContain("All lines are taken");
    await first.page.getByRole("button", { name: "Hang up" }).click();
    await first.isIn("ended");
    await expect
      .poll(async () => {
        await second.page
          .getByRole("button", { name: "Try again" })
          .click({ timeout: 1_000 })
          .catch(() => {});
        return second.page.locator("body").getAttribute("data-call");
      }, patient)
      .toBe("on");
    await second.isIn("speaking");
  });
});

/** Root mean square of the loudest second of what left for the loudspeaker. */
function loudnessOf({ agent, rateHz }: Tape, from = 0, to = agent.length): number {
  let loudest = 0;
  for (let at = from; at < to; at += rateHz) loudest = Math.max(loudest, loudness(agent.subarray(at, Math.min(to, at + rateHz))));
  return loudest;
}
