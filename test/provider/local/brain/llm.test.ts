import { describe, expect, test, vi } from "vitest";
import { ChatCompletions } from "../../../../src/fakes/chat-completions.ts";
import { systemClock, type Clock } from "../../../../src/kernel/clock.ts";
import { silentLog, type Log, type LogFields } from "../../../../src/kernel/log.ts";
import { seededRandom } from "../../../../src/kernel/random.ts";
import type { ConversationItem } from "../../../../src/provider/contract.ts";
import { llmBrain } from "../../../../src/provider/local/brain/llm.ts";
import type { Mind, MindInput, MindPart } from "../../../../src/provider/local/parts.ts";
import { SimulatedClock } from "../../../simulated-clock.ts";
import { partsOf, words } from "./talk.ts";

const find = {
  name: "find",
  description: "Finds a table.",
  parameters: { type: "object", properties: { day: { type: "string" } }, required: ["day"] },
};

interface House extends AsyncDisposable {
  readonly fake: ChatCompletions;
  readonly logged: { event: string; fields: LogFields | undefined }[];
  open(conversation?: readonly ConversationItem[]): Mind;
}

async function house({
  clock = systemClock,
  key = "secret",
  greeting,
}: { clock?: Clock; key?: string; greeting?: string } = {}): Promise<House> {
  const fake = await ChatCompletions.start("secret");
  const logged: House["logged"] = [];
  const log: Log = { ...silentLog, error: (event, fields) => void logged.push({ event, fields }) };
  const brain = llmBrain({ url: fake.url, model: "little", key, firstTokenLimitMs: 4_000, chunkGapLimitMs: 2_000 });
  return {
    fake,
    logged,
    open: (conversation = []) =>
      brain.open({
        agent: {
          name: "front-desk",
          instructions: "You work at the Blue Lantern.",
          greeting,
          language: "en-US",
          voice: undefined,
          tools: [find],
          providerSettings: {},
        },
        conversation,
        random: seededRandom(1),
        clock,
        log,
      }),
    [Symbol.asyncDispose]: () => fake[Symbol.asyncDispose](),
  };
}

const think = (mind: Mind, input: MindInput, signal = new AbortController().signal): Promise<MindPart[]> =>
  partsOf(mind.think(input, signal));
const says = (mind: Mind, text: string): Promise<MindPart[]> => think(mind, { type: "caller", text });

test("words come as clauses, and the next request knows what was said", async () => {
  await using local = await house();
  const mind = local.open();
  local.fake.says("Glad", "ly. It costs ", "3.", "5 dollars, I th", "ink.");
  local.fake.says("Bye.");
  expect(await says(mind, "How much?")).toEqual([
    { type: "say", text: "Gladly." },
    { type: "say", text: "It costs 3.5 dollars, I think." },
  ]);
  await says(mind, "Thanks.");
  expect(local.fake.requests[1]?.messages.slice(1)).toEqual([
    { role: "user", content: "How much?" },
    { role: "assistant", content: "Gladly. It costs 3.5 dollars, I think." },
    { role: "user", content: "Thanks." },
  ]);
  expect(local.fake.requests[0]).toMatchObject({ model: "little", tools: [{ type: "function", function: { name: "find" } }] });
  expect(local.fake.requests[0]?.messages[0]).toMatchObject({
    role: "system",
    content: expect.stringContaining("You work at the Blue Lantern."),
  });
  expect(local.fake.violations).toEqual([]);
});

test("the first clause is given before the answer is complete", async () => {
  await using local = await house();
  local.fake.answer({ type: "stream", pieces: ["One moment. ", "I am look"], finish: undefined, then: "hang" });
  const stop = new AbortController();
  const parts = local.open().think({ type: "caller", text: "hello" }, stop.signal)[Symbol.asyncIterator]();
  expect((await parts.next()).value).toEqual({ type: "say", text: "One moment." });
  stop.abort();
  expect((await parts.next()).done).toBe(true);
  await vi.waitFor(() => expect(local.fake.abandoned).toBe(1), 10_000);
  expect(local.logged).toEqual([]);
});

