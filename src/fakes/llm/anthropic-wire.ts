// Anthropic's messages endpoint, version 2026-10-21. Sources: request and events as the official client 1.11.0 speaks them; refusals
// from the API's error reference and the notes on its migration, read 2026-11.
import { anyObject, either, flag, is, list, number, object, tagged, text } from "../shape.ts";
import type { ToldItem } from "../panel.ts";
import { piecesOf, type LlmAnswer, type RefusalKind } from "./script.ts";
import { refusalWords, type LlmAsked, type LlmFrame, type LlmWire } from "./wire.ts";

const cacheControl = object({ "type!": is("ephemeral"), ttl: is("5m", "1h") });
const id = text(64);
const block = tagged("type", {
  text: { "text!": text(), cache_control: cacheControl },
  tool_use: { "id!": id, "name!": text(64), "input!": anyObject },
  tool_result: { "tool_use_id!": id, content: text(), is_error: flag },
  thinking: { "thinking!": text(), "signature!": text() },
  redacted_thinking: { "data!": text() },
});
const fields = {
  "model!": text(),
  "max_tokens!": number(1, 128_000, true),
  "stream!": flag,
  system: either(text(), list(block)),
  thinking: tagged("type", { disabled: {}, adaptive: {}, enabled: { "budget_tokens!": number(1_024, 64_000, true) } }),
  output_config: object({ effort: is("low", "medium", "high", "max") }),
  tools: list(object({ "name!": text(64), description: text(), "input_schema!": anyObject, cache_control: cacheControl })),
  tool_choice: tagged("type", { auto: { disable_parallel_tool_use: flag }, any: {}, none: {}, tool: { "name!": text() } }),
  stop_sequences: list(text()),
  metadata: anyObject,
  "messages!": list(object({ "role!": is("user", "assistant"), "content!": either(text(), list(block)) })),
};
const sampling = { temperature: number(0, 1), top_p: number(0, 1), top_k: number(0, 500, true) };
const body = object(fields);
const oldBody = object({ ...fields, ...sampling });

const models = /^claude-(haiku|sonnet|opus|fable)-[45](-\d)?$/;
const statuses: Readonly<Record<RefusalKind | "no-route", readonly [number, string]>> = {
  key: [401, "authentication_error"],
  forbidden: [403, "permission_error"],
  model: [404, "not_found_error"],
  quota: [402, "billing_error"],
  limited: [429, "rate_limit_error"],
  overloaded: [529, "overloaded_error"],
  invalid: [400, "invalid_request_error"],
  filtered: [400, "invalid_request_error"],
  broken: [500, "api_error"],
  "too-long": [413, "request_too_large"],
  "no-route": [404, "not_found_error"],
};

