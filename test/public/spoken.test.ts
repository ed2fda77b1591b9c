import { expect, test } from "vitest";
import { Spoken } from "../../public/client/spoken.js";

const frame = (number: number): ArrayBuffer => Uint32Array.of(number).buffer;
const numbers = (spoken: Spoken): number[] => Array.from({ length: spoken.waiting }, () => new Uint32Array(spoken.take())[0] ?? -1);

function saying(frames: number): Spoken {
  const spoken = new Spoken();
  for (let number = 0; number < frames; number += 1) spoken.push(frame(number));
  return spoken;
}

test("what did not arrive, and what was said since, is given again in order", () => {
  const spoken = saying(5);
  spoken.rewind(0);
  expect(numbers(spoken)).toEqual([0, 1, 2, 3, 4]);
  for (let number = 5; number < 8; number += 1) spoken.push(frame(number));
  spoken.rewind(60);
  expect(numbers(spoken)).toEqual([3, 4, 5, 6, 7]);
  expect(spoken.lostFrames).toBe(0);
});

test("a page that was loaded again counts from what the call has had by then", () => {
  const spoken = saying(3);
  spoken.rewind(61_040);
  expect(numbers(spoken)).toEqual([0, 1, 2]);
  spoken.rewind(61_080);
  expect(numbers(spoken)).toEqual([2]);
});

test("ten seconds are kept, and what is pushed out before it was sent is counted", () => {
  const spoken = saying(620);
  expect(spoken.lostFrames).toBe(120);
  expect(numbers(spoken)).toEqual(Array.from({ length: 500 }, (_, at) => 120 + at));
  spoken.rewind(0);
  expect(spoken.lostFrames).toBe(120);
  expect(spoken.waiting).toBe(500);
});

test("a server that has had more than was said, or less than nothing, is not believed", () => {
  const spoken = saying(3);
  spoken.rewind(1_000);
  spoken.rewind(1_000_000);
  expect(spoken.waiting).toBe(0);
  spoken.rewind(-5);
  expect(numbers(spoken)).toEqual([0, 1, 2]);
});
