// OpenAI Realtime, GA shape, as one link uses it: what the service says. Sources: resources/realtime/realtime.d.ts of the package
// openai 7.55.0 and the developer guide "Realtime", read 2026-11. Nothing here opens, waits or reads a clock.
import type { RateLimit, Usage, UsageUnit } from "../contract.ts";
import { askKey } from "./client-events.ts";

/** A server event, as far as a link needs it. `ignored` is known and of no use to us. */
export type ServerEvent =
  | { readonly type: "created"; readonly expiresAt: number | undefined }
  | { readonly type: "updated" }
  | { readonly type: "item.added"; readonly itemId: string }
  | { readonly type: "item.done"; readonly itemId: string }
  | { readonly type: "speech.started"; readonly itemId: string; readonly atMs: number }
  | { readonly type: "speech.stopped"; readonly itemId: string; readonly atMs: number }
  | { readonly type: "committed"; readonly itemId: string }
  | { readonly type: "transcript.delta"; readonly itemId: string; readonly delta: string }
  | { readonly type: "transcript.done"; readonly itemId: string; readonly text: string; readonly used: Usage["quantities"] | undefined }
  | { readonly type: "transcript.failed"; readonly itemId: string }
  | { readonly type: "response.created"; readonly responseId: string; readonly askId: string | undefined }
  | { readonly type: "response.item"; readonly responseId: string; readonly itemId: string; readonly kind: "message" | "call" | "other" }
  | { readonly type: "response.audio"; readonly responseId: string; readonly itemId: string; readonly bytes: Uint8Array }
  | { readonly type: "response.words"; readonly responseId: string; readonly itemId: string; readonly delta: string }
  | {
      readonly type: "response.call";
      readonly responseId: string;
      readonly callId: string;
      readonly name: string;
      readonly arguments: string;
    }
  | {
      readonly type: "response.done";
      readonly responseId: string;
      readonly status: "completed" | "incomplete" | "cancelled" | "failed";
      readonly error: WireError | undefined;
      readonly used: Usage["quantities"] | undefined;
    }
  | { readonly type: "limits"; readonly limits: readonly RateLimit[] }
  | { readonly type: "error"; readonly error: WireError }
  | { readonly type: "ignored" };

export interface WireError {
  readonly code: string;
  readonly message: string;
  readonly param: string | undefined;
  /** Which of our events it answers. */
  readonly eventId: string | undefined;
}

/** The event in a message, or in words why it cannot be read. */
export function readMessage(message: string): ServerEvent | string {
  let event: unknown;
  try {
    event = JSON.parse(message);
  } catch {
    return noEvent;
  }
  return typeof event !== "object" || event === null || textAt(event, "type") === undefined ? noEvent : readEvent(event);
}

const noEvent = "a frame that is no JSON object with a type";

/** The event, or in words why it cannot be read. */
export function readEvent(event: unknown): ServerEvent | string {
  const type = textAt(event, "type");
  const read = type === undefined ? undefined : readers.get(type);
  if (read === undefined) return `unknown event ${short(type)}`;
  try {
    return read(event);
  } catch (error) {
    if (error instanceof Unreadable) return `${type}: ${error.message}`;
    throw error;
  }
}

class Unreadable extends Error {}

const ignored: ServerEvent = { type: "ignored" };
const ignore = (): ServerEvent => ignored;

const words = (event: unknown): ServerEvent => ({
  type: "response.words",
  responseId: text(event, "response_id"),
  itemId: text(event, "item_id"),
  delta: text(event, "delta"),
});
const itemAdded = (event: unknown): ServerEvent => ({ type: "item.added", itemId: text(event, "item", "id") });

