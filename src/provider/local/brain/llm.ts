import OpenAI from "openai";
import type { ChatCompletionChunk, ChatCompletionTool } from "openai/resources/chat/completions";
import type { Clock } from "../../../kernel/clock.ts";
import { Clauses } from "../../clauses.ts";
import type { ConversationItem } from "../../contract.ts";
import { clauseLengths, type Brain, type BrainRequest, type Mind, type MindInput, type MindPart } from "../parts.ts";
import { chatMessages } from "./chat-history.ts";

/** A language model behind any OpenAI-compatible chat-completions server. */
export interface LlmOptions {
  /** Base URL with its path, such as http://127.0.0.1:8000/v1 (LINEKEEPER_LOCAL_LLM_URL). */
  readonly url: string;
  /** LINEKEEPER_LOCAL_LLM_MODEL */
  readonly model: string;
  /** Many local servers want none (LINEKEEPER_LOCAL_LLM_KEY). */
  readonly key: string | undefined;
  /** Up to the first text or tool call, ms. */
  readonly firstTokenLimitMs: number;
  /** Between two chunks, ms. */
  readonly chunkGapLimitMs: number;
}

export function llmBrain(options: LlmOptions): Brain {
  const client = new OpenAI({
    baseURL: options.url,
    apiKey: options.key ?? "none",
    maxRetries: 0,
    organization: null,
    project: null,
  });
  return { open: (request) => new LlmMind(client, options, request), close: async () => {} };
}

const sorry = "I am sorry, I lost my thread. Could you say that again?";
const sorryAgain = "I am sorry, I cannot think of more just now.";

/** One call's talk with the model. The history is the conversation; the items of the last `think` can be taken back or cut. */
class LlmMind implements Mind {
  readonly #client: OpenAI;
  readonly #options: LlmOptions;
  readonly #request: BrainRequest;
  readonly #items: ConversationItem[];
  /** Where in the items the last `think` begins. */
  #from: number;
  #count = 0;

  constructor(client: OpenAI, options: LlmOptions, request: BrainRequest) {
    this.#client = client;
    this.#options = options;
    this.#request = request;
    this.#items = [...request.conversation];
    this.#from = this.#items.length;
  }

  async *think(input: MindInput, signal: AbortSignal): AsyncGenerator<MindPart> {
    const isFirst = this.#count === 0;
    this.#from = this.#items.length;
    const greeting = this.#request.agent.greeting;
    if (input.type === "greet" && greeting !== undefined && greeting !== "") {
      this.#count += 1;
      yield this.#said(greeting);
      return;
    }
    this.#take(input, isFirst);
    const request = new AbortController();
    const stop = (): void => request.abort();
    signal.addEventListener("abort", stop, { once: true });
    let hasSpoken = false;
    try {
      if (signal.aborted) return;
      for await (const part of this.#parts(input, request)) {
        if (signal.aborted) return;
        hasSpoken ||= part.type === "say";
        yield part;
      }
    } catch (error) {
      if (signal.aborted) return;
      this.#request.log.error("llm_failed", { model: this.#options.model, error });
      yield this.#said(hasSpoken ? sorryAgain : sorry);
    } finally {
      signal.removeEventListener("abort", stop);
      // Ends the request on the server too, also when the consumer left early.
      request.abort();
    }
  }

  withdraw(): void {
    const tail = this.#items.splice(this.#from);
    // A tool that ran stays run; only words and calls without a result are taken back.
    this.#items.push(...tail.filter((item) => item.type === "tool" && item.output !== undefined));
    this.#from = this.#items.length;
  }

  heardOnly(text: string): void {
    const at = this.#items.findLastIndex(({ type }) => type === "agent");
    const item = this.#items[at];
    if (item?.type === "agent" && at >= this.#from) this.#items[at] = { ...item, text, interrupted: true };
  }

  #take(input: MindInput, isFirst: boolean): void {
    this.#count += 1;
    const last = this.#items.at(-1);
    if (input.type === "caller") {
      // Opened to answer: the turn stands in the conversation already.
      if (isFirst && last?.type === "caller" && last.text.trim() === input.text.trim()) return;
      this.#items.push({ type: "caller", id: `c${this.#count}`, text: input.text });
    }
    if (input.type !== "tools") return;
    for (const { toolCallId, name, output } of input.results) {
      const at = this.#items.findLastIndex((item) => item.type === "tool" && item.id === toolCallId);
      const item = this.#items[at];
      if (item?.type === "tool") this.#items[at] = { ...item, output };
      else this.#items.push({ type: "tool", id: toolCallId, name, arguments: "{}", output });
    }
  }

