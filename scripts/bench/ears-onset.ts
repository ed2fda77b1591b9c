// How long after a caller's first sound a barge-in is known, in audio time, over all speech fixtures: node scripts/bench/ears-onset.ts
import { systemClock } from "../../src/kernel/clock.ts";
import { silentLog } from "../../src/kernel/log.ts";
import { Endpointer, usualEndpointing } from "../../src/provider/local/ears/endpointer.ts";
import { frameMs, frameSamples } from "../../src/provider/local/ears/vad-batch.ts";
import { Vad } from "../../src/provider/local/ears/vad.ts";
import { modelFile } from "../../src/provider/local/models.ts";
import { byTelephone, concatenated, recordings, samplesOf, silence } from "../../test/provider/local/ears/recordings.ts";

const leadMs = 1_000;
const vad = await Vad.start({ modelPath: await modelFile("silero-vad"), clock: systemClock, log: silentLog });
for (const band of ["wide", "phone"] as const) {
  const delays: number[] = [];
  for (const { file } of recordings()) {
    const clip = band === "wide" ? samplesOf(file) : byTelephone(samplesOf(file));
    // Frames do not begin where speech does.
    for (const shiftMs of [0, 8, 16, 24]) {
      const samples = concatenated(silence(leadMs + shiftMs), clip);
      delays.push(knownAtMs(await probabilitiesOf(samples)) - firstSoundMs(samples));
    }
  }
  delays.sort((a, b) => a - b);
  const at = (share: number): number => Math.round(delays[Math.floor(delays.length * share)] ?? Number.NaN);
  console.log(`${band}: barge-in known ${at(0.5)} ms (p50), ${at(0.9)} ms (p90) after the first sound, of ${delays.length}`);
}
await vad.close();

function knownAtMs(probabilities: readonly number[]): number {
  const endpointer = new Endpointer(usualEndpointing);
  endpointer.agentIsSpeaking = true;
  return (probabilities.findIndex((probability, frame) => endpointer.hear(frame * frameMs, probability).length > 0) + 1) * frameMs;
}

/** The first of two windows of 10 ms that reach 6 % of the loudest: breath before that is no word yet. */
function firstSoundMs(samples: Int16Array): number {
  const window = 160;
  const levels = Array.from({ length: Math.floor(samples.length / window) }, (_, at) =>
    Math.sqrt(samples.subarray(at * window, (at + 1) * window).reduce((sum, sample) => sum + sample * sample, 0) / window),
  );
  const enough = Math.max(...levels) * 0.06;
  return levels.findIndex((level, at) => level > enough && (levels[at + 1] ?? 0) > enough) * 10;
}

async function probabilitiesOf(samples: Int16Array): Promise<number[]> {
  const wanted = Math.floor(samples.length / frameSamples);
  const probabilities: number[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let taken = 0;
  using _listening = vad.attach({
    take(frame) {
      if (taken === wanted) return false;
      frame.set(samples.subarray(taken * frameSamples, (taken + 1) * frameSamples));
      taken += 1;
      return true;
    },
    judged(probability) {
      probabilities.push(probability);
      if (probabilities.length === wanted) resolve();
    },
    failed: reject,
  });
  vad.wake();
  await promise;
  return probabilities;
}