test("several tool calls in interleaved fragments, their results in the next request", async () => {
  await using local = await house();
  const mind = local.open();
  local.fake.answer({
    type: "stream",
    pieces: [
      "One moment.",
      { index: 0, id: "call_1", name: "find", arguments: "" },
      { index: 1, id: "call_2", name: "find", arguments: '{"day"' },
      { index: 0, arguments: '{"day":"Fri"}' },
      { index: 1, arguments: ':"Sat"}' },
    ],
    finish: "tool_calls",
    then: "end",
  });
  local.fake.says("Friday is free.");
  expect(await says(mind, "Friday or Saturday?")).toEqual([
    { type: "say", text: "One moment." },
    { type: "call", toolCallId: "call_1", name: "find", arguments: '{"day":"Fri"}' },
    { type: "call", toolCallId: "call_2", name: "find", arguments: '{"day":"Sat"}' },
  ]);
  const results = [
    { toolCallId: "call_1", name: "find", output: '{"free":true}', failed: false },
    { toolCallId: "call_2", name: "find", output: "The book is closed.", failed: true },
  ];
  expect(words(await think(mind, { type: "tools", results }))).toBe("Friday is free.");
  expect(local.fake.requests[1]?.messages.slice(-3)).toMatchObject([
    { role: "assistant", content: null, tool_calls: [{ id: "call_1" }, { id: "call_2" }] },
    { role: "tool", tool_call_id: "call_1", content: '{"free":true}' },
    { role: "tool", tool_call_id: "call_2", content: "The book is closed." },
  ]);
  expect(local.fake.violations).toEqual([]);
});

test("a caller who speaks while a tool is under way leaves no call without an answer", async () => {
  await using local = await house();
  const mind = local.open();
  local.fake.answer({
    type: "stream",
    pieces: [{ index: 0, id: "call_1", name: "find", arguments: "{}" }],
    finish: "tool_calls",
    then: "end",
  });
  local.fake.says("Still looking.");
  await says(mind, "Friday?");
  expect(words(await says(mind, "Hello?"))).toBe("Still looking.");
  expect(local.fake.violations).toEqual([]);
});

test("a conversation of another provider is told, cut words marked, and its last turn answered once", async () => {
  await using local = await house();
  const mind = local.open([
    { type: "caller", id: "1", text: "A table for two." },
    { type: "agent", id: "2", text: "For which", interrupted: true },
    { type: "tool", id: "t1", name: "find", arguments: "{}", output: '{"free":true}' },
    { type: "caller", id: "3", text: "Friday." },
  ]);
  local.fake.says("Friday it is.");
  await says(mind, "Friday.");
  expect(local.fake.requests[0]?.messages.slice(1)).toMatchObject([
    { role: "user", content: "A table for two." },
    { role: "assistant", content: "For which (interrupted here)" },
    { role: "assistant", tool_calls: [{ id: "t1" }] },
    { role: "tool", tool_call_id: "t1" },
    { role: "user", content: "Friday." },
  ]);
});

test("a withdrawn turn is forgotten, words not heard are cut", async () => {
  await using local = await house();
  const mind = local.open();
  local.fake.says("Wrong answer.");
  local.fake.says("We open at noon. We close at ten.");
  local.fake.says("Ten.");
  await says(mind, "When do you");
  mind.withdraw();
  await says(mind, "When do you open?");
  mind.heardOnly("We open at noon.");
  await says(mind, "And close?");
  expect(local.fake.requests[2]?.messages.slice(1)).toEqual([
    { role: "user", content: "When do you open?" },
    { role: "assistant", content: "We open at noon. (interrupted here)" },
    { role: "user", content: "And close?" },
  ]);
});