export function anthropicWire(key: string): LlmWire {
  let count = 0;

  function* frames(answer: LlmAnswer, { model }: LlmAsked): Generator<LlmFrame> {
    const tokens = answer.tokens === undefined ? { input: 60, cached: 0, output: 12 } : answer.tokens;
    const startUsage =
      tokens === null
        ? {}
        : {
            usage: {
              input_tokens: tokens.input - tokens.cached,
              cache_creation_input_tokens: 0,
              cache_read_input_tokens: tokens.cached,
              output_tokens: 1,
            },
          };
    const event = (type: string, rest: object): LlmFrame => ({ sse: frame(JSON.stringify({ type, ...rest })) });
    const message = { id: "msg_1", type: "message", role: "assistant", model, content: [], stop_reason: null, stop_sequence: null };
    yield event("message_start", { message: { ...message, ...startUsage } });
    yield event("ping", {});
    let index = -1;
    let open = false;
    const shut = function* (): Generator<LlmFrame> {
      if (open) yield event("content_block_stop", { index });
      open = false;
    };
    const begin = function* (content_block: object): Generator<LlmFrame> {
      yield* shut();
      [index, open] = [index + 1, true];
      yield event("content_block_start", { index, content_block });
    };
    const delta = (one: object): LlmFrame => event("content_block_delta", { index, delta: one });
    let inText = false;
    for (const one of answer.parts) {
      if (one.type === "hold") yield "hold";
      else if (one.type === "raw") yield { sse: one.sse };
      else if (one.type === "keep-alive") yield event("ping", {});
      else if (one.type === "thought") {
        inText = false;
        yield* begin({ type: "thinking", thinking: "", signature: "" });
        yield delta({ type: "thinking_delta", thinking: one.text });
        yield delta({ type: "signature_delta", signature: "c2lnbg==" });
      } else if (one.type === "call") {
        inText = false;
        count += 1;
        yield* begin({ type: "tool_use", id: one.id ?? `toolu_${count}`, name: one.name, input: {} });
        yield delta({ type: "input_json_delta", partial_json: "" });
        if (one.arguments !== "{}")
          for (const piece of piecesOf(one.arguments, answer.fragmentChars)) yield delta({ type: "input_json_delta", partial_json: piece });
      } else {
        if (!inText) yield* begin({ type: "text", text: "" });
        inText = true;
        yield delta({ type: "text_delta", text: one.text });
      }
    }
    if (answer.then !== undefined && answer.then !== "complete") return;
    yield* shut();
    const called = answer.parts.some(({ type }) => type === "call");
    const stop_reason = { done: called ? "tool_use" : "end_turn", length: "max_tokens", filtered: "refusal", "prompt-filtered": "refusal" }[
      answer.end ?? "done"
    ];
    const usage = tokens === null ? {} : { usage: { output_tokens: tokens.output } };
    yield event("message_delta", { delta: { stop_reason, stop_sequence: null }, ...usage });
    yield event("message_stop", {});
  }

  return {
    key,
    admit(request, url) {
      if (request.method !== "POST" || url.pathname !== "/v1/messages") return "no-route";
      const given = request.headers["x-api-key"] ?? request.headers.authorization?.replace(/^Bearer /, "");
      return given === key ? undefined : "key";
    },
    read(json, request) {
      const version = request.headers["anthropic-version"];
      if (version !== "2026-10-21" && version !== "2023-06-01") return { complaint: "anthropic-version: is not a known version" };
      const complaint = (version === "2026-10-21" ? body : oldBody)(json, "");
      if (complaint?.kind === "unknown") return { complaint: `${complaint.param}: Extra inputs are not permitted` };
      if (complaint !== undefined) return { complaint: complaint.text };
      // The shape was found to hold.
      const asked = json as { model: string; system?: string | Block[]; tools?: { name: string }[]; messages: Message[]; stream: boolean };
      if (!asked.stream) return { complaint: "stream: must be true here" };
      if (!models.test(asked.model)) return { complaint: `model: ${asked.model}`, kind: "model" };
      const history = historyOf(asked.messages);
      if (typeof history === "string") return { complaint: history };
      const instructions = typeof asked.system === "string" ? asked.system : (asked.system ?? []).map((one) => one.text ?? "").join("");
      return { model: asked.model, instructions, history, toolNames: (asked.tools ?? []).map(({ name }) => name) };
    },
    frames,
    refusal(kind, words) {
      const [status, type] = statuses[kind];
      return { status, body: JSON.stringify(errorObject(type, words ?? refusalWords[kind])), headers: { "request-id": "req_fake" } };
    },
    failure: (kind) => frame(JSON.stringify(errorObject(statuses[kind][1], refusalWords[kind]))),
    unknownFrame: frame(JSON.stringify({ type: "content_block_later", index: 0 })),
    frame,
    typeKey: "type",
    samples: [
      {
        type: "message_start",
        message: {
          id: "msg_1",
          type: "message",
          role: "assistant",
          model: "claude-haiku-5-5",
          content: [],
          stop_reason: null,
          stop_sequence: null,
          usage: { input_tokens: 90, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 1 },
        },
      },
      { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
      { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Let me look." } },
      { type: "content_block_start", index: 1, content_block: { type: "tool_use", id: "toolu_1", name: "find", input: {} } },
      { type: "content_block_delta", index: 1, delta: { type: "input_json_delta", partial_json: '{"day":"Fri"}' } },
      { type: "content_block_start", index: 2, content_block: { type: "thinking", thinking: "", signature: "" } },
      { type: "content_block_delta", index: 2, delta: { type: "thinking_delta", thinking: "hm" } },
      { type: "content_block_delta", index: 2, delta: { type: "signature_delta", signature: "c2lnbg==" } },
      { type: "content_block_stop", index: 1 },
      { type: "message_delta", delta: { stop_reason: "tool_use", stop_sequence: null }, usage: { output_tokens: 31 } },
      { type: "message_stop" },
      { type: "ping" },
      { type: "error", error: { type: "overloaded_error", message: "Overloaded" } },
    ],
  };
}

/** The event's name is its type; what has none, or none that a line can hold, is framed as some event. */
function frame(message: string): string {
  const type = /^\{"type":"([\w.]+)"/.exec(message)?.[1] ?? "content_block_delta";
  return `event: ${type}\ndata: ${message}\n\n`;
}

const errorObject = (type: string, message: string): object => ({ type: "error", error: { type, message }, request_id: "req_fake" });

interface Block {
  readonly type: string;
  readonly text?: string;
  readonly id?: string;
  readonly name?: string;
  readonly input?: unknown;
  readonly tool_use_id?: string;
  readonly content?: string;
}
interface Message {
  readonly role: "user" | "assistant";
  readonly content: string | readonly Block[];
}

/** The conversation, or what is wrong with it. */
function historyOf(messages: readonly Message[]): ToldItem[] | string {
  const items: ToldItem[] = [];
  let owed: Block[] = [];
  if (messages[0]?.role !== "user") return "messages: first message must use the user role";
  if (messages.at(-1)?.role !== "user")
    return "messages: this model does not support assistant message prefill; it must end with a user message";
  for (const [at, { role, content }] of messages.entries()) {
    if (messages[at - 1]?.role === role) return "messages: roles must alternate";
    const blocks: readonly Block[] = typeof content === "string" ? [{ type: "text", text: content }] : content;
    if (blocks.length === 0 || blocks.some((one) => one.type === "text" && (one.text ?? "").trim() === ""))
      return `messages.${at}: text content blocks must be non-empty`;
    const results = blocks.filter(({ type }) => type === "tool_result");
    if (blocks.slice(0, results.length).some(({ type }) => type !== "tool_result"))
      return `messages.${at}: tool_result blocks must come first`;
    const missing = owed.filter((call) => !results.some((result) => result.tool_use_id === call.id));
    if (missing.length > 0)
      return `messages.${at}: tool_use ids were found without tool_result blocks immediately after: ${missing[0]?.id}`;
    if (results.length !== owed.length) return `messages.${at}: unexpected tool_use_id found in tool_result blocks`;
    for (const call of owed) {
      const output = results.find((result) => result.tool_use_id === call.id)?.content;
      items.push({ by: "tool", name: call.name ?? "", arguments: JSON.stringify(call.input), output });
    }
    owed = blocks.filter(({ type }) => type === "tool_use");
    if (owed.some((call) => !/^[a-zA-Z0-9_-]+$/.test(call.id ?? "")))
      return `messages.${at}: tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'`;
    if (role === "user" && owed.length > 0) return `messages.${at}: tool_use blocks can only be in assistant messages`;
    const thoughtAt = blocks.findIndex(({ type }) => type === "thinking");
    if (thoughtAt > 0) return `messages.${at}: thinking must come first`;
    for (const one of blocks) if (one.type === "text") items.push({ by: role === "user" ? "caller" : "agent", text: one.text ?? "" });
  }
  return owed.length > 0 ? "messages: tool_use without tool_result" : items;
}
