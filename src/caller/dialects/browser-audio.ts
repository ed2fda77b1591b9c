// How audio travels on the browser's wire: as the session has it, or as Opus, which is decoded and encoded here.
import { OpusCodec, opusMs, opusSilence } from "../../audio/codecs/opus.ts";
import { WebmOpus } from "../../audio/codecs/webm.ts";
import { bytesOf, encodings, msOf, type Encoding } from "../../audio/encodings.ts";
import { Fault } from "../../kernel/fault.ts";

/** `opus`: each message one packet; `webm/opus`: the stream that MediaRecorder writes, in any pieces. */
export type UpCoding = Encoding | "opus" | "webm/opus";
export type DownCoding = Encoding | "opus";

/** One connection's audio. Opus keeps memory outside of the heap, so it is to be disposed of. */
export interface WireAudio extends Disposable {
  /** What the session gets. */
  readonly uplink: Encoding;
  /** What it is to give. */
  readonly downlink: Encoding;
  /** One message to audio in `uplink`. @throws {Fault} caller-malformed or caller-unsupported */
  decode(message: Uint8Array): Uint8Array;
  /** At most 20 ms in `downlink` to one message. */
  encode(frame: Uint8Array): Uint8Array;
}

/** What providers speak and hear best; Opus itself has no rate of its own. */
const opusEncoding = "pcm16@24000" satisfies Encoding;
const opusHz = 24_000;
const frameBytes = bytesOf(20, opusEncoding);
const longestMessageMs = 500;
/** A recorder writes when it likes; a second of it is decoded in a few milliseconds. */
const longestRecordedMs = 1_200;

export function wireAudio(up: UpCoding, down: DownCoding): WireAudio {
  const isCoded = up === "opus" || up === "webm/opus" || down === "opus";
  const opus = isCoded ? new OpusCodec(opusHz) : undefined;
  return {
    uplink: up === "opus" || up === "webm/opus" ? opusEncoding : up,
    downlink: down === "opus" ? opusEncoding : down,
    decode: decoderOf(up, opus),
    encode: down === "opus" && opus !== undefined ? (frame) => encoded(frame, opus) : (frame) => frame,
    [Symbol.dispose]: () => opus?.close(),
  };
}

function decoderOf(up: UpCoding, opus: OpusCodec | undefined): (message: Uint8Array) => Uint8Array {
  if (up !== "opus" && up !== "webm/opus") return (message) => plain(message, up);
  if (opus === undefined) throw new Fault("internal", "Opus without its codec");
  if (up === "opus") return (packet) => decoded(packet, opus);
  const webm = new WebmOpus();
  return (message) => {
    const packets = webm.push(message);
    const ms = packets.reduce((sum, packet) => sum + opusMs(packet), 0);
    if (ms > longestRecordedMs) throw malformed(`audio: ${ms} ms in one message, the limit is ${longestRecordedMs} ms`);
    return Buffer.concat(packets.map((packet) => decoded(packet, opus)));
  };
}

function plain(bytes: Uint8Array, encoding: Encoding): Uint8Array {
  const whole = encodings[encoding].bytesPerSample;
  if (bytes.length % whole !== 0) throw malformed(`audio: ${bytes.length} bytes are no whole samples of ${encoding}`);
  const ms = msOf(bytes.length, encoding);
  if (ms > longestMessageMs) throw malformed(`audio: ${Math.round(ms)} ms in one message, the limit is ${longestMessageMs} ms`);
  return bytes;
}

function decoded(packet: Uint8Array, opus: OpusCodec): Uint8Array {
  if (opusMs(packet) === 0) throw malformed(`audio: ${packet.length} bytes are no Opus packet of at most 60 ms`);
  try {
    return opus.decode(packet);
  } catch (error) {
    throw new Fault("caller-malformed", "audio: a broken Opus packet", { cause: error });
  }
}

/** The last frame of a turn may be short; a packet cannot. Silence is not worth encoding. */
function encoded(frame: Uint8Array, opus: OpusCodec): Uint8Array {
  if (frame.every((byte) => byte === 0)) return opusSilence;
  if (frame.length === frameBytes) return opus.encode(frame);
  const whole = new Uint8Array(frameBytes);
  whole.set(frame.subarray(0, frameBytes));
  return opus.encode(whole);
}

const malformed = (message: string): Fault => new Fault("caller-malformed", message);
