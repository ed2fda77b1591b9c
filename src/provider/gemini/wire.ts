// The Gemini Live API (BidiGenerateContent, v1beta) as one link uses it. Sources: the types of @google/genai 3.1.0 and the Live API
// guide, read 2026-11. Nothing here opens, waits or reads a clock; base64 begins and ends in this file.
import type { LiveClientMessage } from "@google/genai";
import { Envelope } from "../../wire/envelope.ts";
import type { Usage, UsageUnit } from "../contract.ts";

// ---- what we read

/** One thing that a server message says. A message may say several at once. */
export type ServerEvent =
  | { readonly type: "ready" }
  /** The service heard speech begin or end; `atMs` of its own audio time, when it says. */
  | { readonly type: "activity"; readonly edge: "start" | "end"; readonly atMs: number | undefined }
  | { readonly type: "heard"; readonly text: string }
  /** A guess at the words to come; each replaces the one before. */
  | { readonly type: "guessed"; readonly text: string }
  | { readonly type: "interrupted" }
  | { readonly type: "audio"; readonly bytes: Uint8Array; readonly rateHz: number }
  | { readonly type: "words"; readonly text: string }
  | { readonly type: "calls"; readonly calls: readonly WireCall[] }
  | { readonly type: "calls.cancelled"; readonly ids: readonly string[] }
  /** No more audio of this turn comes. */
  | { readonly type: "generated" }
  /** The turn is over, its assumed playback included. `reason` only when it did not go as it should. */
  | { readonly type: "complete"; readonly reason: string | undefined }
  | { readonly type: "used"; readonly quantities: Usage["quantities"] }
  | { readonly type: "resumable"; readonly handle: string }
  | { readonly type: "leaving"; readonly inMs: number };

export interface WireCall {
  readonly id: string;
  readonly name: string;
  /** JSON text. */
  readonly arguments: string;
}

export interface ServerMessage {
  readonly events: readonly ServerEvent[];
  /** What could not be read of it, in words. */
  readonly puzzle: string | undefined;
}

/** Every key and every part of a message, in the order in which they hold: what the caller did, then what the model says, then the rest. */
export function readMessage(json: string): ServerMessage {
  let message: unknown;
  try {
    message = JSON.parse(json);
  } catch {
    return { events: [], puzzle: "a frame that is no JSON" };
  }
  if (!isObject(message)) return { events: [], puzzle: "a message that is no object" };
  const known = readers.filter(([key]) => Object.hasOwn(message, key));
  const [strange] = Object.keys(message);
  if (known.length === 0) return { events: [], puzzle: strange === undefined ? undefined : `unknown message ${short(strange)}` };
  const events: ServerEvent[] = [];
  let puzzle: string | undefined;
  for (const [key, read] of known) {
    const part = message[key];
    if (!isObject(part)) puzzle = `${key} is no object`;
    else
      for (const found of read(part))
        if (typeof found === "string") puzzle = `${key}: ${found}`;
        else events.push(found);
  }
  return { events, puzzle };
}

/** What was found, or in words what could not be read. */
type Found = ServerEvent | string;
type Read = (part: Json) => Iterable<Found>;
type Json = Readonly<Record<string, unknown>>;

const readers: readonly (readonly [string, Read])[] = [
  ["setupComplete", () => [{ type: "ready" }]],
  ["voiceActivity", readActivity],
  ["toolCallCancellation", (part) => [{ type: "calls.cancelled", ids: list(part, "ids").filter((id) => typeof id === "string") }]],
  ["serverContent", readContent],
  ["toolCall", readCalls],
  ["usageMetadata", readUsage],
  ["sessionResumptionUpdate", readResumption],
  ["goAway", readGoAway],
];

function* readContent(content: Json): Generator<Found> {
  const heard = textAt(content, "inputTranscription", "text");
  if (heard !== undefined) yield { type: "heard", text: heard };
  const guessed = textAt(content, "interimInputTranscription", "text");
  if (guessed !== undefined) yield { type: "guessed", text: guessed };
  if (content["interrupted"] === true) yield { type: "interrupted" };
  const words = textAt(content, "outputTranscription", "text");
  if (words !== undefined) yield { type: "words", text: words };
  for (const part of list(content, "modelTurn", "parts")) {
    const data = textAt(part, "inlineData", "data");
    if (data !== undefined) yield readAudio(data, textAt(part, "inlineData", "mimeType") ?? "");
  }
  if (content["generationComplete"] === true) yield { type: "generated" };
  if (content["turnComplete"] === true) yield { type: "complete", reason: textAt(content, "turnCompleteReason") };
}

function readAudio(data: string, mimeType: string): Found {
  const rate = /^audio\/pcm(?:;\s*rate=(\d{4,5}))?$/.exec(mimeType);
  if (rate === null) return `audio of type ${short(mimeType)}`;
  const bytes = Buffer.from(data, "base64");
  if (bytes.length === 0 || bytes.length % 2 !== 0) return `${bytes.length} bytes of audio`;
  return { type: "audio", bytes, rateHz: Number(rate[1] ?? 24_000) };
}

function* readActivity(activity: Json): Generator<Found> {
  const edge = edges.get(activity["voiceActivityType"]);
  if (edge === undefined) yield `activity ${short(activity["voiceActivityType"])}`;
  else yield { type: "activity", edge, atMs: durationMs(activity["audioOffset"]) };
}

const edges = new Map<unknown, "start" | "end">([
  ["ACTIVITY_START", "start"],
  ["ACTIVITY_END", "end"],
]);

