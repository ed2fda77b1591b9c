// Vonage Voice API, WebSocket endpoint of an NCCO's `connect` action.
// Source: "Voice API: WebSockets" in Vonage's developer documentation, read 2026-11.
import { bytesOf, encodings, type Encoding } from "../../audio/encodings.ts";
import { encodingFor, tonesFor, wholeFrames } from "../carrier-audio.ts";
import type { CallerSignal, Dialect, DialectCodec } from "../dialect.ts";
import { carrierStart, digit, malformed, maybeWord, parametersOf, readJson, word, type JsonObject } from "../wire-json.ts";

const frameMs = 20;
const longestFrameMs = 500;

/** One a call. Who calls stands in the headers that our own NCCO gave the endpoint: `call`, `from`, `agent`, `language`. */
function open(): DialectCodec {
  let encoding: Encoding | undefined;
  return {
    decodeText(message) {
      const wire = readJson(message);
      const event = word(wire, "event");
      switch (event) {
        case "websocket:connected": {
          const started = start(wire);
          encoding = started.uplink;
          return started;
        }
        case "websocket:dtmf":
          return { type: "dtmf", digit: digit(wire, "digit") };
        case "websocket:notify": {
          const name = maybeWord(wire, "payload", "mark");
          return name === undefined ? { type: "ignored", event } : { type: "mark", name };
        }
        default:
          return { type: "ignored", event: event.slice(0, 64) };
      }
    },
    decodeBinary(bytes) {
      if (encoding === undefined) throw malformed("audio came before websocket:connected");
      if (bytes.length === 0) return { type: "ignored", event: "empty audio" };
      if (bytes.length % 2 !== 0 || bytes.length > bytesOf(longestFrameMs, encoding)) {
        throw malformed(`audio: ${bytes.length} bytes are no frame of ${encoding}`);
      }
      return { type: "audio", bytes, atMs: undefined };
    },
    encode(command) {
      if (encoding === undefined) return undefined;
      const frameBytes = bytesOf(frameMs, encoding);
      switch (command.type) {
        case "audio":
          return wholeFrames(command.bytes, frameBytes, encodings[encoding].silence);
        case "dtmf":
          return tonesFor(command.digits, encoding, frameMs);
        case "mark":
          return JSON.stringify({ action: "notify", payload: { mark: command.name } });
        case "flush":
          return `{"action":"clear"}`;
        default:
          return undefined;
      }
    },
  };
}

function start(wire: JsonObject): CallerSignal & { type: "start" } {
  const type = word(wire, "content-type");
  const [, name, rate] = /^(audio\/l16)\s*;\s*rate=(\d{1,6})$/i.exec(type) ?? [];
  const encoding = encodingFor(name ?? type, Number(rate ?? 0));
  const given = Object.entries(parametersOf(wire)).filter(([name]) => name !== "event" && name !== "content-type");
  const parameters = Object.fromEntries(given);
  const call = carrierStart("vonage", { id: maybeWord(wire, "call"), from: maybeWord(wire, "from"), parameters });
  return { type: "start", start: call, uplink: encoding, downlink: encoding };
}

export const vonage: Dialect = {
  name: "vonage",
  path: "/vonage",
  subprotocols: [],
  traits: { playback: "marks", aheadMs: 300, frameMs, flush: true, captions: false, dtmfOut: true, transfer: true, resume: "call-id" },
  limits: { textBytes: 16 * 1024, binaryBytes: 16 * 1024 },
  silentClose: "hung-up",
  ending: "close",
  open,
};
