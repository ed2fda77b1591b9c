import { join } from "node:path";
import { expect, test } from "vitest";
import type { ServerMessage } from "../../scripts/caller/wire.ts";
import { samplesOf } from "../provider/local/ears/recordings.ts";
import { startCloud } from "./cloud.ts";

const words = samplesOf(join(import.meta.dirname, "../../fixtures/speech/ps_cards_001.wav"));
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
