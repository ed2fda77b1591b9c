// RFC 6455 as lean as it goes, so that the load costs less than what it measures: text frames, pings answered, no extensions.
import { createHash, randomBytes } from "node:crypto";
import { createServer, request, type IncomingMessage, type Server } from "node:http";
import type { Socket } from "node:net";

const text = 0x81;
const [closing, ping, pong] = [0x88, 0x89, 0x8a];

/** Bytes that went through all connections here, both ways. */
export const traffic = { bytes: 0 };

/** One end of a connection. Messages are given as bytes that are valid until the listener returns. */
export class WireSocket {
  /** What comes until somebody listens is lost. */
  onText: (message: Buffer) => void = () => {};
  onClose: () => void = () => {};
  readonly #socket: Socket;
  readonly #mask: Buffer | undefined;
  #rest: Buffer | undefined;

  /** `masks`: it is the client's end. One mask a connection: what a mask protects from is not on this machine. */
  constructor(socket: Socket, masks: boolean, head: Buffer) {
    this.#socket = socket;
    this.#mask = masks ? randomBytes(4) : undefined;
    socket.setNoDelay(true);
    socket.on("data", (chunk) => this.#take(chunk));
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.onClose());
    if (head.length > 0) this.#take(head);
  }

  /** ASCII only. */
  send(message: string): void {
    const frame = this.#frame(text, Buffer.from(message, "latin1"));
    traffic.bytes += frame.length;
    this.#socket.write(frame);
  }

  /** Nothing more comes of it. */
  destroy(): void {
    this.onText = () => {};
    this.#socket.destroy();
  }

  #frame(head: number, payload: Buffer): Buffer {
    const short = payload.length < 126;
    const maskAt = short ? 2 : 4;
    const from = maskAt + (this.#mask === undefined ? 0 : 4);
    const frame = Buffer.allocUnsafe(from + payload.length);
    frame[0] = head;
    frame[1] = (short ? payload.length : 126) | (this.#mask === undefined ? 0 : 0x80);
    if (!short) frame.writeUInt16BE(payload.length, 2);
    payload.copy(frame, from);
    if (this.#mask !== undefined) {
      this.#mask.copy(frame, maskAt);
      unmask(frame, from, payload.length, this.#mask);
    }
    return frame;
  }

  #take(chunk: Buffer): void {
    traffic.bytes += chunk.length;
    let bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = undefined;
    for (;;) {
      const length = frameLength(bytes);
      if (length === undefined || bytes.length < length) break;
      this.#read(bytes.subarray(0, length));
      bytes = bytes.subarray(length);
    }
    if (bytes.length > 0) this.#rest = bytes;
  }

  #read(frame: Buffer): void {
    const masked = (byteAt(frame, 1) & 0x80) !== 0;
    const from = headLength(byteAt(frame, 1));
    if (masked) unmask(frame, from, frame.length - from, frame.subarray(from - 4, from));
    const payload = frame.subarray(from);
    const head = byteAt(frame, 0);
    if (head === text) this.onText(payload);
    else if (head === ping) this.#socket.write(this.#frame(pong, payload));
    else if (head === closing) this.#socket.end();
  }
}

const byteAt = (bytes: Buffer, at: number): number => bytes[at] ?? 0;

function headLength(second: number): number {
  const long = (second & 0x7f) === 126 ? 2 : (second & 0x7f) === 127 ? 8 : 0;
  return 2 + long + ((second & 0x80) === 0 ? 0 : 4);
}

/** Of the first frame in `bytes`; undefined: its head is not here yet. */
function frameLength(bytes: Buffer): number | undefined {
  if (bytes.length < 2) return undefined;
  const head = headLength(byteAt(bytes, 1));
  if (bytes.length < head) return undefined;
  const short = byteAt(bytes, 1) & 0x7f;
  return head + (short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short);
}

function unmask(bytes: Buffer, from: number, length: number, mask: Buffer): void {
  for (let at = 0; at < length; at += 1) bytes[from + at] = byteAt(bytes, from + at) ^ byteAt(mask, at & 3);
}

/** @throws {Error} the server refuses, or is gone. */
export function connect(url: string): Promise<WireSocket> {
  const { promise, resolve, reject } = Promise.withResolvers<WireSocket>();
  const headers = {
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": randomBytes(16).toString("base64"),
  };
  const asked = request(url.replace(/^ws/, "http"), { headers, agent: false });
  asked.on("upgrade", (_, socket, head) => resolve(new WireSocket(socket, true, head)));
  asked.on("response", (response) => reject(new Error(`${url} answered ${response.statusCode}`)));
  asked.on("error", reject);
  asked.end();
  return promise;
}

/** A WebSocket server on a free port of this machine; a connection is accepted `acceptAfterMs` after it came. */
export async function listen(acceptAfterMs: number, accepted: (socket: WireSocket, request: IncomingMessage) => void): Promise<Server> {
  const server = createServer();
  server.on("upgrade", (asked: IncomingMessage, socket: Socket, head: Buffer) => {
    const key = asked.headers["sec-websocket-key"] ?? "";
    const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
    setTimeout(() => {
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
      );
      accepted(new WireSocket(socket, false, head), asked);
    }, acceptAfterMs);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}
