// From the caller's first sound to silence of the playback, in Chromium on the whole server: node scripts/bench/barge-in.ts [--raw] [--calls 22]
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { concatenated, recordings, samplesOf, silence } from "../../test/provider/local/ears/recordings.ts";
import { startServer } from "../../test/scenario/server.ts";
import { visit, type Tape } from "../../test/scenario/visitor.ts";

const { values } = parseArgs({ options: { raw: { type: "boolean", default: false }, calls: { type: "string", default: "22" } } });
const targetMs = 200;
/** The greeting has begun by then, and goes on for some seconds more. */
const speaksAfterMs = 4_000;

/** One barge-in, ms after the caller's first sound left the microphone. */
interface BargeIn {
  /** The page was told to stop. */
  readonly toldMs: number;
  /** The last sound left for the loudspeaker. */
  readonly silentMs: number;
  /** What the browser adds between leaving and being heard, not counted above. */
  readonly outputMs: number;
}

await using server = await startServer();
const measured: BargeIn[] = [];
const voices = recordings();
for (const { file } of Array.from({ length: Number(values.calls) }, (_, at) => voices[at % voices.length]).filter(
  (voice) => voice !== undefined,
)) {
  const bargeIn = await bargeInOf(samplesOf(file));
  console.log(`${basename(file).padEnd(34)} ${wordsFor(bargeIn)}`);
  if (bargeIn !== undefined) measured.push(bargeIn);
}
for (const [name, share] of [
  ["median", 0.5],
  ["p95", 0.95],
  ["max", 1],
] as const) {
  const figure = (of: keyof BargeIn): string =>
    `${Math.round(
      quantile(
        measured.map((each) => each[of]),
        share,
      ),
    )} ms`;
  console.log(
    `${name.padEnd(6)} silence after ${figure("silentMs")} (told after ${figure("toldMs")}), of ${measured.length}; target ${targetMs} ms`,
  );
}

async function bargeInOf(said: Int16Array): Promise<BargeIn | undefined> {
  await using visitor = await visit(server.url, concatenated(silence(speaksAfterMs), said), { taped: true, raw: values.raw });
  await visitor.page.getByRole("button", { name: "Start the call" }).click();
  await visitor.page.locator(".turn.interrupted").waitFor({ timeout: 20_000 });
  await visitor.page.locator(".turn.caller.final").first().waitFor({ timeout: 20_000 });
  return measure(await visitor.tape());
}

function measure({ caller, agent, flushes, rateHz, outputLatencyMs }: Tape): BargeIn | undefined {
  const spokeAt = firstSound(caller, rateHz);
  const toldAt = flushes.find((at) => at > spokeAt);
  if (toldAt === undefined) return undefined;
  const nextSound = agent.findIndex((sample, at) => at > toldAt + rateHz / 4 && sample !== 0);
  const silentAt = agent
    .subarray(0, nextSound < 0 ? agent.length : nextSound)
    .findLastIndex((sample, at) => sample !== 0 && at < toldAt + rateHz / 4);
  const ms = (samples: number): number => (1_000 * samples) / rateHz;
  // Where the greeting drew breath just then, silence came before the message; it counts from the message all the same.
  return { toldMs: ms(toldAt - spokeAt), silentMs: ms(Math.max(toldAt, silentAt) - spokeAt), outputMs: outputLatencyMs };
}

/** The first of two windows of 10 ms that reach 6 % of the loudest: breath before that is no word yet. */
function firstSound(samples: Float32Array, rateHz: number): number {
  const window = Math.round(rateHz / 100);
  const levels = Array.from({ length: Math.floor(samples.length / window) }, (_, at) =>
    Math.sqrt(samples.subarray(at * window, (at + 1) * window).reduce((sum, sample) => sum + sample * sample, 0) / window),
  );
  const enough = Math.max(...levels) * 0.06;
  return levels.findIndex((level, at) => level > enough && (levels[at + 1] ?? 0) > enough) * window;
}

function wordsFor(bargeIn: BargeIn | undefined): string {
  if (bargeIn === undefined) return "the greeting was not cut";
  const [told, silent, output] = [bargeIn.toldMs, bargeIn.silentMs, bargeIn.outputMs].map(Math.round);
  return `silent after ${silent} ms (told after ${told} ms; the loudspeaker's own delay is ${output} ms)`;
}

function quantile(figures: readonly number[], share: number): number {
  const sorted = figures.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
