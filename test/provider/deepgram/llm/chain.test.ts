import { describe, expect, test, vi } from "vitest";
import { says, type LlmAnswer } from "../../../../src/fakes/llm/script.ts";
import { Fault } from "../../../../src/kernel/fault.ts";
import type { StageGuards } from "../../../../src/provider/deepgram/stages.ts";
import { SimulatedClock } from "../../../simulated-clock.ts";
import { agent, answered, caller, callsOf, parlour, services, textOf, thought, type Service } from "./parlour.ts";

const friday = [caller("Is Friday free?")];
const answer = (parts: LlmAnswer["parts"], more: Omit<LlmAnswer, "type" | "parts"> = {}): LlmAnswer => ({ type: "answer", parts, ...more });
const refused = { type: "refuse", kind: "overloaded" } as const;
const hits = (house: Awaited<ReturnType<typeof parlour>>): number[] =>
  services.flatMap((name) => (house.fakes[name] === undefined ? [] : [house.fake(name).hits]));

describe("which model is asked", () => {
  test("the first answers, and nobody else is asked", async () => {
    await using house = await parlour(services);
    house.fake("gemini").script(says("Yes."));
    expect(textOf((await thought(house.thinker(), house.request(friday))).parts)).toBe("Yes.");
    expect(hits(house)).toEqual([1, 0, 0, 0, 0]);
    expect(house.logged).toEqual([]);
  });

  test("each one that fails hands over to the next, down to the last, and the operator hears of it", async () => {
    await using house = await parlour(services);
    for (const name of services.slice(0, 4)) house.fake(name).script(refused);
    house.fake("groq").script(says("Yes."));
    const { parts, fault } = await thought(house.thinker(), house.request(friday));
    expect(fault).toBeUndefined();
    expect(textOf(parts)).toBe("Yes.");
    expect(parts.at(-1)).toMatchObject({ type: "usage", usage: { model: "llama-3.3-70b-versatile" } });
    expect(hits(house)).toEqual([1, 1, 1, 1, 1]);
    expect(house.logged.map(({ event, fields }) => [event, fields?.["from"] ?? fields?.["service"]])).toEqual([
      ["stage_fell_back", "gemini"],
      ["stage_fell_back", "anthropic"],
      ["stage_fell_back", "openai"],
      ["stage_fell_back", "azure"],
      ["stage_stood_in", "groq"],
    ]);
    for (const name of services) expect(house.fake(name).panel.violations).toEqual([]);
  });

  test.each(["key", "quota", "limited", "model", "invalid", "filtered"] as const)(
    "a first model that refuses (%s) is replaced",
    async (kind) => {
      await using house = await parlour(["gemini", "anthropic"]);
      house.fake("gemini").script({ type: "refuse", kind });
      house.fake("anthropic").script(says("Yes."));
      expect(textOf((await thought(house.thinker(), house.request(friday))).parts)).toBe("Yes.");
    },
  );

  test.each([
    ["stalls", { type: "stall", after: "headers" }],
    ["sends signs of life only", answer([{ type: "keep-alive" }, { type: "hold" }])],
  ] as const)("a first model that %s is replaced after its 2500 ms", async (_, scripted) => {
    const clock = new SimulatedClock();
    await using house = await parlour(["anthropic", "openai"], { clock });
    house.fake("anthropic").script(scripted);
    house.fake("openai").script(says("Yes."));
    const asking = thought(house.thinker(), house.request(friday));
    await vi.waitFor(() => expect(house.fake("anthropic").requests).toHaveLength(1), 10_000);
    await clock.advance(2_500);
    expect(textOf((await asking).parts)).toBe("Yes.");
    await vi.waitFor(() => expect(house.fake("anthropic").panel.open).toBe(0), 10_000);
  });

  test.each([
    ["is only blanks", [{ type: "text", text: " \n" }], {}],
    ["is only thought", [{ type: "thought", text: "hm" }], {}],
    ["was cut before its first word", [], { then: "reset" }],
  ] as const)("an answer that %s was not heard by anybody, so the next model is asked", async (_, parts, more) => {
    await using house = await parlour(["gemini", "openai"]);
    house.fake("gemini").script(answer(parts, more));
    house.fake("openai").script(says("Yes."));
    expect(textOf((await thought(house.thinker(), house.request(friday))).parts)).toBe("Yes.");
  });

  test("after the first word nobody else is asked: the fault is told", async () => {
    await using house = await parlour(["gemini", "openai"]);
    house.fake("gemini").script(answer([{ type: "text", text: "We are" }], { then: "reset" }));
    const { parts, fault } = await thought(house.thinker(), house.request(friday));
    expect(textOf(parts)).toBe("We are");
    expect(fault).toMatchObject({ name: "Fault", code: "provider-dropped" });
    expect(hits(house)).toEqual([1, 0]);
  });

  test("when all fail, one fault tells of each, and how long to wait at least", async () => {
    await using house = await parlour(["gemini", "anthropic"]);
    house.fake("gemini").script({ type: "refuse", kind: "limited" });
    house.fake("anthropic").script({ type: "refuse", kind: "limited", retryAfterS: 3 });
    const { fault } = await thought(house.thinker(), house.request(friday));
    expect(fault).toMatchObject({ code: "provider-limited", retryAfterMs: 3_000 });
    expect(fault?.message).toMatch(/asking gemini .*asking anthropic /);
  });

  test("what can pass by itself decides how it is called", async () => {
    await using house = await parlour(["gemini", "anthropic"]);
    house.fake("gemini").script({ type: "refuse", kind: "quota" });
    house.fake("anthropic").script(refused);
    expect((await thought(house.thinker(), house.request(friday))).fault?.code).toBe("provider-overloaded");
  });

  test("a caller who speaks before the first word stops the whole chain", async () => {
    await using house = await parlour(["gemini", "openai"]);
    house.fake("gemini").script({ type: "stall", after: "headers" });
    const stop = new AbortController();
    const asking = thought(house.thinker(), house.request(friday), stop.signal);
    await vi.waitFor(() => expect(house.fake("gemini").requests).toHaveLength(1), 10_000);
    stop.abort();
    expect(await asking).toEqual({ parts: [], fault: undefined });
    await vi.waitFor(() => expect(house.fake("gemini").panel.open).toBe(0), 10_000);
    expect(hits(house)).toEqual([1, 0]);
    expect(house.logged).toEqual([]);
  });
});

