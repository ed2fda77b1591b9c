import { describe, expect, test, vi } from "vitest";
import { says, type LlmAnswer, type LlmPart } from "../../../../src/fakes/llm/script.ts";
import { SimulatedClock } from "../../../simulated-clock.ts";
import { agent, answered, caller, callsOf, find, parlour, services, textOf, thought } from "./parlour.ts";

const answer = (parts: readonly LlmPart[], more: Omit<LlmAnswer, "type" | "parts"> = {}): LlmAnswer => ({ type: "answer", parts, ...more });
const text = (words: string): LlmPart => ({ type: "text", text: words });
const call = (name: string, args: string, id?: string): LlmPart => ({
  type: "call",
  name,
  arguments: args,
  ...(id === undefined ? {} : { id }),
});
const friday = [caller("Is Friday free?")];

describe.each(services)("%s", (service) => {
  const only = (): ReturnType<typeof parlour> => parlour([service]);

  test("words come as they are thought, with what they cost and which model it was", async () => {
    await using house = await only();
    const fake = house.fake(service);
    fake.script(answer([text("Friday "), text("is "), text("free.")], { tokens: { input: 90, cached: 64, output: 12 } }));
    const { parts, fault } = await thought(house.thinker(), house.request(friday));
    expect(fault).toBeUndefined();
    expect(parts.slice(0, 3)).toEqual(["Friday ", "is ", "free."].map((words) => ({ type: "text", text: words })));
    expect(parts.at(-1)).toEqual({
      type: "usage",
      usage: {
        model: fake.requests[0]?.asked.model,
        quantities: { input_text_tokens: 90, cached_text_tokens: 64, output_text_tokens: 12 },
      },
    });
    expect(fake.requests[0]?.asked).toMatchObject({
      instructions: "You work at the Blue Lantern.",
      history: [{ by: "caller", text: "Is Friday free?" }],
      toolNames: ["find", "weather"],
    });
    expect(fake.panel.violations).toEqual([]);
  });

  test("usage that never comes is not made up", async () => {
    await using house = await only();
    house.fake(service).script(answer([text("Yes.")], { tokens: null }));
    const { parts, fault } = await thought(house.thinker(), house.request(friday));
    expect(fault).toBeUndefined();
    expect(parts.map(({ type }) => type)).toEqual(["text"]);
  });

  test("characters cut across packets, CR LF and signs of life change nothing", async () => {
    await using house = await only();
    const fake = house.fake(service);
    fake.delivery = { crlf: true, pieceBytes: 1 };
    fake.script(answer([{ type: "keep-alive" }, text("Größe 七 "), { type: "keep-alive" }, text("🏮 ok"), call("find", '{"day":"金"}')]));
    const { parts, fault } = await thought(house.thinker(), house.request(friday));
    expect(fault).toBeUndefined();
    expect(textOf(parts)).toBe("Größe 七 🏮 ok");
    expect(callsOf(parts)[0]?.arguments).toBe('{"day":"金"}');
  });

  test("two calls in one answer come whole, in order, after the words; their results are taken back", async () => {
    await using house = await only();
    const fake = house.fake(service);
    const parts = [text("Let me look."), call("find", '{"day":"Fri"}'), call("weather", "{}")];
    fake.script(answer(parts, { fragmentChars: 3 }), says("Both are fine."));
    const first = await thought(house.thinker(), house.request(friday));
    expect(first.fault).toBeUndefined();
    expect(first.parts.map(({ type }) => type)).toEqual(["text", "call", "call", "usage"]);
    expect(callsOf(first.parts)).toMatchObject([
      { name: "find", arguments: '{"day":"Fri"}' },
      { name: "weather", arguments: "{}" },
    ]);
    const second = await thought(house.thinker(), house.request([...friday, agent("Let me look."), ...answered(first.parts)]));
    expect(textOf(second.parts)).toBe("Both are fine.");
    expect(fake.panel.violations).toEqual([]);
    expect(fake.requests[1]?.asked.history).toEqual([
      { by: "caller", text: "Is Friday free?" },
      { by: "agent", text: "Let me look." },
      { by: "tool", name: "find", arguments: '{"day":"Fri"}', output: '{"free":true}' },
      { by: "tool", name: "weather", arguments: "{}", output: '{"free":true}' },
    ]);
  });

  test("rounds of calls one after the other, without a word between, are taken back", async () => {
    await using house = await only();
    const fake = house.fake(service);
    fake.script(answer([call("find", '{"day":"Fri"}')]), answer([call("find", '{"day":"Sat"}'), call("weather", "{}")]), says("Saturday."));
    const conversation = [...friday];
    for (let round = 0; round < 2; round += 1) {
      const { parts } = await thought(house.thinker(), house.request(conversation));
      conversation.push(...answered(parts));
    }
    expect(conversation).toHaveLength(4);
    const last = await thought(house.thinker(), house.request(conversation));
    expect(textOf(last.parts)).toBe("Saturday.");
    expect(fake.panel.violations).toEqual([]);
  });

  test("a call that is still at work, one with broken arguments and a strange result are told in a way that the service takes", async () => {
    await using house = await only();
    const fake = house.fake(service);
    fake.script(answer([call("find", "{}")]), says("One moment."));
    const first = await thought(house.thinker(), house.request(friday));
    const broken = { type: "tool", id: "call-2", name: "find", arguments: '{"day":', output: "not JSON", keepsake: undefined } as const;
    const conversation = [...friday, ...answered(first.parts, null), agent("Hm."), caller("And?"), broken, caller("Well?")];
    const { parts, fault } = await thought(house.thinker(), house.request(conversation));
    expect(fault).toBeUndefined();
    expect(textOf(parts)).toBe("One moment.");
    expect(fake.panel.violations).toEqual([]);
    expect(JSON.stringify(fake.requests[1]?.body)).toContain("still at work");
  });

  test("a talk that the agent began, that was cut, and that has several turns of one speaker, is taken", async () => {
    await using house = await only();
    const fake = house.fake(service);
    fake.script(says("Yes."), says("Welcome."), says("Going on."));
    const conversation = [
      agent("Hello, this is"),
      agent(""),
      agent("the Blue Lantern, we", true),
      caller("Is"),
      caller(""),
      caller("Friday free?"),
    ];
    await thought(house.thinker(), house.request(conversation));
    await thought(house.thinker(), house.request([], { directive: "Greet the caller." }));
    await thought(house.thinker(), house.request([caller("Hello"), agent("Welcome to")]));
    expect(fake.panel.violations).toEqual([]);
    const told = fake.requests.map(({ asked }) => asked.history.map((item) => (item.by === "tool" ? "" : item.text)).join("|"));
    expect(told[0]).toBe("(The call is connected.)|Hello, this is\nthe Blue Lantern, we —|Is\n(unintelligible)\nFriday free?");
    expect(told[1]).toContain("(Greet the caller.)");
    expect(told[2]).toBe("Hello|Welcome to|(Go on.)");
  });

  test("no instructions and no tools make a proper request", async () => {
    await using house = await only();
    const fake = house.fake(service);
    fake.script(says("Hm."));
    const { fault } = await thought(house.thinker(), house.request(friday, { instructions: "", tools: [] }));
    expect(fault).toBeUndefined();
    expect(fake.panel.violations).toEqual([]);
  });

  test("what a model thinks is not spoken", async () => {
    await using house = await only();
    house.fake(service).script(answer([{ type: "thought", text: "The caller wants Friday." }, text("Friday it is.")]));
    const { parts, fault } = await thought(house.thinker(), house.request(friday));
    expect(fault).toBeUndefined();
    expect(textOf(parts)).toBe("Friday it is.");
  });

  test.each([
    ["without its marker", "unmarked", "provider-dropped"],
    ["by a reset", "reset", "provider-dropped"],
    ["by an overload told within it", "overloaded", "provider-overloaded"],
    ["by a rate limit told within it", "limited", "provider-limited"],
  ] as const)("an answer that ends %s is a fault, and its calls are not run", async (_, then, code) => {
    await using house = await only();
    house.fake(service).script(answer([text("Let me "), call("find", '{"day":"Fri"}')], { then }));
    const { parts, fault } = await thought(house.thinker(), house.request(friday));
    expect(textOf(parts)).toBe("Let me ");
    expect(callsOf(parts)).toEqual([]);
    expect(fault).toMatchObject({ name: "Fault", code });
  });

  test.each([
    ["cut at the limit without a word", answer([{ type: "thought", text: "hm" }], { end: "length" }), "provider-malformed"],
    ["without anything in it", answer([]), "provider-malformed"],
    ["stopped by a filter", answer([text("I")], { end: "filtered" }), "provider-refused"],
    ["whose question was stopped by a filter", answer([], { end: "prompt-filtered" }), "provider-refused"],
  ])("an answer %s is a fault", async (_, scripted, code) => {
    await using house = await only();
    house.fake(service).script(scripted);
    const { fault } = await thought(house.thinker(), house.request(friday));
    expect(fault).toMatchObject({ name: "Fault", code });
  });

  test("an answer cut at the limit keeps its words, loses its calls and is told to the operator", async () => {
    await using house = await only();
    house.fake(service).script(answer([text("We have "), call("find", "{}")], { end: "length" }));
    const { parts, fault } = await thought(house.thinker(), house.request(friday));
    expect(fault).toBeUndefined();
    expect(parts.map(({ type }) => type)).toEqual(["text", "usage"]);
    expect(house.logged).toMatchObject([{ level: "warning", event: "llm_answer_cut", fields: { thinker: service } }]);
  });

  test.each([
    ["key", "provider-key", undefined],
    ["forbidden", "provider-key", undefined],
    ["model", "provider-model", undefined],
    ["quota", "provider-quota", undefined],
    ["overloaded", "provider-overloaded", undefined],
    ["broken", "provider-overloaded", undefined],
    ["invalid", "provider-refused", undefined],
    ["filtered", "provider-refused", undefined],
    ["too-long", "provider-refused", undefined],
    ["limited", "provider-limited", service === "gemini" ? 7_000 : 30_000],
  ] as const)("a request refused (%s) is asked once, and is a %s", async (kind, code, retryAfterMs) => {
    await using house = await only();
    const fake = house.fake(service);
    fake.script({ type: "refuse", kind, ...(kind === "limited" || kind === "overloaded" ? { retryAfterS: 30 } : {}) });
    const { parts, fault } = await thought(house.thinker(), house.request(friday));
    expect(parts).toEqual([]);
    expect(fault).toMatchObject({ name: "Fault", code });
    if (kind === "limited") expect(fault?.retryAfterMs).toBe(retryAfterMs);
    expect(fake.hits).toBe(1);
    expect(fault?.message).toContain(`asking ${service}`);
  });

  test("a wrong key is a fault that does not tell it", async () => {
    await using house = await only();
    for (const name of Object.keys(house.settings)) if (name.endsWith("_KEY")) house.settings[name] = "sk-very-secret-and-wrong";
    const { fault } = await thought(house.thinker(), house.request(friday));
    expect(fault).toMatchObject({ name: "Fault", code: "provider-key" });
    expect(JSON.stringify([fault?.message, fault?.stack, house.logged])).not.toContain("very-secret");
  });

  test("a refusal tells the operator the service's own words, and the request by which it can be asked about", async () => {
    await using house = await only();
    house.fake(service).script({ type: "refuse", kind: "overloaded" });
    const { fault } = await thought(house.thinker([service]), house.request(friday));
    expect(fault?.message).toContain(`: The model is overloaded.${service === "gemini" ? "" : " (request req_fake)"}`);
  });

  test("a key that was changed is used from the next answer on", async () => {
    await using house = await only();
    const thinker = house.thinker();
    const good = { ...house.settings };
    for (const name of Object.keys(good)) if (name.endsWith("_KEY")) house.settings[name] = "sk-old";
    expect((await thought(thinker, house.request(friday))).fault?.code).toBe("provider-key");
    Object.assign(house.settings, good);
    expect((await thought(thinker, house.request(friday))).fault).toBeUndefined();
  });

  test("a model that is gone is a fault that names it", async () => {
    await using house = await only();
    const { fault } = await thought(house.thinker([{ name: service, model: "nobody-knows-1" }]), house.request(friday));
    expect(fault).toMatchObject({ name: "Fault", code: "provider-model" });
    expect(fault?.message).toContain("nobody-knows-1");
  });

  test("nobody listening, and a connection reset before a word, are faults", async () => {
    await using house = await only();
    house.fake(service).script({ type: "reset" });
    expect((await thought(house.thinker(), house.request(friday))).fault?.code).toBe("provider-dropped");
    await house[Symbol.asyncDispose]();
    const { fault } = await thought(house.thinker(), house.request(friday));
    expect(fault).toMatchObject({ name: "Fault", code: "provider-unreachable" });
  });

  test.each([
    ["nothing comes", { type: "stall", after: "request" }],
    ["a status comes and no more", { type: "stall", after: "headers" }],
    ["only signs of life come", answer([{ type: "keep-alive" }, { type: "hold" }])],
    ["only thoughts come", answer([{ type: "thought", text: "hm" }, { type: "hold" }])],
  ] as const)("the first words are waited for 2500 ms when %s", async (_, scripted) => {
    const clock = new SimulatedClock();
    await using house = await parlour([service], { clock });
    const fake = house.fake(service);
    fake.script(scripted);
    const asking = thought(house.thinker(), house.request(friday));
    await vi.waitFor(() => expect(fake.requests).toHaveLength(1), 10_000);
    await clock.advance(2_499);
    expect(fake.panel.open).toBe(1);
    await clock.advance(1);
    expect((await asking).fault).toMatchObject({ name: "Fault", code: "provider-silent" });
    await vi.waitFor(() => expect(fake.panel.open).toBe(0), 10_000);
    expect([fake.hits, clock.armed]).toEqual([1, 0]);
  });

  test("a stream that stands still after some words is given up after 3000 ms", async () => {
    const clock = new SimulatedClock();
    await using house = await parlour([service], { clock });
    const fake = house.fake(service);
    fake.script(answer([text("Let me"), { type: "hold" }, text(" see.")]));
    const heard = Promise.withResolvers<void>();
    const asking = thought(house.thinker(), house.request(friday), undefined, () => heard.resolve());
    await heard.promise;
    await vi.waitFor(() => expect(clock.armed).toBe(2), 10_000);
    await clock.advance(3_000);
    const { parts, fault } = await asking;
    expect(textOf(parts)).toBe("Let me");
    expect(fault).toMatchObject({ name: "Fault", code: "provider-silent" });
    await vi.waitFor(() => expect(fake.panel.open).toBe(0), 10_000);
    expect(clock.armed).toBe(0);
  });

  test("an answer that drips on without an end is given up after 30 s", async () => {
    const clock = new SimulatedClock();
    await using house = await parlour([service], { clock });
    const fake = house.fake(service);
    fake.script(answer(Array.from({ length: 30 }, () => [text("and "), { type: "hold" }] as const).flat()));
    let heard = 0;
    const asking = thought(house.thinker(), house.request(friday), undefined, () => (heard += 1));
    for (let drip = 1; drip <= 11; drip += 1) {
      await vi.waitFor(() => expect([heard, clock.armed]).toEqual([drip, 2]), 10_000);
      await clock.advance(2_700);
      fake.panel.release();
    }
    await vi.waitFor(() => expect([heard, clock.armed]).toEqual([12, 2]), 10_000);
    await clock.advance(300);
    expect((await asking).fault).toMatchObject({
      code: "provider-silent",
      message: expect.stringContaining("30000 ms for the whole answer"),
    });
    await vi.waitFor(() => expect(fake.panel.open).toBe(0), 10_000);
  });

  test("a caller who speaks over the answer ends it without a fault, and the request with it", async () => {
    await using house = await only();
    const fake = house.fake(service);
    fake.script(answer([text("We are open from"), { type: "hold" }, text(" ten.")]));
    const stop = new AbortController();
    const { parts, fault } = await thought(house.thinker(), house.request(friday), stop.signal, () => stop.abort());
    expect(textOf(parts)).toBe("We are open from");
    expect(fault).toBeUndefined();
    await vi.waitFor(() => expect([fake.panel.open, fake.abandoned]).toEqual([0, 1]), 10_000);
    expect(house.guards(service).open).toBe(true);
    expect(fake.hits).toBe(1);
  });

  test("a draft withdrawn before its first word leaves no request and counts against nobody", async () => {
    await using house = await only();
    const fake = house.fake(service);
    for (let draft = 0; draft < 4; draft += 1) {
      fake.script({ type: "stall", after: "request" });
      const stop = new AbortController();
      const asking = thought(house.thinker(), house.request(friday), stop.signal);
      await vi.waitFor(() => expect(fake.requests).toHaveLength(draft + 1), 10_000);
      stop.abort();
      expect((await asking).fault?.code ?? "ended").toBe("ended");
    }
    await vi.waitFor(() => expect(fake.panel.open).toBe(0), 10_000);
    expect(house.guards(service).open).toBe(true);
  });

  test("a listener who leaves in the middle ends the request", async () => {
    await using house = await only();
    const fake = house.fake(service);
    fake.script(answer([text("We are"), { type: "hold" }, text(" open.")]));
    for await (const part of house.thinker().think(house.request(friday), new AbortController().signal)) if (part.type === "text") break;
    await vi.waitFor(() => expect([fake.panel.open, fake.abandoned]).toEqual([0, 1]), 10_000);
  });

  test("a signal that was aborted before asks nothing", async () => {
    await using house = await only();
    expect(await thought(house.thinker(), house.request(friday), AbortSignal.abort())).toEqual({ parts: [], fault: undefined });
    expect(house.fake(service).hits).toBe(0);
  });

  test("an unknown tool is told as it was called", async () => {
    await using house = await only();
    house.fake(service).script(answer([call("fly", '{"to":"moon"}')]));
    const { parts } = await thought(house.thinker(), house.request(friday, { tools: [find] }));
    expect(callsOf(parts)).toMatchObject([{ name: "fly", arguments: '{"to":"moon"}' }]);
  });

  test("an id that not every service takes, or that was used before, is replaced by one of ours", async () => {
    await using house = await only();
    const fake = house.fake(service);
    fake.script(answer([call("find", "{}", "functions.find:0"), call("find", "{}", "used"), call("find", "{}", "used")]), says("ok"));
    const used = { type: "tool", id: "used", name: "find", arguments: "{}", output: "{}", keepsake: undefined } as const;
    const { parts } = await thought(house.thinker(), house.request([...friday, used, agent("Yes."), caller("And Saturday?")]));
    const ids = callsOf(parts).map(({ toolCallId }) => toolCallId);
    expect(new Set([...ids, "used"]).size).toBe(4);
    for (const id of ids) expect(id).toMatch(/^[\w-]{1,64}$/);
  });

  test("messages of a kind that nobody knows are passed over", async () => {
    await using house = await only();
    const fake = house.fake(service);
    fake.panel.unknownEvents = true;
    fake.script(answer([text("Yes."), call("find", "{}")]));
    const { parts, fault } = await thought(house.thinker(), house.request(friday));
    expect(fault).toBeUndefined();
    expect(parts.map(({ type }) => type)).toEqual(["text", "call", "usage"]);
  });
});

