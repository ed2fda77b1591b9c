// Deepgram Voice Agent v1, as one link uses it. Sources: types of the package @deepgram/sdk 5.13.0 and developers.deepgram.com,
// "Voice Agent", read 2026-11. Nothing here opens, waits or reads a clock.
import type { Deepgram } from "@deepgram/sdk";
import { encodings, type Encoding } from "../../audio/encodings.ts";
import type { ConversationItem, OpenRequest, ToolSpec } from "../contract.ts";
import type { LinkSettings } from "./settings.ts";

// ---- what we read

/** A server message, as far as a link needs it. `ignored` is known and of no use to us. */
export type ServerMessage =
  | { readonly type: "welcome" }
  | { readonly type: "applied" }
  | { readonly type: "caller.spoke" }
  | { readonly type: "said"; readonly by: "caller" | "agent"; readonly text: string }
  /** The agent is about to speak: so the caller's turn is over. */
  | { readonly type: "answering" }
  | { readonly type: "audio.done" }
  | { readonly type: "calls"; readonly calls: readonly WireCall[] }
  | { readonly type: "calls.cancelled"; readonly ids: readonly string[] }
  | { readonly type: "warning"; readonly code: string; readonly description: string }
  | { readonly type: "error"; readonly code: string; readonly description: string }
  | { readonly type: "ignored" };

export interface WireCall {
  readonly id: string;
  readonly name: string;
  /** JSON text. */
  readonly arguments: string;
  /** Ours to answer; the others the service answers itself. */
  readonly ours: boolean;
}

/** The message, or in words why it cannot be read. */
export function readMessage(message: unknown): ServerMessage | string {
  const type = textAt(message, "type");
  const read = type === undefined ? undefined : readers.get(type);
  if (read === undefined) return `unknown message ${short(type)}`;
  try {
    return read(message);
  } catch (error) {
    if (error instanceof Unreadable) return `${type}: ${error.message}`;
    throw error;
  }
}

class Unreadable extends Error {}

const ignored: ServerMessage = { type: "ignored" };
const ignore = (): ServerMessage => ignored;

const readers = new Map<string, (message: unknown) => ServerMessage>([
  ["Welcome", () => ({ type: "welcome" })],
  ["SettingsApplied", () => ({ type: "applied" })],
  ["UserStartedSpeaking", () => ({ type: "caller.spoke" })],
  ["ConversationText", readSaid],
  ["AgentThinking", () => ({ type: "answering" })],
  ["AgentStartedSpeaking", () => ({ type: "answering" })],
  ["AgentAudioDone", () => ({ type: "audio.done" })],
  ["FunctionCallRequest", (message) => ({ type: "calls", calls: list(message, "functions").map(readCall) })],
  ["FunctionCallCancelled", (message) => ({ type: "calls.cancelled", ids: list(message, "functions").map((call) => text(call, "id")) })],
  // About calls that the service answered itself.
  ["FunctionCallResponse", ignore],
  ["LatencyReport", ignore],
  // Our own record of the conversation is kept elsewhere.
  ["History", ignore],
  ["ListenUpdated", ignore],
  ["ThinkUpdated", ignore],
  ["SpeakUpdated", ignore],
  ["PromptUpdated", ignore],
  ["InjectionRefused", (message) => ({ type: "warning", code: "INJECTION_REFUSED", description: textAt(message, "message") ?? "" })],
  ["Warning", (message) => ({ type: "warning", ...coded(message) })],
  ["Error", (message) => ({ type: "error", ...coded(message) })],
]);

function readSaid(message: unknown): ServerMessage {
  const role = text(message, "role");
  if (role !== "user" && role !== "assistant") throw new Unreadable(`role ${short(role)}`);
  return { type: "said", by: role === "user" ? "caller" : "agent", text: text(message, "content").trim() };
}

const readCall = (call: unknown): WireCall => ({
  id: text(call, "id"),
  name: text(call, "name"),
  arguments: text(call, "arguments"),
  ours: at(call, "client_side") !== false,
});

/** A warning or an error of any shape is still one; what it lacks stays empty. */
const coded = (message: unknown): { readonly code: string; readonly description: string } => ({
  code: (textAt(message, "code") ?? "").slice(0, 60),
  description: (textAt(message, "description") ?? "").slice(0, 500),
});

const at = (value: unknown, key: string): unknown =>
  typeof value === "object" && value !== null ? Object.getOwnPropertyDescriptor(value, key)?.value : undefined;

function textAt(value: unknown, key: string): string | undefined {
  const found = at(value, key);
  return typeof found === "string" ? found : undefined;
}

