// Chat Completions: what is asked, and what its chunks say. Sources: types of the official client 7.55.0, and the references of OpenAI,
// Azure OpenAI and Groq, read 2026-11.
import type { ChatCompletionCreateParamsStreaming, ChatCompletionMessageParam } from "openai/resources/chat/completions";
import type { ThinkRequest } from "../stages.ts";
import { callLimit, checkedLength, type ModelEvent, type ModelSettings } from "./model.ts";
import { countAt, isObject, listAt, objectAt, objectIn, textAt, type Json } from "./reading.ts";
import { ThoughtFilter } from "./thought-filter.ts";
import { argumentsOf, outputOf, turnsOf, type ToolItem } from "./turns.ts";

/** What one service adds to the common request: the fields that the others would refuse. */
export type ChatExtras = (settings: ModelSettings) => Readonly<Record<string, unknown>>;

export function chatBody(request: ThinkRequest, settings: ModelSettings, extras: ChatExtras): ChatCompletionCreateParamsStreaming {
  return {
    model: settings.model,
    stream: true,
    stream_options: { include_usage: true },
    messages: chatMessages(request),
    max_completion_tokens: settings.maxOutputTokens,
    ...(request.tools.length === 0
      ? {}
      : {
          tools: request.tools.map(({ name, description, parameters }) => ({
            type: "function",
            function: { name, description, parameters: { ...parameters } },
          })),
        }),
    ...extras(settings),
  };
}

function chatMessages(request: ThinkRequest): ChatCompletionMessageParam[] {
  const messages: ChatCompletionMessageParam[] = [];
  if (request.instructions !== "") messages.push({ role: "system", content: request.instructions });
  for (const turn of turnsOf(request)) {
    if (turn.by === "caller") messages.push({ role: "user", content: turn.text });
    else if (turn.by === "agent") messages.push({ role: "assistant", content: turn.text });
    else {
      messages.push({ role: "assistant", content: null, tool_calls: turn.calls.map(toolCall) });
      messages.push(...turn.calls.map((item) => ({ role: "tool" as const, tool_call_id: item.id, content: outputOf(item) })));
    }
  }
  return messages;
}

/** Some servers read the arguments of the past, so they are made JSON if they were none. */
const toolCall = (item: ToolItem) => ({
  id: item.id,
  type: "function" as const,
  function: { name: item.name, arguments: objectIn(item.arguments) === undefined ? JSON.stringify(argumentsOf(item)) : item.arguments },
});

type How = Extract<ModelEvent, { type: "ended" }>["how"];

const hows: ReadonlyMap<string, How> = new Map([
  ["stop", "done"],
  ["tool_calls", "done"],
  ["function_call", "done"],
  ["length", "length"],
  ["content_filter", "blocked"],
]);

/** Reads one answer. */
export class ChatReader {
  readonly #nextId: (own: string | undefined) => string;
  readonly #calls = new Map<number, { id: string | undefined; name: string; written: string }>();
  readonly #filter = new ThoughtFilter();
  #ended = false;

  constructor(nextId: (own: string | undefined) => string) {
    this.#nextId = nextId;
  }

  take(chunk: unknown): ModelEvent[] {
    const events: ModelEvent[] = [];
    // The first chunk (Azure's filter results) and the last (usage) have no choice.
    const choice = listAt(chunk, "choices")[0];
    const delta = objectAt(choice, "delta");
    // A refusal is meant to be said; it comes instead of content.
    const text = this.#filter.push(textAt(delta, "content") ?? textAt(delta, "refusal") ?? "");
    if (text !== "") events.push({ type: "text", text });
    for (const [at, call] of listAt(delta, "tool_calls").entries()) {
      this.#fragment(call, at);
      events.push({ type: "writing" });
    }
    const usage = objectAt(chunk, "usage");
    if (usage !== undefined) events.push({ type: "used", tokens: tokensOf(usage) });
    const finish = textAt(choice, "finish_reason");
    if (finish !== undefined && !this.#ended) {
      this.#ended = true;
      const rest = this.#filter.flush();
      if (rest !== "") events.push({ type: "text", text: rest });
      events.push(this.#end(finish));
    }
    return events;
  }

  #fragment(fragment: unknown, at: number): void {
    const asked = objectAt(fragment, "function");
    // Some servers leave the index out and send each call whole.
    const index = isObject(fragment) && typeof fragment["index"] === "number" ? countAt(fragment, "index") : at;
    const known = this.#calls.get(index) ?? { id: undefined, name: "", written: "" };
    if (this.#calls.size >= callLimit && !this.#calls.has(index)) throw new SyntaxError(`more than ${callLimit} calls in one answer`);
    known.id ??= textAt(fragment, "id");
    if (known.name === "") known.name = textAt(asked, "name") ?? "";
    known.written = checkedLength(known.written + (textAt(asked, "arguments") ?? ""));
    this.#calls.set(index, known);
  }

  #end(finish: string): ModelEvent {
    const calls = [...this.#calls.entries()].toSorted(([one], [other]) => one - other).map(([, call]) => call);
    const nameless = calls.some(({ name }) => name === "");
    return {
      type: "ended",
      how: (nameless ? undefined : hows.get(finish)) ?? "garbled",
      word: nameless ? `${finish}, with a call without a name` : finish,
      calls: calls.map(({ id, name, written }) => ({
        id: this.#nextId(id),
        name,
        arguments: written === "" ? "{}" : written,
        keepsake: undefined,
      })),
    };
  }
}

const tokensOf = (usage: Json): Extract<ModelEvent, { type: "used" }>["tokens"] => ({
  input: countAt(usage, "prompt_tokens"),
  cached: countAt(objectAt(usage, "prompt_tokens_details"), "cached_tokens"),
  output: countAt(usage, "completion_tokens"),
});
