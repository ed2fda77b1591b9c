// Chat Completions as OpenAI, Azure OpenAI and Groq serve them. Sources: request and stream as the official client 7.55.0 speaks them,
// error bodies from the three references, read 2026-11.
import type { IncomingMessage } from "node:http";
import { anyObject, either, flag, is, list, nothing, number, object, tagged, text, type Shape } from "../shape.ts";
import type { ToldItem } from "../panel.ts";
import { piecesOf, type LlmAnswer, type LlmPart, type RefusalKind } from "./script.ts";
import { refusalWords, type LlmAsked, type LlmComplaint, type LlmFrame, type LlmWire } from "./wire.ts";

/** One service that speaks this wire. */
export interface ChatService {
  readonly key: string;
  /** The key as it came, or undefined; and whether the route is one of the service's. */
  readonly keyOf: (request: IncomingMessage) => string | undefined;
  readonly hasRoute: (url: URL) => boolean;
  readonly hasModel: (model: string, url: URL) => boolean;
  /** Fields beyond those that all three know. */
  readonly fields: Readonly<Record<string, Shape>>;
  readonly streamOptions: Readonly<Record<string, Shape>>;
  /** Reasoning models take no sampling settings unless they are told not to reason. */
  readonly reasons: (model: string) => boolean;
  /** A first chunk without choices, with what the content filter found. */
  readonly filtersPrompts: boolean;
  /** Reasoning not hidden is written into the text. */
  readonly thinksAloud: boolean;
}

const call = object({ "id!": text(64), "type!": is("function"), "function!": object({ "name!": text(64), "arguments!": text() }) });
const messages = list(
  tagged("role", {
    system: { "content!": text() },
    developer: { "content!": text() },
    user: { "content!": text() },
    assistant: { content: either(text(), nothing), tool_calls: list(call) },
    tool: { "tool_call_id!": text(64), "content!": text() },
  }),
);
const common = {
  "model!": text(),
  "stream!": flag,
  "messages!": messages,
  tools: list(
    object({
      "type!": is("function"),
      "function!": object({ "name!": text(64), description: text(), strict: flag, "parameters!": anyObject }),
    }),
  ),
  tool_choice: either(is("auto", "none", "required"), anyObject),
  parallel_tool_calls: flag,
  temperature: number(0, 2),
  max_completion_tokens: number(1, 128_000, true),
  max_tokens: number(1, 128_000, true),
  reasoning_effort: is("none", "default", "minimal", "low", "medium", "high", "xhigh"),
  stop: either(text(), list(text())),
  seed: number(-(2 ** 31), 2 ** 31, true),
};

const bearer = (request: IncomingMessage): string | undefined => request.headers.authorization?.replace(/^Bearer /, "");

export const openaiChat = (key: string): ChatService => ({
  key,
  keyOf: bearer,
  hasRoute: (url) => url.pathname === "/v1/chat/completions",
  hasModel: (model) => /^(gpt-(6|6\.1|5\.\d|5|4\.1|4o)(-(luna|sol|terra|mini|nano))?)$/.test(model),
  fields: { prompt_cache_key: text(64), verbosity: is("low", "medium", "high"), store: flag, service_tier: text() },
  streamOptions: { include_obfuscation: flag },
  reasons: (model) => /^gpt-[56]/.test(model),
  filtersPrompts: false,
  thinksAloud: false,
});

/** Both addresses of a resource: that without a version, where the model is a deployment, and the older one of a deployment. */
export const azureChat = (key: string, deployment: string): ChatService => ({
  key,
  keyOf: (request) => request.headers["api-key"]?.toString(),
  hasRoute: (url) =>
    (url.pathname === "/openai/v1/chat/completions" && !url.searchParams.has("api-version")) ||
    (/^\/openai\/deployments\/[^/]+\/chat\/completions$/.test(url.pathname) &&
      /^\d{4}-\d\d-\d\d/.test(url.searchParams.get("api-version") ?? "")),
  hasModel: (model, url) => (/deployments\/([^/]+)/.exec(url.pathname)?.[1] ?? model) === deployment,
  fields: {},
  streamOptions: {},
  reasons: () => false,
  filtersPrompts: true,
  thinksAloud: false,
});

export const groqChat = (key: string): ChatService => ({
  key,
  keyOf: bearer,
  hasRoute: (url) => url.pathname === "/openai/v1/chat/completions",
  hasModel: (model) => /^(llama-3\.[13]-\d+b-(instant|versatile)|openai\/gpt-oss-\d+b|qwen\/qwen3[.\d]*-\d+b|moonshotai\/.+)$/.test(model),
  fields: { reasoning_format: is("hidden", "raw", "parsed"), include_reasoning: flag, service_tier: text() },
  streamOptions: {},
  reasons: () => false,
  filtersPrompts: false,
  thinksAloud: true,
});

