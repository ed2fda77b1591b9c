import { setTimeout as delay } from "node:timers/promises";
import type { ToldItem } from "../../../src/fakes/panel.ts";
import type { Caller } from "../../caller/caller.ts";
import { firstSoundOf } from "./ear.ts";
import { timesFigure, type Figure } from "./figure.ts";
import { question } from "./question.ts";
import { openWorld, type World } from "./world.ts";

const callsAtOnce = 10;
/** Everything that the provider says comes so much later: the time that it takes to answer, known beforehand. */
const ownAnswerMs = 300;
const askMs = 1_000;
/** The answer has stopped by then, and all of it was heard. */
const killAfterMs = 2_600;
const successor = "The one that waited is here.";
const turnsOf = (told: readonly ToldItem[]): number => told.filter(({ by }) => by === "caller").length;

/** A provider that is killed in an answer while a link of the next one waits. */
export async function warmStandby(runs: number, seed: number): Promise<readonly Figure[]> {
  const deadMs: number[] = [];
  for (let batch = 0; deadMs.length < runs; batch += 1) {
    await using world = await openWorld(["openai", "gemini"]);
    deadMs.push(...(await killWarm(world, Math.min(callsAtOnce, runs - deadMs.length), seed + batch)));
  }
  return [timesFigure(`with a warm standby: dead air beyond the ${ownAnswerMs} ms that the provider itself takes`, deadMs, 100)];
}

async function killWarm(world: World, calls: number, seed: number): Promise<readonly number[]> {
  const [first, next] = [world.panel("openai"), world.panel("gemini")];
  // The first answer proves the link, and a standby is opened; the second stops in the middle.
  first.script = (told) =>
    [
      { text: "Good day.", ms: 300 },
      { text: "Certainly.", ms: 300 },
    ][turnsOf(told)] ?? { text: "There is much to be said", ms: 8_000, holdAtMs: 400 };
  next.script = () => ({ text: successor, ms: 400 });
  const callers = await Promise.all(Array.from({ length: calls }, (_, at) => warmedUp(world, question(seed * 1_000 + at, askMs))));
  while (next.open < calls) await delay(20);
  next.slow(ownAnswerMs);
  for (const [at, caller] of callers.entries()) void caller.says(question(seed * 1_000 + 500 + at, askMs));
  await delay(killAfterMs);
  const killedMs = callers.map(({ nowMs }) => nowMs);
  const sounds = callers.map((caller) => firstSoundOf(caller, successor));
  first.refuse(503);
  first.drop("rst");
  return Promise.all(
    callers.map(async (caller, at) => {
      await using _ = caller;
      return ((await sounds[at]) ?? Number.NaN) - (killedMs[at] ?? 0) - ownAnswerMs;
    }),
  );
}

async function warmedUp(world: World, said: Int16Array): Promise<Caller> {
  const caller = await world.dials({ agent: "warm" });
  await caller.hears();
  const answer = caller.hears();
  await caller.says(said);
  await answer;
  return caller;
}
