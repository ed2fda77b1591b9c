import { describe, expect, test } from "vitest";
import { silentLog } from "../../../src/kernel/log.ts";
import { Fault } from "../../../src/kernel/fault.ts";
import { novaSamples, fluxSamples, speakSamples } from "../../../src/fakes/deepgram/samples.ts";
import { endFault, errorFault } from "../../../src/provider/deepgram/faults.ts";
import { readFlux } from "../../../src/provider/deepgram/flux-wire.ts";
import { FlushBudget } from "../../../src/provider/deepgram/flush-budget.ts";
import { Memory } from "../../../src/provider/deepgram/memory.ts";
import { readNova } from "../../../src/provider/deepgram/nova-wire.ts";
import { Reply } from "../../../src/provider/deepgram/reply.ts";
import { readSpeak } from "../../../src/provider/deepgram/speak-wire.ts";
import { stageGuards } from "../../../src/provider/deepgram/stage-guard.ts";
import { Timeline } from "../../../src/provider/deepgram/timeline.ts";
import { SimulatedClock } from "../../simulated-clock.ts";

describe("wires", () => {
  test.for([
    ...fluxSamples.map((sample) => ({ sample, read: readFlux })),
    ...novaSamples.map((sample) => ({ sample, read: readNova })),
    ...speakSamples.map((sample) => ({ sample, read: readSpeak })),
  ])("a well-made $sample.type is read", ({ sample, read }) => {
    expect(read(sample)).toBeTypeOf("object");
  });

  test.for([
    undefined,
    null,
    7,
    "text",
    [],
    {},
    { type: 7 },
    { type: "constructor" },
    { type: "TurnInfo" },
    { type: "Results", start: "0" },
  ])("what is none is told in words: %j", (raw) => {
    for (const read of [readFlux, readNova, readSpeak]) expect(read(raw)).toBeTypeOf("string");
  });

  test("an unknown last word is no position", () => {
    expect(readNova({ type: "UtteranceEnd", channel: [0], last_word_end: -1 })).toEqual({ type: "utterance.ended", lastWordMs: undefined });
  });

  test("two voices on one line are told apart, one is not named", () => {
    const words = (speakers: readonly number[]) => speakers.map((speaker, at) => ({ word: `w${at}`, start: at, end: at + 1, speaker }));
    const results = (speakers: readonly number[]) => ({
      type: "Results",
      start: 0,
      duration: 1,
      channel: { alternatives: [{ transcript: "w0 w1 w2", words: words(speakers) }] },
    });
    expect(readNova(results([0, 0, 0]))).toMatchObject({ text: "w0 w1 w2" });
    expect(readNova(results([0, 1, 1]))).toMatchObject({ text: "[speaker 1] w0 [speaker 2] w1 w2" });
  });
});

test.for([
  [1011, "NET-0001: no audio", "provider-dropped"],
  [1011, "NET-0000: no response", "provider-overloaded"],
  [1011, "NET-0003: time limit", "provider-expired"],
  [1008, "DATA-0000: cannot be decoded", "provider-refused"],
  [1005, "", "provider-dropped"],
  [1006, "", "provider-dropped"],
] as const)("a close with %s %j is %s", ([code, reason, fault]) => {
  expect(endFault({ type: "closed", code, reason }, "using flux", "key").code).toBe(fault);
});

test("no fault quotes the key", () => {
  const secret = "very-secret";
  for (const fault of [endFault({ type: "closed", code: 1008, reason: secret }, "x", secret), errorFault("E", `no ${secret}`, "x", secret)])
    expect(fault.message).not.toContain(secret);
});

describe("the time line", () => {
  test("positions are those of the caller's audio, whatever silence was filled in", () => {
    const line = new Timeline();
    line.hear(1_000);
    line.fill(500);
    line.fill(500);
    line.hear(1_000);
    expect([500, 1_000, 1_500, 2_000, 2_500, 3_000].map((ms) => line.linkMs(ms))).toEqual([500, 1_000, 1_000, 1_000, 1_500, 2_000]);
    expect(line.linkMs(9_999)).toBe(2_000);
  });

  test("hundreds of pauses leave the latest positions exact", () => {
    const line = new Timeline();
    for (let at = 0; at < 500; at += 1) {
      line.hear(100);
      line.fill(50);
    }
    expect(line.linkMs(line.sentMs)).toBe(50_000);
    expect(line.linkMs(line.sentMs - 50 - 40)).toBe(50_000 - 40);
  });
});

