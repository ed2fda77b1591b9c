// Anthropic's messages endpoint, version 2026-10-21: what is asked, and what its events say. Sources: types of the official client 1.11.0
// and the API reference ("Streaming messages", "Tool use"), read 2026-11.
import type { ContentBlockParam, MessageCreateParamsStreaming, MessageParam } from "@anthropic-ai/sdk/resources/messages";
import type { ThinkRequest } from "../stages.ts";
import { callLimit, checkedLength, type ModelCall, type ModelEvent, type ModelSettings, type Tokens } from "./model.ts";
import { countAt, objectAt, textAt, type Json } from "./reading.ts";
import { Alternating, argumentsOf, outputOf, turnsOf, type ToolItem } from "./turns.ts";

type ThoughtBlock = Extract<ContentBlockParam, { type: "thinking" | "redacted_thinking" }>;

/** What Anthropic wants back with its own calls when the model thought before them; good for the model that gave it only. */
interface AnthropicKeepsake {
  readonly model: string;
  readonly thoughts: readonly ThoughtBlock[];
}

export function anthropicBody(request: ThinkRequest, { model, effort, maxOutputTokens }: ModelSettings): MessageCreateParamsStreaming {
  return {
    model,
    max_tokens: maxOutputTokens,
    stream: true,
    messages: anthropicMessages(request, model),
    ...(request.instructions.trim() === ""
      ? {}
      : { system: [{ type: "text", text: request.instructions, cache_control: { type: "ephemeral" } }] }),
    ...(effort === "none" ? { thinking: { type: "disabled" } } : {}),
    ...(effort === "none" || effort === "default" ? {} : { thinking: { type: "adaptive" }, output_config: { effort } }),
    ...(request.tools.length === 0
      ? {}
      : {
          tools: request.tools.map(({ name, description, parameters }) => ({
            name,
            description,
            input_schema: { ...parameters, type: "object" },
          })),
        }),
  };
}

function anthropicMessages(request: ThinkRequest, model: string): MessageParam[] {
  const messages = new Alternating<"user" | "assistant", ContentBlockParam>();
  for (const turn of turnsOf(request)) {
    if (turn.by === "caller") messages.add("user", { type: "text", text: turn.text });
    else if (turn.by === "agent") messages.add("assistant", { type: "text", text: turn.text });
    else {
      messages.add("assistant", ...turn.calls.map(toolUse));
      // Thoughts stand first in their message, before the words that the model spoke after them.
      messages.messages.at(-1)?.parts.unshift(...turn.calls.flatMap((item) => thoughtsOf(item, model)));
      messages.add("user", ...turn.calls.map(toolResult));
    }
  }
  return messages.messages.map(({ role, parts }) => ({ role, content: parts }));
}

const toolUse = (item: ToolItem): ContentBlockParam => ({ type: "tool_use", id: item.id, name: item.name, input: argumentsOf(item) });
const toolResult = (item: ToolItem): ContentBlockParam => ({ type: "tool_result", tool_use_id: item.id, content: outputOf(item) });

function thoughtsOf({ keepsake }: ToolItem, model: string): readonly ThoughtBlock[] {
  if (keepsake?.thinker !== "anthropic" || textAt(keepsake.value, "model") !== model) return [];
  // Ours, as `AnthropicReader` made it.
  return (keepsake.value as AnthropicKeepsake).thoughts;
}

type Block =
  | { readonly kind: "call"; readonly id: string | undefined; readonly name: string; written: string }
  | { readonly kind: "thought"; thinking: string; signature: string }
  | { readonly kind: "other" };

/** Reads one answer. */
export class AnthropicReader {
  readonly #model: string;
  readonly #nextId: (own: string | undefined) => string;
  readonly #blocks = new Map<number, Block>();
  readonly #thoughts: ThoughtBlock[] = [];
  #stop: string | undefined;
  #tokens: Tokens = { input: 0, cached: 0, output: 0 };

