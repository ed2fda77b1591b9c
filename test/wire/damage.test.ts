import { afterAll, beforeAll, expect, test } from "vitest";
import { seededRandom } from "../../src/kernel/random.ts";
import { damaged } from "./any-stream.ts";
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

test.for(seeds)("what is made of a damaged stream is what ws makes of it (seed %i)", { timeout: 15_000 }, async (seed) => {
  const pieces = damaged(seededRandom(seed));
  const [ourVerdict, theirVerdict] = await Promise.all([play(ours, { pieces, ends: "fin" }), play(theirs, { pieces, ends: "fin" })]);
  // We refuse bad text with the fragment it comes in, ws when its message is whole: then they may have heard more than we.
  if (ourVerdict.close === 1007 && theirVerdict.close !== 1007) {
    expect(theirVerdict.replies.slice(0, ourVerdict.replies.length)).toEqual(ourVerdict.replies);
  } else expect(ourVerdict).toEqual(theirVerdict);
});
