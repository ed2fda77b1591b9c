// Genesys Cloud AudioHook, the protocol of Audio Connector: version 2, bidirectional.
// Source: Genesys' AudioHook protocol reference and its reference server, read 2026-11; `event` with `barge_in` and `dtmf` as spoken by
// integrations with the live service.
import { encodings } from "../../audio/encodings.ts";
import { tonesFor } from "../carrier-audio.ts";
import type { CallerCommand, CallerSignal, Dialect, DialectCodec, Knock, WireMessage } from "../dialect.ts";
import {
  at,
  carrierStart,
  digit,
  isObject,
  malformed,
  maybeNumber,
  maybeWord,
  number,
  parametersOf,
  readJson,
  unsupported,
  word,
  type JsonObject,
} from "../wire-json.ts";

const encoding = "pcmu@8000";
const nobody = "00000000-0000-0000-0000-000000000000";
const longestFrameMs = 1_000;
/** The client counts messages and refuses those that come too fast, so they are long. */
const frameMs = 200;

/** What of the offered audio was chosen: PCMU at 8 kHz, the caller alone where that is offered. */
interface Media {
  readonly type: "audio";
  readonly format: "PCMU";
  readonly channels: readonly string[];
  readonly rate: 8_000;
}

/**
 * One a session: it counts the messages of both sides, which name each other's last, and the caller's audio, whose time goes on where
 * the client had to discard some.
 */
class Codec implements DialectCodec {
  readonly #knock: Knock;
  #id: string | undefined;
  #seq = 0;
  #clientSeq = 0;
  #media: Media | undefined;
  #heardMs = 0;
  /** Which side ends the session: the client by closing it, or we by a transfer, after which it closes. */
  #ending: "none" | "sent-on" | "closed" = "none";

  constructor(knock: Knock) {
    this.#knock = knock;
  }

