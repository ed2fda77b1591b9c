import { expect, test } from "vitest";
import { Fir } from "../../src/audio/fir.ts";
import { seededRandom } from "../../src/kernel/random.ts";

/** The same in JavaScript: four sums of every fourth product, rounded, limited. */
function plain(taps: Float64Array, up: number, down: number, line: readonly number[], count: number, next: number): number[] {
  const rowTaps = taps.length / up;
  const out: number[] = [];
  for (let place = next; place < count * up; place += down) {
    const sums = [0, 0, 0, 0];
    for (let tap = 0; tap < rowTaps; tap += 1)
      sums[tap % 4] = (sums[tap % 4] ?? 0) + (taps[(place % up) * rowTaps + tap] ?? 0) * (line[Math.floor(place / up) + tap] ?? 0);
    const sum = (sums[0] ?? 0) + (sums[1] ?? 0) + ((sums[2] ?? 0) + (sums[3] ?? 0));
    out.push(sum >= 32_767 ? 32_767 : sum <= -32_768 ? -32_768 : Math.floor(sum + 0.5));
  }
  return out;
}

test.each([
  [1, 1],
  [2, 1],
  [3, 1],
  [1, 2],
  [1, 3],
  [3, 2],
  [80, 441],
])("up %i, down %i: the vector loop gives to the bit what the plain one gives", (up, down) => {
  const seed = up * 1_000 + down;
  const random = seededRandom(seed);
  const rowTaps = 4 * (1 + Math.floor(random.next() * 60));
  // So loud that some of what comes out must be limited.
  const taps = Float64Array.from({ length: up * rowTaps }, () => (random.next() - 0.5) * 1.5);
  const fir = new Fir(taps, up, down);
  const line = new Float64Array(rowTaps - 1);
  const out = new Int16Array(10_000);
  const history = [...line];
  let next = 0;
  let limited = 0;
  for (let frame = 0; frame < 20; frame += 1) {
    const samples = Int16Array.from({ length: Math.floor(random.next() * 500) }, () => (random.next() - 0.5) * 65_535);
    const expected = plain(taps, up, down, [...history, ...samples], samples.length, next);
    const made = fir.run(line, samples, next, out, 3);
    expect([...out.subarray(3, 3 + made)], `seed ${seed}, frame ${frame}`).toEqual(expected);
    history.push(...samples);
    history.splice(0, samples.length);
    expect([...line]).toEqual(history);
    next += made * down - samples.length * up;
    limited += expected.filter((sample) => Math.abs(sample) >= 32_767).length;
  }
  expect(limited, `seed ${seed}`).toBeGreaterThan(0);
});

test("filters beyond the memory's first size leave each other as they are", () => {
  const firs = Array.from({ length: 8 }, (_, n) => new Fir(new Float64Array(40_000 * 4).fill(n / 4), 40_000, 1));
  const made = firs.map((fir) => {
    const out = new Int16Array(40_000);
    fir.run(Float64Array.of(100, 100, 100), Int16Array.of(100), 0, out, 0);
    return [out[0], out[39_999]];
  });
  expect(made).toEqual(firs.map((_, n) => [n * 100, n * 100]));
});
