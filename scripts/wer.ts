// Plays every speech fixture to the ears of the local provider, as recorded and by telephone, and prints what they heard.
// node scripts/wer.ts [--weights tiny|base] [--runtime auto|native|wasm] [--pad BEFORE_MS,AFTER_MS] [--folder fixtures/speech]
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { systemClock } from "../src/kernel/clock.ts";
import { silentLog } from "../src/kernel/log.ts";
import { createEars } from "../src/provider/local/ears/ears.ts";
import { modelFile } from "../src/provider/local/models.ts";
import {
  byTelephone,
  concatenated,
  heardIn,
  recordings,
  samplesOf,
  silence,
  speechFolder,
  turnsIn,
} from "../test/provider/local/ears/recordings.ts";
import { wordErrors } from "../test/wer.ts";

const { values } = parseArgs({
  options: {
    weights: { type: "string", default: "tiny" },
    runtime: { type: "string", default: "auto" },
    pad: { type: "string", default: "200,300" },
    folder: { type: "string", default: speechFolder },
  },
});
const [beforeMs = 0, afterMs = 0] = values.pad.split(",").map(Number);
const began = performance.now();
const ears = await createEars({
  clock: systemClock,
  log: silentLog,
  modelFile,
  weights: values.weights === "base" ? "base" : "tiny",
  runtime: values.runtime === "native" || values.runtime === "wasm" ? values.runtime : "auto",
  padding: { beforeMs, afterMs },
});
const { runtime, warmUpMs } = ears.status();
console.log(
  `${values.weights} ${String(runtime)}, started in ${Math.round(performance.now() - began)} ms, ${String(warmUpMs)} ms of processor time a second of audio, ${ears.capacity} calls`,
);

for (const [band, heardAs] of [
  ["wide", (samples: Int16Array) => samples],
  ["phone", byTelephone],
] as const) {
  let [errors, words, ms] = [0, 0, 0];
  const began = { at: performance.now(), cpu: process.cpuUsage(), children: childrenCpuMs() };
  for (const { file, text } of recordings(values.folder)) {
    const samples = heardAs(samplesOf(file));
    const turns = turnsIn(await heardIn(ears, concatenated(silence(500), samples, silence(2_500))));
    const result = wordErrors(text, turns.join(" "));
    errors += result.errors;
    words += result.words;
    ms += samples.length / 16;
    console.log(
      `${band.padEnd(5)} ${basename(file).padEnd(34)} ${result.errors}/${result.words}  ${text}\n${" ".repeat(41)}heard: ${turns.join(" | ")}`,
    );
  }
  const cpu = process.cpuUsage(began.cpu);
  const perSecond = (used: number): string => (used / ms).toFixed(3);
  console.log(
    `${band}: ${((100 * errors) / words).toFixed(2)} % word errors (${errors}/${words}); processor seconds per second of speech: recognition ${perSecond(childrenCpuMs() - began.children)}, ` +
      `voice activity and all else ${perSecond((cpu.user + cpu.system) / 1000)}; ${(ms / (performance.now() - began.at)).toFixed(1)} times as fast as speech\n`,
  );
}
await ears.close();

function childrenCpuMs(): number {
  return Number(ears.status()["cpuMs"]);
}
