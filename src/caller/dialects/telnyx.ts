// Telnyx Media Streaming over WebSocket, bidirectional in mode "rtp".
// Source: "Media Streaming over WebSockets" and "Call Control" in Telnyx's developer documentation, read 2026-11.
import { bytesOf, encodings, type Encoding } from "../../audio/encodings.ts";
import { base64Of, encodingFor, swapped, tonesFor, wholeFrames } from "../carrier-audio.ts";
import type { CallerCommand, CallerSignal, Dialect, DialectCodec, Knock } from "../dialect.ts";
import { streamEvent } from "../stream-events.ts";
import {
  at,
  bytes,
  carrierStart,
  malformed,
  maybeNumber,
  maybeWord,
  number,
  parametersOf,
  readJson,
  word,
  type JsonObject,
} from "../wire-json.ts";

/** So many frames wait for one that is missing: at 20 ms each, as long as is worth waiting for. */
const waitingLimit = 3;
const frameMs = 20;
const tonesMs = 100;

/**
 * One a stream. The stream's query may carry `byteorder=big` where linear audio is in network order, which the documentation leaves
 * open, and `agent` and `language`.
 */
function open({ query }: Knock): DialectCodec {
  const bigEndian = query.get("byteorder") === "big";
  const order = new ChunkOrder();
  let encoding: Encoding | undefined;

  function audio(wire: JsonObject): CallerSignal {
    if (encoding === undefined) throw malformed("media came before start");
    const track = maybeWord(wire, "media", "track");
    if (track !== undefined && track.startsWith("outbound")) return { type: "ignored", event: "media of the other side" };
    const payload = bytes(wire, "media", "payload");
    return order.take({
      chunk: number(wire, "media", "chunk"),
      atMs: maybeNumber(wire, "media", "timestamp"),
      bytes: bigEndian && encodings[encoding].codec === "pcm16" ? swapped(payload) : payload,
    });
  }

  return {
    decodeText(message) {
      const wire = readJson(message);
      const event = word(wire, "event");
      switch (event) {
        case "media":
          return audio(wire);
        case "start": {
          const started = start(wire, query);
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
    encode: (command) => (encoding === undefined ? undefined : encode(command, encoding, bigEndian)),
  };
}

function start(wire: JsonObject, query: URLSearchParams): CallerSignal & { type: "start" } {
  const encoding = encodingFor(
    word(wire, "start", "media_format", "encoding"),
    maybeNumber(wire, "start", "media_format", "sample_rate") ?? 8_000,
  );
  const parameters = { ...parametersOf(Object.fromEntries(query)), ...parametersOf(at(wire, "start", "custom_parameters")) };
  const call = carrierStart("telnyx", { id: word(wire, "start", "call_control_id"), from: maybeWord(wire, "start", "from"), parameters });
  // What `start` names is the caller's codec; ours is chosen where the stream is asked for, and has to be the same.
  return { type: "start", start: call, uplink: encoding, downlink: encoding };
}

function encode(command: CallerCommand, encoding: Encoding, bigEndian: boolean): string | string[] | undefined {
  switch (command.type) {
    case "audio": {
      const { codec, silence } = encodings[encoding];
      // Less than 20 ms would be refused.
      const whole = wholeFrames(command.bytes, bytesOf(frameMs, encoding), silence);
      const audio = bigEndian && codec === "pcm16" ? swapped(whole) : whole;
      return `{"event":"media","media":{"payload":"${base64Of(audio)}"}}`;
    }
    case "dtmf":
      return tonesFor(command.digits, encoding, tonesMs).flatMap((bytes) => encode({ type: "audio", bytes }, encoding, bigEndian) ?? []);
    case "mark":
      return JSON.stringify({ event: "mark", mark: { name: command.name } });
    case "flush":
      return `{"event":"clear"}`;
    default:
      return undefined;
  }
}

interface Chunk {
  readonly chunk: number;
  readonly atMs: number | undefined;
  readonly bytes: Uint8Array;
}

/** Puts back in order what may come out of order. What a late piece held up comes out together with it. */
class ChunkOrder {
  #next: number | undefined;
  readonly #waiting = new Map<number, Chunk>();

  take(chunk: Chunk): CallerSignal {
    this.#next ??= chunk.chunk;
    if (chunk.chunk < this.#next) return { type: "ignored", event: "media that came too late" };
    this.#waiting.set(chunk.chunk, chunk);
    // The missing one is given up; its time stamp leaves a gap, which is filled with silence.
    if (!this.#waiting.has(this.#next) && this.#waiting.size > waitingLimit) this.#next = Math.min(...this.#waiting.keys());
    const ready: Chunk[] = [];
    for (let next = this.#waiting.get(this.#next); next !== undefined; next = this.#waiting.get(this.#next)) {
      this.#waiting.delete(this.#next);
      ready.push(next);
      this.#next += 1;
    }
    const [first, ...more] = ready;
    if (first === undefined) return { type: "ignored", event: "media that waits for its turn" };
    return { type: "audio", bytes: more.length === 0 ? first.bytes : Buffer.concat(ready.map((each) => each.bytes)), atMs: first.atMs };
  }
}

export const telnyx: Dialect = {
  name: "telnyx",
  path: "/telnyx",
  subprotocols: [],
  traits: {
    playback: "marks",
    aheadMs: 300,
    frameMs,
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
