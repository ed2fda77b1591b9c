import fc from "fast-check";
import { expect, test } from "vitest";
import { Ring } from "../../src/audio/ring.ts";
import { marked } from "./marked.ts";

const shape = { encoding: "pcmu@8000", chunkMs: 100, chunks: 10, longestMs: 4_000 } as const;
const [ringBytes, longestBytes] = [8_000, 32_000];

function held(ring: Ring): Uint8Array {
  const pieces: Uint8Array[] = [];
  for (let at = ring.start; at < ring.end;) {
    const piece = ring.view(at, ring.end - at);
    expect(piece.length).toBeGreaterThan(0);
    pieces.push(piece);
    at += piece.length;
  }
  return Buffer.concat(pieces);
}

/** How much is needed from before what comes, in bytes: as much as is kept anyway, more, or more than there is room for. */
const back = fc.oneof(fc.nat(ringBytes), fc.nat(longestBytes), fc.nat(2 * longestBytes));
const length = fc.oneof({ weight: 4, arbitrary: fc.constant(160) }, fc.nat(ringBytes), fc.nat(2 * longestBytes));

test("whatever comes and is needed: it keeps its chunks, and what is needed as long as there is room, to the byte", () => {
  fc.assert(
    fc.property(fc.array(fc.record({ length, back, times: fc.integer({ min: 1, max: 60 }) }), { maxLength: 12 }), (spells) => {
      const ring = new Ring(shape);
      let neededFrom = 0;
      let start = 0;
      for (const spell of spells) {
        neededFrom = Math.max(ring.start, ring.end - spell.back);
        for (let time = 0; time < (spell.length === 160 ? spell.times : 1); time += 1) {
          ring.push(marked(ring.end, spell.length), neededFrom);
          start = Math.max(start, Math.min(ring.end - ringBytes, Math.max(neededFrom, ring.end - longestBytes)));
          expect(ring.start).toBe(start);
        }
        expect(Buffer.from(marked(ring.start, ring.end - ring.start)).equals(held(ring))).toBe(true);
      }
    }),
    { numRuns: 200 },
  );
});

test("what one call needed no more is memory for the next, and shows nothing of the first", () => {
  const first = new Ring(shape);
  for (let frame = 0; frame < 400; frame += 1) first.push(new Uint8Array(160).fill(1), 0);
  first.push(new Uint8Array(160).fill(1), first.end);
  const second = new Ring(shape);
  for (let frame = 0; frame < 60; frame += 1) second.push(new Uint8Array(160).fill(2), 0);
  expect(held(second).every((byte) => byte === 2)).toBe(true);
  expect(second.end - second.start).toBe(60 * 160);
});