function text(value: unknown, key: string): string {
  const found = textAt(value, key);
  if (found === undefined) throw new Unreadable(`no text at ${key}`);
  return found;
}

function list(value: unknown, key: string): readonly unknown[] {
  const found: unknown = at(value, key);
  if (!Array.isArray(found)) throw new Unreadable(`no list at ${key}`);
  return found;
}

const short = (value: string | undefined): string => (value === undefined ? "without a type" : JSON.stringify(value.slice(0, 60)));

// ---- what we write

type Settings = Deepgram.agent.AgentV1Settings;
type HistoryItem = Deepgram.agent.AgentV1Settings.Agent.Context.Messages.Item;

/** How a link begins: what the new session is told of the past, and what is said into it first. */
export interface Opening {
  readonly history: readonly ConversationItem[];
  readonly greeting: string | undefined;
  /** Injected as the caller's once the session stands: their own words, or a note in brackets. */
  readonly first: string | undefined;
}

/**
 * The wire answers what a caller says and nothing else. So a turn that waits for its answer is said again instead of being told as
 * history, and to carry on is asked for by a note. A greeting is for a session without a past only.
 */
export function opening({ agent, begin, conversation }: OpenRequest): Opening {
  const last = conversation.at(-1);
  const whole = { history: conversation, greeting: undefined };
  switch (begin) {
    case "wait":
    case "listen":
      return { ...whole, first: undefined };
    case "greet":
      if (agent.greeting !== undefined && conversation.length === 0) return { ...whole, greeting: agent.greeting, first: undefined };
      return {
        ...whole,
        first: note(agent.greeting === undefined ? "The call begins. Greet the caller." : `Say exactly: ${agent.greeting}`),
      };
    case "answer":
      if (last?.type === "caller") return { history: conversation.slice(0, -1), greeting: undefined, first: last.text };
      return { ...whole, first: note("The caller still waits for your answer. Give it now.") };
    case "carry-on":
      return {
        ...whole,
        first: note("A fault of the line cut you off. Go on right after your last word; do not repeat, greet or apologise."),
      };
  }
}

const note = (words: string): string => `[${words}]`;

/** The result of a call that this session never made. */
export const lateResult = (name: string, output: string): string => note(`The result of ${name} has come: ${output}. Tell the caller.`);

/** The one message that sets a session up. Everything is said, since the defaults of the wire have changed before. */
export function settingsMessage(request: OpenRequest, settings: LinkSettings, { history, greeting }: Opening): Settings {
  const { agent } = request;
  const brain = { prompt: promptOf(request), ...(agent.tools.length === 0 ? {} : { functions: agent.tools.map(functionOf) }) };
  return {
    type: "Settings",
    tags: ["linekeeper"],
    experimental: false,
    mip_opt_out: true,
    flags: { history: true },
    audio: {
      input: formatOf(request.uplink),
      output: { ...formatOf(request.downlink), container: "none" },
    },
    agent: {
      listen: { provider: checked(settings.listen) },
      // Each fall-back stands for itself and must be told everything again.
      think: checked(settings.think.map((one) => ({ ...one, ...brain }))),
      speak: checked(settings.speak),
      ...(history.length === 0 ? {} : { context: { messages: history.map(historyItem) } }),
      ...(greeting === undefined ? {} : { greeting }),
    },
  };
}

/** Settings are checked where they are read; the client's types lag behind the documented providers. */
const checked = <T>(value: unknown): T => value as T;

const promptOf = ({ agent }: OpenRequest): string =>
  `${agent.instructions}\n\nThe caller's language is ${agent.language} unless they choose another. Words in square brackets are notes of the telephone system, not of the caller: do as they say, and never read them out or speak of them.`;

/** No function runs on a turn that the caller may still go on with. */
const functionOf = ({ name, description, parameters }: ToolSpec) => ({ name, description, parameters, defer_until_eot: true });

const codecs = { pcm16: "linear16", pcmu: "mulaw", pcma: "alaw" } as const;
function formatOf(encoding: Encoding): { readonly encoding: string; readonly sample_rate: number } {
  const { codec, rateHz } = encodings[encoding];
  return { encoding: codecs[codec], sample_rate: rateHz };
}

const noResult = '{"error":"there was no result before the line was lost"}';

function historyItem(item: ConversationItem): HistoryItem {
  if (item.type !== "tool") return { type: "History", role: item.type === "caller" ? "user" : "assistant", content: item.text };
  const { id, name, output = noResult } = item;
  return {
    type: "History",
    function_calls: [{ id, name, client_side: true, arguments: isJsonObject(item.arguments) ? item.arguments : "{}", response: output }],
  };
}

function isJsonObject(words: string): boolean {
  try {
    const value: unknown = JSON.parse(words);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
