import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What the server sends for one request. */
export type ChatAnswer =
  | {
      readonly type: "stream";
      readonly pieces: readonly ChatPiece[];
      /** Undefined: the stream ends without saying so. */
      readonly finish: "stop" | "tool_calls" | "length" | "content_filter" | undefined;
      /** After the pieces: end in order, cut the socket, or keep it open and say nothing. */
      readonly then: "end" | "cut" | "hang";
    }
  | { readonly type: "refuse"; readonly status: number; readonly code: string };

/** A fragment of text, or of a tool call's arguments; the first fragment of a call carries id and name. */
type ChatPiece =
  | string
  | {
      readonly index: number;
      readonly id?: string;
      readonly name?: string;
      readonly arguments: string;
    };

/** A chat-completions request as it came. */
export interface ChatRequest {
  readonly model: string;
  readonly messages: readonly Readonly<Record<string, unknown>>[];
  readonly tools: readonly unknown[];
}

const knownFields = new Set([
  "model",
  "stream",
  "stream_options",
  "messages",
  "tools",
  "tool_choice",
  "temperature",
  "max_tokens",
  "max_completion_tokens",
  "parallel_tool_calls",
  "reasoning_effort",
  "stop",
  "seed",
]);

/**
 * A small OpenAI-compatible chat-completions server on a real socket. Strict: what the real one answers with 400 it answers with 400,
 * and keeps in `violations`. Source: OpenAI API reference, "Chat Completions", read 2026-11.
 */
export class ChatCompletions implements AsyncDisposable {
  readonly violations: string[] = [];
  readonly requests: ChatRequest[] = [];
  /** Requests whose client went away before the answer was complete. */
  abandoned = 0;
  readonly #answers: ChatAnswer[] = [];
  readonly #key: string;
  readonly #server = createServer((request, response) => void this.#serve(request, response));

  constructor(key: string) {
    this.#key = key;
  }

