import { expect, test } from "vitest";
import { Playback } from "../../scripts/caller/playback.ts";

const ms = (duration: number): Uint8Array => new Uint8Array(duration * 48);

test("audio is heard at the pace of time, whatever the pace it came at", () => {
  const playback = new Playback("pcm16@24000");
  playback.take("t1", ms(100), 1_000);
  playback.take("t1", ms(100), 1_010);
  expect(playback.advance(1_050)).toEqual([{ turnId: "t1", ms: 50 }]);
  expect(playback.advance(1_150)).toEqual([{ turnId: "t1", ms: 150 }]);
  expect(playback.isPlaying(1_199)).toBe(true);
  expect(playback.advance(1_300)).toEqual([{ turnId: "t1", ms: 200 }]);
  expect(playback.isPlaying(1_300)).toBe(false);
  expect(playback.advance(1_400)).toEqual([]);
  expect(playback.turns).toEqual([{ turnId: "t1", startMs: 1_000, endMs: 1_200, heardMs: 200 }]);
});

test("a flush stops at the sample and says what was heard; the next turn begins at once", () => {
  const playback = new Playback("pcm16@24000");
  playback.take("t1", ms(300), 0);
  expect(playback.flush(120)).toEqual({ turnId: "t1", ms: 120 });
  playback.take("t2", ms(100), 130);
  playback.advance(500);
  expect(playback.turns).toMatchObject([
    { turnId: "t1", heardMs: 120, endMs: 120 },
    { turnId: "t2", startMs: 130, heardMs: 100 },
  ]);
  expect(playback.heard.map(({ atMs, bytes }) => [atMs, bytes.length / 48])).toEqual([
    [0, 120],
    [130, 100],
  ]);
});