function* readCalls(toolCall: Json): Generator<Found> {
  const calls: WireCall[] = [];
  for (const call of list(toolCall, "functionCalls")) {
    const [id, name, args] = [textAt(call, "id"), textAt(call, "name"), at(call, "args")];
    if (id === undefined || name === undefined || id === "" || name === "") yield "a call without id or name";
    else calls.push({ id, name, arguments: JSON.stringify(isObject(args) ? args : {}) });
  }
  if (calls.length > 0) yield { type: "calls", calls };
}

function* readResumption(update: Json): Generator<Found> {
  const handle = textAt(update, "newHandle");
  if (update["resumable"] === true && handle !== undefined && handle !== "") yield { type: "resumable", handle };
}

function* readGoAway(goAway: Json): Generator<Found> {
  const inMs = durationMs(goAway["timeLeft"]);
  if (inMs === undefined) yield `time left ${short(goAway["timeLeft"])}`;
  else yield { type: "leaving", inMs };
}

/** One report a turn; they add up. What the modalities do not cover of a total counts as text, and so do thoughts. */
function* readUsage(usage: Json): Generator<Found> {
  const total = (key: string): number => countAt(usage, key) ?? 0;
  const audio = (key: string): number => {
    const rows = list(usage, key).filter((row) => at(row, "modality") === "AUDIO");
    return rows.reduce<number>((sum, row) => sum + (countAt(row, "tokenCount") ?? 0), 0);
  };
  const input = total("promptTokenCount") + total("toolUsePromptTokenCount");
  const inputAudio = audio("promptTokensDetails") + audio("toolUsePromptTokensDetails");
  const output = total("responseTokenCount");
  const outputAudio = audio("responseTokensDetails");
  const cached = total("cachedContentTokenCount");
  const cachedAudio = audio("cacheTokensDetails");
  const quantities: Partial<Record<UsageUnit, number>> = {
    input_text_tokens: Math.max(0, input - inputAudio),
    input_audio_tokens: inputAudio,
    cached_text_tokens: Math.max(0, cached - cachedAudio),
    cached_audio_tokens: cachedAudio,
    output_text_tokens: Math.max(0, output - outputAudio) + total("thoughtsTokenCount"),
    output_audio_tokens: outputAudio,
  };
  if (input + output > 0) yield { type: "used", quantities };
}

/** A protobuf duration as JSON has it: "3.2s". */
function durationMs(value: unknown): number | undefined {
  const seconds = typeof value === "string" ? /^(\d{1,6}(?:\.\d+)?)s$/.exec(value)?.[1] : undefined;
  return seconds === undefined ? undefined : Math.round(Number(seconds) * 1_000);
}

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);

function at(value: unknown, ...path: readonly string[]): unknown {
  let found = value;
  for (const key of path) found = isObject(found) && Object.hasOwn(found, key) ? found[key] : undefined;
  return found;
}

function textAt(value: unknown, ...path: readonly string[]): string | undefined {
  const found = at(value, ...path);
  return typeof found === "string" ? found : undefined;
}

/** A count that can be one; int64 may come as text. */
function countAt(value: unknown, key: string): number | undefined {
  const found = at(value, key);
  const count = typeof found === "string" && /^\d{1,15}$/.test(found) ? Number(found) : found;
  return typeof count === "number" && Number.isFinite(count) && count >= 0 && count < 1e12 ? count : undefined;
}

function list(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const found: unknown = at(value, ...path);
  return Array.isArray(found) ? found : [];
}

const short = (value: unknown): string => JSON.stringify(String(value).slice(0, 60));

// ---- what we write

/** A type of the official client as JSON: its enumerations as the texts that they are. */
type Written<T> = T extends string
  ? `${T}`
  : T extends readonly (infer Item)[]
    ? readonly Written<Item>[]
    : T extends object
      ? { readonly [Key in keyof T]: Written<T[Key]> }
      : T;

/** A client message; the official client's own type says what may stand in it. */
export type ClientMessage = Written<LiveClientMessage>;

export const write = (message: ClientMessage): string => JSON.stringify(message);

/** The one message that goes out fifty times a second. */
export const audioInput = new Envelope('{"realtimeInput":{"audio":{"data":"', '","mimeType":"audio/pcm;rate=16000"}}}');

export const activityStart = '{"realtimeInput":{"activityStart":{}}}';
export const activityEnd = '{"realtimeInput":{"activityEnd":{}}}';

/** The microphone pauses; only where the service itself detects activity. */
export const audioStreamEnd = '{"realtimeInput":{"audioStreamEnd":true}}';

export const textInput = (text: string): string => write({ realtimeInput: { text } });

export interface WireTurn {
  readonly role: "user" | "model";
  readonly text: string;
}

/** Words in the conversation, not in the caller's voice. `asks`: the model is to answer. */
export const content = (turns: readonly WireTurn[], asks: boolean): string =>
  write({ clientContent: { turns: turns.map(({ role, text }) => ({ role, parts: [{ text }] })), turnComplete: asks } });

/** `response` must be an object; by convention what it holds is told apart as output or error. */
export function toolResponse(
  call: { readonly id: string; readonly name: string },
  result: { readonly output: string; readonly failed: boolean },
  scheduling: "SILENT" | "WHEN_IDLE" | "INTERRUPT" | undefined,
): string {
  const response = result.failed ? { error: result.output } : { output: parsed(result.output) };
  return write({ toolResponse: { functionResponses: [{ ...call, response, ...(scheduling === undefined ? {} : { scheduling }) }] } });
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}