const readers = new Map<string, (event: unknown) => ServerEvent>([
  ["session.created", (event) => ({ type: "created", expiresAt: optionalNumber(event, "session", "expires_at") })],
  ["session.updated", () => ({ type: "updated" })],
  ["conversation.created", ignore],
  ["conversation.item.added", itemAdded],
  // The older name of the same event; mixed deployments send both.
  ["conversation.item.created", itemAdded],
  ["conversation.item.done", (event) => ({ type: "item.done", itemId: text(event, "item", "id") })],
  ["conversation.item.deleted", ignore],
  ["conversation.item.retrieved", ignore],
  ["conversation.item.truncated", ignore],
  ["input_audio_buffer.cleared", ignore],
  ["input_audio_buffer.timeout_triggered", ignore],
  ["input_audio_buffer.committed", (event) => ({ type: "committed", itemId: text(event, "item_id") })],
  [
    "input_audio_buffer.speech_started",
    (event) => ({ type: "speech.started", itemId: text(event, "item_id"), atMs: count(event, "audio_start_ms") }),
  ],
  [
    "input_audio_buffer.speech_stopped",
    (event) => ({ type: "speech.stopped", itemId: text(event, "item_id"), atMs: count(event, "audio_end_ms") }),
  ],
  [
    "conversation.item.input_audio_transcription.delta",
    (event) => ({ type: "transcript.delta", itemId: text(event, "item_id"), delta: textAt(event, "delta") ?? "" }),
  ],
  [
    "conversation.item.input_audio_transcription.completed",
    (event) => ({
      type: "transcript.done",
      itemId: text(event, "item_id"),
      text: text(event, "transcript"),
      used: transcriptionUsage(at(event, "usage")),
    }),
  ],
  ["conversation.item.input_audio_transcription.failed", (event) => ({ type: "transcript.failed", itemId: text(event, "item_id") })],
  ["conversation.item.input_audio_transcription.segment", ignore],
  [
    "response.created",
    (event) => ({
      type: "response.created",
      responseId: text(event, "response", "id"),
      askId: textAt(event, "response", "metadata", askKey),
    }),
  ],
  ["response.done", readDone],
  [
    "response.output_item.added",
    (event) => ({
      type: "response.item",
      responseId: text(event, "response_id"),
      itemId: text(event, "item", "id"),
      kind: kinds.get(text(event, "item", "type")) ?? "other",
    }),
  ],
  ["response.output_item.done", readItemDone],
  ["response.content_part.added", ignore],
  ["response.content_part.done", ignore],
  [
    "response.output_audio.delta",
    (event) => ({
      type: "response.audio",
      responseId: text(event, "response_id"),
      itemId: text(event, "item_id"),
      bytes: Buffer.from(text(event, "delta"), "base64"),
    }),
  ],
  ["response.output_audio.done", ignore],
  ["response.output_audio_transcript.delta", words],
  ["response.output_audio_transcript.done", ignore],
  ["response.output_text.delta", words],
  ["response.output_text.done", ignore],
  ["response.function_call_arguments.delta", ignore],
  // The arguments are taken from the finished item: only there its status says that they are whole.
  ["response.function_call_arguments.done", ignore],
  ["rate_limits.updated", (event) => ({ type: "limits", limits: list(event, "rate_limits").map(readLimit) })],
  ["error", (event) => ({ type: "error", error: readError(at(event, "error")) })],
]);

const kinds = new Map<string, "message" | "call">([
  ["message", "message"],
  ["function_call", "call"],
]);

function readItemDone(event: unknown): ServerEvent {
  const kind = text(event, "item", "type");
  if (kind !== "function_call" || text(event, "item", "status") !== "completed") return ignored;
  return {
    type: "response.call",
    responseId: text(event, "response_id"),
    callId: text(event, "item", "call_id"),
    name: text(event, "item", "name"),
    arguments: text(event, "item", "arguments"),
  };
}

function readDone(event: unknown): ServerEvent {
  const status = text(event, "response", "status");
  if (status !== "completed" && status !== "incomplete" && status !== "cancelled" && status !== "failed")
    throw new Unreadable(`status ${short(status)}`);
  const error = at(event, "response", "status_details", "error");
  return {
    type: "response.done",
    responseId: text(event, "response", "id"),
    status,
    error: status === "failed" ? readError(error) : undefined,
    used: responseUsage(at(event, "response", "usage")),
  };
}

