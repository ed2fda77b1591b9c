// Asterisk's end of an AudioSocket: res/res_audiosocket.c and "AudioSocket" in Asterisk's documentation, read 2026-11.
import { connect } from "node:net";
import type { Encoding } from "../../audio/encodings.ts";
import type { FakeCaller, FakeDialect } from "./fake-caller.ts";
import { Speaker } from "./speaker.ts";

const rates = { "pcm16@8000": 0x10, "pcm16@16000": 0x12, "pcm16@24000": 0x13, "pcm16@48000": 0x16 } as const;

interface AudioSocketOptions {
  readonly encoding: keyof typeof rates;
  /** 16 bytes, in hexadecimal. */
  readonly uuid: string;
  /** TCP keeps no borders: what is written leaves in pieces of so many bytes; 0: as it is. */
  readonly pieceBytes: number;
}

const plain: AudioSocketOptions = { encoding: "pcm16@8000", uuid: "40325ec25efd4bd3805f53576e581d13", pieceBytes: 0 };

/** @param url of the server; only its host and port are looked at */
export async function callFromAudioSocket(url: string, options: Partial<AudioSocketOptions> = {}): Promise<FakeCaller> {
  const { encoding, uuid, pieceBytes } = { ...plain, ...options };
  const { hostname, port } = new URL(url);
  const kind: number = rates[encoding];
  const violations: string[] = [];
  const speaker = new Speaker(encoding satisfies Encoding, () => {});
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  let held = Buffer.alloc(0);
  let ended = false;
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.once("end", () => (ended = true));
    socket.once("close", () => resolve({ code: ended ? 1000 : 1006, reason: "" }));
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  socket.on("error", () => socket.destroy());
  socket.on("data", (bytes) => {
    held = Buffer.concat([held, bytes]);
    while (held.length >= 3 && held.length >= 3 + held.readUInt16BE(1)) {
      const end = 3 + held.readUInt16BE(1);
      hears(held[0] ?? 0, held.subarray(3, end));
      held = held.subarray(end);
    }
  });

  function hears(type: number, payload: Buffer): void {
    if (type === 0x00) socket.end();
    else if (type !== kind) violations.push(`a frame of type 0x${type.toString(16)}`);
    else if (payload.length % 2 !== 0) violations.push(`${payload.length} bytes of audio end inside a sample`);
    else speaker.append(payload);
  }

  function says(type: number, payload: Uint8Array): void {
    const frame = Buffer.concat([Uint8Array.of(type, payload.length >> 8, payload.length & 0xff), payload]);
    const step = pieceBytes === 0 ? frame.length : pieceBytes;
    for (let at = 0; at < frame.length && socket.writable; at += step) socket.write(frame.subarray(at, at + step));
  }

  return {
    uplink: encoding,
    downlink: encoding,
    violations,
    speaker,
    digitsHeard: "",
    sentTo: [],
    closed,
    start: async () => says(0x01, Buffer.from(uuid, "hex")),
    speak: (audio) => says(kind, audio),
    loseAudio: () => {},
    press: (digit) => says(0x03, Buffer.from(digit)),
    play: (ms) => speaker.play(ms),
    answerTransfer() {
      throw new Error("an AudioSocket knows no transfer");
    },
    hangUp() {
      says(0x00, new Uint8Array(0));
      socket.end();
    },
    close: () => void socket.end(),
    vanish: () => void socket.resetAndDestroy(),
    raw: (message) => says(kind, Buffer.from(message)),
    stall: () => void socket.pause(),
  };
}

export const fakeAudioSocket: FakeDialect = {
  dialect: "audiosocket",
  frameMs: 20,
  clocked: false,
  waitsForAnswer: false,
  announced: true,
  closeCodes: false,
  transfer: "none",
  malformed: { "half a sample": new Uint8Array(321) },
  connect: (url) => callFromAudioSocket(url),
};
