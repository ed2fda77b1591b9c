// jambonz `listen` (also called `stream`) with `bidirectionalAudio: { enabled: true, streaming: true }`.
// Source: "listen" in jambonz's documentation of its webhook API, read 2026-11.
import { bytesOf, type Encoding } from "../../audio/encodings.ts";
import { encodingFor, tonesFor } from "../carrier-audio.ts";
import type { CallerSignal, Dialect, DialectCodec } from "../dialect.ts";
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

const longestFrameMs = 1_000;
const tonesMs = 100;

/** One a call: the first text is the call's description, with our verb's `metadata` among its fields. */
function open(): DialectCodec {
  let encoding: Encoding | undefined;
  return {
    decodeText(message) {
      const wire = readJson(message);
      // The description has no event; whoever sends another one begins another call.
      if (
        encoding === undefined ||
        (at(wire, "callSid") !== undefined && at(wire, "event") === undefined && at(wire, "type") === undefined)
      ) {
        const started = start(wire);
        encoding = started.uplink;
        return started;
      }
      const event = maybeWord(wire, "event") ?? maybeWord(wire, "type") ?? "";
      if (event === "dtmf") return { type: "dtmf", digit: digit(wire, "dtmf") };
      // `data.event` says whether it was played out or cleared; a flush has made the names of cleared marks void.
      if (event === "mark") return { type: "mark", name: word(wire, "data", "name") };
      return { type: "ignored", event: event.slice(0, 64) };
    },
    decodeBinary(bytes) {
      if (encoding === undefined) throw malformed("audio came before the call's description");
      // An empty frame comes before an orderly close.
      if (bytes.length === 0) return { type: "ignored", event: "empty audio" };
      if (bytes.length % 2 !== 0 || bytes.length > bytesOf(longestFrameMs, encoding)) {
        throw malformed(`audio: ${bytes.length} bytes are no frame of ${encoding}`);
      }
      return { type: "audio", bytes, atMs: undefined };
    },
    encode(command) {
      if (encoding === undefined) return undefined;
      switch (command.type) {
        case "audio":
          return command.bytes;
        case "dtmf":
          return tonesFor(command.digits, encoding, tonesMs);
        case "mark":
          return JSON.stringify({ type: "mark", data: { name: command.name } });
        case "flush":
          return `{"type":"killAudio"}`;
        case "end":
          return `{"type":"disconnect"}`;
        default:
          return undefined;
      }
    },
  };
}

function start(wire: JsonObject): CallerSignal & { type: "start" } {
  const mix = maybeWord(wire, "mixType");
  if (mix === "stereo") throw unsupported("mixType: stereo is not spoken here; ask for mono");
  const encoding = encodingFor("l16", maybeNumber(wire, "sampleRate") ?? 8_000);
  const call = carrierStart("jambonz", { id: word(wire, "callSid"), from: maybeWord(wire, "from"), parameters: parametersOf(wire) });
  // `bidirectionalAudio.sampleRate` is not told; the verb asks for the same rate both ways.
  return { type: "start", start: call, uplink: encoding, downlink: encoding };
}

export const jambonz: Dialect = {
  name: "jambonz",
  path: "/jambonz",
  subprotocols: ["audio.jambonz.org", "audio.drachtio.org"],
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
  limits: { textBytes: 32 * 1024, binaryBytes: 128 * 1024 },
  silentClose: "hung-up",
  ending: "ask",
  open,
};