describe("guards", () => {
  test("a model that fails three times in a row is left alone for a while, then tried again", async () => {
    const clock = new SimulatedClock();
    await using house = await parlour(["gemini", "openai"], { clock });
    house.fake("gemini").script(refused, refused, refused);
    for (let turn = 0; turn < 5; turn += 1) {
      expect((await thought(house.thinker(), house.request(friday))).fault).toBeUndefined();
    }
    expect(hits(house)).toEqual([3, 5]);
    await clock.advance(10_000);
    house.fake("gemini").script(says("I am back."));
    expect(textOf((await thought(house.thinker(), house.request(friday))).parts)).toBe("I am back.");
  });

  test("a stream that is cut counts as a failure of a model that began well", async () => {
    const told: string[] = [];
    const guards: StageGuards = (service) => ({
      async run(work) {
        const done = await work();
        told.push(`${service} began`);
        return done;
      },
      failed: () => void told.push(`${service} failed`),
      open: true,
    });
    await using house = await parlour(["openai"], { guards });
    house.fake("openai").script(answer([{ type: "text", text: "We" }], { then: "unmarked" }));
    await thought(house.thinker(), house.request(friday));
    expect(told).toEqual(["openai began", "openai failed"]);
  });

  test("a conversation that is refused counts against nobody", async () => {
    await using house = await parlour(["openai", "groq"]);
    house.fake("openai").script(...Array.from({ length: 4 }, () => ({ type: "refuse", kind: "filtered" }) as const));
    for (let turn = 0; turn < 4; turn += 1) await thought(house.thinker(), house.request(friday));
    expect(hits(house)).toEqual([4, 4]);
    expect(house.guards("openai").open).toBe(true);
  });
});

