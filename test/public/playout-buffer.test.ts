import fc from "fast-check";
import { expect, test } from "vitest";
import { PlayoutBuffer, type Playback } from "../../public/client/playout-buffer.js";

const rateHz = 8_000;
const perMs = rateHz / 1000;

class Bench {
  readonly told: Playback[] = [];
  readonly buffer = new PlayoutBuffer({ rateHz, capacityMs: 1_000, reportEveryMs: 100, tell: (playback) => this.told.push(playback) });

  write(ms: number, turnId: string, value = 0.5): void {
    this.buffer.write(new Float32Array(ms * perMs).fill(value), turnId);
  }

  read(ms: number): Float32Array {
    const out = new Float32Array(ms * perMs);
    this.buffer.read(out);
    return out;
  }
}

const steepest = (samples: Float32Array): number =>
  samples.reduce((most, sample, i) => (i === 0 ? 0 : Math.max(most, Math.abs(sample - (samples[i - 1] ?? 0)))), 0);

test("a turn starts when the target is queued", () => {
  const bench = new Bench();
  bench.write(40, "t1");
  expect(Math.max(...bench.read(10))).toBe(0);
  bench.write(20, "t1");
  expect(Math.max(...bench.read(20))).toBe(0.5);
});

test("a turn shorter than the target is played too, after the target's time", () => {
  const bench = new Bench();
  bench.write(20, "t1");
  const heard = bench.read(120);
  expect(heard.findIndex((sample) => sample !== 0) / perMs).toBeCloseTo(bench.buffer.targetMs, 0);
  expect(bench.told).toEqual([{ type: "dry", turnId: "t1", ms: 20 }]);
});

test("what was played is reported every 100 ms, when the next turn takes over, and at the end", () => {
  const bench = new Bench();
  bench.write(250, "t1");
  bench.write(80, "t2");
  bench.read(500);
  expect(bench.told).toEqual([
    { type: "progress", turnId: "t1", ms: 100 },
    { type: "progress", turnId: "t1", ms: 200 },
    { type: "progress", turnId: "t1", ms: 250 },
    { type: "dry", turnId: "t2", ms: 80 },
  ]);
});

test("a flush is silent within 20 ms, reports what was heard, and does not click", () => {
  const bench = new Bench();
  bench.write(400, "t1");
  bench.read(100);
  bench.told.length = 0;
  bench.buffer.flush();
  const after = bench.read(40);
  expect(after.findLastIndex((sample) => sample !== 0) / perMs).toBeLessThan(10);
  expect(steepest(after)).toBeLessThan(0.02);
  expect(bench.told).toEqual([{ type: "flushed", turnId: "t1", ms: 108 }]);
  expect(bench.buffer.queuedMs).toBe(0);
});

test("what comes after a flush is a turn of its own, even while the cut still fades", () => {
  const bench = new Bench();
  bench.write(400, "t1");
  bench.read(100);
  bench.buffer.flush();
  bench.write(100, "t2", 0.25);
  bench.buffer.flush();
  bench.write(100, "t3", 0.25);
  const heard = bench.read(300);
  expect(Math.max(...heard)).toBeLessThanOrEqual(0.5);
  expect(bench.told.filter(({ type }) => type !== "progress")).toEqual([
    { type: "flushed", turnId: "t1", ms: 108 },
    { type: "dry", turnId: "t3", ms: 100 },
  ]);
});

test("a flush of a turn that was never heard reports nothing heard", () => {
  const bench = new Bench();
  bench.write(30, "t1");
  bench.buffer.flush();
  expect(bench.told).toEqual([{ type: "flushed", turnId: "t1", ms: 0 }]);
});

test("a gap within a turn fades out and in again, is counted, and raises the target", () => {
  const bench = new Bench();
  bench.write(100, "t1");
  bench.read(150);
  bench.write(100, "t1");
  const heard = bench.read(200);
  expect(steepest(heard)).toBeLessThan(0.02);
  expect(bench.buffer.underruns).toBe(1);
  expect(bench.buffer.targetMs).toBe(80);
});

test("a long calm stretch lowers the target again", () => {
  const bench = new Bench();
  bench.write(100, "t1");
  bench.read(150);
  bench.write(100, "t1");
  for (let played = 0; played < 9_000; played += 50) {
    bench.write(50, "t1");
    bench.read(50);
  }
  expect(bench.buffer.targetMs).toBe(70);
});

test("a new answer after a silence is no gap", () => {
  const bench = new Bench();
  bench.write(100, "t1");
  bench.read(1_000);
  bench.write(100, "t2");
  bench.read(300);
  expect(bench.buffer.underruns).toBe(0);
});

test("what does not fit is dropped and counted", () => {
  const bench = new Bench();
  bench.write(1_500, "t1");
  expect(bench.buffer.droppedSamples).toBe(500 * perMs);
  expect(bench.buffer.queuedMs).toBe(1_000);
});

test("however audio comes and goes, every sample of a turn is played once or was flushed or dropped", () => {
  const step = fc.oneof(
    fc.record({ write: fc.integer({ min: 1, max: 300 }), turn: fc.integer({ min: 1, max: 4 }) }),
    fc.record({ read: fc.integer({ min: 1, max: 300 }) }),
    fc.constant({ flush: true }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const bench = new Bench();
      let taken = 0;
      let newest = 0;
      for (const one of steps) {
        if ("write" in one) {
          newest = Math.max(newest, one.turn);
          bench.write(one.write, `t${newest}`);
          taken += one.write * perMs;
        } else if ("read" in one) expect(Math.max(...bench.read(one.read).map(Math.abs))).toBeLessThanOrEqual(0.5);
        else {
          const before = bench.buffer.queuedMs;
          bench.buffer.flush();
          taken -= (before - bench.buffer.queuedMs) * perMs;
        }
      }
      for (let i = 0; i < 8; i += 1) bench.read(200);
      expect(bench.buffer.queuedMs).toBe(0);
      const heard = new Map(bench.told.map(({ turnId, ms }) => [turnId, ms]));
      const played = [...heard.values()].reduce((sum, ms) => sum + ms * perMs, 0);
      expect(played + bench.buffer.droppedSamples).toBeCloseTo(taken, 6);
      for (const [i, { turnId, ms }] of bench.told.entries())
        expect(ms).toBeGreaterThanOrEqual(bench.told.slice(0, i).findLast((report) => report.turnId === turnId)?.ms ?? 0);
    }),
  );
});