describe("what only some services do", () => {
  test.each(["openai", "azure", "groq", "anthropic"] as const)(
    "%s: arguments that are no JSON are passed on as written",
    async (service) => {
      await using house = await parlour([service]);
      house.fake(service).script(answer([call("find", '{"day": Fri')]));
      const { parts } = await thought(house.thinker(), house.request(friday));
      expect(callsOf(parts)).toMatchObject([{ name: "find", arguments: '{"day": Fri' }]);
    },
  );

  test("openai: the model's own refusal is spoken", async () => {
    await using house = await parlour(["openai"]);
    house.fake("openai").script(answer([{ type: "refusal", text: "I am sorry, I cannot help with that." }]));
    expect(textOf((await thought(house.thinker(), house.request(friday))).parts)).toBe("I am sorry, I cannot help with that.");
  });

  test("groq: a thought written into the text is taken out, wherever it is cut", async () => {
    await using house = await parlour(["groq"]);
    for (const chars of [1, 2, 3, 5, 8, 100]) {
      const pieces = " <think>Is 1 < 2?</think>It is < 2.".match(new RegExp(`.{1,${chars}}`, "gs")) ?? [];
      house.fake("groq").script(says(...pieces));
      expect(textOf((await thought(house.thinker(), house.request(friday))).parts)).toBe("It is < 2.");
    }
    house.fake("groq").script(says("<", "thin"));
    expect(textOf((await thought(house.thinker(), house.request(friday))).parts)).toBe("<thin");
  });

  test("gemini: an older model gives no ids and no signatures", async () => {
    await using house = await parlour(["gemini"]);
    const fake = house.fake("gemini");
    fake.script(answer([call("find", "{}", "")]), says("Free."));
    const thinker = house.thinker([{ name: "gemini", model: "gemini-2.5-flash" }]);
    const first = await thought(thinker, house.request(friday));
    expect(callsOf(first.parts)[0]?.toolCallId).toMatch(/^call_\w+$/);
    const second = await thought(thinker, house.request([...friday, ...answered(first.parts)]));
    expect(textOf(second.parts)).toBe("Free.");
    expect(fake.panel.violations).toEqual([]);
    expect(fake.requests[1]?.asked.history.map(({ by }) => by)).toEqual(["caller", "tool"]);
  });

  test("gemini: calls of another model of its own are told as notes, for their signatures are worth nothing here", async () => {
    await using house = await parlour(["gemini"]);
    const fake = house.fake("gemini");
    fake.script(answer([call("find", "{}")]), says("Free."));
    const first = await thought(house.thinker(), house.request(friday));
    const other = house.thinker([{ name: "gemini", model: "gemini-3.5-flash" }]);
    const second = await thought(other, house.request([...friday, ...answered(first.parts)]));
    expect(second.fault).toBeUndefined();
    expect(fake.panel.violations).toEqual([]);
    expect(fake.requests[1]?.asked.history).toEqual([
      { by: "caller", text: "Is Friday free?" },
      { by: "caller", text: '(find({}) returned {"free":true})' },
    ]);
  });

  test("anthropic: thoughts before a call go back with it", async () => {
    await using house = await parlour(["anthropic"]);
    const fake = house.fake("anthropic");
    fake.script(answer([{ type: "thought", text: "Look it up." }, text("Let me look."), call("find", "{}")]), says("Free."));
    const thinker = house.thinker([{ name: "anthropic", effort: "low" }]);
    const first = await thought(thinker, house.request(friday));
    const { fault } = await thought(thinker, house.request([...friday, agent("Let me look."), ...answered(first.parts)]));
    expect(fault).toBeUndefined();
    expect(fake.panel.violations).toEqual([]);
    expect(JSON.stringify(fake.requests[1]?.body)).toContain('{"type":"thinking","thinking":"Look it up.","signature":"c2lnbg=="}');
  });

  test("azure: an API version leads to the older address of the deployment", async () => {
    await using house = await parlour(["azure"]);
    house.settings["AZURE_OPENAI_API_VERSION"] = "2025-04-01-preview";
    house.fake("azure").script(says("Yes."));
    expect((await thought(house.thinker(), house.request(friday))).fault).toBeUndefined();
    expect(house.fake("azure").requests[0]?.path).toBe("/openai/deployments/night-chat/chat/completions?api-version=2025-04-01-preview");
  });

  test.each([
    ["gemini", "gemini-2.5-flash", "none", { thinkingConfig: { thinkingBudget: 0 } }],
    ["gemini", "gemini-2.5-pro", "none", { thinkingConfig: { thinkingBudget: 128 } }],
    ["gemini", "gemini-2.5-flash", "low", { thinkingConfig: { thinkingBudget: 1_024 } }],
    ["gemini", "gemini-3.8-flash", "none", { thinkingConfig: { thinkingLevel: "MINIMAL" } }],
    ["gemini", "gemini-3.8-flash", "high", { thinkingConfig: { thinkingLevel: "HIGH" } }],
    ["gemini", "gemini-3.8-flash", "default", {}],
    ["anthropic", "claude-haiku-5-5", "none", { thinking: { type: "disabled" } }],
    ["anthropic", "claude-sonnet-5-5", "high", { thinking: { type: "adaptive" }, output_config: { effort: "high" } }],
    ["anthropic", "claude-haiku-5-5", "default", {}],
    ["openai", "gpt-6-luna", "none", { reasoning_effort: "none" }],
    ["openai", "gpt-6-sol", "low", { reasoning_effort: "low" }],
    ["openai", "gpt-6-sol", "default", {}],
    ["openai", "gpt-4.1-mini", "none", {}],
    ["azure", "night-chat", "none", {}],
    ["azure", "night-chat", "medium", { reasoning_effort: "medium" }],
    ["groq", "llama-3.1-8b-instant", "none", {}],
    ["groq", "qwen/qwen3-32b", "none", { reasoning_effort: "none", reasoning_format: "hidden" }],
    ["groq", "qwen/qwen3-32b", "high", { reasoning_effort: "default", reasoning_format: "hidden" }],
    ["groq", "openai/gpt-oss-20b", "none", { reasoning_effort: "low", include_reasoning: false }],
    ["groq", "openai/gpt-oss-20b", "default", { include_reasoning: false }],
  ] as const)("%s: %s is asked for effort %s in words that it takes", async (service, model, effort, words) => {
    await using house = await parlour([service]);
    house.fake(service).script(says("Yes."));
    const { fault } = await thought(house.thinker([{ name: service, model, effort, maxOutputTokens: 100 }]), house.request(friday));
    expect(fault).toBeUndefined();
    expect(house.fake(service).panel.violations).toEqual([]);
    expect(effortOf(house.fake(service).requests[0]?.body)).toEqual(words);
  });

  test("an environment full of other people's settings changes nothing", async () => {
    vi.stubEnv("GOOGLE_API_KEY", "wrong");
    vi.stubEnv("GOOGLE_GENAI_USE_VERTEXAI", "true");
    vi.stubEnv("GOOGLE_GENAI_USE_ENTERPRISE", "true");
    vi.stubEnv("GOOGLE_GENAI_API_VERSION", "v9");
    vi.stubEnv("GOOGLE_GEMINI_BASE_URL", "http://127.0.0.1:1");
    vi.stubEnv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1");
    vi.stubEnv("OPENAI_API_KEY", "wrong");
    vi.stubEnv("OPENAI_ORG_ID", "org-other");
    vi.stubEnv("OPENAI_API_VERSION", "2020-01-01");
    vi.stubEnv("ANTHROPIC_AUTH_TOKEN", "wrong");
    vi.stubEnv("ANTHROPIC_BASE_URL", "http://127.0.0.1:1");
    try {
      for (const service of services) {
        await using house = await parlour([service]);
        house.fake(service).script(says("Yes."));
        expect({ service, ...(await thought(house.thinker(), house.request(friday))) }).toMatchObject({ service, fault: undefined });
        expect(house.fake(service).panel.last.asked.headers["openai-organization"]).toBeUndefined();
      }
    } finally {
      vi.unstubAllEnvs();
    }
  });
});

/** The part of a request that says how much to think. */
function effortOf(body: unknown): unknown {
  const asked = body as Record<string, unknown>; // as the fake read it
  const generation = (asked["generationConfig"] ?? {}) as Record<string, unknown>;
  const names = ["thinking", "output_config", "reasoning_effort", "reasoning_format", "include_reasoning"];
  const own = names.flatMap((name) => (name in asked ? [[name, asked[name]]] : []));
  return Object.fromEntries("thinkingConfig" in generation ? [["thinkingConfig", generation["thinkingConfig"]]] : own);
}
