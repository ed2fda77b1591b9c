import type { LlmService } from "../../../../src/fakes/llm/server.ts";
import {
  startAnthropicLlm,
  startAzureLlm,
  startGeminiLlm,
  startGroqLlm,
  startOpenaiLlm,
  type RunningLlm,
} from "../../../../src/fakes/llm/llm.ts";
import type { Fault } from "../../../../src/kernel/fault.ts";
import { systemClock, type Clock } from "../../../../src/kernel/clock.ts";
import { silentLog, type Log, type LogFields } from "../../../../src/kernel/log.ts";
import type { AgentSpec, ToolSpec } from "../../../../src/provider/contract.ts";
import { thinkers } from "../../../../src/provider/deepgram/llm/llm.ts";
import { stageGuards } from "../../../../src/provider/deepgram/stage-guard.ts";
import type { StageGuards, Thinker, ThinkItem, ThinkPart, ThinkRequest } from "../../../../src/provider/deepgram/stages.ts";

const starts = {
  gemini: startGeminiLlm,
  anthropic: startAnthropicLlm,
  openai: startOpenaiLlm,
  azure: startAzureLlm,
  groq: startGroqLlm,
};
export type Service = keyof typeof starts;
export const services = Object.keys(starts) as Service[]; // its keys, spelt out above

export const find: ToolSpec = {
  name: "find",
  description: "Finds a free table.",
  parameters: { type: "object", properties: { day: { type: "string" } }, required: ["day"] },
};
const weather: ToolSpec = { name: "weather", description: "Tells the weather.", parameters: { type: "object", properties: {} } };

export const caller = (text: string): ThinkItem => ({ type: "caller", id: `c-${text.length}`, text });
export const agent = (text: string, interrupted = false): ThinkItem => ({ type: "agent", id: `a-${text.length}`, text, interrupted });

/** What a thinker's calls become once they are answered; with `null` they are still at work. */
export const answered = (parts: readonly ThinkPart[], output: string | null = '{"free":true}'): ThinkItem[] =>
  parts.flatMap((part) =>
    part.type === "call"
      ? [
          {
            type: "tool",
            id: part.toolCallId,
            name: part.name,
            arguments: part.arguments,
            output: output ?? undefined,
            keepsake: part.keepsake,
          },
        ]
      : [],
  );

export const textOf = (parts: readonly ThinkPart[]): string => parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("");
export const callsOf = (parts: readonly ThinkPart[]): Extract<ThinkPart, { type: "call" }>[] =>
  parts.filter((part) => part.type === "call");

export interface Parlour extends AsyncDisposable {
  readonly fakes: Readonly<Partial<Record<Service, RunningLlm>>>;
  readonly logged: { readonly level: string; readonly event: string; readonly fields: LogFields | undefined }[];
  /** Changes what the house has set. */
  readonly settings: Record<string, string>;
  readonly guards: StageGuards;
  fake(service: Service): LlmService;
  thinker(llm?: unknown): Thinker;
  request(conversation: readonly ThinkItem[], more?: Partial<ThinkRequest>): ThinkRequest;
}

/** Fakes of the named services, and the chain that finds them all. */
export async function parlour(
  names: readonly Service[],
  { clock = systemClock, guards: given }: { readonly clock?: Clock; readonly guards?: StageGuards } = {},
): Promise<Parlour> {
  const fakes: Partial<Record<Service, RunningLlm>> = {};
  for (const name of names) fakes[name] = await starts[name]();
  const settings: Record<string, string> = Object.assign({}, ...Object.values(fakes).map((fake) => fake.settings));
  const logged: Parlour["logged"] = [];
  const noted =
    (level: string) =>
    (event: string, fields?: LogFields): void =>
      void logged.push({ level, event, fields });
  const log: Log = { ...silentLog, info: noted("info"), warning: noted("warning"), error: noted("error") };
  const guards = given ?? stageGuards(clock, log);
  const all = thinkers({ setting: (name) => settings[name], clock, log }, guards);
  return {
    fakes,
    logged,
    settings,
    guards,
    fake(service) {
      const fake = fakes[service];
      if (fake === undefined) throw new Error(`no fake of ${service} was started`);
      return fake.service;
    },
    thinker: (llm) => all.forAgent(agentWith(llm)),
    request: (conversation, more = {}) => ({
      instructions: "You work at the Blue Lantern.",
      conversation,
      directive: undefined,
      tools: [find, weather],
      clock,
      log,
      ...more,
    }),
    async [Symbol.asyncDispose]() {
      await Promise.all(Object.values(fakes).map((fake) => fake[Symbol.asyncDispose]()));
    },
  };
}

const agentWith = (llm: unknown): AgentSpec => ({
  name: "front-desk",
  instructions: "",
  greeting: undefined,
  language: "en-US",
  voice: undefined,
  tools: [],
  providerSettings: llm === undefined ? {} : { deepgram: { llm } },
});

/** What a thinker told until it ended, and what it threw. */
export interface Thought {
  readonly parts: readonly ThinkPart[];
  readonly fault: Fault | undefined;
}

export async function thought(
  thinker: Thinker,
  request: ThinkRequest,
  signal: AbortSignal = new AbortController().signal,
  onPart: (part: ThinkPart) => void = () => {},
): Promise<Thought> {
  const parts: ThinkPart[] = [];
  try {
    for await (const part of thinker.think(request, signal)) {
      parts.push(part);
      onPart(part);
    }
    return { parts, fault: undefined };
  } catch (error) {
    // The contract says so; a test that needs it looks at its code.
    return { parts, fault: error as Fault };
  }
}