test("what was heard of a reply is told in whole words, clause by clause", () => {
  const reply = new Reply("a1", undefined);
  reply.addClause("One room is free.");
  reply.addAudio(1_000);
  reply.addClause("It looks to the sea.");
  reply.addAudio(1_000);
  reply.isSpoken = true;
  expect([0, 500, 1_000, 1_500, 2_000].map((ms) => reply.heardBy(ms))).toEqual([
    "",
    "One room",
    "One room is free.",
    "One room is free. It looks",
    "One room is free. It looks to the sea.",
  ]);
});

test("a reply that is hidden tells nothing until it is shown, and then in order; one that is over never does", () => {
  const reply = new Reply("a1", undefined);
  const told: number[] = [];
  for (const at of [1, 2]) reply.tell(() => told.push(at));
  expect([told.length, reply.state]).toEqual([0, "hidden"]);
  reply.show();
  reply.tell(() => told.push(3));
  reply.hide();
  reply.tell(() => told.push(4));
  expect([told, reply.state]).toEqual([[1, 2, 3, 4], "told"]);
  reply.stop();
  reply.tell(() => told.push(5));
  expect(told).toEqual([1, 2, 3, 4]);
});

test("results of calls made together are owed an answer once, and told twice only once", () => {
  const memory = new Memory([]);
  const call = (toolCallId: string) => ({ type: "call" as const, toolCallId, name: "find", arguments: "{}", keepsake: undefined });
  memory.called([call("a"), call("b")], "a1");
  const result = (toolCallId: string) => ({ toolCallId, name: "find", output: "{}", failed: false });
  expect([memory.toolAnswered(result("b")), memory.toolAnswered(result("b")), memory.toolAnswered(result("a"))]).toEqual([
    false,
    false,
    true,
  ]);
  expect(memory.items.map(({ type }) => type)).toEqual(["tool", "tool"]);
  memory.agentSaid("a1", "One moment.", false);
  expect(memory.items.map(({ type }) => type)).toEqual(["agent", "tool", "tool"]);
});

test("flushes are counted over a minute", async () => {
  const clock = new SimulatedClock();
  const budget = new FlushBudget(clock);
  for (let at = 0; at < 20; at += 1) {
    budget.spend();
    await clock.advance(1_000);
  }
  expect(budget.left).toBe(0);
  await clock.advance(40_000);
  expect(budget.left).toBe(1);
});

test("a stage that fails three times in a row is left alone, then tried by one", async () => {
  const clock = new SimulatedClock();
  const guard = stageGuards(clock, silentLog)("flux");
  const { signal } = new AbortController();
  const fails = (): Promise<never> => guard.run(() => Promise.reject(new Fault("provider-overloaded", "HTTP 503")), signal);
  for (const _ of "123") await expect(fails()).rejects.toThrow("HTTP 503");
  await expect(guard.run(async () => 1, signal)).rejects.toMatchObject({
    code: "provider-shut",
    message: expect.stringContaining("HTTP 503"),
  });
  await clock.advance(10_000);
  const trial = Promise.withResolvers<number>();
  const trying = guard.run(() => trial.promise, signal);
  expect(guard.open).toBe(false);
  trial.resolve(1);
  await expect(trying).resolves.toBe(1);
  await expect(guard.run(async () => 2, signal)).resolves.toBe(2);
});

test("a call that gave up proves nothing against a stage", async () => {
  const guard = stageGuards(new SimulatedClock(), silentLog)("aura");
  const signal = AbortSignal.abort();
  for (const _ of "12345") await expect(guard.run(() => Promise.reject(new Error("given up")), signal)).rejects.toThrow();
  expect(guard.open).toBe(true);
});