  constructor(model: string, nextId: (own: string | undefined) => string) {
    [this.#model, this.#nextId] = [model, nextId];
  }

  take(event: unknown): ModelEvent[] {
    switch (textAt(event, "type")) {
      case "message_start":
        return this.#used(objectAt(objectAt(event, "message"), "usage"));
      case "content_block_start":
        return this.#begin(countAt(event, "index"), objectAt(event, "content_block"));
      case "content_block_delta":
        return this.#delta(this.#blocks.get(countAt(event, "index")), objectAt(event, "delta"));
      case "content_block_stop":
        this.#shut(this.#blocks.get(countAt(event, "index")));
        return [];
      case "message_delta":
        this.#stop = textAt(objectAt(event, "delta"), "stop_reason") ?? this.#stop;
        return this.#used(objectAt(event, "usage"));
      case "message_stop":
        return [this.#ended()];
      default:
        return [];
    }
  }

  #begin(index: number, block: Json | undefined): ModelEvent[] {
    const type = textAt(block, "type");
    if (type === "tool_use") {
      const name = textAt(block, "name");
      const calls = [...this.#blocks.values()].filter(({ kind }) => kind === "call").length;
      if (name === undefined || name === "" || calls >= callLimit) throw new SyntaxError("a call without a name, or one too many");
      this.#blocks.set(index, { kind: "call", id: textAt(block, "id"), name, written: "" });
      return [{ type: "writing" }];
    }
    if (type === "redacted_thinking") this.#thoughts.push({ type, data: textAt(block, "data") ?? "" });
    this.#blocks.set(index, type === "thinking" ? { kind: "thought", thinking: "", signature: "" } : { kind: "other" });
    const text = type === "text" ? (textAt(block, "text") ?? "") : "";
    return text === "" ? [] : [{ type: "text", text }];
  }

  #delta(block: Block | undefined, delta: Json | undefined): ModelEvent[] {
    const text = textAt(delta, "text") ?? "";
    switch (textAt(delta, "type")) {
      case "text_delta":
        return text === "" ? [] : [{ type: "text", text }];
      case "input_json_delta":
        if (block?.kind !== "call") return [];
        block.written = checkedLength(block.written + (textAt(delta, "partial_json") ?? ""));
        return [{ type: "writing" }];
      case "thinking_delta":
        if (block?.kind === "thought") block.thinking += textAt(delta, "thinking") ?? "";
        return [];
      case "signature_delta":
        if (block?.kind === "thought") block.signature += textAt(delta, "signature") ?? "";
        return [];
      default:
        return [];
    }
  }

  #shut(block: Block | undefined): void {
    if (block?.kind === "thought") this.#thoughts.push({ type: "thinking", thinking: block.thinking, signature: block.signature });
  }

  /** What is told first of the input, and last of the output, as totals; either may leave out the other. */
  #used(usage: Json | undefined): ModelEvent[] {
    if (usage === undefined) return [];
    const cached = countAt(usage, "cache_read_input_tokens");
    const input = countAt(usage, "input_tokens") + countAt(usage, "cache_creation_input_tokens") + cached;
    this.#tokens = {
      input: Math.max(this.#tokens.input, input),
      cached: Math.max(this.#tokens.cached, cached),
      output: Math.max(this.#tokens.output, countAt(usage, "output_tokens")),
    };
    return [{ type: "used", tokens: this.#tokens }];
  }

  #ended(): ModelEvent {
    const calls: ModelCall[] = [];
    for (const block of this.#blocks.values()) {
      if (block.kind !== "call") continue;
      // Thoughts go back once, with the first call after them.
      const thoughts = calls.length === 0 ? this.#thoughts : [];
      const keepsake: AnthropicKeepsake | undefined = thoughts.length === 0 ? undefined : { model: this.#model, thoughts };
      // No fragments at all mean no arguments.
      calls.push({ id: this.#nextId(block.id), name: block.name, arguments: block.written === "" ? "{}" : block.written, keepsake });
    }
    const word = this.#stop ?? "no stop reason";
    return { type: "ended", how: hows.get(word) ?? "garbled", word, calls };
  }
}

type How = Extract<ModelEvent, { type: "ended" }>["how"];

const hows: ReadonlyMap<string, How> = new Map([
  ["end_turn", "done"],
  ["stop_sequence", "done"],
  ["tool_use", "done"],
  ["max_tokens", "length"],
  ["model_context_window_exceeded", "length"],
  ["refusal", "blocked"],
]);
