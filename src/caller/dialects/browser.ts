// The browser's wire, version 1, as written in browser.md beside this file.
import { z } from "zod";
import { encodings } from "../../audio/encodings.ts";
import { Fault } from "../../kernel/fault.ts";
import type { CallerCommand, CallerSignal, Dialect, DialectCodec } from "../dialect.ts";
import type { CallStart, LegEnd } from "../leg.ts";
import { wireAudio, type DownCoding, type UpCoding, type WireAudio } from "./browser-audio.ts";

const longestTurnMs = 24 * 3_600_000;

// The keys of that table are the encodings, and it is not empty.
const downCodings = ["opus", ...Object.keys(encodings)] as [DownCoding, ...DownCoding[]];
const upCodings = ["webm/opus", ...downCodings] as [UpCoding, ...UpCoding[]];
const word = (longest: number) => z.string().min(1).max(longest);

/** What a caller may say; `type` is the key. */
export const callerMessages = {
  start: z.object({
    version: z.literal(1),
    audio: z.object({ up: z.enum(upCodings), down: z.enum(downCodings) }),
    agent: word(64).optional(),
    language: word(35).optional(),
    token: word(4_096).optional(),
    resume: word(256).optional(),
    arrived: z.object({ turnId: word(64), ms: z.number().min(0).max(longestTurnMs) }).optional(),
  }),
  text: z.object({ text: z.string().trim().min(1).max(4_000) }),
  played: z.object({ turnId: word(64), ms: z.number().min(0).max(longestTurnMs) }),
  dtmf: z.object({ digit: z.string().regex(/^[0-9*#A-D]$/, "expected one of 0-9, *, #, A-D") }),
  ping: z.object({ id: z.union([z.number(), z.string().max(64)]).optional() }),
  bye: z.object({}),
} as const;

type MessageType = keyof typeof callerMessages;

const isMessageType = (text: unknown): text is MessageType => typeof text === "string" && Object.hasOwn(callerMessages, text);

function open(): DialectCodec {
  let audio: WireAudio | undefined;
  return {
    decodeText(message) {
      const wire = jsonObject(message);
      const type = wire["type"];
      if (typeof type !== "string") throw malformed("type: expected a string");
      if (!isMessageType(type)) return { type: "ignored", event: type.slice(0, 64) };
      if (type === "start") {
        const [call, { up, down }] = start(wire);
        audio ??= wireAudio(up, down);
        return { type: "start", start: call, uplink: audio.uplink, downlink: audio.downlink, held: audio };
      }
      return type === "played" ? (played(wire) ?? signalOf(type, wire)) : signalOf(type, wire);
    },

    decodeBinary(bytes) {
      if (audio === undefined) throw malformed("audio came before start");
      const heard = bytes.length === 0 ? bytes : audio.decode(bytes);
      return heard.length === 0 ? { type: "ignored", event: "empty audio" } : { type: "audio", bytes: heard, atMs: undefined };
    },

    encode(command) {
      if (command.type !== "audio") return words(command);
      return audio === undefined ? command.bytes : audio.encode(command.bytes);
    },
  };
}

function start(wire: Record<string, unknown>): [call: CallStart, audio: { up: UpCoding; down: DownCoding }] {
  if (wire["version"] !== 1) throw new Fault("caller-unsupported", "start.version: this server speaks version 1 only");
  const { agent, language, token, resume, arrived, audio } = read("start", wire);
  const call: CallStart = {
    dialect: "browser",
    carrierCallId: undefined,
    agent,
    language,
    resume,
    arrived,
    from: undefined,
    parameters: token === undefined ? {} : { token },
  };
  return [call, audio];
}

/** The one message that comes ten times a second, read by hand. */
function played({ turnId, ms }: Record<string, unknown>): CallerSignal | undefined {
  const plausible = typeof ms === "number" && ms >= 0 && ms <= longestTurnMs;
  if (!plausible || typeof turnId !== "string" || turnId === "" || turnId.length > 64) return undefined;
  return { type: "played", turnId, ms };
}

function signalOf(type: Exclude<MessageType, "start">, wire: Record<string, unknown>): CallerSignal {
  switch (type) {
    case "text":
      return { type, text: read(type, wire).text.toWellFormed() };
    case "played":
      return { type, ...read(type, wire) };
    case "dtmf":
      return { type, digit: read(type, wire).digit };
    case "ping":
      return { type, message: JSON.stringify({ type: "pong", id: read(type, wire).id }) };
    case "bye":
      return { type: "stop" };
  }
}

function read<T extends MessageType>(type: T, wire: Record<string, unknown>): z.infer<(typeof callerMessages)[T]> {
  const result = callerMessages[type].safeParse(wire);
  // The schema of `type` made it; the compiler does not follow the index through `safeParse`.
  if (result.success) return result.data as z.infer<(typeof callerMessages)[T]>;
  const [issue] = result.error.issues;
  const field = [type, ...(issue?.path ?? [])].join(".");
  const unsupported = type === "start" && issue?.path[0] === "audio" && issue.path.length === 2;
  throw new Fault(unsupported ? "caller-unsupported" : "caller-malformed", `${field}: ${issue?.message ?? "not understood"}`);
}

function jsonObject(message: string): Record<string, unknown> {
  let wire: unknown;
  try {
    wire = JSON.parse(message);
  } catch (error) {
    throw new Fault("caller-malformed", "the message is no JSON", { cause: error });
  }
  if (typeof wire !== "object" || wire === null || Array.isArray(wire)) throw malformed("the message is no JSON object");
  return wire as Record<string, unknown>; // An object of JSON has nothing but string keys.
}

const malformed = (message: string): Fault => new Fault("caller-malformed", message);

function words(command: Exclude<CallerCommand, { type: "audio" }>): string | undefined {
  switch (command.type) {
    case "turn":
      return JSON.stringify({ type: "turn", turnId: command.turnId, fromMs: Math.round(command.fromMs) });
    case "flush":
      return `{"type":"flush"}`;
    case "notice":
      return JSON.stringify(command.notice);
    case "end":
      return JSON.stringify(farewell(command.end));
    case "mark": // The player reports what was heard.
    case "dtmf":
    case "transfer":
      return undefined;
  }
}

function farewell(end: LegEnd): object {
  return end.reason === "fault"
    ? { type: "error", code: end.fault.code, message: messageFor(end.fault) }
    : { type: "ended", reason: end.reason };
}

const forCallers: readonly Fault["code"][] = ["busy", "overload", "draining", "provider-busy"];

/** Faults that are not the caller's carry addresses and names that are none of the caller's business. */
function messageFor(fault: Fault): string {
  if (fault.row.blame === "caller" || forCallers.includes(fault.code)) return fault.message;
  return fault.row.blame === "us" ? "something went wrong on our side" : "no voice service could be reached; please call again";
}

export const browser: Dialect = {
  name: "browser",
  path: "/browser",
  subprotocols: ["linekeeper.1"],
  traits: {
    playback: "reports",
    aheadMs: 300,
    frameMs: 20,
    flush: true,
    captions: true,
    dtmfOut: false,
    transfer: false,
    resume: "token",
  },
  // 4,000 characters fit even when each is escaped.
  limits: { textBytes: 32 * 1024, binaryBytes: 64 * 1024 },
  silentClose: "hung-up",
  ending: "close",
  open,
};
