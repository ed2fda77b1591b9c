import { describe, expect, test } from "vitest";
import { bytesOf } from "../../../src/audio/encodings.ts";
import { babble, silence } from "../../../src/fakes/voice.ts";
import { systemClock } from "../../../src/kernel/clock.ts";
import { silentLog } from "../../../src/kernel/log.ts";
import type { AgentSpec, ConversationItem } from "../../../src/provider/contract.ts";
import { emergency } from "../../../src/provider/emergency/emergency.ts";
import type { Bench } from "../bench.ts";
import { providerConforms } from "../conformance.ts";
import { Line } from "../line.ts";

const nothing = { type: "object", properties: {} };
const human = { name: "transfer_to_human", description: "Ask for a person.", parameters: nothing };
const end = { name: "end_call", description: "Hang up.", parameters: nothing };

async function bench(agent: Partial<AgentSpec> = { tools: [human, end] }): Promise<Bench> {
  const provider = await emergency.make({ setting: () => undefined, clock: systemClock, log: silentLog });
  return {
    provider,
    panel: undefined,
    tells: "at-opening",
    speech: (encoding) => babble("is anybody there", encoding, 1_000),
    // Its first answer asks for a person, and every answer is what it is.
    cue: (cue) => (cue === "tools" ? undefined : "hello?"),
    agent,
    secrets: [],
    patienceMs: 8_000,
    [Symbol.asyncDispose]: () => provider.close(),
  };
}

describe("emergency", () => {
  providerConforms(() => bench());
});

const ticket = '{"transferred":false,"ticket":"4711","message":"A person was told and will call back."}';

/** Types a word and gives what is answered to it. */
async function ask(line: Line): Promise<string> {
  const before = line.notices.length;
  line.ends.takeText("hello?");
  const { turnId } = await line.hears("agent.ended", before);
  return line.said(turnId);
}

async function toolResult(line: Line, output: string, failed = false): Promise<string> {
  const called = await line.hears("tool.called");
  const before = line.notices.length;
  line.ends.answerTool({ toolCallId: called.toolCallId, name: called.name, output, failed });
  const { turnId } = await line.hears("agent.ended", before);
  return line.said(turnId);
}

test("a caller is told what is wrong, that a person knows, and at last goodbye; a person is asked for once", async () => {
  await using it = await bench();
  await using line = await new Line(it).open();
  expect(await ask(line)).toContain("having trouble");
  expect(line.all("tool.called").map(({ name }) => name)).toEqual(["transfer_to_human"]);
  expect(await toolResult(line, ticket)).toContain("will get back to you");
  expect(await ask(line)).toContain("will get back to you");
  expect(await ask(line)).toContain("Goodbye");
  expect(line.all("tool.called").map(({ name }) => name)).toEqual(["transfer_to_human", "end_call"]);
});

test.each([
  { output: '{"transferred":true}', failed: false, says: "connecting you with a person" },
  { output: "nobody could be asked in 10000 ms", failed: true, says: "call again" },
])("once it is known what came of asking ($output), the caller knows it too", async ({ output, failed, says }) => {
  await using it = await bench();
  await using line = await new Line(it, { begin: "greet" }).open();
  await line.hears("agent.ended");
  expect(await toolResult(line, output, failed)).toContain(says);
});

test("an agent that cannot ask for a person does not pretend to", async () => {
  await using it = await bench({ tools: [] });
  await using line = await new Line(it, { begin: "greet" }).open();
  const { turnId } = await line.hears("agent.ended");
  expect(line.said(turnId)).toContain("call again a little later");
  expect(await ask(line)).toContain("call again");
  expect(await ask(line)).toContain("Goodbye");
  expect(line.all("tool.called")).toEqual([]);
});

test("a person who was asked for on an earlier link is not asked for again", async () => {
  const conversation: ConversationItem[] = [
    { type: "caller", id: "c1", text: "A person, please." },
    { type: "tool", id: "t1", name: "transfer_to_human", arguments: "{}", output: ticket },
    { type: "caller", id: "c2", text: "And?" },
  ];
  await using it = await bench();
  await using line = await new Line(it, { conversation, begin: "answer" }).open();
  const { turnId } = await line.hears("agent.ended");
  expect(line.said(turnId)).toContain("will get back to you");
  expect(line.all("tool.called")).toEqual([]);
});

test("the caller is answered in the language of the call", async () => {
  await using it = await bench();
  await using line = await new Line(it, { agent: { language: "de-AT" }, begin: "greet" }).open();
  const { turnId } = await line.hears("agent.ended");
  expect(line.said(turnId)).toContain("Guten Tag");
});

test("who spoke over most of a line hears it once more, and not for ever", async () => {
  await using it = await bench();
  await using line = await new Line(it).open();
  line.ends.takeText("hello?");
  const first = await line.hears("agent.ended");
  line.ends.interrupt({ turnId: first.turnId, heardMs: 300 });
  expect(await ask(line)).toBe(line.said(first.turnId));
  const second = line.all("agent.ended").at(-1);
  line.ends.interrupt({ turnId: second?.turnId ?? "", heardMs: 300 });
  expect(await ask(line)).not.toBe(line.said(first.turnId));
});

test("noise after the goodbye keeps no call alive, and a caller who spoke over the goodbye may stay for another", async () => {
  await using it = await bench({ tools: [end] });
  await using line = await new Line(it).open();
  for (let turn = 0; turn < 3; turn += 1) await ask(line);
  const goodbye = line.all("agent.ended").at(-1);
  expect(line.said(goodbye?.turnId ?? "")).toContain("Goodbye");
  const { uplink } = line.request;
  const speech = [it.speech(uplink), silence(bytesOf(1_000, uplink), uplink)];
  await line.says(...speech);
  const dismissed = await line.hears("caller.dismissed");
  expect(line.all("agent.ended").at(-1)).toBe(goodbye);
  line.ends.interrupt({ turnId: goodbye?.turnId ?? "", heardMs: 100 });
  await line.says(...speech);
  await line.hears("agent.ended", line.notices.indexOf(dismissed));
  expect(line.all("tool.called").map(({ name }) => name)).toEqual(["end_call", "end_call"]);
});

test("a link that waits costs nothing and says nothing until it is called to work", async () => {
  await using it = await bench();
  await using line = await new Line(it, { begin: "wait" }).open();
  expect(line.ends.hear(it.speech(line.request.uplink))).toBe(false);
  line.ends.takeOver([{ type: "caller", id: "c1", text: "Hello?" }], "answer", undefined);
  const { turnId } = await line.hears("agent.ended");
  expect(line.said(turnId)).toContain("having trouble");
  expect(line.all("agent.began")).toHaveLength(1);
});

test("a quiet or humming line is no caller, a minute of it brings no answer", async () => {
  await using it = await bench();
  await using line = await new Line(it, { uplink: "pcm16@16000" }).open();
  const hum = Int16Array.from({ length: 60 * 16_000 }, (_, at) => 90 * Math.sin((2 * Math.PI * 50 * at) / 16_000));
  await line.says(new Uint8Array(hum.buffer));
  expect(line.notices).toEqual([]);
});