interface Failure {
  readonly status: number;
  readonly type: string;
  readonly code: string;
}
const failures: Readonly<Record<RefusalKind | "no-route", Failure>> = {
  key: { status: 401, type: "invalid_request_error", code: "invalid_api_key" },
  forbidden: { status: 403, type: "invalid_request_error", code: "unsupported_country_region_territory" },
  model: { status: 404, type: "invalid_request_error", code: "model_not_found" },
  quota: { status: 429, type: "insufficient_quota", code: "insufficient_quota" },
  limited: { status: 429, type: "rate_limit_error", code: "rate_limit_exceeded" },
  overloaded: { status: 503, type: "server_error", code: "overloaded" },
  invalid: { status: 400, type: "invalid_request_error", code: "invalid_value" },
  filtered: { status: 400, type: "invalid_request_error", code: "content_filter" },
  broken: { status: 500, type: "server_error", code: "server_error" },
  "too-long": { status: 400, type: "invalid_request_error", code: "context_length_exceeded" },
  "no-route": { status: 404, type: "invalid_request_error", code: "unknown_url" },
};

export function chatWire(service: ChatService): LlmWire {
  const shape = object({ ...common, stream_options: object({ include_usage: flag, ...service.streamOptions }), ...service.fields });
  let count = 0;

  function* frames(answer: LlmAnswer, { model }: LlmAsked): Generator<LlmFrame> {
    const base = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model };
    const send = (rest: object): LlmFrame => ({ sse: frame(JSON.stringify({ ...base, ...rest })) });
    const chunk = (delta: object, finish_reason: string | null = null): LlmFrame =>
      send({
        choices: [{ index: 0, delta, finish_reason, ...(service.filtersPrompts ? { content_filter_results: {} } : {}) }],
        usage: null,
      });
    if (service.filtersPrompts) yield send({ choices: [], prompt_filter_results: [{ prompt_index: 0, content_filter_results: {} }] });
    yield chunk({ role: "assistant", content: "" });
    const calls: { readonly index: number; readonly pieces: string[] }[] = [];
    for (const one of answer.parts) {
      if (one.type === "call") yield* begin(one, calls);
      else if (one.type === "text") yield chunk({ content: one.text });
      else if (one.type === "refusal") yield chunk({ refusal: one.text });
      else if (one.type === "thought")
        yield chunk(service.thinksAloud ? { content: `<think>${one.text}</think>` } : { reasoning: one.text });
      else if (one.type === "hold") yield "hold";
      else if (one.type === "raw") yield { sse: one.sse };
      else yield { sse: ": keep-alive\n\n" };
    }
    // Arguments of calls made together come interleaved.
    for (let some = true; some;) {
      some = false;
      for (const { index, pieces } of calls) {
        const piece = pieces.shift();
        if (piece === undefined) continue;
        some = true;
        yield chunk({ tool_calls: [{ index, function: { arguments: piece } }] });
      }
    }
    if (answer.then !== undefined && answer.then !== "complete") return;
    const finish = {
      done: calls.length > 0 ? "tool_calls" : "stop",
      length: "length",
      filtered: "content_filter",
      "prompt-filtered": "content_filter",
    };
    yield chunk({}, finish[answer.end ?? "done"]);
    const tokens = answer.tokens === undefined ? { input: 60, cached: 0, output: 12 } : answer.tokens;
    if (tokens !== null)
      yield send({
        choices: [],
        usage: {
          prompt_tokens: tokens.input,
          completion_tokens: tokens.output,
          total_tokens: tokens.input + tokens.output,
          prompt_tokens_details: { cached_tokens: tokens.cached },
        },
      });
    yield { sse: "data: [DONE]\n\n" };

    function* begin(
      one: Extract<LlmPart, { type: "call" }>,
      open: { readonly index: number; readonly pieces: string[] }[],
    ): Generator<LlmFrame> {
      count += 1;
      const index = open.length;
      open.push({ index, pieces: piecesOf(one.arguments, answer.fragmentChars) });
      yield chunk({
        tool_calls: [{ index, id: one.id ?? `call_${count}`, type: "function", function: { name: one.name, arguments: "" } }],
      });
    }
  }

  return {
    key: service.key,
    admit(request, url) {
      if (request.method !== "POST" || !service.hasRoute(url)) return "no-route";
      return service.keyOf(request) === service.key ? undefined : "key";
    },
    read: (json, _request, url) => read(service, shape, json, url),
    frames,
    refusal(kind, words) {
      const { status } = failures[kind];
      return { status, body: JSON.stringify(errorObject(kind, words)), headers: { "x-request-id": "req_fake" } };
    },
    failure: (kind) => frame(JSON.stringify(errorObject(kind, undefined))),
    unknownFrame: frame(JSON.stringify({ id: "chatcmpl-1", object: "chat.completion.later", choices: [], later: { any: 1 } })),
    frame,
    typeKey: "object",
    samples,
  };
}