describe("a conversation moves between models", () => {
  const pairs = services.flatMap((from) => services.filter((to) => to !== from).map((to): [Service, Service] => [from, to]));

  test.each(pairs)("calls made by %s are understood by %s, and nothing that only the first can read goes along", async (from, to) => {
    await using house = await parlour([from, to]);
    const parts = [
      { type: "text", text: "Let me look." },
      { type: "call", name: "find", arguments: '{"day":"Fri"}' },
      { type: "call", name: "weather", arguments: "{}" },
    ] as const;
    house.fake(from).script(answer(parts));
    house.fake(to).script(says("Free and sunny."));
    const first = await thought(house.thinker([from]), house.request(friday));
    expect(callsOf(first.parts)).toHaveLength(2);
    const conversation = [...friday, agent("Let me look."), ...answered(first.parts)];
    const second = await thought(house.thinker([to]), house.request(conversation));
    expect(second.fault).toBeUndefined();
    expect(textOf(second.parts)).toBe("Free and sunny.");
    expect(house.fake(to).panel.violations).toEqual([]);
    const body = JSON.stringify(house.fake(to).requests[0]?.body);
    expect(body).toContain("find");
    expect(body).toContain("free");
    expect(body).not.toMatch(/thoughtSignature|signature|keepsake/);
    // And back again: the first knows its own calls still.
    house.fake(from).script(says("Gladly."));
    const third = await thought(house.thinker([from]), house.request([...conversation, agent("Free and sunny."), caller("Book it.")]));
    expect(third.fault).toBeUndefined();
    expect(house.fake(from).panel.violations).toEqual([]);
  });
});

describe("what an agent wants", () => {
  test("its own order and models", async () => {
    await using house = await parlour(["gemini", "anthropic", "openai"]);
    house.fake("openai").script(refused);
    house.fake("anthropic").script(says("Yes."));
    const thinker = house.thinker([{ name: "openai", model: "gpt-4.1-mini", maxOutputTokens: 200 }, "anthropic"]);
    expect(textOf((await thought(thinker, house.request(friday))).parts)).toBe("Yes.");
    expect(hits(house)).toEqual([0, 1, 1]);
    expect(house.fake("openai").requests[0]?.body).toMatchObject({ model: "gpt-4.1-mini", max_completion_tokens: 200 });
  });

  test("a model of the house, where the agent names none", async () => {
    await using house = await parlour(["anthropic"]);
    house.settings["ANTHROPIC_LLM_MODEL"] = "claude-sonnet-5-5";
    house.fake("anthropic").script(says("Yes."));
    await thought(house.thinker(["anthropic"]), house.request(friday));
    expect(house.fake("anthropic").requests[0]?.asked.model).toBe("claude-sonnet-5-5");
  });

  test("a service without a key is left out, and the operator told", async () => {
    await using house = await parlour(["openai"]);
    house.fake("openai").script(says("Yes."));
    expect(textOf((await thought(house.thinker(["gemini", "openai"]), house.request(friday))).parts)).toBe("Yes.");
    expect(house.logged).toMatchObject([{ level: "warning", event: "llm_without_key", fields: { services: ["gemini"] } }]);
  });

  test("a house without any key has no chain", async () => {
    await using house = await parlour([]);
    const { fault } = await thought(house.thinker(), house.request(friday));
    expect(fault).toMatchObject({ name: "Fault", code: "provider-key" });
    expect(() => house.thinker(["groq"])).toThrow(/there is a key for none of groq/);
  });

  test.each([
    ["openai", ""],
    [[], ""],
    [["nobody"], "[0]"],
    [["groq", "groq"], "twice"],
    [[{ name: "groq", model: "" }], "[0]"],
    [[{ name: "groq", temprature: 1 }], "[0]"],
    [[{ name: "groq", maxOutputTokens: 0 }], "[0]"],
  ])("%j is refused, naming the place", async (llm, named) => {
    await using house = await parlour(["groq"]);
    const refusing = (): unknown => house.thinker(llm);
    expect(refusing).toThrow(Fault);
    expect(refusing).toThrow("agent front-desk: providerSettings.deepgram.llm");
    expect(refusing).toThrow(named);
  });
});
