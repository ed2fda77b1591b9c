import { setTimeout as delay } from "node:timers/promises";
import { firstSound } from "./ear.ts";
import { allFigure, mostFigure, timesFigure, type Figure } from "./figure.ts";
import { question } from "./question.ts";
import { openWorld, type World } from "./world.ts";

const callsAtOnce = 20;
const awayMs = 5_000;
const answerMs = 4_000;
const cutAtMs = 1_000;

interface Returned {
  readonly isSame: boolean;
  /** From the knock to the first sound. */
  readonly soundMs: number;
  /** Of the answer that was playing when the line broke: what was never heard. */
  readonly unheardMs: number;
  readonly wentOn: boolean;
}

/** Browsers that are cut off in an answer, and come back by their token. */
export async function legAway(runs: number, seed: number): Promise<readonly Figure[]> {
  const returned: Returned[] = [];
  for (let batch = 0; returned.length < runs; batch += 1) {
    await using world = await openWorld(["openai"]);
    world.panel("openai").script = (told) =>
      told.some(({ by }) => by === "caller") ? { text: "That takes a while to tell you.", ms: answerMs } : { text: "Good day.", ms: 200 };
    const calls = Math.min(callsAtOnce, runs - returned.length);
    returned.push(...(await Promise.all(Array.from({ length: calls }, (_, at) => comeBack(world, (seed + batch) * 1_000 + at)))));
  }
  return [
    allFigure(
      `browser away for ${awayMs / 1_000} s: back in the same call, and answered there`,
      returned.filter(({ isSame, wentOn }) => isSame && wentOn).length,
      runs,
    ),
    timesFigure(
      "from its knock to the rest of the answer",
      returned.map(({ soundMs }) => soundMs),
      1_000,
    ),
    mostFigure("of the answer never heard, ms at most", Math.max(0, ...returned.map(({ unheardMs }) => Math.round(unheardMs))), 20),
  ];
}

async function comeBack(world: World, seed: number): Promise<Returned> {
  const caller = await world.dials();
  await caller.hears();
  const speaking = caller.until((message) => message.type === "phase" && message.phase === "speaking");
  await caller.says(question(seed, 1_000));
  await speaking;
  await delay(cutAtMs);
  const turnId = caller.playback.turns.at(-1)?.turnId ?? "";
  const heardOf = (of: typeof caller): number => of.playback.turns.find((turn) => turn.turnId === turnId)?.heardMs ?? 0;
  caller.isCutOff();
  await caller.ended;
  await delay(awayMs);
  await using again = await world.dials({ resume: caller.resumeToken });
  const soundMs = await firstSound(again);
  await again.quiet(20_000);
  const answer = again.hears();
  await again.says(question(seed + 500, 1_000));
  const wentOn = await answer.then(
    () => true,
    () => false,
  );
  return { isSame: again.callId === caller.callId, soundMs, unheardMs: Math.max(0, answerMs - heardOf(caller) - heardOf(again)), wentOn };
}
