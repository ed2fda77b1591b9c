// RFC 6455 as lean as it goes, so that the load costs less than what it measures: text frames, pings answered, no extensions.
import type { Socket } from "node:net";

const [text, binary] = [0x81, 0x82];
const [closing, ping, pong] = [0x88, 0x89, 0x8a];

/** Bytes that went through all connections here, both ways. */
export const traffic = { bytes: 0 };

/** One end of a connection. Messages are given as bytes that are valid until the listener returns. */
export class WireSocket {
  /** What comes until somebody listens is lost. */
  onText: (message: Buffer) => void = () => {};
  onClose: () => void = () => {};
  readonly #socket: Socket;
  /** The client's mask is zero: nothing is spent on it here, and as much as on any other over there. */
  readonly #mask: string;
  #rest: Buffer | undefined;

  /** `masks`: it is the client's end. */
  constructor(socket: Socket, masks: boolean) {
    this.#socket = socket;
    this.#mask = masks ? "\0\0\0\0" : "";
    socket.on("close", () => this.onClose());
  }

  /** ASCII only, at most 65,535 characters. */
  send(message: string): void {
    this.#write(text, message);
  }

  /** ASCII only, at most 65,535 characters. */
  sendBinary(message: string): void {
    this.#write(binary, message);
  }

  /** Nothing more comes of it. */
  destroy(): void {
    this.onText = () => {};
    this.#socket.destroy();
  }

  #write(head: number, payload: string): void {
    const frame = headOf(head, payload.length, this.#mask) + payload;
    traffic.bytes += frame.length;
    this.#socket.write(frame, "latin1");
  }

  /** What came; it is used again afterwards. */
  take(chunk: Buffer): void {
    traffic.bytes += chunk.length;
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = undefined;
    let at = 0;
    for (;;) {
      const end = frameEnd(bytes, at);
      if (end === undefined || end > bytes.length) break;
      this.#read(bytes, at, end);
      at = end;
    }
    if (at < bytes.length) this.#rest = Buffer.from(bytes.subarray(at));
  }

  #read(bytes: Buffer, at: number, end: number): void {
    const second = byteAt(bytes, at + 1);
    const from = at + headLength(second);
    if ((second & 0x80) !== 0) unmask(bytes, from, end);
    const head = byteAt(bytes, at);
    if (head === text) this.onText(bytes.subarray(from, end));
    else if (head === ping) this.#write(pong, bytes.toString("latin1", from, end));
    else if (head === closing) this.#socket.end();
  }
}

const byteAt = (bytes: Buffer, at: number): number => bytes[at] ?? 0;

/** The first bytes of a frame, as characters. */
function headOf(head: number, length: number, mask: string): string {
  const masked = mask === "" ? 0 : 0x80;
  return length < 126
    ? String.fromCharCode(head, masked | length) + mask
    : String.fromCharCode(head, masked | 126, length >> 8, length & 0xff) + mask;
}

function headLength(second: number): number {
  const long = (second & 0x7f) === 126 ? 2 : (second & 0x7f) === 127 ? 8 : 0;
  return 2 + long + ((second & 0x80) === 0 ? 0 : 4);
}

/** Where the frame that begins at `at` ends; undefined: its head is not here yet. */
function frameEnd(bytes: Buffer, at: number): number | undefined {
  if (bytes.length < at + 2) return undefined;
  const second = byteAt(bytes, at + 1);
  const head = at + headLength(second);
  if (bytes.length < head) return undefined;
  const short = second & 0x7f;
  return head + (short === 126 ? bytes.readUInt16BE(at + 2) : short === 127 ? Number(bytes.readBigUInt64BE(at + 2)) : short);
}

/** The mask stands before `from`. */
function unmask(bytes: Buffer, from: number, end: number): void {
  const mask = [byteAt(bytes, from - 4), byteAt(bytes, from - 3), byteAt(bytes, from - 2), byteAt(bytes, from - 1)] as const;
  const [a, b, c, d] = mask;
  let at = from;
  for (; at + 3 < end; at += 4) {
    bytes[at] = byteAt(bytes, at) ^ a;
    bytes[at + 1] = byteAt(bytes, at + 1) ^ b;
    bytes[at + 2] = byteAt(bytes, at + 2) ^ c;
    bytes[at + 3] = byteAt(bytes, at + 3) ^ d;
  }
  for (; at < end; at += 1) bytes[at] = byteAt(bytes, at) ^ (mask[(at - from) & 3] ?? 0);
}
