import { describe, test, vi } from "vitest";
import { question, timesHeard } from "../../scripts/bench/fail-over/question.ts";
import type { Caller } from "../../scripts/caller/caller.ts";
import type { ToldItem } from "../../src/fakes/panel.ts";
import { startCloud, type Cloud } from "./cloud.ts";

// What scripts/bench/fail-over.ts measures, as what must be so on any machine: counted, never timed.
const patient = { timeout: 30_000, interval: 20 };
const byCaller = ({ by }: ToldItem): boolean => by === "caller";
const events = (cloud: Cloud, event: string): readonly Readonly<Record<string, unknown>>[] =>
  cloud.log.filter((line) => line.event === event).map(({ fields }) => fields);
const saidBy = (caller: Caller): readonly string[] => caller.turns.filter(({ role }) => role === "agent").map(({ text }) => text.trim());

async function answered(caller: Caller, said: Int16Array): Promise<void> {
  const answer = caller.hears();
  await caller.says(said);
  await answer;
}

describe.concurrent("a provider that is killed and refuses to come back", { timeout: 60_000 }, () => {
  test("in a question of three seconds: the next one hears it whole, once and in order", async ({ expect }) => {
    await using cloud = await startCloud("openai", "gemini");
    const [first, next] = [cloud.panel("openai"), cloud.panel("gemini")];
    await using caller = await cloud.answers();
    const said = question(1, 3_000);
    const answer = caller.hears();
    const asked = caller.says(said);
    await vi.waitFor(() => expect(first.last.heard.bytes).toBeGreaterThan(1_500 * 48), patient);
    first.refuse(503);
    first.drop("rst");
    await asked;
    await answer;
    expect(next.audioHeard().map((heard) => timesHeard(heard, said))).toEqual([1]);
    expect(caller.lost).toEqual({ uplinkChunks: 0, downlinkChunks: 0 });
    expect(events(cloud, "audio_overflow")).toEqual([]);
    expect(cloud.violations()).toEqual([]);
  });

  test("in an answer and in a pause: the call goes on, and nobody is told of an error", async ({ expect }) => {
    await using cloud = await startCloud("openai", "gemini");
    const [first, next] = [cloud.panel("openai"), cloud.panel("gemini")];
    first.script = (told) => (told.some(byCaller) ? { text: "There is much to be said.", ms: 8_000, holdAtMs: 400 } : "Good day.");
    next.script = () => "The next one is here.";
    await using inAnswer = await cloud.answers();
    await using inPause = await cloud.answers();
    const speaking = inAnswer.until((message) => message.type === "phase" && message.phase === "speaking");
    await inAnswer.says(question(2, 1_000));
    await speaking;
    const moved = [inAnswer, inPause].map((caller) => caller.until((message) => message.type === "handed-over"));
    first.refuse(503);
    first.drop("rst");
    for (const message of await Promise.all(moved)) expect(message).toMatchObject({ provider: "gemini", restored: "full" });
    await vi.waitFor(() => expect(saidBy(inAnswer)).toContain("The next one is here."), patient);
    await answered(inPause, question(3, 1_000));
    expect(saidBy(inPause)).toContain("The next one is here.");
  });

  test("during a slow tool: the tool runs once in each call, and the next one says what came of it", async ({ expect }) => {
    await using cloud = await startCloud("openai", "azure");
    const [first, next] = [cloud.panel("openai"), cloud.panel("azure")];
    const call = { name: "look_up_order", arguments: '{"order_number":"47192"}' };
    first.script = (told) => (told.some(byCaller) ? { text: "", toolCalls: [call] } : "Good day.");
    const dish = (told: readonly ToldItem[]): string =>
      told.flatMap((item) => (item.by === "tool" ? (/one lasagne/.exec(item.output ?? "")?.[0] ?? []) : [])).at(-1) ?? "nothing yet";
    next.script = (told) => `I found ${dish(told)}.`;
    const callers = await Promise.all(Array.from({ length: 5 }, () => cloud.answers()));
    await using _calls = { [Symbol.asyncDispose]: async () => void (await Promise.all(callers.map((caller) => caller.hangsUp()))) };
    const running = callers.map((caller) => caller.until((message) => message.type === "tool" && message.state === "running"));
    for (const caller of callers) caller.types("Where is my order?");
    await Promise.all(running);
    first.refuse(503);
    first.drop("rst");
    for (const caller of callers) await vi.waitFor(() => expect(saidBy(caller)).toContain("I found one lasagne."), patient);
    for (const caller of callers) expect(saidBy(caller).filter((text) => text === "I found one lasagne.")).toHaveLength(1);
    expect(await cloud.metric('voice_tool_calls_total{status="ok"}')).toBe(5);
  });

  test("with a standby that waits: it takes over on the connection that was open before", async ({ expect }) => {
    await using cloud = await startCloud("openai", "gemini");
    const [first, next] = [cloud.panel("openai"), cloud.panel("gemini")];
    await using caller = await cloud.dials({ agent: "front-desk-warm" });
    await caller.hears();
    await answered(caller, question(4, 1_000));
    await vi.waitFor(() => expect(next.open).toBe(1), patient);
    const before = next.dials;
    next.script = () => "The one that waited is here.";
    first.refuse(503);
    first.drop("rst");
    await answered(caller, question(5, 1_000));
    expect(saidBy(caller)).toContain("The one that waited is here.");
    expect(next.dials).toBe(before);
  });
});

