// The AsyncAPI 3.0 document of the browser's wire: what callers say from the schemas that read it, what they hear from schemas that the
// compiler holds against the notices. Source: AsyncAPI Specification 3.0.0.
import { z } from "zod";
import { encodings } from "../../audio/encodings.ts";
import { browser, callerMessages } from "../../caller/dialects/browser.ts";
import type { CallerNotice } from "../../caller/leg.ts";

type Schema = Readonly<Record<string, unknown>>;
type Notices = { readonly [Type in CallerNotice["type"]]: z.ZodType<Extract<CallerNotice, { type: Type }>> };

const provider = z.string();
const turnId = z.string();

const notices: Notices = {
  started: z.object({
    type: z.literal("started"),
    callId: z.string(),
    resumeToken: z.string().meta({ description: "give it as `resume` to come back into this call after a loss" }),
    agent: z.string(),
    provider,
    receivedMs: z.number().meta({ description: "so much of the caller's audio the call has had before; send what was said after that" }),
  }),
  phase: z.object({ type: z.literal("phase"), phase: z.enum(["connecting", "listening", "thinking", "speaking"]) }),
  caption: z.object({
    type: z.literal("caption"),
    turnId,
    role: z.enum(["caller", "agent"]),
    text: z.string(),
    final: z.boolean(),
    interrupted: z.boolean(),
  }),
  "caption.withdrawn": z.object({ type: z.literal("caption.withdrawn"), turnId }),
  latency: z.object({ type: z.literal("latency"), turnId, firstAudioMs: z.number() }),
  tool: z.object({ type: z.literal("tool"), name: z.string(), state: z.enum(["running", "done", "failed"]) }),
  "connection.reconnecting": z.object({ type: z.literal("connection.reconnecting"), provider, attempt: z.int() }),
  "connection.reconnected": z.object({ type: z.literal("connection.reconnected"), provider }),
  "connection.failed": z.object({ type: z.literal("connection.failed"), provider }),
  "handed-over": z.object({ type: z.literal("handed-over"), provider, restored: z.enum(["full", "partial", "none"]) }),
};

const summaries: Readonly<Record<keyof typeof callerMessages | keyof Notices, string>> = {
  start: "First message, within 5 s",
  text: "A typed turn",
  played: "So much of that agent turn has left the loudspeaker; every 100 ms while playing, at its end, and once after a flush",
  dtmf: "A key was pressed",
  ping: "Answered by pong with the same id",
  bye: "Hang up",
  started: "The call is on",
  phase: "What the call is doing",
  caption: "The turn's words so far; replaces what was shown for that turn",
  "caption.withdrawn": "It was no speech after all",
  latency: "From the end of the caller's speech to the first audio of the answer, ms",
  tool: "A tool works",
  "connection.reconnecting": "The provider's connection is being opened again",
  "connection.reconnected": "The provider's connection is back",
  "connection.failed": "The provider's connection could not be had again",
  "handed-over": "Another provider has the call",
};

/** What the dialect itself says, beside the notices. */
const others = {
  turn: [
    z.object({ type: z.literal("turn"), turnId, fromMs: z.number() }),
    "The binary audio that follows belongs to this agent turn and begins there in it",
  ],
  flush: [z.object({ type: z.literal("flush") }), "Stop playing, drop what is queued, then report played once"],
  pong: [z.object({ type: z.literal("pong"), id: z.union([z.number(), z.string()]).optional() }), "The answer to ping"],
  error: [z.object({ type: z.literal("error"), code: z.string(), message: z.string() }), "Then the socket closes"],
  ended: [
    z.object({ type: z.literal("ended"), reason: z.enum(["done", "drained"]) }),
    "Then the socket closes with 1000, or 1012 when drained",
  ],
} as const;

export function browserAsyncapi(version: string): Schema {
  const said: Record<string, Schema> = {
    audioUp: audio("Microphone audio in the encoding that start named as `up`, whole samples, 10 to 500 ms a message"),
  };
  for (const [type, schema] of typed(callerMessages)) {
    said[type] = message(type, summaries[type], schema.extend({ type: z.literal(type) }), "input");
  }
  const heard: Record<string, Schema> = {
    audioDown: audio("Agent audio in the encoding that start named as `down`, at most 300 ms ahead of real time"),
  };
  for (const [type, schema] of typed(notices)) heard[type] = message(type, summaries[type], schema, "output");
  for (const [type, [schema, summary]] of typed(others)) heard[type] = message(type, summary, schema, "output");
  const ids = (messages: object): Schema[] => Object.keys(messages).map((id) => ({ $ref: `#/channels/browser/messages/${id}` }));
  const all = { ...said, ...heard };
  return {
    asyncapi: "3.0.0",
    info: {
      title: "Linekeeper: the browser's wire",
      version,
      description:
        "One call on one WebSocket. Binary messages are audio, text messages one JSON object with a `type`; unknown types and fields are ignored. " +
        `Audio encodings: ${Object.keys(encodings).join(", ")}.`,
    },
    defaultContentType: "application/json",
    channels: {
      browser: {
        address: browser.path,
        description: `WebSocket. A page that cannot send a key offers the sub-protocols ${browser.subprotocols.join(", ")} and token.<caller token>, or sends the token in start.`,
        messages: Object.fromEntries(Object.keys(all).map((id) => [id, { $ref: `#/components/messages/${id}` }])),
      },
    },
    operations: {
      hearCaller: { action: "receive", channel: { $ref: "#/channels/browser" }, summary: "Caller to server", messages: ids(said) },
      tellCaller: { action: "send", channel: { $ref: "#/channels/browser" }, summary: "Server to caller", messages: ids(heard) },
    },
    components: { messages: all },
  };
}

const audio = (summary: string): Schema => ({
  name: "audio",
  summary,
  contentType: "application/octet-stream",
  payload: { type: "string", format: "binary" },
});

function message(name: string, summary: string, schema: z.ZodType, io: "input" | "output"): Schema {
  const { $schema: _, ...payload } = z.toJSONSchema(schema, { io, target: "draft-07" });
  return { name, summary, payload };
}

/** Entries with the key's own type: these tables are literals, they have no other keys. */
const typed = <T extends object>(table: T): [keyof T & string, T[keyof T]][] => Object.entries(table) as [keyof T & string, T[keyof T]][];
