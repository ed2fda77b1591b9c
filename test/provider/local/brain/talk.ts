import { deskTools } from "../../../../src/desk/desk-tools.ts";
import type { Clock } from "../../../../src/kernel/clock.ts";
import { silentLog } from "../../../../src/kernel/log.ts";
import { seededRandom, type Random } from "../../../../src/kernel/random.ts";
import type { ConversationItem, ToolSpec } from "../../../../src/provider/contract.ts";
import { loadFlow } from "../../../../src/provider/local/brain/flow.ts";
import { scriptedBrain } from "../../../../src/provider/local/brain/scripted.ts";
import type { Mind, MindInput, MindPart } from "../../../../src/provider/local/parts.ts";

/** Friday morning, in this machine's own zone as the flow names none. */
const wall = new Date(2026, 10, 20, 10, 0).getTime();

const clock: Clock = { now: () => 0, wallNow: () => wall, setTimeout: (run) => queueMicrotask(run), clearTimeout: () => {} };

const brain = scriptedBrain(await loadFlow());
const sessionTools: ToolSpec[] = ["end_call", "transfer_to_human", "line_status"].map((name) => ({
  name,
  description: name,
  parameters: { type: "object" },
}));

export interface TalkOptions {
  readonly seed?: number;
  readonly conversation?: readonly ConversationItem[];
  /** Names of tools that this agent does not have. */
  readonly lacks?: readonly string[];
  /** Tools that fail when called. */
  readonly failing?: readonly string[];
}

/** A call with the scripted receptionist: says something, runs its tools, keeps the conversation as a session would. */
export class Talk {
  readonly items: ConversationItem[];
  readonly calls: { name: string; arguments: unknown }[] = [];
  readonly mind: Mind;
  readonly #random: Random;
  readonly #tools = deskTools({ slowMs: 0 });
  readonly #failing: readonly string[];
  #count = 0;

  constructor({ seed = 1, conversation = [], lacks = [], failing = [] }: TalkOptions = {}) {
    this.#random = seededRandom(seed);
    this.#failing = failing;
    this.items = [...conversation];
    const tools = [...this.#tools.map(({ spec }) => spec), ...sessionTools].filter(({ name }) => !lacks.includes(name));
    this.mind = brain.open({
      agent: {
        name: "front-desk",
        instructions: "",
        greeting: undefined,
        language: "en-US",
        voice: undefined,
        tools,
        providerSettings: {},
      },
      conversation,
      random: this.#random,
      clock,
      log: silentLog,
    });
  }

  /** What the receptionist answers in all, its tool calls answered. */
  async says(text: string): Promise<string> {
    this.#count += 1;
    this.items.push({ type: "caller", id: `c${this.#count}`, text });
    return this.turn({ type: "caller", text });
  }

  /** Several turns; the last answer. */
  async saysAll(...texts: string[]): Promise<string> {
    let answer = "";
    for (const text of texts) answer = await this.says(text);
    return answer;
  }

  async turn(input: MindInput): Promise<string> {
    const parts = await this.think(input);
    const said = words(parts);
    this.#count += 1;
    if (said !== "") this.items.push({ type: "agent", id: `a${this.#count}`, text: said, interrupted: false });
    const calls = parts.filter((part) => part.type === "call");
    if (calls.length === 0) return said;
    const results = [];
    for (const call of calls) {
      const { output, failed } = await this.#run(call.name, call.arguments);
      this.items.push({ type: "tool", id: call.toolCallId, name: call.name, arguments: call.arguments, output });
      results.push({ toolCallId: call.toolCallId, name: call.name, output, failed });
    }
    return `${said} ${await this.turn({ type: "tools", results })}`.trim();
  }

  async think(input: MindInput): Promise<MindPart[]> {
    return partsOf(this.mind.think(input, new AbortController().signal));
  }

  async #run(name: string, args: string): Promise<{ output: string; failed: boolean }> {
    this.calls.push({ name, arguments: JSON.parse(args) });
    if (this.#failing.includes(name)) return { output: `${name} took too long and was stopped.`, failed: true };
    const tool = this.#tools.find(({ spec }) => spec.name === name);
    const context = { callId: "call-1", signal: new AbortController().signal, clock, random: this.#random };
    const result =
      tool === undefined
        ? { provider: "local", callMs: 42_000, reconnects: 0, phase: "talking" }
        : await tool.run(JSON.parse(args), context);
    return { output: JSON.stringify(result), failed: false };
  }
}

export function words(parts: readonly MindPart[]): string {
  return parts.flatMap((part) => (part.type === "say" ? [part.text] : [])).join(" ");
}

/** All parts of a thought. */
export async function partsOf(thought: AsyncIterable<MindPart>): Promise<MindPart[]> {
  const parts: MindPart[] = [];
  for await (const part of thought) parts.push(part);
  return parts;
}