  static async start(key: string): Promise<ChatCompletions> {
    const fake = new ChatCompletions(key);
    await new Promise<void>((resolve) => fake.#server.listen(0, "127.0.0.1", resolve));
    return fake;
  }

  /** The base URL that a client is given. */
  get url(): string {
    // A listening TCP server has an AddressInfo.
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  /** Queues the answer to the next request. */
  answer(answer: ChatAnswer): void {
    this.#answers.push(answer);
  }

  says(...pieces: string[]): void {
    this.answer({ type: "stream", pieces, finish: "stop", then: "end" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await read(request);
    const problem = this.#problem(request, body);
    if (problem !== undefined) {
      this.violations.push(problem.message);
      return refuse(response, problem.status, "invalid_request_error", problem.message);
    }
    // `#problem` found the shape to hold.
    const asked = JSON.parse(body) as ChatRequest;
    this.requests.push({ ...asked, tools: asked.tools ?? [] });
    const answer = this.#answers.shift() ?? {
      type: "refuse",
      status: 500,
      code: "nothing_scripted",
    };
    if (answer.type === "refuse") return refuse(response, answer.status, answer.code, `refused with ${answer.code}`);
    response.on("close", () => {
      if (!response.writableEnded) this.abandoned += 1;
    });
    stream(response, asked.model, answer);
  }

  #problem(request: IncomingMessage, body: string): { status: number; message: string } | undefined {
    if (request.method !== "POST" || request.url !== "/v1/chat/completions")
      return { status: 404, message: `no such route: ${request.method} ${request.url}` };
    if (request.headers.authorization !== `Bearer ${this.#key}`) return { status: 401, message: "incorrect API key" };
    if (!(request.headers["content-type"] ?? "").startsWith("application/json"))
      return { status: 400, message: "content-type must be application/json" };
    let json: unknown;
    try {
      json = JSON.parse(body);
    } catch {
      return { status: 400, message: "body is not JSON" };
    }
    const message = shapeProblem(json);
    return message === undefined ? undefined : { status: 400, message };
  }
}

function shapeProblem(body: unknown): string | undefined {
  if (!isRecord(body)) return "body must be an object";
  const unknown = Object.keys(body).find((field) => !knownFields.has(field));
  if (unknown !== undefined) return `unrecognized request argument: ${unknown}`;
  if (typeof body["model"] !== "string" || body["model"] === "") return "model must be a string";
  if (body["stream"] !== true) return "stream must be true";
  if (!Array.isArray(body["messages"]) || body["messages"].length === 0) return "messages must be a list that is not empty";
  const tools: unknown = body["tools"];
  if (tools !== undefined && (!Array.isArray(tools) || tools.length === 0 || !tools.every(isTool)))
    return "tools must be a list of functions that is not empty";
  return messagesProblem(body["messages"]);
}

function messagesProblem(messages: readonly unknown[]): string | undefined {
  let owed: string[] = [];
  for (const [at, message] of messages.entries()) {
    if (!isRecord(message)) return `messages[${at}] must be an object`;
    const { role, content } = message;
    if (role === "tool") {
      if (typeof content !== "string" || typeof message["tool_call_id"] !== "string")
        return `messages[${at}] must have content and tool_call_id`;
      if (!owed.includes(message["tool_call_id"])) return `messages[${at}]: tool_call_id ${message["tool_call_id"]} answers no call`;
      owed = owed.filter((id) => id !== message["tool_call_id"]);
      continue;
    }
    if (owed.length > 0) return `messages[${at}]: tool calls without an answer: ${owed.join(", ")}`;
    if (role === "system" || role === "developer" || role === "user") {
      if (typeof content !== "string") return `messages[${at}] must have content`;
    } else if (role === "assistant") {
      const calls: unknown = message["tool_calls"];
      if (calls === undefined && typeof content !== "string") return `messages[${at}] must have content or tool_calls`;
      if (calls !== undefined && (!Array.isArray(calls) || calls.length === 0 || !calls.every(isCall)))
        return `messages[${at}].tool_calls must be a list of calls`;
      owed = Array.isArray(calls) ? calls.map((call: { id: string }) => call.id) : [];
    } else return `messages[${at}].role: ${String(role)} is not allowed`;
  }
  return owed.length > 0 ? `tool calls without an answer: ${owed.join(", ")}` : undefined;
}

function isTool(tool: unknown): boolean {
  const definition = isRecord(tool) && tool["type"] === "function" ? tool["function"] : undefined;
  return isRecord(definition) && typeof definition["name"] === "string" && isRecord(definition["parameters"]);
}

function isCall(call: unknown): boolean {
  const called = isRecord(call) && typeof call["id"] === "string" && call["type"] === "function" ? call["function"] : undefined;
  return isRecord(called) && typeof called["name"] === "string" && typeof called["arguments"] === "string";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function stream(response: ServerResponse, model: string, answer: Extract<ChatAnswer, { type: "stream" }>): void {
  const send = (delta: object, finish: string | null): void => {
    const chunk = {
      id: "chatcmpl-1",
      object: "chat.completion.chunk",
      created: 1,
      model,
      choices: [{ index: 0, delta, finish_reason: finish }],
    };
    response.write(`data: ${JSON.stringify(chunk)}\n\n`);
  };
  response.writeHead(200, { "content-type": "text/event-stream" });
  send({ role: "assistant", content: "" }, null);
  for (const piece of answer.pieces) {
    if (typeof piece === "string") send({ content: piece }, null);
    else {
      const { index, id, name, arguments: args } = piece;
      send(
        {
          tool_calls: [
            {
              index,
              ...(id === undefined ? {} : { id, type: "function" }),
              function: { ...(name === undefined ? {} : { name }), arguments: args },
            },
          ],
        },
        null,
      );
    }
  }
  if (answer.finish !== undefined) send({}, answer.finish);
  // The cut must come after what was written has left.
  if (answer.then === "cut") response.write(": cut\n\n", () => response.destroy());
  if (answer.then === "end") response.end("data: [DONE]\n\n");
}

function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify({ error: { message, type: "invalid_request_error", param: null, code } }));
}

async function read(request: IncomingMessage): Promise<string> {
  let body = "";
  request.setEncoding("utf8");
  // With an encoding set, the pieces are text.
  for await (const piece of request as AsyncIterable<string>) body += piece;
  return body;
}
