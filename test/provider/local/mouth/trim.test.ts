import { expect, test } from "vitest";
import { trimmed } from "../../../../src/provider/local/mouth/trim.ts";

const ms = (duration: number): number => duration * 16;

test("outer silence becomes 10 ms before and the gap after; pauses inside stay", () => {
  const samples = new Int16Array(ms(1_000));
  samples.fill(2_000, ms(200), ms(300)).fill(-2_000, ms(500), ms(600));
  const speech = new Int16Array(trimmed(samples, 150).buffer);
  expect(speech.length).toBe(ms(10 + 400 + 150));
  expect(speech.findIndex((sample) => sample !== 0)).toBe(ms(10));
  expect(speech.findLastIndex((sample) => sample !== 0)).toBe(ms(410) - 1);
});

test("silence alone is nothing", () => {
  expect(trimmed(new Int16Array(ms(500)), 200)).toHaveLength(0);
  expect(trimmed(new Int16Array(0), 200)).toHaveLength(0);
});
