import { expect, test } from "vitest";
import { everyBeat } from "../../src/provider/beats.ts";
import { SimulatedClock } from "../simulated-clock.ts";

test("every link beats twice a second, not all in the same instant, and all with one timer", async () => {
  const clock = new SimulatedClock();
  const beats = new Map<number, number[]>();
  const links = Array.from({ length: 25 }, (_, link) => {
    const own: number[] = [];
    beats.set(link, own);
    return everyBeat(clock, () => own.push(clock.now()));
  });
  expect(clock.armed).toBe(1);
  await clock.advance(2_000);
  for (const own of beats.values()) {
    expect(own).toHaveLength(4);
    for (const [at, ms] of own.entries()) if (at > 0) expect(ms - (own[at - 1] ?? 0)).toBe(500);
  }
  expect(new Set([...beats.values()].map(([first]) => first)).size).toBe(10);
  expect(clock.armed).toBe(1);
  for (const link of links) link[Symbol.dispose]();
  expect(clock.armed).toBe(0);
});

test("a link that leaves beats no more, one that joins later does, and one that leaves twice takes nobody else's place", async () => {
  const clock = new SimulatedClock();
  let left = 0;
  let stayed = 0;
  const leaving = everyBeat(clock, () => (left += 1));
  const staying = everyBeat(clock, () => (stayed += 1));
  leaving[Symbol.dispose]();
  leaving[Symbol.dispose]();
  await clock.advance(1_000);
  expect([left, stayed]).toEqual([0, 2]);
  staying[Symbol.dispose]();
  await clock.advance(1_000);
  let later = 0;
  using _ = everyBeat(clock, () => (later += 1));
  await clock.advance(1_000);
  expect([stayed, later]).toEqual([2, 2]);
});
