import { join } from "node:path";
import { expect, test } from "vitest";
import { encodings, msOf, type Encoding } from "../../src/audio/encodings.ts";
import { babble, read } from "../../src/fakes/voice.ts";
import { concatenated, samplesOf, silence, speechFolder } from "../provider/local/ears/recordings.ts";
import { Envelope } from "./alignment.ts";
import { startCloud, type Cloud } from "./cloud.ts";
import { recordedCall } from "./in-the-page.js";
import { openRoad } from "./road.ts";
import { chromiumIsThere, visit, type Tape, type Visitor } from "./visitor.ts";

const needed = process.env["LINEKEEPER_TEST_NEEDS"] === "all";
const patient = { timeout: 60_000, interval: 100 };
const longAnswer =
  "Certainly, our famous kitchen prepares soup, bread and cheese, trout with almonds, roasted vegetables, mushroom dumplings, " +
  "duck in orange sauce, a remarkable lemon cake, and on Sundays an extraordinarily generous breakfast for everybody.";
const greeting = "Good day.";
const answerMs = 9_000;
const awayMs = 5_000;
/** Silence between two turns of the agent; longer than what a busy machine puts between two words. */
const betweenTurnsMs = 400;
/** Of the agent's voice, so much is looked for: a few words, that no other few are like. */
const pieceMs = 1_200;

test.skipIf(!chromiumIsThere && !needed)(
  "a call outlives a network that is gone for five seconds: the agent goes on where it was, and nothing the caller says is lost",
  async () => {
    await using cloud = await startCloud("openai");
    await using road = await openRoad(cloud.url);
    const untilCallerMs = 24_000;
    const said = samplesOf(join(speechFolder, "jfk.wav"));
    await using visitor = await visit(road.url, concatenated(silence(untilCallerMs), said), { taped: true, raw: true });
    cloud.panel("openai").reply(greeting, { text: longAnswer, ms: answerMs }, "I see.");
    cloud.panel("openai").callerSays("And so my fellow Americans.");
    await visitor.page.getByRole("button", { name: "Start the call" }).click();
    const callId = await begins(visitor);
    await shown(visitor, 1);
    await visitor.page.waitForTimeout(2 * betweenTurnsMs);

    // Nobody is told: what is sent just does not arrive.
    await asks(visitor, "What is on the menu?");
    await visitor.page.waitForTimeout(2_500);
    road.hold();
    await visitor.page.waitForTimeout(awayMs);
    road.open();
    await expect.poll(() => visitor.page.locator(".note").allInnerTexts(), patient).toContainEqual(expect.stringContaining("You are back"));
    await visitor.isIn("listening");
    await shown(visitor, 3);

    // Connections die, and no new one comes to be.
    await expect.poll(() => visitor.callerLevel(), patient).toBeGreaterThan(0.02);
    await visitor.page.waitForTimeout(1_500);
    road.close();
    await visitor.isIn("reconnecting");
    await visitor.page.waitForTimeout(awayMs);
    road.open();
    await shown(visitor, 5);

    expect(await visitor.callId()).toBe(callId);
    const turns = await visitor.turns();
    expect(turns.filter(({ text }) => text === longAnswer)).toHaveLength(1);
    expect(turns.filter(({ text }) => text === "And so my fellow Americans.")).toHaveLength(1);
    expect(visitor.complaints).toEqual([]);
    const tape = await visitor.tape();
    expect(agentRepeatedMs(tape, cloud)).toBeLessThanOrEqual(200);
    expectAllHeard(tape, cloud);
  },
);