  async *#parts(input: MindInput, abort: AbortController): AsyncGenerator<MindPart> {
    const clauses = new Clauses(clauseLengths);
    const calls = new Map<number, { id: string; name: string; arguments: string }>();
    let finish: string | undefined;
    let hasSpoken = false;
    for await (const chunk of this.#stream(input, abort)) {
      const choice = chunk.choices[0];
      for (const call of choice?.delta.tool_calls ?? []) {
        const known = calls.get(call.index) ?? { id: "", name: "", arguments: "" };
        calls.set(call.index, {
          id: known.id === "" ? (call.id ?? "") : known.id,
          name: known.name === "" ? (call.function?.name ?? "") : known.name,
          arguments: known.arguments + (call.function?.arguments ?? ""),
        });
      }
      for (const text of clauses.push(choice?.delta.content ?? choice?.delta.refusal ?? "")) {
        hasSpoken = true;
        yield this.#said(text);
      }
      finish = choice?.finish_reason ?? finish;
    }
    if (finish === undefined) throw new Error("the stream ended without a finish reason");
    for (const text of clauses.flush()) {
      hasSpoken = true;
      yield this.#said(text);
    }
    for (const { id, name, arguments: args } of calls.values()) {
      const call = {
        toolCallId: id === "" ? this.#request.random.id("call_") : id,
        name,
        arguments: args === "" ? "{}" : args,
      };
      this.#items.push({
        type: "tool",
        id: call.toolCallId,
        name,
        arguments: call.arguments,
        output: undefined,
      });
      yield { type: "call", ...call };
    }
    if (!hasSpoken && calls.size === 0) throw new Error(`the model said nothing (finish reason ${finish})`);
  }

  async *#stream(input: MindInput, abort: AbortController): AsyncGenerator<ChatCompletionChunk> {
    const { model, firstTokenLimitMs, chunkGapLimitMs } = this.#options;
    const limit = new Limit(this.#request.clock, abort);
    limit.arm(firstTokenLimitMs, "the first token");
    try {
      const tools = this.#tools();
      const messages = chatMessages(this.#request.agent, this.#items);
      const nudge = nudges[input.type];
      if (nudge !== undefined) messages.push({ role: "user", content: nudge });
      const stream = await this.#client.chat.completions.create(
        { model, stream: true, messages, ...(tools.length === 0 ? {} : { tools }) },
        // The first token may not take longer than our own clock allows; the SDK's must not strike before it.
        { signal: abort.signal, maxRetries: 0, timeout: firstTokenLimitMs + 60_000 },
      );
      let hasBegun = false;
      for await (const chunk of stream) {
        const delta = chunk.choices[0]?.delta;
        hasBegun ||= (delta?.content ?? "") !== "" || (delta?.tool_calls ?? []).length > 0 || chunk.choices[0]?.finish_reason != null;
        if (hasBegun) limit.disarm();
        yield chunk;
        if (hasBegun) limit.arm(chunkGapLimitMs, "the next chunk");
      }
      limit.check();
    } catch (error) {
      limit.check();
      throw error;
    } finally {
      limit.disarm();
    }
  }

  #tools(): ChatCompletionTool[] {
    return this.#request.agent.tools.map(({ name, description, parameters }) => ({
      type: "function",
      function: { name, description, parameters: { ...parameters } },
    }));
  }

  /** Notes words of the present turn as spoken. */
  #said(text: string): MindPart {
    const id = `a${this.#count}`;
    const last = this.#items.at(-1);
    if (last?.type === "agent" && last.id === id) this.#items[this.#items.length - 1] = { ...last, text: `${last.text} ${text}` };
    else this.#items.push({ type: "agent", id, text, interrupted: false });
    return { type: "say", text };
  }
}

/** What the model is told where the caller said nothing themselves. */
const nudges: Readonly<Partial<Record<MindInput["type"], string>>> = {
  greet: "(The call begins: greet the caller in one sentence.)",
  "carry-on": "(The line was interrupted: say one short bridging sentence and go on where you were cut off.)",
};

/** One wait with an end: aborts the request when it takes too long. */
class Limit {
  readonly #clock: Clock;
  readonly #abort: AbortController;
  #timer: unknown;
  #missed: string | undefined;

  constructor(clock: Clock, abort: AbortController) {
    this.#clock = clock;
    this.#abort = abort;
  }

  arm(limitMs: number, what: string): void {
    this.disarm();
    this.#timer = this.#clock.setTimeout(() => {
      this.#missed = `waited ${limitMs} ms for ${what}`;
      this.#abort.abort();
    }, limitMs);
  }

  disarm(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** An aborted stream may end silently: this says why it did. @throws {Error} */
  check(): void {
    if (this.#missed !== undefined) throw new Error(this.#missed);
  }
}
