import { describe, expect, test } from "vitest";
import { seededRandom } from "../../src/kernel/random.ts";
import { damaged } from "./any-stream.ts";
import { ourClient, playTo, wsClient } from "./mirror.ts";
import { tortureCases } from "./torture-cases.ts";

const patience = 15_000;
// How often a peer may speak is the callers' own limit; no client here has one.
const cases = tortureCases
  .filter(({ name }) => !name.startsWith("handshake") && !name.startsWith("forty-five"))
  .map((torture) => ({ ...torture, name: torture.name.replace("without a mask", "under a mask, which no server may use,") }));

describe.each([
  { name: "our client", client: ourClient, differs: false },
  { name: "the client of ws", client: wsClient, differs: true },
])("$name, of a server's frames", ({ client, differs }) => {
  test.for(cases)("$name", { timeout: patience }, async (torture) => {
    expect(await playTo(client, torture)).toEqual((differs ? torture.ws?.verdict : undefined) ?? torture.verdict);
  });
});

const seeds = Array.from({ length: 60 }, (_, at) => at + 1);

test.for(seeds)(
  "what our client makes of a damaged stream is what that of ws makes of it (seed %i)",
  { timeout: patience },
  async (seed) => {
    const pieces = damaged(seededRandom(seed));
    const [ours, theirs] = await Promise.all([playTo(ourClient, { pieces, ends: "fin" }), playTo(wsClient, { pieces, ends: "fin" })]);
    // We refuse bad text with the fragment it comes in, ws when its message is whole: then it may have heard more than we.
    if (ours.close === 1007 && theirs.close !== 1007) expect(theirs.replies.slice(0, ours.replies.length)).toEqual(ours.replies);
    else expect(ours).toEqual(theirs);
  },
);