/** An error of any shape is still an error; what it lacks stays empty. */
const readError = (error: unknown): WireError => ({
  code: textAt(error, "code") ?? textAt(error, "type") ?? "",
  message: (textAt(error, "message") ?? "").slice(0, 500),
  param: textAt(error, "param"),
  eventId: textAt(error, "event_id"),
});

function readLimit(limit: unknown): RateLimit {
  const scope = text(limit, "name");
  if (scope !== "requests" && scope !== "tokens") throw new Unreadable(`limit ${short(scope)}`);
  return { scope, limit: count(limit, "limit"), remaining: count(limit, "remaining"), resetsInMs: count(limit, "reset_seconds") * 1_000 };
}

/** Images are not sent by us, so text and audio are all there is. */
function responseUsage(usage: unknown): Usage["quantities"] | undefined {
  if (usage === null || usage === undefined) return undefined;
  return counted({
    input_text_tokens: optionalNumber(usage, "input_token_details", "text_tokens"),
    input_audio_tokens: optionalNumber(usage, "input_token_details", "audio_tokens"),
    cached_text_tokens: optionalNumber(usage, "input_token_details", "cached_tokens_details", "text_tokens"),
    cached_audio_tokens: optionalNumber(usage, "input_token_details", "cached_tokens_details", "audio_tokens"),
    output_text_tokens: optionalNumber(usage, "output_token_details", "text_tokens"),
    output_audio_tokens: optionalNumber(usage, "output_token_details", "audio_tokens"),
  });
}

function transcriptionUsage(usage: unknown): Usage["quantities"] | undefined {
  const seconds = optionalNumber(usage, "seconds");
  if (seconds !== undefined) return counted({ transcribed_ms: Math.round(seconds * 1_000) });
  return counted({
    input_audio_tokens: optionalNumber(usage, "input_token_details", "audio_tokens"),
    input_text_tokens: optionalNumber(usage, "input_token_details", "text_tokens"),
    output_text_tokens: optionalNumber(usage, "output_tokens"),
  });
}

/** Only what was counted; undefined when nothing was. */
function counted(quantities: Readonly<Partial<Record<UsageUnit, number | undefined>>>): Usage["quantities"] | undefined {
  const known = Object.entries(quantities).filter((entry) => entry[1] !== undefined && entry[1] >= 0);
  return known.length === 0 ? undefined : Object.fromEntries(known);
}

function at(value: unknown, ...path: readonly string[]): unknown {
  let found = value;
  for (const key of path) {
    if (typeof found !== "object" || found === null) return undefined;
    found = Object.getOwnPropertyDescriptor(found, key)?.value;
  }
  return found;
}

function textAt(value: unknown, ...path: readonly string[]): string | undefined {
  const found = at(value, ...path);
  return typeof found === "string" ? found : undefined;
}

function text(value: unknown, ...path: readonly string[]): string {
  const found = textAt(value, ...path);
  if (found === undefined) throw new Unreadable(`no text at ${path.join(".")}`);
  return found;
}

function optionalNumber(value: unknown, ...path: readonly string[]): number | undefined {
  const found = at(value, ...path);
  return typeof found === "number" && Number.isFinite(found) ? found : undefined;
}

function count(value: unknown, ...path: readonly string[]): number {
  const found = optionalNumber(value, ...path);
  if (found === undefined || found < 0) throw new Unreadable(`no count at ${path.join(".")}`);
  return found;
}

function list(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const found: unknown = at(value, ...path);
  if (!Array.isArray(found)) throw new Unreadable(`no list at ${path.join(".")}`);
  return found;
}

const short = (value: string | undefined): string => (value === undefined ? "without a type" : JSON.stringify(value.slice(0, 60)));
