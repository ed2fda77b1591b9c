// Twilio Media Streams, bidirectional (<Connect><Stream>): www.twilio.com/docs/voice/media-streams/websocket-messages, read 2026-11-21.
import { z } from "zod";
import { dtmfTones } from "../../audio/dtmf-tones.ts";
import { bytesOf, type Encoding } from "../../audio/encodings.ts";
import { pcmu } from "../../audio/g711.ts";
import { Fault } from "../../kernel/fault.ts";
import { bytesOfBase64 } from "../../wire/base64.ts";
import { Envelope } from "../../wire/envelope.ts";
import type { CallerCommand, CallerSignal, Dialect, DialectCodec } from "../dialect.ts";
import type { CallStart } from "../leg.ts";
import { scanMedia } from "./twilio-media.ts";

const encoding: Encoding = "pcmu@8000";
/** Tones go out in pieces of this length. */
const pieceMs = 100;

const word = z.string().min(1).max(128);
/** Numbers come as strings, in some places as numbers. */
const numeric = z.union([z.number(), z.string().regex(/^\d{1,9}$/)]).transform(Number);

const started = z.object({
  streamSid: word,
  start: z.object({
    callSid: word,
    mediaFormat: z.object({ encoding: z.string(), sampleRate: numeric, channels: numeric }),
    customParameters: z.record(z.string().max(500), z.string().max(500)).default({}),
  }),
});
const pressed = z.object({ dtmf: z.object({ digit: z.string().regex(/^[0-9*#A-D]$/, "expected one of 0-9, *, #, A-D") }) });
const reached = z.object({ mark: z.object({ name: word }) });

type Wire = Readonly<Record<string, unknown>>;

function open(): DialectCodec {
  /** Every message of ours carries it; empty before the start. */
  let streamSid = "";
  let envelope: Envelope | undefined;
  return {
    decodeText(message) {
      const wire = jsonObject(message);
      switch (wire["event"]) {
        case "media":
          return media(wire);
        case "mark":
          return { type: "mark", name: read("mark", reached, wire).mark.name };
        case "dtmf":
          return { type: "dtmf", digit: read("dtmf", pressed, wire).dtmf.digit };
        case "start": {
          const { streamSid: sid, start } = read("start", started, wire);
          checkFormat(start.mediaFormat);
          streamSid = sid;
          envelope = new Envelope(`{"event":"media","streamSid":${JSON.stringify(sid)},"media":{"payload":"`, '"}}');
          const call = startOf(start.callSid, start.customParameters);
          return { type: "start", start: call, uplink: encoding, downlink: encoding, envelope };
        }
        case "stop":
          return { type: "stop" };
        default:
          return { type: "ignored", event: String(wire["event"]).slice(0, 64) };
      }
    },

    decodeBinary() {
      throw malformed("binary: this wire is text only");
    },

    encode(command) {
      // Nothing plays before the stream has a name.
      return envelope === undefined ? undefined : encode(command, streamSid, envelope);
    },
  };
}

function encode(command: CallerCommand, streamSid: string, media: Envelope): string | string[] | undefined {
  switch (command.type) {
    case "audio":
      return media.around(command.bytes);
    case "mark":
      return JSON.stringify({ event: "mark", streamSid, mark: { name: command.name } });
    case "flush":
      return JSON.stringify({ event: "clear", streamSid });
    case "dtmf":
      return tones(command.digits, media);
    case "turn":
    case "notice":
    case "transfer": // By the webhook that follows the stream, see `carriers/twilio`.
    case "end":
      return undefined;
  }
}

/** The wire has no words for digits towards the far end; it hears tones. */
function tones(digits: string, media: Envelope): string[] {
  const sound = pcmu.encode(dtmfTones(digits, 8_000));
  const piece = bytesOf(pieceMs, encoding);
  const messages: string[] = [];
  for (let at = 0; at < sound.length; at += piece) messages.push(media.around(sound.subarray(at, at + piece)));
  return messages;
}

/** A media message that is not written as they usually are. */
function media(wire: Wire): CallerSignal {
  const part = wire["media"];
  if (typeof part !== "object" || part === null) throw malformed("media: expected an object");
  const { track, payload, timestamp } = part as Wire; // An object of JSON has nothing but string keys.
  if (track !== undefined && track !== "inbound") return { type: "ignored", event: `media of track ${String(track).slice(0, 32)}` };
  if (typeof payload !== "string") throw malformed("media.payload: expected a string");
  const bytes = bytesOfBase64(payload);
  if (bytes === undefined) throw new Fault("caller-unsupported", "media.payload: no audio in base64");
  const atMs = Number(timestamp);
  if (timestamp !== undefined && !(atMs >= 0 && atMs < 1e9)) throw malformed("media.timestamp: expected milliseconds");
  return { type: "audio", bytes, atMs: timestamp === undefined ? undefined : atMs };
}

function startOf(callSid: string, customParameters: Readonly<Record<string, string>>): CallStart {
  const { agent, language, from, resume, ...parameters } = customParameters;
  return { dialect: "twilio", carrierCallId: callSid, agent, language, from, resume, parameters };
}

function checkFormat(format: { encoding: string; sampleRate: number; channels: number }): void {
  if (format.encoding === "audio/x-mulaw" && format.sampleRate === 8_000 && format.channels === 1) return;
  const found = `${format.encoding.slice(0, 32)} at ${format.sampleRate} Hz with ${format.channels} channel(s)`;
  throw new Fault("caller-unsupported", `start.mediaFormat: ${found}; this dialect is audio/x-mulaw at 8000 Hz with 1 channel`);
}

function read<T>(event: string, schema: z.ZodType<T>, wire: Wire): T {
  const result = schema.safeParse(wire);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw malformed(`${[event, ...(issue?.path ?? [])].join(".")}: ${issue?.message ?? "not understood"}`);
}

function jsonObject(message: string): Wire {
  let wire: unknown;
  try {
    wire = JSON.parse(message);
  } catch (error) {
    throw new Fault("caller-malformed", "the message is no JSON", { cause: error });
  }
  if (typeof wire !== "object" || wire === null || Array.isArray(wire)) throw malformed("the message is no JSON object");
  return wire as Wire; // An object of JSON has nothing but string keys.
}

const malformed = (message: string): Fault => new Fault("caller-malformed", message);

export const twilio: Dialect = {
  name: "twilio",
  path: "/twilio",
  subprotocols: [],
  traits: {
    playback: "marks",
    aheadMs: 300,
    frameMs: 20,
    flush: true,
    captions: false,
    dtmfOut: true,
    transfer: true,
    resume: "call-id",
  },
  limits: { textBytes: 64 * 1024, binaryBytes: 1_024 },
  // Who hangs up says stop; any other end leaves the call to the action webhook, which leads back to us.
  silentClose: "lost",
  ending: "close",
  scanText: scanMedia,
  open,
};
