// SignalWire's <Stream> in cXML: Twilio's messages, with a codec that is asked for.
// Source: "Stream" in SignalWire's compatibility XML reference, read 2026-11.
import { encodings, type Encoding } from "../../audio/encodings.ts";
import { base64Of, encodingFor, swapped, tonesFor } from "../carrier-audio.ts";
import type { CallerSignal, Dialect, DialectCodec, Knock } from "../dialect.ts";
import { streamEvent } from "../stream-events.ts";
import { at, bytes, carrierStart, malformed, maybeNumber, parametersOf, readJson, word, type JsonObject } from "../wire-json.ts";

const tonesMs = 100;

interface Stream {
  readonly sid: string;
  readonly encoding: Encoding;
}

/** One a stream. `byteorder=big` in the query: linear audio is in network order, which the documentation leaves open. */
function open({ query }: Knock): DialectCodec {
  const order = (encoding: Encoding, audio: Uint8Array): Uint8Array =>
    query.get("byteorder") === "big" && encodings[encoding].codec === "pcm16" ? swapped(audio) : audio;
  const media = (audio: Uint8Array, { sid, encoding }: Stream): string =>
    `{"event":"media","streamSid":${JSON.stringify(sid)},"media":{"payload":"${base64Of(order(encoding, audio))}"}}`;
  let stream: Stream | undefined;

  return {
    decodeText(message) {
      const wire = readJson(message);
      const event = word(wire, "event");
      switch (event) {
        case "media":
          if (stream === undefined) throw malformed("media came before start");
          return {
            type: "audio",
            bytes: order(stream.encoding, bytes(wire, "media", "payload")),
            atMs: maybeNumber(wire, "media", "timestamp"),
          };
        case "start": {
          const started = start(wire);
          stream = { sid: word(wire, "streamSid"), encoding: started.uplink };
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
      if (stream === undefined) return undefined;
      const present = stream;
      const { sid: streamSid, encoding } = present;
      switch (command.type) {
        case "audio":
          return media(command.bytes, present);
        case "dtmf":
          return tonesFor(command.digits, encoding, tonesMs).map((tones) => media(tones, present));
        case "mark":
          return JSON.stringify({ event: "mark", streamSid, mark: { name: command.name } });
        case "flush":
          return JSON.stringify({ event: "clear", streamSid });
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
  const parameters = parametersOf(at(wire, "start", "customParameters"));
  const call = carrierStart("signalwire", { id: word(wire, "start", "callSid"), from: parameters["from"], parameters });
  return { type: "start", start: call, uplink: encoding, downlink: encoding };
}

export const signalwire: Dialect = {
  name: "signalwire",
  path: "/signalwire",
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
  silentClose: "lost",
  ending: "close",
  open,
};
