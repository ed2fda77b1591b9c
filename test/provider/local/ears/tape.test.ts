import { expect, test } from "vitest";
import { Tape } from "../../../../src/provider/local/ears/tape.ts";

const counting = (from: number, length: number): Int16Array => Int16Array.from({ length }, (_, at) => from + at);
const bytesOf = (samples: Int16Array): Uint8Array => new Uint8Array(samples.buffer);

test("a cut finds its samples across the tape's seam", () => {
  const tape = new Tape(10);
  tape.write(bytesOf(counting(0, 150)));
  tape.write(bytesOf(counting(150, 100)));
  expect(tape.written).toBe(250);
  expect(tape.cut(8, 15)).toEqual(counting(128, 112));
});

test("bytes at an odd address are read as they are", () => {
  const tape = new Tape(10);
  const shifted = new Uint8Array(33);
  shifted.set(bytesOf(counting(700, 16)), 1);
  tape.write(shifted.subarray(1));
  expect(tape.cut(0, 1)).toEqual(counting(700, 16));
});
