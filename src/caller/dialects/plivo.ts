// Plivo Audio Streaming, bidirectional.
// Source: "Audio Streaming" in Plivo's documentation, read 2026-11; the sub-protocol and the lack of a dependable `stop` as seen in
// integrations with the live service.
import { encodings, type Encoding } from "../../audio/encodings.ts";
import { base64Of, encodingFor } from "../carrier-audio.ts";
import type { CallerSignal, Dialect, DialectCodec } from "../dialect.ts";
import {
  at,
  bytes,
  carrierStart,
  digit,
  isObject,
  malformed,
  maybeNumber,
  parametersOf,
  readJson,
  unsupported,
  word,
  type JsonObject,
} from "../wire-json.ts";

/** One a stream: it remembers the stream's id and encoding, which messages to Plivo repeat. */
function open(): DialectCodec {
  let streamId = "";
  let encoding: Encoding | undefined;
  return {
    decodeText(message) {
      const wire = readJson(message);
      const event = word(wire, "event");
      switch (event) {
        case "media":
          if (encoding === undefined) throw malformed("media came before start");
          return { type: "audio", bytes: bytes(wire, "media", "payload"), atMs: undefined };
        case "start": {
          const started = start(wire);
          streamId = word(wire, "start", "streamId");
          encoding = started.uplink;
          return started;
        }
        case "dtmf":
          return { type: "dtmf", digit: digit(wire, "dtmf", "digit") };
        case "playedStream":
          return { type: "mark", name: word(wire, "name") };
        case "stop":
          return { type: "stop" };
        default:
          return { type: "ignored", event: event.slice(0, 64) };
      }
    },
    decodeBinary() {
      throw malformed("audio comes as text here");
    },
    encode(command) {
      switch (command.type) {
        case "audio":
          return playAudio(command.bytes, encoding ?? "pcmu@8000");
        case "mark":
          return JSON.stringify({ event: "checkpoint", streamId, name: command.name });
        case "flush":
          return JSON.stringify({ event: "clearAudio", streamId });
        case "dtmf":
          return JSON.stringify({ event: "sendDTMF", dtmf: command.digits });
        default:
          return undefined;
      }
    },
  };
}

function start(wire: JsonObject): CallerSignal & { type: "start" } {
  const encoding = encodingFor(
    word(wire, "start", "mediaFormat", "encoding"),
    maybeNumber(wire, "start", "mediaFormat", "sampleRate") ?? 8_000,
  );
  if (encodings[encoding].codec === "pcma") throw unsupported("start.mediaFormat: Plivo plays no A-law");
  const parameters = extraHeaders(at(wire, "extra_headers"));
  const call = carrierStart("plivo", { id: word(wire, "start", "callId"), from: parameters["from"], parameters });
  return { type: "start", start: call, uplink: encoding, downlink: encoding };
}

/** What the `extraHeaders` of the answer became: an object, one written as text, or "a=b,c=d". */
function extraHeaders(value: unknown): Record<string, string> {
  if (typeof value !== "string") return parametersOf(value);
  if (value.startsWith("{")) {
    try {
      const parsed: unknown = JSON.parse(value);
      return isObject(parsed) ? parametersOf(parsed) : {};
    } catch {
      return {};
    }
  }
  return parametersOf(Object.fromEntries(value.split(/[,;]/).flatMap((pair) => (pair.includes("=") ? [pair.trim().split("=", 2)] : []))));
}

function playAudio(audio: Uint8Array, encoding: Encoding): string {
  const { codec, rateHz } = encodings[encoding];
  const contentType = codec === "pcm16" ? "audio/x-l16" : "audio/x-mulaw";
  return `{"event":"playAudio","media":{"contentType":"${contentType}","sampleRate":${rateHz},"payload":"${base64Of(audio)}"}}`;
}

export const plivo: Dialect = {
  name: "plivo",
  path: "/plivo",
  subprotocols: ["audio.plivo.com"],
  traits: { playback: "marks", aheadMs: 300, frameMs: 20, flush: true, captions: false, dtmfOut: true, transfer: true, resume: "call-id" },
  limits: { textBytes: 64 * 1024, binaryBytes: 1_024 },
  silentClose: "hung-up",
  ending: "close",
  open,
};