test("the agent's own greeting needs no model; without one the model is asked", async () => {
  await using own = await house({ greeting: "Blue Lantern, hello!" });
  expect(words(await think(own.open(), { type: "greet" }))).toBe("Blue Lantern, hello!");
  expect(own.fake.requests).toEqual([]);
  await using asked = await house();
  asked.fake.says("Hi.");
  expect(words(await think(asked.open(), { type: "greet" }))).toBe("Hi.");
});

describe("what goes wrong is said in one sentence and logged, nothing is thrown", () => {
  test.each([
    ["a refusal", { type: "refuse", status: 429, code: "rate_limit_exceeded" }],
    ["a server error", { type: "refuse", status: 500, code: "server_error" }],
    ["a stream without its end", { type: "stream", pieces: [], finish: undefined, then: "end" }],
    ["a cut socket", { type: "stream", pieces: [], finish: undefined, then: "cut" }],
    ["an answer of nothing", { type: "stream", pieces: [], finish: "stop", then: "end" }],
  ] as const)("%s", async (_, answer) => {
    await using local = await house();
    local.fake.answer(answer);
    expect(await says(local.open(), "Hello?")).toEqual([{ type: "say", text: expect.stringMatching(/^I am sorry/) }]);
    expect(local.logged).toMatchObject([{ event: "llm_failed", fields: { model: "little" } }]);
    expect(local.fake.requests).toHaveLength(1);
  });

  test("a wrong key is not in the log", async () => {
    await using local = await house({ key: "hunter2-not-the-key" });
    expect(words(await says(local.open(), "Hello?"))).toMatch(/sorry/);
    expect(JSON.stringify(local.logged.map(({ fields }) => String(fields?.["error"])))).not.toContain("hunter2");
  });

  test("after words were spoken, no call of the broken answer is made", async () => {
    await using local = await house();
    local.fake.answer({
      type: "stream",
      pieces: ["One moment. ", { index: 0, id: "call_1", name: "find", arguments: '{"da' }],
      finish: undefined,
      then: "cut",
    });
    const parts = await says(local.open(), "Friday?");
    expect(parts.every(({ type }) => type === "say")).toBe(true);
    expect(words(parts)).toMatch(/^One moment\. I am sorry/);
  });

  test("no first token within the limit", async () => {
    const clock = new SimulatedClock();
    await using local = await house({ clock });
    local.fake.answer({ type: "stream", pieces: [], finish: undefined, then: "hang" });
    const parts = says(local.open(), "Hello?");
    await vi.waitFor(() => expect(local.fake.requests).toHaveLength(1), 10_000);
    await clock.advance(4_000);
    expect(words(await parts)).toMatch(/sorry/);
    expect(String(local.logged[0]?.fields?.["error"])).toContain("waited 4000 ms for the first token");
    await vi.waitFor(() => expect(local.fake.abandoned).toBe(1), 10_000);
    expect(clock.armed).toBe(0);
  });

  test("silence in the middle of an answer", async () => {
    const clock = new SimulatedClock();
    await using local = await house({ clock });
    local.fake.answer({ type: "stream", pieces: ["One moment. ", "And"], finish: undefined, then: "hang" });
    const parts = local.open().think({ type: "caller", text: "Hello?" }, new AbortController().signal)[Symbol.asyncIterator]();
    expect((await parts.next()).value).toEqual({ type: "say", text: "One moment." });
    const next = parts.next();
    await vi.waitFor(() => expect(clock.armed).toBe(1), 10_000);
    await clock.advance(2_000);
    expect((await next).value).toMatchObject({ type: "say", text: expect.stringMatching(/sorry/) });
    expect(String(local.logged[0]?.fields?.["error"])).toContain("waited 2000 ms for the next chunk");
  });

  test("a server that is not there", async () => {
    await using local = await house();
    await local.fake[Symbol.asyncDispose]();
    expect(words(await says(local.open(), "Hello?"))).toMatch(/sorry/);
  });
});
