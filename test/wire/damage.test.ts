import { afterAll, beforeAll, expect, test } from "vitest";
import { seededRandom } from "../../src/kernel/random.ts";
import { anyStream } from "./any-stream.ts";
import { ownPeer, play, wsPeer, type Peer } from "./torture.ts";

let ours: Peer;
let theirs: Peer;
beforeAll(async () => {
  [ours, theirs] = await Promise.all([ownPeer(), wsPeer()]);
});
afterAll(async () => {
  await Promise.all([ours[Symbol.asyncDispose](), theirs[Symbol.asyncDispose]()]);
});

const seeds = Array.from({ length: 120 }, (_, at) => at + 1);

/** A stream of which a few bits fell over, and the pieces in which it comes. */
function damaged(seed: number): Buffer[] {
  const random = seededRandom(seed);
  const stream = anyStream(() => random.next());
  for (let flips = 1 + Math.floor(random.next() * 4); flips > 0; flips -= 1) {
    const at = Math.floor(random.next() * stream.length);
    stream[at] = (stream[at] ?? 0) ^ (1 << Math.floor(random.next() * 8));
  }
  const middle = Math.floor(random.next() * stream.length);
  return [stream.subarray(0, middle), stream.subarray(middle)];
}

test.for(seeds)("what is made of a damaged stream is what ws makes of it (seed %i)", { timeout: 15_000 }, async (seed) => {
  const pieces = damaged(seed);
  const [ourVerdict, theirVerdict] = await Promise.all([play(ours, { pieces, ends: "fin" }), play(theirs, { pieces, ends: "fin" })]);
  // We refuse bad text with the fragment it comes in, ws when its message is whole: then they may have heard more than we.
  if (ourVerdict.close === 1007 && theirVerdict.close !== 1007) {
    expect(theirVerdict.replies.slice(0, ourVerdict.replies.length)).toEqual(ourVerdict.replies);
  } else expect(ourVerdict).toEqual(theirVerdict);
});