test.skipIf(!chromiumIsThere && !needed)(
  "a call outlives a reload of its page: the agent goes on in its sentence, the words are there, and the talk goes on",
  async () => {
    await using cloud = await startCloud("openai");
    await using visitor = await visit(cloud.url, undefined, { taped: true });
    cloud.panel("openai").reply(greeting, { text: longAnswer, ms: answerMs }, "At ten.");
    await visitor.page.getByRole("button", { name: "Start the call" }).click();
    const callId = await begins(visitor);
    await shown(visitor, 1);
    await visitor.page.waitForTimeout(2 * betweenTurnsMs);
    await asks(visitor, "What is on the menu?");
    await visitor.page.waitForTimeout(3_000);
    await visitor.page.reload();
    expect(await begins(visitor)).toBe(callId);
    await shown(visitor, 3);
    await visitor.isIn("listening");
    expect((await visitor.turns()).map(({ text }) => text)).toEqual([greeting, "What is on the menu?", longAnswer]);
    await asks(visitor, "When do you open?");
    await expect.poll(async () => (await visitor.turns()).at(-1), patient).toMatchObject({ text: "At ten.", final: true });
    expect(await visitor.callId()).toBe(callId);
    expect(visitor.complaints).toEqual([]);

    const { agent, rateHz } = await visitor.tape();
    const before = new Envelope(await visitor.agentBeforeReload(), rateHz);
    const [, ...answer] = before.stretches(betweenTurnsMs);
    const after = new Envelope(agent, rateHz);
    const spoken = envelope(cloud.panel("openai").last.spoken.all(), "pcm16@24000");
    const { atMs, match } = spoken.placeOf(after, after.stretches(betweenTurnsMs)[0] ?? { fromMs: 0 }, pieceMs);
    const heardMs = before.loudMs(answer[0]?.fromMs ?? 0, before.lengthMs);
    const repeatedMs = heardMs - spoken.loudMs(msOf(babble(greeting, "pcm16@24000").length, "pcm16@24000"), atMs);
    console.info(
      `heard ${heardMs} ms of sound before the reload, goes on at ${atMs} ms (match ${match.toFixed(3)}): ${repeatedMs} ms repeated`,
    );
    expect(match).toBeGreaterThan(0.6);
    expect(repeatedMs).toBeLessThanOrEqual(200);
    expect(repeatedMs, "no syllable is missing").toBeGreaterThan(-50);
  },
);

test.skipIf(!chromiumIsThere && !needed)(
  "Opus carries both directions: what is said is what the provider hears, what it speaks is what is heard",
  async () => {
    await using cloud = await startCloud("openai");
    const said = samplesOf(join(speechFolder, "ps_cards_001.wav"));
    await using visitor = await visit(cloud.url, concatenated(silence(4_000), said), { taped: true, raw: true, query: "audio=opus" });
    cloud.panel("openai").reply({ text: greeting, ms: 1_500 }, { text: "Aces over kings, most certainly.", ms: 3_000 });
    cloud.panel("openai").callerSays("The cards, please.");
    await visitor.page.getByRole("button", { name: "Start the call" }).click();
    await shown(visitor, 3);
    await visitor.isIn("listening");
    const words = (await visitor.turns()).map(({ text }) => text);
    expect(words.toSorted()).toEqual([greeting, "The cards, please.", "Aces over kings, most certainly."].toSorted());
    expect(visitor.complaints).toEqual([]);

    const { agent, caller, rateHz } = await visitor.tape();
    const { heard: kept, spoken: sent, settings } = cloud.panel("openai").last;
    const [heard, spoken] = [envelope(kept.all(), settings?.uplink ?? "pcm16@24000"), envelope(sent.all(), "pcm16@24000")];
    const microphone = new Envelope(caller, rateHz);
    const [speech = { fromMs: 0, toMs: 0 }] = microphone.stretches(1_000, 0.01);
    const up = heard.placeOf(microphone, speech, speech.toMs - speech.fromMs);
    const loudspeaker = new Envelope(agent, rateHz);
    const lost = spoken.loudMs(0, spoken.lengthMs) - loudspeaker.loudMs(0, loudspeaker.lengthMs);
    console.info(`up: match ${up.match.toFixed(3)}; down: ${lost} ms less sound heard than spoken`);
    expect(up.match).toBeGreaterThan(0.9);
    expect(Math.abs(lost)).toBeLessThan(300);
  },
);

test.skipIf(!chromiumIsThere && !needed)("what a browser's MediaRecorder writes is taken as it comes", async () => {
  await using cloud = await startCloud("openai");
  await using visitor = await visit(cloud.url, concatenated(silence(1_500), samplesOf(join(speechFolder, "ps_cards_001.wav"))));
  cloud.panel("openai").callerSays("The cards, please.");
  const heard = await visitor.page.evaluate(recordedCall, "The cards, please.");
  expect(heard).toBe("The cards, please.");
  expect(cloud.log.filter(({ event }) => event === "leg_refused")).toEqual([]);
});

test.skipIf(!chromiumIsThere && !needed)("the page that others start from calls, shows words and hangs up", async () => {
  await using cloud = await startCloud("openai");
  await using visitor = await visit(cloud.url);
  cloud.panel("openai").reply(greeting);
  await visitor.page.goto(`${cloud.url}embed.html`);
  await visitor.page.getByRole("button", { name: "Call the front desk" }).click();
  await expect.poll(() => visitor.page.locator("#words").innerText(), patient).toBe(greeting);
  await visitor.page.getByRole("button", { name: "Hang up" }).click();
  await expect.poll(() => visitor.page.getByRole("status").innerText(), patient).toBe("The call is over.");
  expect(visitor.complaints).toEqual([]);
});

