import { describe, expect, test, vi } from "vitest";
import {
  anthropicKey,
  geminiKey,
  groqKey,
  openaiKey,
  startAnthropicLlm,
  startAzureLlm,
  startGeminiLlm,
  startGroqLlm,
  startOpenaiLlm,
} from "../../src/fakes/llm/llm.ts";
import type { LlmFake } from "../../src/fakes/llm/server.ts";

type Body = Readonly<Record<string, unknown>>;

async function post(
  fake: LlmFake,
  path: string,
  headers: Readonly<Record<string, string>>,
  body: unknown,
): Promise<{ status: number; text: string }> {
  const response = await fetch(`${fake.origin}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  return { status: response.status, text: await response.text() };
}

const user = (text: string): object => ({ role: "user", parts: [{ text }] });
const schema = { type: "object", properties: {} };

describe("gemini", () => {
  const path = "/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse";
  const key = { "x-goog-api-key": geminiKey };
  const hello = { contents: [user("Hello")] };
  const call = (more: object): Body => ({ functionCall: { id: "c1", name: "find", args: {} }, ...more });
  const result = { role: "user", parts: [{ functionResponse: { id: "c1", name: "find", response: { output: 1 } } }] };

  test("a proper request is streamed, on both versions of the API", async () => {
    await using fake = await startGeminiLlm();
    for (const version of ["v1", "v1beta"]) {
      const { status, text } = await post(fake, path.replace("v1beta", version), key, hello);
      expect(status).toBe(200);
      expect(text).toContain('"finishReason":"STOP"');
    }
    expect(fake.panel.violations).toEqual([]);
  });

  test.each<[string, Body, string]>([
    ["a field that nobody knows", { ...hello, system: "x" }, "Unknown parameter"],
    [
      "both kinds of schema",
      { ...hello, tools: [{ functionDeclarations: [{ name: "f", description: "", parameters: schema, parametersJsonSchema: schema }] }] },
      "must not both",
    ],
    ["a talk that the model began", { contents: [{ role: "model", parts: [{ text: "Hi" }] }, user("Hello")] }, "first content"],
    ["two turns of one speaker", { contents: [user("Hello"), user("Hello?")] }, "alternate"],
    [
      "a result to no call",
      { contents: [user("?"), { role: "model", parts: [{ text: "Hm." }] }, result] },
      "number of function response parts",
    ],
    [
      "a call without its signature",
      { contents: [user("?"), { role: "model", parts: [call({})] }, result] },
      "missing a thought_signature",
    ],
    [
      "a foreign signature",
      { contents: [user("?"), { role: "model", parts: [call({ thoughtSignature: "eA==" })] }, result] },
      "Corrupted thought signature",
    ],
  ])("%s is refused and noted", async (_, body, words) => {
    await using fake = await startGeminiLlm();
    const { status, text } = await post(fake, path, key, body);
    expect(status).toBe(400);
    expect(text).toContain(words);
    expect(fake.panel.violations).toHaveLength(1);
  });

  test("the key of another service, a wrong path and an unknown model are refused", async () => {
    await using fake = await startGeminiLlm();
    expect((await post(fake, path, { authorization: `Bearer ${geminiKey}` }, hello)).status).toBe(401);
    expect((await post(fake, path.replace("?alt=sse", ""), key, hello)).status).toBe(404);
    expect((await post(fake, path.replace("3.8", "1.0"), key, hello)).status).toBe(404);
  });
});

describe("anthropic", () => {
  const version = { "anthropic-version": "2026-10-21" };
  const bearer = { ...version, authorization: `Bearer ${anthropicKey}` };
  const hello = { model: "claude-haiku-5-5", max_tokens: 100, stream: true, messages: [{ role: "user", content: "Hello" }] };
  const use = { role: "assistant", content: [{ type: "tool_use", id: "t1", name: "find", input: {} }] };

  test("a proper request is streamed, with either header for the key", async () => {
    await using fake = await startAnthropicLlm();
    for (const key of [bearer, { ...version, "x-api-key": anthropicKey }]) {
      const { status, text } = await post(fake, "/v1/messages", key, hello);
      expect(status).toBe(200);
      expect(text).toContain("event: message_stop");
    }
  });

  test("temperature is taken under the old version only", async () => {
    await using fake = await startAnthropicLlm();
    const warm = { ...hello, temperature: 0.5 };
    expect(await post(fake, "/v1/messages", bearer, warm)).toMatchObject({
      status: 400,
      text: expect.stringContaining("temperature: Extra inputs are not permitted"),
    });
    expect((await post(fake, "/v1/messages", { ...bearer, "anthropic-version": "2023-06-01" }, warm)).status).toBe(200);
  });

  test.each<[string, Body, string]>([
    ["no limit", { ...hello, max_tokens: undefined }, "max_tokens"],
    ["a talk that the model began", { ...hello, messages: [{ role: "assistant", content: "Hi" }, ...hello.messages] }, "first message"],
    ["two turns of one speaker", { ...hello, messages: [...hello.messages, ...hello.messages] }, "alternate"],
    ["a prefilled answer", { ...hello, messages: [...hello.messages, { role: "assistant", content: "Hi" }] }, "prefill"],
    ["an empty text", { ...hello, messages: [{ role: "user", content: "" }] }, "non-empty"],
    [
      "a call without a result",
      { ...hello, messages: [...hello.messages, use, { role: "user", content: "Hello?" }] },
      "without tool_result",
    ],
    [
      "a result after words",
      {
        ...hello,
        messages: [
          ...hello.messages,
          use,
          {
            role: "user",
            content: [
              { type: "text", text: "x" },
              { type: "tool_result", tool_use_id: "t1", content: "1" },
            ],
          },
        ],
      },
      "must come first",
    ],
    [
      "a result to no call",
      { ...hello, messages: [{ role: "user", content: [{ type: "tool_result", tool_use_id: "t9", content: "1" }] }] },
      "unexpected tool_use_id",
    ],
  ])("%s is refused and noted", async (_, body, words) => {
    await using fake = await startAnthropicLlm();
    const { status, text } = await post(fake, "/v1/messages", bearer, body);
    expect(status).toBe(400);
    expect(text).toContain(words);
    expect(fake.panel.violations).toHaveLength(1);
  });
});

describe("chat completions", () => {
  const key = { authorization: `Bearer ${openaiKey}` };
  const hello = { model: "gpt-6-luna", stream: true, messages: [{ role: "user", content: "Hello" }] };
  const calls = {
    role: "assistant",
    content: null,
    tool_calls: [{ id: "c1", type: "function", function: { name: "find", arguments: "{}" } }],
  };

  test("a proper request is streamed, with usage after the finish and a mark at the end", async () => {
    await using fake = await startOpenaiLlm();
    const { status, text } = await post(fake, "/v1/chat/completions", key, hello);
    expect(status).toBe(200);
    expect(text).toMatch(/"finish_reason":"stop".*"choices":\[\],"usage".*data: \[DONE\]/s);
  });

  test.each<[string, Body, string]>([
    ["a field of another service", { ...hello, reasoning_format: "hidden" }, "Unknown parameter"],
    ["max_tokens for a model that reasons", { ...hello, max_tokens: 5 }, "max_completion_tokens"],
    ["temperature for a model that reasons", { ...hello, temperature: 1 }, "temperature"],
    ["effort for a model that cannot reason", { ...hello, model: "gpt-4.1", reasoning_effort: "none" }, "reasoning_effort"],
    [
      "a call without a result",
      { ...hello, messages: [...hello.messages, calls, { role: "user", content: "?" }] },
      "must be followed by tool messages",
    ],
    ["a result to no call", { ...hello, messages: [{ role: "tool", tool_call_id: "c1", content: "1" }] }, "must be a response"],
    ["an empty list of tools", { ...hello, tools: [] }, "empty array"],
  ])("%s is refused and noted", async (_, body, words) => {
    await using fake = await startOpenaiLlm();
    const { status, text } = await post(fake, "/v1/chat/completions", key, body);
    expect(status).toBe(400);
    expect(text).toContain(words);
    expect(fake.panel.violations).toHaveLength(1);
  });

  test("what is no JSON is refused", async () => {
    await using fake = await startOpenaiLlm();
    expect((await post(fake, "/v1/chat/completions", key, "{")).status).toBe(400);
  });

  test("azure wants its own header, and a version on its older address only", async () => {
    await using fake = await startAzureLlm();
    const own = { "api-key": fake.settings["AZURE_OPENAI_API_KEY"] ?? "" };
    const asked = { ...hello, model: "night-chat" };
    expect((await post(fake, "/openai/v1/chat/completions", { authorization: own["api-key"] }, asked)).status).toBe(401);
    expect((await post(fake, "/openai/v1/chat/completions?api-version=2024-10-21", own, asked)).status).toBe(404);
    expect((await post(fake, "/openai/deployments/night-chat/chat/completions", own, asked)).status).toBe(404);
    const { status, text } = await post(fake, "/openai/v1/chat/completions", own, asked);
    expect(status).toBe(200);
    expect(text.split("\n")[0]).toContain('"choices":[],"prompt_filter_results"');
  });

  test("groq knows its own models and no obfuscation", async () => {
    await using fake = await startGroqLlm();
    const own = { authorization: `Bearer ${groqKey}` };
    const asked = { ...hello, model: "llama-3.3-70b-versatile" };
    expect((await post(fake, "/openai/v1/chat/completions", own, asked)).status).toBe(200);
    expect((await post(fake, "/openai/v1/chat/completions", own, hello)).status).toBe(404);
    expect(
      (await post(fake, "/openai/v1/chat/completions", own, { ...asked, stream_options: { include_obfuscation: false } })).status,
    ).toBe(400);
  });
});

describe("the panel", () => {
  const key = { authorization: `Bearer ${openaiKey}` };
  const hello = {
    model: "gpt-6-luna",
    stream: true,
    messages: [
      { role: "system", content: "Be kind." },
      { role: "user", content: "Hello" },
    ],
  };
  const ask = (fake: LlmFake): Promise<{ status: number; text: string }> => post(fake, "/v1/chat/completions", key, hello);

  test("scripts answers and remembers what was asked", async () => {
    await using fake = await startOpenaiLlm();
    fake.panel.reply((told) => `You told ${told.length} thing.`);
    expect((await ask(fake)).text).toContain(" thing.");
    expect(fake.panel.historyTold()).toEqual([{ by: "caller", text: "Hello" }]);
    expect(fake.panel.sessionSettings()).toMatchObject({ model: "gpt-6-luna", instructions: "Be kind." });
  });

  test("holds an answer, and lets it go on", async () => {
    await using fake = await startOpenaiLlm();
    fake.panel.reply({ text: "one two", holdAtMs: 0 });
    const asking = ask(fake);
    await vi.waitFor(() => expect(fake.panel.open).toBe(1), 10_000);
    await vi.waitFor(() => expect(fake.panel.last.answers).toBe(1), 10_000);
    fake.panel.release();
    expect((await asking).text).toContain("two");
  });

  test.each([
    ["refuse", 503, (fake: LlmFake) => fake.panel.refuse(503)],
    ["key", 401, (fake: LlmFake) => (fake.panel.opening = { type: "bad-key" })],
    ["quota", 429, (fake: LlmFake) => fake.panel.quota()],
    ["model", 404, (fake: LlmFake) => (fake.panel.opening = { type: "bad-model" })],
  ])("%s refuses with %d until it serves again", async (_, status, pull) => {
    await using fake = await startOpenaiLlm();
    pull(fake);
    expect((await ask(fake)).status).toBe(status);
    fake.panel.serve();
    expect((await ask(fake)).status).toBe(200);
  });

  test("drops the connection in the middle of an answer", async () => {
    await using fake = await startOpenaiLlm();
    fake.panel.drop("rst", "answering");
    await expect(ask(fake)).rejects.toThrow();
    expect((await ask(fake)).status).toBe(200);
  });
});
