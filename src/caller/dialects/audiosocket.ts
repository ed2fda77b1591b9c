// Asterisk's AudioSocket: frames of a type, a length in two bytes (big-endian) and that many bytes, over TCP.
// Source: res/res_audiosocket.c and "AudioSocket" in Asterisk's documentation, read 2026-11.
import { bytesOf, encodings, type Encoding } from "../../audio/encodings.ts";
import { wholeFrames } from "../carrier-audio.ts";
import type { Dialect, DialectCodec } from "../dialect.ts";
import { carrierStart, malformed, unsupported } from "../wire-json.ts";

export const headerBytes = 3;

const kinds = { hangUp: 0x00, uuid: 0x01, dtmf: 0x03, error: 0xff } as const;
/** Type of an audio frame by its rate; linear, little-endian, mono. */
const audioKinds = { 0x10: "pcm16@8000", 0x12: "pcm16@16000", 0x13: "pcm16@24000", 0x16: "pcm16@48000" } as const satisfies Record<
  number,
  Encoding
>;
/** The rates of AudioSocket that are spoken here. */
export type AudioSocketEncoding = (typeof audioKinds)[keyof typeof audioKinds];
const frameMs = 20;
/** Asterisk sends 20 ms in a frame, 1,920 bytes at 48 kHz. */
const frameLimitBytes = 16 * 1024;
const hungUp = Uint8Array.of(kinds.hangUp, 0, 0);

/** One a call. Every message is one whole frame; the first is the call's UUID, which is all that Asterisk tells. */
function open(encoding: AudioSocketEncoding): DialectCodec {
  const kind = Number(Object.entries(audioKinds).find(([, each]) => each === encoding)?.[0]);
  let started = false;
  return {
    decodeText() {
      throw malformed("there is no text on an AudioSocket");
    },
    decodeBinary(frame) {
      const payload = frame.subarray(headerBytes);
      const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
      if (frame.length < headerBytes || view.getUint16(1) !== payload.length) throw malformed("a frame's length is not what it says");
      const type = frame[0] ?? 0;
      if (type === kind) {
        if (!started) throw malformed("audio came before the UUID");
        if (payload.length === 0) return { type: "ignored", event: "empty audio" };
        if (payload.length % 2 !== 0) throw malformed(`audio: ${payload.length} bytes end inside a sample`);
        return { type: "audio", bytes: payload, atMs: undefined };
      }
      switch (type) {
        case kinds.uuid: {
          if (payload.length !== 16) throw malformed(`the UUID has ${payload.length} bytes`);
          started = true;
          const call = carrierStart("audiosocket", { id: uuidOf(payload), from: undefined, parameters: {} });
          return { type: "start", start: call, uplink: encoding, downlink: encoding };
        }
        case kinds.dtmf: {
          const digit = String.fromCharCode(payload[0] ?? 0).toUpperCase();
          if (payload.length !== 1 || !/^[0-9*#A-D]$/.test(digit)) throw malformed("DTMF: expected one of 0-9, *, #, A-D");
          return { type: "dtmf", digit };
        }
        case kinds.hangUp:
          return { type: "stop" };
        case kinds.error:
          return { type: "ignored", event: "error" };
        default:
          if (type < 0x10 || type > 0x18) return { type: "ignored", event: `frame of type ${type}` };
          throw unsupported(`audio: frames of type 0x${type.toString(16)} are not ${encoding}; AUDIOSOCKET_RATE says what Asterisk sends`);
      }
    },
    encode(command) {
      if (command.type === "end") return hungUp;
      if (command.type !== "audio") return undefined;
      const audio = wholeFrames(command.bytes, bytesOf(frameMs, encoding), encodings[encoding].silence);
      const frame = new Uint8Array(headerBytes + audio.length);
      frame[0] = kind;
      new DataView(frame.buffer).setUint16(1, audio.length);
      frame.set(audio, headerBytes);
      return frame;
    },
  };
}

function uuidOf(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** Asterisk plays what comes when it comes: nothing is held at the far end, so nothing is there to flush. */
export const audiosocket = (encoding: AudioSocketEncoding): Dialect => ({
  name: "audiosocket",
  path: "tcp",
  subprotocols: [],
  traits: { playback: "clock", aheadMs: 40, frameMs, flush: false, captions: false, dtmfOut: false, transfer: false, resume: "none" },
  limits: { textBytes: frameLimitBytes, binaryBytes: frameLimitBytes },
  silentClose: "hung-up",
  ending: "close",
  open: () => open(encoding),
});
