import { join } from "node:path";
import { inspect } from "node:util";
import { describe, expect, test, vi } from "vitest";
import type { Caller } from "../../scripts/caller/caller.ts";
import { reportOf } from "../../scripts/caller/report.ts";
import type { ServerMessage } from "../../scripts/caller/wire.ts";
import type { Panel } from "../../src/fakes/panel.ts";
import type { FaultCode } from "../../src/kernel/fault.ts";
import { samplesOf } from "../provider/local/ears/recordings.ts";
import { playable, startCloud, type Cloud } from "./cloud.ts";

/** Somebody says a few words, for about a second. */
const words = samplesOf(join(import.meta.dirname, "../../fixtures/speech/ps_cards_001.wav"));
const long = "There are a great many things to be said about our menu, and I shall say all of them.";
/** A call waits for real audio to play; a dozen of them side by side take little of a machine. */
const limits = { timeout: 30_000, concurrent: true } as const;

/** What an agent turn came to at the caller's ear. */
const lastHeard = (caller: Caller): { text: string; heardMs: number } =>
  reportOf(caller).turns.findLast(({ role }) => role === "agent") ?? { text: "", heardMs: 0 };

function nothingWentWrong(cloud: Cloud, caller: Caller): void {
  expect(caller.lost).toEqual({ uplinkChunks: 0, downlinkChunks: 0 });
  expect(cloud.violations()).toEqual([]);
}

describe.for(playable)("a call on %s", limits, (name) => {
  test("is greeted, heard, answered, helped by a tool of the desk, and can interrupt", async () => {
    await using cloud = await startCloud(name);
    const panel = cloud.panel(name);
    await using caller = await cloud.answers();
    expect(lastHeard(caller)).toMatchObject({ text: expect.stringMatching(/\w/), heardMs: expect.toSatisfy((ms: number) => ms > 300) });

    panel.callerSays("A table for two, please.");
    panel.reply({ text: "For which day?", ms: 1_000 });
    const answer = caller.hears();
    await caller.says(words);
    expect(await answer).toMatchObject({ text: "For which day?", interrupted: false });
    expect(lastHeard(caller).heardMs).toBeGreaterThan(900);
    expect(caller.turns.findLast(({ role }) => role === "caller")).toMatchObject({ text: "A table for two, please.", final: true });

    panel.reply({ text: "", toolCalls: [{ name: "look_up_order", arguments: '{"order_number":"47193"}' }] }, "It is on its way.");
    const looked = caller.until((message) => message.type === "tool" && message.state === "done");
    const status = caller.hears();
    caller.types("Where is my order 47193?");
    await looked;
    expect(await status).toMatchObject({ text: "It is on its way." });
    expect(panel.last.toolResults.at(-1)).toMatchObject({ name: "look_up_order", output: expect.stringContaining("margherita") });

    panel.callerSays("Stop.");
    panel.reply({ text: long, ms: 8_000, holdAtMs: 3_000 }, "Very well.");
    const playing = caller.until((message) => message.type === "phase" && message.phase === "speaking");
    const flushed = caller.until((message) => message.type === "flush");
    caller.types("Tell me all.");
    await playing;
    await caller.says(words);
    await flushed;
    await caller.quiet(10_000);
    const cut = caller.turns.find(({ interrupted }) => interrupted);
    expect(long.startsWith(cut?.text ?? "nothing")).toBe(true);
    expect(cut?.text).not.toBe(long);
    expect(lastHeard(caller).text).toBe("Very well.");
    nothingWentWrong(cloud, caller);
  });

  const refusals: readonly { what: string; arrange: (panel: Panel) => void; code: FaultCode }[] = [
    { what: "a wrong key", arrange: (panel) => (panel.opening = { type: "bad-key" }), code: "provider-key" },
    { what: "a wrong model", arrange: (panel) => (panel.opening = { type: "bad-model" }), code: "provider-model" },
    { what: "a spent quota", arrange: (panel) => panel.quota(), code: "provider-quota" },
  ];
  test.for(refusals)("is stood in for when there is $what, and the operator is told once, without the key", async ({ arrange, code }) => {
    await using cloud = await startCloud(name);
    arrange(cloud.panel(name));
    await using caller = await cloud.dials();
    const messages: ServerMessage[] = [];
    caller.on((message) => messages.push(message));
    const greeting = await caller.hears();
    expect(greeting.text).toMatch(/\w+ \w+ \w+/);
    expect(messages).toContainEqual({ type: "handed-over", provider: "emergency", restored: "none" });
    expect(messages.filter(({ type }) => type === "error" || type === "ended")).toEqual([]);
    const failed = cloud.log.filter(({ event }) => event === "connection_failed");
    expect(failed).toHaveLength(1);
    expect(failed[0]).toMatchObject({
      level: "error",
      fields: { provider: name, error: code, message: expect.stringContaining(name) },
    });
    keepsSecrets(cloud, JSON.stringify(messages));
  });
});

const pairs = playable.flatMap((first) => playable.filter((second) => second !== first).map((second) => ({ first, second })));

describe("when a provider is dropped in mid-reply", limits, () => {
  test.for(pairs)("$second takes over from $first and knows what was said; the caller hears no error", async ({ first, second }) => {
    await using cloud = await startCloud(first, second);
    const [from, to] = [cloud.panel(first), cloud.panel(second)];
    await using caller = await cloud.answers();
    const messages: ServerMessage[] = [];
    caller.on((message) => messages.push(message));

    from.callerSays("A table for two, please.");
    from.reply({ text: "For which day?", ms: 700 });
    const answer = caller.hears();
    await caller.says(words);
    await answer;

    from.reply({ text: long, ms: 8_000, holdAtMs: 1_500 });
    to.reply({ text: "And so I have.", ms: 700 });
    const begun = caller.until((message) => message.type === "turn");
    caller.types("First tell me about the menu.");
    await begun;
    // So much was heard that its first words are beyond doubt.
    await vi.waitFor(() => expect(caller.playback.turns.at(-1)?.heardMs).toBeGreaterThan(900), { timeout: 10_000 });
    from.refuse(503);
    from.drop("rst");
    await caller.until((message) => message.type === "caption" && message.text === "And so I have." && message.final);

    expect(messages).toContainEqual({ type: "handed-over", provider: second, restored: "full" });
    expect(messages.filter(({ type }) => type === "error" || type === "ended" || type === "flush")).toEqual([]);
    const told = to.last.texts.join("\n");
    const known = ["A table for two, please.", "For which day?", "First tell me about the menu.", "There are"];
    const places = known.map((text) => told.indexOf(text));
    expect(places).toEqual(places.filter((at) => at >= 0).toSorted((a, b) => a - b));
    if (cloud.traits(second).seeding === "items") {
      // Notes of ours to the agent may stand beside what was said.
      const said = to.historyTold().filter((item) => item.by !== "tool" && known.some((text) => item.text.includes(text)));
      expect(said.map((item) => item.by)).toEqual(["caller", "agent", "caller", "agent"]);
    }
    nothingWentWrong(cloud, caller);
    keepsSecrets(cloud, JSON.stringify(messages));
  });
});

/** Neither the log, causes of errors included, nor what the caller is told. */
function keepsSecrets(cloud: Cloud, told: string): void {
  const all = inspect(cloud.log, { depth: 12, showHidden: true, maxArrayLength: null, maxStringLength: null }) + told;
  for (const secret of cloud.secrets) expect(all).not.toContain(secret);
}
