import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tortureCases } from "./torture-cases.ts";
import { closing, frame, ownPeer, play, told, wsPeer, type Peer } from "./torture.ts";

const patience = 15_000;

/** Somebody else's session on the same server. */
async function meanwhile(peer: Peer): Promise<void> {
  const payload = Buffer.from("still there?");
  const verdict = await play(peer, { pieces: [frame({ opcode: 1, payload }), closing(1000)] });
  expect(verdict).toEqual({ status: 101, replies: [told(1, payload)], close: 1000 });
}

describe.each([
  { name: "our framing", open: ownPeer, differs: false },
  { name: "ws", open: wsPeer, differs: true },
])("$name", ({ open, differs }) => {
  let peer: Peer;
  beforeAll(async () => {
    peer = await open();
  });
  afterAll(async () => peer[Symbol.asyncDispose]());

  test.for(tortureCases)("$name", { timeout: patience }, async (torture) => {
    expect(await play(peer, torture)).toEqual((differs ? torture.ws?.verdict : undefined) ?? torture.verdict);
    await meanwhile(peer);
  });
});

test("there are as many cases as were promised, and no two of one name", () => {
  expect(tortureCases.length).toBeGreaterThanOrEqual(520);
  expect(new Set(tortureCases.map(({ name }) => name)).size).toBe(tortureCases.length);
});
