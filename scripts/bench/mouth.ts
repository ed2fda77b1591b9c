// What speaking costs: time a sentence, time from the end of a turn to the first audio, and how late the main loop runs meanwhile.
// node scripts/bench/mouth.ts [--calls 8]
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { systemClock } from "../../src/kernel/clock.ts";
import { silentLog } from "../../src/kernel/log.ts";
import { seededRandom } from "../../src/kernel/random.ts";
import { loadFlow } from "../../src/provider/local/brain/flow.ts";
import { scriptedBrain } from "../../src/provider/local/brain/scripted.ts";
import { LocalLink } from "../../src/provider/local/link.ts";
import { modelFile } from "../../src/provider/local/models.ts";
import { createMouth } from "../../src/provider/local/mouth/mouth.ts";
import type { EarNotice } from "../../src/provider/local/parts.ts";

const { values } = parseArgs({ options: { calls: { type: "string", default: "8" } } });
const calls = Number(values.calls);
const sentences = [
  "Good day, the Blue Lantern here.",
  "We are open Tuesday to Thursday from noon to 10 pm.",
  "Your table for four is booked on Friday at 7:30 pm.",
  "Your order, two pizzas and a salad, is on its way.",
  "For a person, just say so.",
];
const questions = ["What are your opening hours?", "Where are you?", "What can you do?", "Hello.", "Is there parking?"];

const modelPath = await modelFile("flite");
const began = performance.now();
const mouth = await createMouth({ modelPath, voice: undefined, clock: systemClock, log: silentLog });
console.log(`start ${Math.round(performance.now() - began)} ms`);

const delay = monitorEventLoopDelay({ resolution: 1 });
const wanted = new AbortController().signal;
const durations: number[] = [];
let audioMs = 0;
for (let round = 0; round < 20; round += 1)
  for (const sentence of sentences) {
    const from = performance.now();
    audioMs += (await mouth.speak(sentence, undefined, wanted)).length / 32;
    durations.push(performance.now() - from);
  }
const spentMs = durations.reduce((sum, duration) => sum + duration, 0);
console.log(`a sentence ${percentiles(durations)}, ${(spentMs / audioMs).toFixed(4)} s a second of speech, ${durations.length} sentences`);

const brain = scriptedBrain(await loadFlow());
const firsts: number[] = [];
delay.enable();
await Promise.all(Array.from({ length: calls }, (_, index) => talk(index)));
delay.disable();
console.log(`${calls} calls at once: end of turn to first audio ${percentiles(firsts)}, ${firsts.length} turns`);
// The sampling timer itself waits 1 ms.
console.log(`main loop late by p50 ${late(50)}, p99 ${late(99)}, at most ${(delay.max / 1e6 - 1).toFixed(1)} ms`);
console.log(mouth.status());
await mouth.close();

/** One call that asks and is answered, again and again; answers are cut after two seconds as by a caller who has heard enough. */
async function talk(index: number): Promise<void> {
  let tell: (notice: EarNotice) => void = () => {};
  let finishedMs = 0;
  let turnId = "";
  const link = new LocalLink(
    {
      callId: `call_${index}`,
      agent: { name: "desk", instructions: "", greeting: undefined, language: "en-US", voice: undefined, tools: [], providerSettings: {} },
      uplink: "pcm16@16000",
      downlink: "pcm16@16000",
      endpointing: "provider",
      conversation: [],
      begin: "listen",
      resumption: undefined,
      handOver: undefined,
      urgent: false,
      openLimitMs: 5_000,
      signal: wanted,
      clock: systemClock,
      random: seededRandom(index),
      log: silentLog,
      report: {
        audio: (_, id) => {
          if (id !== turnId) firsts.push(performance.now() - finishedMs);
          turnId = id;
        },
        notice: () => {},
      },
    },
    {
      ears: { open: ({ report }) => ((tell = report), { hear: () => true, agentIsSpeaking: () => {}, close: () => {} }) },
      brain,
      mouth,
      models: { ears: "none", mouth: "flite" },
      onClose: () => {},
    },
  );
  for (let turn = 1; turn <= 10; turn += 1) {
    await pause(100 + ((index * 137 + turn * 61) % 400));
    const text = questions[(index + turn) % questions.length] ?? "";
    tell({ type: "caller.spoke", turnId: `c${turn}`, uplinkMs: 0 });
    tell({ type: "caller.transcribed", turnId: `c${turn}`, text, final: true });
    finishedMs = performance.now();
    tell({ type: "caller.finished", turnId: `c${turn}`, uplinkMs: 1_000 });
    await pause(2_000);
    link.interrupt({ turnId, heardMs: 2_000 });
  }
  link.close();
}

function late(percentile: number): string {
  return `${Math.max(0, delay.percentile(percentile) / 1e6 - 1).toFixed(1)} ms`;
}

function percentiles(durations: number[]): string {
  const sorted = durations.toSorted((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(0);
  return `p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, p99 ${at(0.99)} ms`;
}
