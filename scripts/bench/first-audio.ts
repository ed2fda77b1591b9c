// What the pipeline (language model, voice) itself adds between the caller's turn and the first sound of the answer:
// `node scripts/bench/first-audio.ts [rounds]`. Its services are fakes on this machine; the model waits a known time before its first
// word, the voice none. The turn is typed, so that no end of speech has to be guessed; `llm-first-token.ts` asks the model's stage alone.
import { startDeepgramFake } from "../../src/fakes/deepgram/deepgram.ts";
import type { LinkNotice } from "../../src/provider/contract.ts";
import { deepgram } from "../../src/provider/deepgram/deepgram.ts";
import { fakeBench } from "../../test/provider/bench.ts";
import { Line } from "../../test/provider/line.ts";

const rounds = Number(process.argv[2] ?? 100);
const modelMs = 20;
const answerLimitMs = 10_000;
/** Between two answers: whatever the one before still does is over. */
const pauseMs = 50;

const fake = await startDeepgramFake({ haste: 20, flushWindowMs: 100 });
fake.llm.firstFrameMs = modelMs;
await using bench = await fakeBench(fake, deepgram);

interface Answer {
  /** When its first sound came. */
  soundMs: number | undefined;
  readonly ended: () => void;
  readonly failed: (why: Error) => void;
}
let answer: Answer | undefined;
const notice = (told: LinkNotice): void => {
  if (told.type === "agent.ended") answer?.ended();
  else if (told.type === "link.lost") answer?.failed(told.fault);
};
const audio = (): void => {
  if (answer !== undefined) answer.soundMs ??= performance.now();
};
const link = await bench.provider.open({ ...new Line(bench).request, report: { audio, notice } });

async function ask(): Promise<number> {
  fake.panel.reply({ text: "Certainly, one moment.", ms: 200 });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const limit = setTimeout(() => reject(new Error(`no answer within ${answerLimitMs} ms`)), answerLimitMs);
  answer = { soundMs: undefined, ended: resolve, failed: reject };
  const askedMs = performance.now();
  link.takeText("Is Friday free?");
  await promise;
  clearTimeout(limit);
  await new Promise((done) => setTimeout(done, pauseMs));
  return (answer.soundMs ?? Number.NaN) - askedMs - modelMs;
}

const first = await ask();
const times: number[] = [];
for (let round = 0; round < rounds; round += 1) times.push(await ask());
times.sort((one, other) => one - other);
const at = (share: number): string => (times[Math.floor(share * (times.length - 1))] ?? Number.NaN).toFixed(2);
console.log(
  `from the caller's turn to the first sound of the answer, less the model's ${modelMs} ms: ` +
    `p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, p99 ${at(0.99)} ms of ${rounds}; the first answer of a call ${first.toFixed(1)} ms`,
);
link.close();