describe.concurrent("an outage that begins before the calls", { timeout: 60_000 }, () => {
  test("costs as many dials as open a breaker, however many calls there are", async ({ expect }) => {
    await using cloud = await startCloud("openai", "gemini");
    const dead = cloud.panel("openai");
    cloud.panel("gemini").script = () => ({ text: "Good day.", ms: 100 });
    dead.refuse(503);
    for (let call = 0; call < 20; call += 1) await (await cloud.answers()).hangsUp();
    expect(dead.dials - events(cloud, "health_probe").filter(({ provider }) => provider === "openai").length).toBeLessThanOrEqual(5);
    expect(dead.dials).toBeGreaterThan(0);
  });

  test("that answers nobody is waited for by one caller, not by each", async ({ expect }) => {
    await using cloud = await startCloud("openai", "gemini");
    const dead = cloud.panel("openai");
    cloud.panel("gemini").script = () => ({ text: "Good day.", ms: 100 });
    dead.opening = { type: "never-upgraded" };
    await (await cloud.answers()).hangsUp();
    const dials = dead.dials;
    const probes = events(cloud, "health_probe").length;
    for (let call = 0; call < 5; call += 1) await (await cloud.answers()).hangsUp();
    // A probe is told when it has ended, so one more may be under way.
    expect(dead.dials - dials).toBeLessThanOrEqual(events(cloud, "health_probe").length - probes + 1);
  });
});

test("a caller whose line broke in an answer comes back by token, and hears the rest of it", { timeout: 60_000 }, async ({ expect }) => {
  await using cloud = await startCloud("openai");
  const answerMs = 3_000;
  cloud.panel("openai").script = (told) => (told.some(byCaller) ? { text: "That takes a while to tell.", ms: answerMs } : "Good day.");
  const caller = await cloud.answers();
  const speaking = caller.until((message) => message.type === "phase" && message.phase === "speaking");
  await caller.says(question(6, 1_000));
  await speaking;
  await vi.waitFor(() => expect(caller.playback.turns.at(-1)?.heardMs).toBeGreaterThan(500), patient);
  const turnId = caller.playback.turns.at(-1)?.turnId;
  const heardMs = (of: Caller): number => of.playback.turns.find((turn) => turn.turnId === turnId)?.heardMs ?? 0;
  caller.isCutOff();
  await caller.ended;
  await using again = await cloud.dials({ resume: caller.resumeToken });
  expect(again.callId).toBe(caller.callId);
  await vi.waitFor(() => expect(heardMs(caller) + heardMs(again)).toBeGreaterThanOrEqual(answerMs - 20), patient);
  await answered(again, question(7, 1_000));
});
