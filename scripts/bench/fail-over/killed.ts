import { setTimeout as delay } from "node:timers/promises";
import type { ToldItem } from "../../../src/fakes/panel.ts";
import { seededRandom, type Random } from "../../../src/kernel/random.ts";
import type { Caller } from "../../caller/caller.ts";
import { firstSoundOf } from "./ear.ts";
import { allFigure, mostFigure, timesFigure, type Figure } from "./figure.ts";
import { question, timesHeard } from "./question.ts";
import { openWorld, uplinkLost, type World } from "./world.ts";

/** What a call is in the middle of when its provider is killed. */
const moments = ["question", "answer", "pause"] as const;
type Moment = (typeof moments)[number];

/** What became of one call. */
interface Survivor {
  readonly moment: Moment;
  /** From the kill until the caller was told who has the call now. */
  readonly liveMs: number;
  /** The silence that the caller heard: from the kill, or from the last word of a question, to the first sound. Undefined: nothing was owed. */
  readonly silenceMs: number | undefined;
  /** How often the question arrived whole at the provider that took over. Undefined: none was being asked. */
  readonly arrived: number | undefined;
}

const callsAtOnce = 24;
const questionMs = 3_000;
const askMs = 1_000;
/** From the first word of whoever asks longest to the kill. */
const killAfterMs = 2_600;
const successor = "The next one is here.";
const byCaller = ({ by }: ToldItem): boolean => by === "caller";

/** A provider that is killed under its calls, and refuses to come back. */
export async function killed(runs: number, seed: number, told: (words: string) => void): Promise<readonly Figure[]> {
  const survivors: Survivor[] = [];
  const lost = { ms: 0, chunks: 0, calls: 0 };
  for (let batch = 0; survivors.length + lost.calls < runs; batch += 1) {
    await using world = await openWorld(["openai", "gemini"]);
    const results = await Promise.allSettled(
      await killUnder(world, Math.min(callsAtOnce, runs - survivors.length - lost.calls), seed + batch),
    );
    for (const result of results) {
      if (result.status === "fulfilled") survivors.push(result.value.survivor);
      else told(`a call was lost: ${String(result.reason)}`);
      if (result.status === "rejected") lost.calls += 1;
      else lost.chunks += result.value.lostChunks;
    }
    lost.ms += 1_000 * (await world.metric(uplinkLost));
    told(`killed: ${survivors.length + lost.calls} of ${runs}`);
  }
  const of = (moment: Moment): readonly Survivor[] => survivors.filter((each) => each.moment === moment);
  const silences = (moment: Moment): readonly number[] => of(moment).flatMap(({ silenceMs }) => silenceMs ?? []);
  return [
    allFigure("provider killed in mid-call and refusing: calls that go on", survivors.length, runs),
    timesFigure(
      "from the kill to the next provider live",
      survivors.map(({ liveMs }) => liveMs),
      1_000,
    ),
    timesFigure("killed in an answer: silence until the first sound", silences("answer"), 1_500),
    timesFigure("killed in a question: from its last word to the first sound", silences("question"), 1_500),
    allFigure(
      "questions of 3 s that were cut and arrived at the next provider whole, once and in order, sample for sample",
      of("question").filter(({ arrived }) => arrived === 1).length,
      of("question").length,
    ),
    mostFigure("caller audio lost, ms by the server's count", lost.ms, 0),
    mostFigure("caller audio not sent, chunks by the callers' count", lost.chunks, 0),
  ];
}

interface Told {
  readonly survivor: Survivor;
  readonly lostChunks: number;
}

async function killUnder(world: World, calls: number, seed: number): Promise<readonly Promise<Told>[]> {
  const random = seededRandom(seed);
  const [first, next] = [world.panel("openai"), world.panel("gemini")];
  first.script = (told) =>
    told.some(byCaller) ? { text: "There is much to be said about that", ms: 8_000, holdAtMs: 600 } : { text: "Good day.", ms: 300 };
  next.script = () => ({ text: successor, ms: 400 });
  const callers = await Promise.all(
    Array.from({ length: calls }, async () => {
      await delay(random.next() * 500);
      const caller = await world.dials();
      await caller.hears();
      return caller;
    }),
  );
  const asked = callers.map((caller, at) =>
    speak(caller, moments[at % moments.length] ?? "pause", question(seed * 1_000 + at, questionMs), random),
  );
  await delay(killAfterMs);
  const killedMs = callers.map(({ nowMs }) => nowMs);
  const live = callers.map((caller) => caller.until((message) => message.type === "handed-over").then(() => caller.nowMs));
  first.refuse(503);
  first.drop("rst");
  return callers.map(async (caller, at) => {
    await using _ = caller;
    const moment = moments[at % moments.length] ?? "pause";
    const fromMs = killedMs[at] ?? 0;
    const liveMs = ((await live[at]) ?? 0) - fromMs;
    const { said, endMs } = await (asked[at] ?? Promise.reject(new Error("nobody asked")));
    const silenceMs = moment === "pause" ? undefined : Math.max(0, (await firstSoundOf(caller, successor)) - Math.max(fromMs, endMs));
    await goesOn(caller, seed * 1_000 + 500 + at);
    const arrived = moment === "question" ? next.audioHeard().reduce((sum, heard) => sum + timesHeard(heard, said), 0) : undefined;
    return { survivor: { moment, liveMs, silenceMs, arrived }, lostChunks: caller.lost.uplinkChunks };
  });
}

/** What there is to be in the middle of; with when the last word was said. */
async function speak(caller: Caller, moment: Moment, long: Int16Array, random: Random): Promise<{ said: Int16Array; endMs: number }> {
  const said = moment === "question" ? long : long.subarray(0, 16 * askMs);
  await delay(moment === "question" ? 100 + random.next() * 2_000 : random.next() * 400);
  if (moment !== "pause") await caller.says(said);
  return { said, endMs: caller.nowMs };
}

async function goesOn(caller: Caller, seed: number): Promise<void> {
  await caller.quiet(20_000);
  const answer = caller.hears();
  await caller.says(question(seed, askMs));
  await answer;
}
