// Asterisk's chan_websocket, from 20.16, 21.11, 22.6 and 23.0 on.
// Source: channels/chan_websocket.c and "WebSocket Channel" in Asterisk's documentation, read 2026-11.
import { bytesOf, encodings, type Encoding } from "../../audio/encodings.ts";
import { tonesFor, wholeFrames } from "../carrier-audio.ts";
import type { CallerCommand, CallerSignal, Dialect, DialectCodec } from "../dialect.ts";
import {
  at,
  carrierStart,
  digit,
  malformed,
  maybeNumber,
  maybeWord,
  parametersOf,
  readJson,
  unsupported,
  word,
  type JsonObject,
} from "../wire-json.ts";

const formats: Readonly<Record<string, Encoding>> = {
  ulaw: "pcmu@8000",
  alaw: "pcma@8000",
  slin: "pcm16@8000",
  slin16: "pcm16@16000",
  slin24: "pcm16@24000",
  slin48: "pcm16@48000",
};
const longestFrameMs = 500;
const frameMs = 20;
/** Marks that are not told back are forgotten, the oldest first. */
const marksLimit = 256;

interface Stream {
  readonly encoding: Encoding;
  readonly frameBytes: number;
  /** Control messages are JSON with `f(json)` in the dial string, else words in a line, which older versions know alone. */
  readonly json: boolean;
}

/** One a channel. A control message may have 128 bytes at most, so marks go out under a short name. */
function open(): DialectCodec {
  let stream: Stream | undefined;
  let lastMark = 0;
  const marks = new Map<string, string>();

  function marked(wire: JsonObject): CallerSignal {
    const id = word(wire, "correlation_id");
    const name = marks.get(id);
    marks.delete(id);
    return name === undefined ? { type: "ignored", event: "a mark of nobody's" } : { type: "mark", name };
  }

  function commandFor(command: CallerCommand): readonly [verb: string, argument?: string] | undefined {
    if (command.type === "flush") return ["FLUSH_MEDIA"];
    if (command.type === "end") return ["HANGUP"];
    if (command.type !== "mark") return undefined;
    const id = String((lastMark += 1));
    marks.set(id, command.name);
    for (const oldest of marks.keys()) if (marks.size > marksLimit) marks.delete(oldest);
    return ["MARK_MEDIA", id];
  }

  return {
    decodeText(message) {
      const json = message.trimStart().startsWith("{");
      const wire = json ? readJson(message) : lineOf(message);
      const event = word(wire, "event");
      switch (event) {
        case "MEDIA_START": {
          const started = start(wire);
          const frameBytes = maybeNumber(wire, "optimal_frame_size") ?? bytesOf(frameMs, started.uplink);
          if (!Number.isInteger(frameBytes) || frameBytes < 1 || frameBytes > bytesOf(longestFrameMs, started.uplink)) {
            throw malformed(`optimal_frame_size: ${frameBytes} bytes are no frame of ${started.uplink}`);
          }
          stream = { encoding: started.uplink, frameBytes, json };
          // A channel that was not answered before is from here on.
          return { ...started, answer: written(stream, "ANSWER") };
        }
        case "DTMF_END":
          return { type: "dtmf", digit: digit(wire, "digit") };
        case "MEDIA_MARK_PROCESSED":
          return marked(wire);
        case "MEDIA_XOFF":
          return { type: "pressure", on: true };
        case "MEDIA_XON":
          return { type: "pressure", on: false };
        default:
          return { type: "ignored", event: event.slice(0, 64) };
      }
    },
    decodeBinary(bytes) {
      if (stream === undefined) throw malformed("audio came before MEDIA_START");
      if (bytes.length === 0) return { type: "ignored", event: "empty audio" };
      const { bytesPerSample } = encodings[stream.encoding];
      if (bytes.length % bytesPerSample !== 0 || bytes.length > bytesOf(longestFrameMs, stream.encoding)) {
        throw malformed(`audio: ${bytes.length} bytes are no frame of ${stream.encoding}`);
      }
      return { type: "audio", bytes, atMs: undefined };
    },
    encode(command) {
      if (stream === undefined) return undefined;
      // What does not fill a frame would be dropped.
      if (command.type === "audio") return wholeFrames(command.bytes, stream.frameBytes, encodings[stream.encoding].silence);
      if (command.type === "dtmf") return tonesFor(command.digits, stream.encoding, frameMs);
      const words = commandFor(command);
      return words && written(stream, ...words);
    },
  };
}

/** "MEDIA_START connection_id:… channel:… format:ulaw …" */
function lineOf(message: string): JsonObject {
  const [event = "", ...fields] = message.trim().slice(0, 8_192).split(/\s+/);
  if (!/^[A-Z_]{1,40}$/.test(event)) throw malformed("the message is neither JSON nor a line that begins with an event");
  const pairs = fields.flatMap((field): [string, string][] => {
    const colon = field.indexOf(":");
    return colon < 1 ? [] : [[field.slice(0, colon), field.slice(colon + 1)]];
  });
  return { ...Object.fromEntries(pairs), event };
}

function start(wire: JsonObject): CallerSignal & { type: "start" } {
  const format = word(wire, "format");
  const known = Object.hasOwn(formats, format) ? formats[format] : undefined;
  if (known === undefined)
    throw unsupported(`format: ${format.slice(0, 64)} is not spoken here; use ulaw, alaw, slin, slin16, slin24 or slin48`);
  const parameters = parametersOf(at(wire, "channel_variables"));
  const id = maybeWord(wire, "channel_id") ?? word(wire, "connection_id");
  const call = carrierStart("asterisk", { id, from: parameters["from"] ?? parameters["CALLERID(num)"], parameters });
  return { type: "start", start: call, uplink: known, downlink: known };
}

function written({ json }: Stream, verb: string, argument?: string): string {
  if (!json) return argument === undefined ? verb : `${verb} ${argument}`;
  return JSON.stringify({ command: verb, ...(argument !== undefined && { correlation_id: argument }) });
}

export const asterisk: Dialect = {
  name: "asterisk",
  path: "/asterisk",
  subprotocols: ["media"],
  traits: { playback: "marks", aheadMs: 300, frameMs, flush: true, captions: false, dtmfOut: true, transfer: false, resume: "none" },
  limits: { textBytes: 16 * 1024, binaryBytes: 65_500 },
  silentClose: "hung-up",
  ending: "ask",
  open,
};
