import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import type { ServerMessage } from "../../scripts/caller/wire.ts";
import { samplesOf } from "../provider/local/ears/recordings.ts";
import { startCloud } from "./cloud.ts";

const words = samplesOf(join(import.meta.dirname, "../../fixtures/speech/ps_cards_001.wav"));
const patient = { timeout: 15_000 };
const long = "There are a great many things to be said about our menu, and I shall say all of them.";

test("a reply that is dropped before the caller's words are final is carried on once, without a cut", { timeout: 20_000 }, async () => {
  await using cloud = await startCloud("gemini", "openai");
  const [from, to] = [cloud.panel("gemini"), cloud.panel("openai")];
  await using caller = await cloud.answers();
  const messages: ServerMessage[] = [];
  caller.on((message) => messages.push(message));
  from.callerSays("What is on the menu?");
  from.reply({ text: long, ms: 8_000, holdAtMs: 1_500 });
  to.callerSays("What is on the menu?");
  to.reply("And so I have.", "A second answer.");
  const speaking = caller.until((message) => message.type === "phase" && message.phase === "speaking");
  const said = caller.says(words);
  await speaking;
  await said;
  from.refuse(503);
  from.drop("rst");
  await caller.quiet(10_000);
  // The replayed turn barges in on the carried-on reply: the caller hears the line flushed, and a second answer.
  expect(messages.filter(({ type }) => type === "flush")).toEqual([]);
  expect(to.last.answers).toBe(1);
});

describe("the first request that is made for a call after a hand-over", () => {
  test("notes from whom the call comes and why, and no other request does", { timeout: 20_000 }, async () => {
    await using cloud = await startCloud("gemini", "openai");
    const [from, to] = [cloud.panel("gemini"), cloud.panel("openai")];
    await using caller = await cloud.answers();
    from.refuse(503);
    to.reply("I am the next one.", "Still me.");
    const moved = caller.until(({ type }) => type === "handed-over");
    from.drop("rst");
    await moved;
    for (const words of ["I am the next one.", "Still me."]) {
      caller.types("Who is there?");
      await vi.waitFor(() => expect(caller.turns.map(({ text }) => text).join("\n")).toContain(words), patient);
    }
    expect(to.last.metadata).toEqual([
      expect.objectContaining({ handover_from: "gemini", handover_cause: "provider-dropped", handover_mode: "failover" }),
      { ask: expect.any(String) },
    ]);
    expect(cloud.violations()).toEqual([]);
  });

  test("notes a move that somebody asked for as planned; a call that begins has nothing to note", { timeout: 20_000 }, async () => {
    await using cloud = await startCloud("openai", "azure");
    const [from, to] = [cloud.panel("openai"), cloud.panel("azure")];
    await using caller = await cloud.answers();
    to.reply("I am the next one.");
    const moved = caller.until(({ type }) => type === "handed-over");
    const switched = `${cloud.url}v1/calls/${caller.callId}/switch`;
    const asked = await fetch(switched, { method: "POST", body: JSON.stringify({ provider: "azure" }) });
    expect(asked.status).toBe(200);
    await moved;
    caller.types("Who is there?");
    await vi.waitFor(() => expect(caller.turns.map(({ text }) => text).join("\n")).toContain("I am the next one."), patient);
    expect(to.last.metadata).toEqual([
      expect.objectContaining({ handover_from: "openai", handover_cause: "asked", handover_mode: "planned" }),
    ]);
    expect(from.last.metadata).toEqual([{ ask: expect.any(String) }]);
    expect(cloud.violations()).toEqual([]);
  });
});
