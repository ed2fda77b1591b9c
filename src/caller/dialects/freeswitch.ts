// FreeSWITCH with mod_audio_fork or mod_audio_stream.
// Source: the README and sources of both modules, read 2026-11. A build that plays binary frames (mod_audio_fork of the jambonz project
// with bidirectional streaming, mod_audio_stream from 1.0.3 on) calls at /freeswitch. The others write what we send into files, which
// their own dialplan or event socket then plays: mod_audio_fork at /freeswitch/fork, mod_audio_stream at /freeswitch/stream.
import { bytesOf, encodings, type Encoding } from "../../audio/encodings.ts";
import { base64Of, encodingFor, tonesFor } from "../carrier-audio.ts";
import type { CallerCommand, CallerSignal, Dialect, DialectCodec, Knock, WireMessage } from "../dialect.ts";
import type { LegTraits } from "../leg.ts";
import { carrierStart, digit, isObject, malformed, maybeWord, parametersOf } from "../wire-json.ts";

const longestFrameMs = 1_000;
const tonesMs = 500;

type Words = (command: CallerCommand, encoding: Encoding) => WireMessage | undefined;

/**
 * One a call. Nothing on the wire tells the rate, so the address does: `?rate=16000` (else 8000, the modules' own default), and
 * `call`, `from`, `agent`, `language` where no metadata is sent. The first message is the metadata, in JSON or not, or already audio.
 */
const opening =
  (name: string, words: Words) =>
  ({ query }: Knock): DialectCodec => {
    let encoding: Encoding | undefined;
    /** Came as the first message, in place of a start; goes with the next. */
    let first: Uint8Array | undefined;

    function start(metadata: Readonly<Record<string, string>>): CallerSignal {
      encoding = encodingFor("l16", Number(query.get("rate") ?? 8_000));
      const parameters = { ...parametersOf(Object.fromEntries(query)), ...metadata };
      const id = parameters["call"] ?? parameters["uuid"];
      return {
        type: "start",
        start: carrierStart(name, { id, from: parameters["from"], parameters }),
        uplink: encoding,
        downlink: encoding,
      };
    }

    return {
      decodeText(message) {
        const wire = jsonOrNothing(message);
        if (encoding === undefined)
          return start(wire === undefined ? { metadata: message.slice(0, 512).toWellFormed() } : parametersOf(wire));
        const event = wire === undefined ? "text" : (maybeWord(wire, "event") ?? maybeWord(wire, "type") ?? "");
        if (wire !== undefined && event === "dtmf") return { type: "dtmf", digit: digit(wire, "dtmf") };
        return { type: "ignored", event: event.slice(0, 64) };
      },
      decodeBinary(bytes) {
        if (bytes.length === 0) return { type: "ignored", event: "empty audio" };
        const begins = encoding === undefined ? start({}) : undefined;
        if (bytes.length % 2 !== 0 || bytes.length > bytesOf(longestFrameMs, encoding ?? "pcm16@8000")) {
          throw malformed(`audio: ${bytes.length} bytes are no frame of ${encoding}`);
        }
        if (begins !== undefined) {
          first = Uint8Array.from(bytes);
          return begins;
        }
        const audio = first === undefined ? bytes : Buffer.concat([first, bytes]);
        first = undefined;
        return { type: "audio", bytes: audio, atMs: undefined };
      },
      encode(command) {
        const spoken = encoding;
        if (spoken === undefined || command.type !== "dtmf") return spoken && words(command, spoken);
        return tonesFor(command.digits, spoken, tonesMs).flatMap((bytes) => words({ type: "audio", bytes }, spoken) ?? []);
      },
    };
  };

/** Metadata is whatever the dialplan wrote. */
function jsonOrNothing(message: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const wire: unknown = JSON.parse(message);
    return isObject(wire) ? wire : undefined;
  } catch {
    return undefined;
  }
}

const spoken: Words = (command) => {
  if (command.type === "audio") return command.bytes;
  if (command.type === "flush") return `{"type":"killAudio"}`;
  return command.type === "end" ? `{"type":"disconnect"}` : undefined;
};

const forked: Words = (command, encoding) => {
  if (command.type !== "audio") return spoken(command, encoding);
  const { rateHz } = encodings[encoding];
  return `{"type":"playAudio","data":{"audioContentType":"raw","sampleRate":${rateHz},"audioContent":"${base64Of(command.bytes)}"}}`;
};

const streamed: Words = (command, encoding) => {
  if (command.type !== "audio") return undefined;
  const { rateHz } = encodings[encoding];
  return `{"type":"streamAudio","data":{"audioDataType":"raw","sampleRate":${rateHz},"audioData":"${base64Of(command.bytes)}"}}`;
};

const traits: LegTraits = {
  playback: "clock",
  aheadMs: 200,
  frameMs: 20,
  flush: true,
  captions: false,
  dtmfOut: true,
  transfer: false,
  resume: "none",
};
/** Each message becomes a file, so they are long and few. */
const inFiles: LegTraits = { ...traits, aheadMs: 1_500, frameMs: 500 };
const limits = { textBytes: 32 * 1024, binaryBytes: 128 * 1024 };

export const freeswitch: Dialect = {
  name: "freeswitch",
  path: "/freeswitch",
  subprotocols: ["audio.drachtio.org"],
  traits,
  limits,
  silentClose: "hung-up",
  ending: "close",
  open: opening("freeswitch", spoken),
};

export const freeswitchFork: Dialect = {
  name: "freeswitch-fork",
  path: "/freeswitch/fork",
  subprotocols: ["audio.drachtio.org"],
  traits: inFiles,
  limits,
  silentClose: "hung-up",
  ending: "close",
  open: opening("freeswitch-fork", forked),
};

export const freeswitchStream: Dialect = {
  name: "freeswitch-stream",
  path: "/freeswitch/stream",
  subprotocols: [],
  traits: { ...inFiles, flush: false },
  limits,
  silentClose: "hung-up",
  ending: "close",
  open: opening("freeswitch-stream", streamed),
};
