import { readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe } from "vitest";
import { ChatCompletions, type ChatAnswer } from "../../../src/fakes/chat-completions.ts";
import { systemClock } from "../../../src/kernel/clock.ts";
import { silentLog } from "../../../src/kernel/log.ts";
import type { AgentSpec, Provider } from "../../../src/provider/contract.ts";
import { local } from "../../../src/provider/local/local.ts";
import type { Bench, Cue } from "../bench.ts";
import { providerConforms } from "../conformance.ts";
import { samplesOf, speechFolder } from "./ears/recordings.ts";

const flowFile = join(import.meta.dirname, "../../../src/provider/local/brain/front-desk.json");

type ChatPiece = Extract<ChatAnswer, { type: "stream" }>["pieces"][number];

/** The default flow, but for the question whether the order number was heard right: one sentence leads to the tool. */
function trustingFlow(folder: string): string {
  const flow = JSON.parse(readFileSync(flowFile, "utf8"));
  delete flow.slots.order_number.check;
  const file = join(folder, "flow.json");
  writeFileSync(file, JSON.stringify(flow));
  return file;
}

/** "go forward ten meters", without the silence around it. */
function speech(): Uint8Array {
  const samples = samplesOf(join(speechFolder, "ps_goforward.wav"));
  const isLoud = (sample: number): boolean => Math.abs(sample) > 1_500;
  return new Uint8Array(samples.slice(samples.findIndex(isLoud), samples.findLastIndex(isLoud)).buffer);
}

const start = (settings: Readonly<Record<string, string>>): Promise<Provider> =>
  local.make({ setting: (name) => settings[name], clock: systemClock, log: silentLog });

// One provider for all tests of a brain: it takes a second to start. What a test left behind would show in the next.
const bench = (provider: Provider, cue: Bench["cue"], agent: Partial<AgentSpec>): Bench => ({
  provider,
  panel: undefined,
  tells: "at-opening",
  speech,
  cue,
  agent,
  secrets: [],
  patienceMs: 8_000,
  async [Symbol.asyncDispose]() {},
});

describe("local, with its receptionist", () => {
  /** It never calls two tools at once. */
  const cues: Readonly<Record<Cue, string | undefined>> = {
    short: "hello",
    long: "what are your opening hours",
    tool: "what is the status of order 48213",
    tools: undefined,
  };
  const lookUpOrder = {
    name: "look_up_order",
    description: "Looks up an order.",
    parameters: { type: "object", properties: { order_number: { type: "string" } }, required: ["order_number"] },
  };
  let folder: string;
  let provider: Provider;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "linekeeper-flow-"));
    provider = await start({ LINEKEEPER_LOCAL_FLOW: trustingFlow(folder) });
  });
  afterAll(async () => {
    await provider.close();
    await rm(folder, { recursive: true });
  });
  providerConforms(async () => bench(provider, (cue) => cues[cue], { tools: [lookUpOrder] }));
});

describe("local, with a language model", () => {
  const key = "sk-local-0123456789";
  let model: ChatCompletions;
  let provider: Provider;
  beforeAll(async () => {
    model = await ChatCompletions.start(key);
    provider = await start({ LINEKEEPER_LOCAL_LLM_URL: model.url, LINEKEEPER_LOCAL_LLM_MODEL: "little", LINEKEEPER_LOCAL_LLM_KEY: key });
  });
  afterAll(async () => {
    await provider.close();
    await model[Symbol.asyncDispose]();
  });

  let answers = 0;
  function next(...pieces: readonly ChatPiece[]): void {
    answers += 1;
    model.answer({
      type: "stream",
      pieces,
      finish: pieces.every((piece) => typeof piece === "string") ? "stop" : "tool_calls",
      then: "end",
    });
  }

  /** Takes the answers that an earlier test left behind. */
  async function forget(): Promise<void> {
    for (; answers > model.requests.length;)
      await fetch(`${model.url}/chat/completions`, {
        method: "POST",
        headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
        body: JSON.stringify({ model: "little", stream: true, messages: [{ role: "user", content: "What else?" }] }),
      }).then((response) => response.text());
    answers = model.requests.length;
  }

  function arrange(cue: Cue): string {
    const call = (index: number) => ({ index, id: `call_${index}`, name: "find_room", arguments: '{"nights":2}' });
    if (cue === "short") next("Certainly, one moment.");
    else if (cue === "long") next("There are a great many things to be said about that, and ", "I shall say every one of them to you now.");
    else next(...(cue === "tool" ? [call(0)] : [call(0), call(1)]));
    if (cue === "tool" || cue === "tools") next("Three rooms are free.");
    return `a ${cue} one, please`;
  }

  providerConforms(async () => {
    await forget();
    return {
      ...bench(provider, arrange, {}),
      secrets: [key],
      // The suite asks for speech when the caller is about to say it: then an answer is due.
      speech: () => {
        next("From which date?");
        return speech();
      },
    };
  });
});