  decodeText(message: string): CallerSignal {
    const wire = readJson(message);
    this.#mustFollow(wire);
    const type = word(wire, "type");
    switch (type) {
      case "open":
        return this.#opened(wire);
      case "ping":
        return { type: "ping", message: this.#written("pong", {}) };
      case "update":
        return { type: "ping", message: this.#written("updated", {}) };
      case "close":
        if (this.#ending === "sent-on") return { type: "transferred" };
        this.#ending = "closed";
        return { type: "stop", answer: this.#written("closed", {}) };
      case "dtmf":
        return { type: "dtmf", digit: digit(wire, "parameters", "digit") };
      case "discarded":
        this.#heardMs += durationMs(wire, "parameters", "discarded");
        return { type: "ignored", event: type };
      default:
        return { type: "ignored", event: type.slice(0, 64) };
    }
  }

  decodeBinary(bytes: Uint8Array): CallerSignal {
    const media = this.#media;
    if (media === undefined) throw malformed("audio came before open");
    if (bytes.length === 0) return { type: "ignored", event: "empty audio" };
    const channels = media.channels.length;
    const samples = bytes.length / channels;
    const { bytesPerMs } = encodings[encoding];
    if (!Number.isInteger(samples) || samples > longestFrameMs * bytesPerMs) {
      throw malformed(`audio: ${bytes.length} bytes are no frame of ${channels} channels`);
    }
    const atMs = this.#heardMs;
    this.#heardMs += samples / bytesPerMs;
    return { type: "audio", bytes: channels === 1 ? bytes : channelOf(bytes, media.channels.indexOf("external"), channels), atMs };
  }

  encode(command: CallerCommand): WireMessage | WireMessage[] | undefined {
    switch (command.type) {
      case "audio":
        return command.bytes;
      case "dtmf":
        return tonesFor(command.digits, encoding, frameMs);
      case "flush":
        return this.#written("event", { entities: [{ type: "barge_in", data: {} }] });
      case "transfer":
        // The flow behind the connector reads the variable and does it.
        this.#ending = "sent-on";
        return this.#written("disconnect", { reason: "completed", outputVariables: { transferTo: command.target } });
      case "end":
        // The answer to its close is all that a client still waits for.
        if (this.#ending === "closed") return undefined;
        return this.#ending === "sent-on" ? this.#written("closed", {}) : this.#written("disconnect", farewell(command));
      default:
        return undefined;
    }
  }

  /** Both sides count from 1, and each message names the last one that it has seen of the other's. */
  #mustFollow(wire: JsonObject): void {
    if (word(wire, "version") !== "2") throw unsupported("version: this server speaks version 2 only");
    const id = word(wire, "id");
    this.#id ??= this.#knock.headers["audiohook-session-id"] ?? id;
    if (id !== this.#id) throw malformed("id: not that of this session");
    const seq = number(wire, "seq");
    if (seq !== this.#clientSeq + 1) throw malformed(`seq: ${seq} came after ${this.#clientSeq}`);
    const seen = maybeNumber(wire, "serverseq") ?? 0;
    if (seen > this.#seq) throw malformed(`serverseq: ${seen}, and only ${this.#seq} were sent`);
    this.#clientSeq = seq;
  }

  #opened(wire: JsonObject): CallerSignal {
    const media = chosen(at(wire, "parameters", "media"));
    const answer = this.#written("opened", { startPaused: false, media: media === undefined ? [] : [media] });
    const conversation = word(wire, "parameters", "conversationId");
    // Genesys tries the connection when it is set up: that is nobody's call.
    if (conversation === nobody && maybeWord(wire, "parameters", "participant", "id") === nobody) return { type: "ping", message: answer };
    if (media === undefined) throw unsupported("parameters.media: PCMU at 8000 Hz with the external channel is needed");
    this.#media = media;
    const parameters = {
      ...parametersOf(at(wire, "parameters", "customConfig")),
      ...parametersOf(at(wire, "parameters", "inputVariables")),
    };
    const call = carrierStart("genesys", { id: conversation, from: maybeWord(wire, "parameters", "participant", "ani"), parameters });
    const continued = at(wire, "parameters", "continuedSessions");
    const language = call.language ?? maybeWord(wire, "parameters", "language");
    const resume = call.resume ?? (Array.isArray(continued) && continued.length > 0 ? conversation : undefined);
    return { type: "start", start: { ...call, language, resume }, uplink: encoding, downlink: encoding, answer };
  }

  #written(type: string, parameters: object): string {
    this.#seq += 1;
    return JSON.stringify({ version: "2", type, seq: this.#seq, clientseq: this.#clientSeq, id: this.#id ?? nobody, parameters });
  }
}

function chosen(offered: unknown): Media | undefined {
  const usable = (Array.isArray(offered) ? offered : []).flatMap((each: unknown): Media[] => {
    if (!isObject(each) || each["type"] !== "audio" || each["format"] !== "PCMU" || each["rate"] !== 8_000) return [];
    const channels = each["channels"];
    if (!Array.isArray(channels) || channels.length > 2) return [];
    const names = channels.filter((name) => name === "external" || name === "internal");
    if (names.length !== channels.length || !names.includes("external")) return [];
    return [{ type: "audio", format: "PCMU", channels: names, rate: 8_000 }];
  });
  return usable.find(({ channels }) => channels.length === 1) ?? usable[0];
}

function channelOf(bytes: Uint8Array, channel: number, channels: number): Uint8Array {
  const own = new Uint8Array(bytes.length / channels);
  for (let at = 0; at < own.length; at += 1) own[at] = bytes[at * channels + channel] ?? 0;
  return own;
}

/** An ISO 8601 duration in seconds, such as "PT1.23S". */
function durationMs(wire: JsonObject, ...path: readonly string[]): number {
  const seconds = /^PT(\d{1,6}(?:\.\d{1,9})?)S$/.exec(word(wire, ...path))?.[1];
  if (seconds === undefined) throw malformed(`${path.join(".")}: expected a duration such as PT1.2S`);
  return Number(seconds) * 1000;
}

function farewell({ end }: CallerCommand & { type: "end" }): object {
  if (end.reason !== "fault") return { reason: "completed" };
  return { reason: end.fault.code === "caller-refused" ? "unauthorized" : "error", info: end.fault.code };
}

export const genesys: Dialect = {
  name: "genesys",
  path: "/genesys",
  subprotocols: [],
  traits: {
    playback: "clock",
    aheadMs: 400,
    frameMs,
    flush: true,
    captions: false,
    dtmfOut: true,
    transfer: true,
    resume: "call-id",
  },
  limits: { textBytes: 64 * 1024, binaryBytes: 16 * 1024 },
  silentClose: "lost",
  ending: "ask",
  open: (knock) => new Codec(knock),
};
