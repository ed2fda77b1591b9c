import { expect, test } from "vitest";
import { AnswerTimer } from "../../src/session/answer-timer.ts";
import type { AnswerTimes } from "../../src/session/words.ts";

const sum = ({ stages }: AnswerTimes): number => Object.values(stages).reduce((total, ms) => total + ms, 0);

test("the wait for an answer is told stage by stage, and the stages are the whole wait", () => {
  const timer = new AnswerTimer();
  timer.owe(1_000, 1_400);
  timer.audioCame(1_950);
  timer.audioCame(2_500);
  expect(timer.sent(1_960)).toEqual({ responseStartMs: 560, latencyMs: 960, oursMs: 10 });
  const times = timer.times(2_040);
  expect(times).toEqual({ totalMs: 1_040, stages: { endpointing: 400, provider: 550, ours: 10, playout: 80 } });
  expect(sum(times ?? { totalMs: 0, stages: {} })).toBe(1_040);
  expect(timer.times(2_100)).toBeUndefined();
});

test.each([
  ["each stage after the other", { words: 1_250, llm: 300, tts: 200 }, { stt: 250, endpointing: 150, llm: 300, tts: 200, provider: 50 }],
  [
    "thinking begun before the turn was over",
    { words: 1_100, llm: 900, tts: 200 },
    { stt: 100, endpointing: 300, llm: 350, tts: 200, provider: 0 },
  ],
  ["an answer that lay ready", { words: 900, llm: 900, tts: 800 }, { stt: 0, endpointing: 400, llm: 0, tts: 550, provider: 0 }],
])("a pipeline's stages add up too: %s", (_, { words, llm, tts }, stages) => {
  const timer = new AnswerTimer();
  timer.worded(words);
  timer.owe(1_000, 1_400);
  timer.partsTold(llm, tts);
  timer.audioCame(1_950);
  timer.sent(1_950);
  const times = timer.times(undefined);
  expect(times).toEqual({ totalMs: 950, stages: { ...stages, ours: 0 } });
  expect(sum(times ?? { totalMs: 0, stages: {} })).toBe(950);
});

test("what tools took is no time of the provider's, whether one ran or several at once, up to the first sound", () => {
  const timer = new AnswerTimer();
  // Of an answer before.
  timer.toolEnded(900);
  timer.owe(1_000, 1_400);
  timer.toolBegan(1_500);
  timer.toolBegan(1_600);
  timer.toolEnded(1_800);
  timer.toolEnded(1_900);
  timer.toolBegan(2_000);
  timer.audioCame(2_100);
  timer.toolEnded(5_000);
  timer.sent(2_100);
  expect(timer.times(undefined)).toEqual({ totalMs: 1_100, stages: { endpointing: 400, tool: 500, provider: 200, ours: 0 } });
  timer.owe(6_000, 6_000);
  timer.toolBegan(6_100);
  timer.audioCame(6_300);
  timer.sent(6_300);
  expect(timer.times(undefined)).toEqual({ totalMs: 300, stages: { endpointing: 0, tool: 200, provider: 100, ours: 0 } });
});

test("audio from which it is seen that the caller's turn is over came right after its end", () => {
  const timer = new AnswerTimer();
  timer.owe(1_000, 1_400);
  timer.audioCame(1_399);
  timer.sent(1_401);
  expect(timer.times(undefined)).toEqual({ totalMs: 401, stages: { endpointing: 400, provider: 0, ours: 1 } });
});

test("where nobody reports what was heard, playout is no part of it", () => {
  const timer = new AnswerTimer();
  timer.owe(0, 100);
  timer.audioCame(300);
  timer.sent(300);
  expect(timer.times(undefined)?.stages).not.toHaveProperty("playout");
});

test("a player's word that comes too early is no negative time", () => {
  const timer = new AnswerTimer();
  timer.owe(0, 100);
  timer.sent(300);
  expect(timer.times(250)).toEqual({ totalMs: 300, stages: { endpointing: 100, provider: 200, ours: 0, playout: 0 } });
});

test("nothing is told of an answer that was not owed, not sent, or dropped", () => {
  const timer = new AnswerTimer();
  expect(timer.sent(5)).toBeUndefined();
  timer.owe(0, 100);
  expect(timer.times(200)).toBeUndefined();
  expect(timer.isOwed).toBe(true);
  timer.drop();
  expect(timer.isOwed).toBe(false);
  expect(timer.sent(300)).toBeUndefined();
});