async function begins(visitor: Visitor): Promise<string> {
  await expect.poll(() => visitor.callId(), patient).not.toBe("");
  return visitor.callId();
}

async function asks({ page }: Visitor, question: string): Promise<void> {
  await page.getByLabel("Type to the agent").fill(question);
  await page.keyboard.press("Enter");
}

/** So many turns are there, the last one final. */
async function shown(visitor: Visitor, turns: number): Promise<void> {
  await expect.poll(async () => (await visitor.turns()).filter(({ final }) => final).length, patient).toBeGreaterThanOrEqual(turns);
}

/**
 * How much of the answer was heard twice around the longest silence in it, ms; below zero: so much was not heard. Sound is counted, not
 * time: a busy machine puts small gaps between the same samples.
 */
function agentRepeatedMs({ agent, rateHz }: Tape, cloud: Cloud): number {
  const spoken = envelope(cloud.panel("openai").last.spoken.all(), "pcm16@24000");
  const greetingMs = msOf(babble(greeting, "pcm16@24000").length, "pcm16@24000");
  const answerToMs = greetingMs + answerMs;
  const heard = new Envelope(agent, rateHz);
  const [first, ...parts] = heard.stretches(betweenTurnsMs);
  const gapAt = parts.findIndex(({ fromMs }, at) => fromMs - (parts[at - 1]?.toMs ?? fromMs) > awayMs / 2);
  const [begin, end, goesOn] = [parts[0], parts[gapAt - 1], parts[gapAt]];
  if (first === undefined || begin === undefined || end === undefined || goesOn === undefined) throw new Error("no gap in the answer");
  const beforeMs = heard.loudMs(begin.fromMs, end.toMs);
  const { atMs, match } = spoken.placeOf(heard, goesOn, pieceMs);
  const missedBeforeMs = spoken.loudMs(greetingMs, atMs) - beforeMs;
  console.info(
    `heard ${beforeMs} ms of sound before the gap; goes on at ${atMs - greetingMs} ms of the answer (match ${match.toFixed(3)})`,
  );
  expect(match).toBeGreaterThan(0.6);
  const inAll = heard.loudMs(begin.fromMs, goesOn.fromMs + (answerToMs - atMs)) - spoken.loudMs(greetingMs, answerToMs);
  console.info(`${-missedBeforeMs} ms were repeated; ${inAll} ms more were heard than spoken in all`);
  expect(-missedBeforeMs, "no syllable is missing").toBeGreaterThan(-50);
  return -missedBeforeMs;
}

const envelope = (bytes: Uint8Array, encoding: Encoding): Envelope =>
  new Envelope(
    Float32Array.from(read(bytes, encoding), (sample) => sample / 32_768),
    encodings[encoding].rateHz,
  );

/** Every part of what the microphone gave is in what the provider heard, at one and the same distance. */
function expectAllHeard({ caller, rateHz }: Tape, cloud: Cloud): void {
  const { heard: kept, settings } = cloud.panel("openai").last;
  const heard = envelope(kept.all(), settings?.uplink ?? "pcm16@24000");
  const said = new Envelope(caller, rateHz);
  const speech = said.stretches(2_000, 0.01).at(-1) ?? { fromMs: 0, toMs: 0 };
  const places = Array.from({ length: Math.floor((speech.toMs - speech.fromMs) / 1_000) }, (_, second) => {
    const fromMs = speech.fromMs + second * 1_000;
    const { atMs, match } = heard.placeOf(said, { fromMs }, 1_000);
    return { shiftMs: atMs - fromMs, match };
  });
  console.info(
    `what was said is heard at shifts of ${places.map(({ shiftMs, match }) => `${shiftMs} ms (${match.toFixed(2)})`).join(", ")}`,
  );
  const shifts = places.map(({ shiftMs }) => shiftMs);
  // What is lost or doubled in one place moves all that follows.
  expect(Math.min(...places.map(({ match }) => match))).toBeGreaterThan(0.5);
  expect(shifts.length).toBeGreaterThan(6);
  expect(Math.max(...shifts) - Math.min(...shifts)).toBeLessThanOrEqual(20);
}