const frame = (message: string): string => `data: ${message}\n\n`;

function errorObject(kind: RefusalKind | "no-route", words: string | undefined): object {
  const { type, code } = failures[kind];
  return { error: { message: words ?? refusalWords[kind], type, param: null, code } };
}

function read(service: ChatService, shape: Shape, json: unknown, url: URL): LlmAsked | LlmComplaint {
  const complaint = shape(json, "");
  if (complaint !== undefined) return { complaint: complaint.text };
  // The shape was found to hold.
  const asked = json as Asked;
  const { model } = asked;
  if (!asked.stream) return { complaint: "stream must be true here" };
  if (!service.hasModel(model, url)) return { complaint: `The model ${model} does not exist.`, kind: "model" };
  if (service.reasons(model) && asked.max_tokens !== undefined)
    return { complaint: "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead." };
  if (service.reasons(model) && asked.temperature !== undefined && asked.reasoning_effort !== "none")
    return { complaint: "Unsupported value: 'temperature' does not support this value with this model." };
  if (/^(gpt-4|llama)/.test(model) && asked.reasoning_effort !== undefined)
    return { complaint: "Unsupported parameter: 'reasoning_effort' is not supported with this model." };
  if (asked.tools?.length === 0) return { complaint: "Invalid 'tools': empty array." };
  const history = historyOf(asked.messages);
  if (typeof history === "string") return { complaint: history };
  const instructions = asked.messages.flatMap((one) => (one.role === "system" || one.role === "developer" ? [one.content ?? ""] : []));
  return { model, instructions: instructions.join("\n"), history, toolNames: (asked.tools ?? []).map((tool) => tool.function.name) };
}

interface Message {
  readonly role: "system" | "developer" | "user" | "assistant" | "tool";
  readonly content?: string | null;
  readonly tool_call_id?: string;
  readonly tool_calls?: readonly { readonly id: string; readonly function: { readonly name: string; readonly arguments: string } }[];
}
interface Asked {
  readonly model: string;
  readonly stream: boolean;
  readonly messages: readonly Message[];
  readonly tools?: readonly { readonly function: { readonly name: string } }[];
  readonly max_tokens?: number;
  readonly temperature?: number;
  readonly reasoning_effort?: string;
}

/** The conversation, or what is wrong with it. */
function historyOf(messages: readonly Message[]): ToldItem[] | string {
  const items: ToldItem[] = [];
  const owed = new Map<string, { readonly name: string; readonly arguments: string }>();
  for (const [at, { role, content, tool_calls, tool_call_id }] of messages.entries()) {
    if (role === "tool") {
      const answered = owed.get(tool_call_id ?? "");
      if (answered === undefined) return `messages[${at}]: 'tool' must be a response to a preceding message with 'tool_calls'.`;
      owed.delete(tool_call_id ?? "");
      items.push({ by: "tool", ...answered, output: content ?? "" });
      continue;
    }
    if (owed.size > 0)
      return `An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id': ${[...owed.keys()].join()}`;
    if (role === "assistant" && (tool_calls ?? []).length === 0 && typeof content !== "string")
      return `messages[${at}]: content or tool_calls must be given.`;
    for (const { id, function: called } of tool_calls ?? []) owed.set(id, called);
    if (typeof content === "string" && role === "user") items.push({ by: "caller", text: content });
    if (typeof content === "string" && role === "assistant") items.push({ by: "agent", text: content });
  }
  return owed.size > 0 ? "tool_calls without their tool messages." : items;
}

const base = { id: "c1", object: "chat.completion.chunk", created: 1, model: "gpt-6-luna" };
const samples: LlmWire["samples"] = [
  { ...base, choices: [{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }], usage: null },
  { ...base, choices: [{ index: 0, delta: { content: "Friday " }, finish_reason: null }] },
  {
    ...base,
    choices: [
      {
        index: 0,
        delta: { tool_calls: [{ index: 0, id: "call_1", type: "function", function: { name: "find", arguments: "" } }] },
        finish_reason: null,
      },
    ],
  },
  {
    ...base,
    choices: [{ index: 0, delta: { tool_calls: [{ index: 0, function: { arguments: '{"day":"Fri"}' } }] }, finish_reason: null }],
  },
  { ...base, choices: [{ index: 0, delta: {}, finish_reason: "tool_calls" }] },
  {
    ...base,
    choices: [],
    usage: {
      prompt_tokens: 70,
      completion_tokens: 12,
      total_tokens: 82,
      prompt_tokens_details: { cached_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 0 },
    },
  },
  { error: { message: "Rate limit reached.", type: "rate_limit_error", param: null, code: "rate_limit_exceeded" } },
];
