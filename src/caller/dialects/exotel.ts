// Exotel AgentStream, the Voicebot applet.
// Source: "AgentStream (Voicebot applet)" in Exotel's developer documentation, read 2026-11.
import { encodings, type Encoding } from "../../audio/encodings.ts";
import { base64Of, encodingFor, tonesFor, wholeFrames } from "../carrier-audio.ts";
import type { CallerSignal, Dialect, DialectCodec, Knock } from "../dialect.ts";
import { streamEvent } from "../stream-events.ts";
import { at, bytes, carrierStart, malformed, maybeNumber, maybeWord, parametersOf, readJson, word, type JsonObject } from "../wire-json.ts";

/** Exotel takes audio in multiples of this. */
const pieceBytes = 320;
const tonesMs = 100;

/** One a stream: linear audio, little-endian, at the rate that the stream's address asked for with `sample-rate`. */
function open({ query }: Knock): DialectCodec {
  let streamSid = "";
  let encoding: Encoding | undefined;

  function media(audio: Uint8Array): string {
    const payload = base64Of(wholeFrames(audio, pieceBytes, encodings["pcm16@8000"].silence));
    return `{"event":"media","stream_sid":${JSON.stringify(streamSid)},"media":{"payload":"${payload}"}}`;
  }

  return {
    decodeText(message) {
      const wire = readJson(message);
      const event = word(wire, "event");
      switch (event) {
        case "media":
          if (encoding === undefined) throw malformed("media came before start");
          return { type: "audio", bytes: bytes(wire, "media", "payload"), atMs: maybeNumber(wire, "media", "timestamp") };
        case "start": {
          const started = start(wire, query);
          streamSid = maybeWord(wire, "stream_sid") ?? word(wire, "start", "stream_sid");
          encoding = started.uplink;
          return started;
        }
        default:
          return streamEvent(wire, event);
      }
    },
    decodeBinary() {
      throw malformed("audio comes as text here");
    },
    encode(command) {
      if (encoding === undefined) return undefined;
      switch (command.type) {
        case "audio":
          return media(command.bytes);
        case "dtmf":
          return tonesFor(command.digits, encoding, tonesMs).map(media);
        case "mark":
          return JSON.stringify({ event: "mark", stream_sid: streamSid, mark: { name: command.name } });
        case "flush":
          return JSON.stringify({ event: "clear", stream_sid: streamSid });
        default:
          return undefined;
      }
    },
  };
}

function start(wire: JsonObject, query: URLSearchParams): CallerSignal & { type: "start" } {
  // The documents show "base64" for the encoding, which names the wrapping; the samples are linear in any case.
  const rateHz = maybeNumber(wire, "start", "media_format", "sample_rate") ?? Number(query.get("sample-rate") ?? 8_000);
  const encoding = encodingFor("l16", rateHz);
  const parameters = { ...parametersOf(Object.fromEntries(query)), ...parametersOf(at(wire, "start", "custom_parameters")) };
  const call = carrierStart("exotel", { id: word(wire, "start", "call_sid"), from: maybeWord(wire, "start", "from"), parameters });
  return { type: "start", start: call, uplink: encoding, downlink: encoding };
}

export const exotel: Dialect = {
  name: "exotel",
  path: "/exotel",
  subprotocols: [],
  traits: { playback: "marks", aheadMs: 300, frameMs: 100, flush: true, captions: false, dtmfOut: true, transfer: false, resume: "none" },
  limits: { textBytes: 160 * 1024, binaryBytes: 1_024 },
  silentClose: "hung-up",
  ending: "close",
  open,
};
