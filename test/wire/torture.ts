// A client that keeps no rule it is not told to keep: it writes bytes, and writes down what comes back.
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { WebSocketServer } from "ws";
import type { CallerSignal, Dialect } from "../../src/caller/dialect.ts";
import { openHouse } from "../caller/open-house.ts";

export const limits = { messageBytes: 65_536, fragments: 64 } as const;

/** What a peer is seen to do until it has closed its side. */
export interface Verdict {
  /** Of the handshake; 0: none came. */
  readonly status: number;
  /** Messages and pongs, in order. */
  readonly replies: readonly string[];
  /** The code of its close frame; undefined: it sent none. */
  readonly close: number | undefined;
}

export interface FrameShape {
  readonly opcode: number;
  readonly payload?: Uint8Array;
  readonly fin?: boolean;
  readonly rsv?: number;
  /** Undefined: none, which no client may do. */
  readonly mask?: readonly number[] | undefined;
  /** What the header says of the length, where that is not true. */
  readonly claims?: bigint;
  /** Bytes that the length takes, 0, 2 or 8, where it could take fewer. */
  readonly lengthBytes?: 0 | 2 | 8;
}

export const anyMask = [0x37, 0xfa, 0x21, 0x3d];

export function frame(shape: FrameShape): Buffer {
  const { opcode, payload = new Uint8Array(0), fin = true, rsv = 0, claims = BigInt(payload.length) } = shape;
  const mask = "mask" in shape ? shape.mask : anyMask;
  const lengthBytes = shape.lengthBytes ?? (claims < 126n ? 0 : claims < 65_536n ? 2 : 8);
  const header = Buffer.alloc(2 + lengthBytes);
  header[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  header[1] = (mask === undefined ? 0 : 0x80) | (lengthBytes === 0 ? Number(claims) : lengthBytes === 2 ? 126 : 127);
  if (lengthBytes === 2) header.writeUInt16BE(Number(claims), 2);
  if (lengthBytes === 8) header.writeBigUInt64BE(claims, 2);
  if (mask === undefined) return Buffer.concat([header, payload]);
  return Buffer.concat([header, Buffer.from(mask), payload.map((byte, at) => byte ^ (mask[at % 4] ?? 0))]);
}

export function closing(code?: number, reason: Uint8Array | string = ""): Buffer {
  const payload = Buffer.concat([Buffer.alloc(code === undefined ? 0 : 2), Buffer.from(reason)]);
  if (code !== undefined) payload.writeUInt16BE(code, 0);
  return frame({ opcode: 8, payload });
}

const names: Readonly<Record<number, string>> = { 1: "text", 2: "binary", 9: "ping", 10: "pong" };

/** A message or control frame, so that two can be compared and a difference be read. */
export function told(opcode: number, payload: Uint8Array): string {
  const body = payload.length <= 32 ? Buffer.from(payload).toString("hex") : createHash("sha1").update(payload).digest("hex");
  return `${names[opcode] ?? opcode} of ${payload.length}: ${body}`;
}

export interface Knocking {
  readonly path?: string;
  /** In place of the usual one; `{port}` and `{path}` are put in. */
  readonly request?: string;
  /** What follows the handshake, each piece a write of its own. */
  readonly pieces: readonly Uint8Array[];
  /** The first piece goes out in one write with the request. */
  readonly atOnce?: boolean;
  /** How the client ends after its last piece; `wait`: it lets the server end. */
  readonly ends?: "wait" | "fin" | "reset";
}

export const usualHeaders = [
  "host: 127.0.0.1:{port}",
  "upgrade: websocket",
  "connection: Upgrade",
  "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
  "sec-websocket-version: 13",
] as const;

export const requestOf = (headers: readonly string[], line = "GET {path} HTTP/1.1"): string => `${[line, ...headers].join("\r\n")}\r\n\r\n`;

/** Plays a case until the server has closed its side. */
export async function play(
  peer: Peer,
  { request = requestOf(usualHeaders), pieces, atOnce = false, ends = "wait" }: Knocking,
): Promise<Verdict> {
  const socket = connect({ port: peer.port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
  const heard = listen(socket);
  const opening = Buffer.from(request.replaceAll("{port}", String(peer.port)).replaceAll("{path}", peer.path), "latin1");
  const [first = Buffer.alloc(0), ...rest] = pieces;
  await written(socket, atOnce ? Buffer.concat([opening, first]) : opening);
  await heard.head;
  for (const piece of atOnce ? rest : pieces) await written(socket, piece);
  if (ends === "fin") socket.end();
  if (ends === "reset") socket.resetAndDestroy();
  await heard.end;
  socket.destroy();
  return verdictOf(heard.bytes());
}

/** Whoever is cut off while writing has nothing more to write. */
export const written = (socket: Socket, bytes: Uint8Array): Promise<void> =>
  new Promise((resolve) => {
    if (!socket.writable) return resolve();
    const done = (): void => {
      socket.off("close", done);
      // The next turn of the loop, so that what follows is a segment of its own.
      setImmediate(resolve);
    };
    socket.once("close", done);
    socket.write(bytes, done);
  });

export function listen(socket: Socket): { head: Promise<void>; end: Promise<void>; bytes: () => Buffer } {
  const chunks: Buffer[] = [];
  const head = Promise.withResolvers<void>();
  const end = Promise.withResolvers<void>();
  socket.on("error", () => {});
  socket.on("data", (chunk) => {
    chunks.push(chunk);
    if (Buffer.concat(chunks).includes("\r\n\r\n")) head.resolve();
  });
  for (const event of ["end", "close"]) {
    socket.once(event, () => {
      head.resolve();
      end.resolve();
    });
  }
  return { head: head.promise, end: end.promise, bytes: () => Buffer.concat(chunks) };
}

/** @throws where the server itself breaks the protocol */
export function verdictOf(bytes: Buffer): Verdict {
  const status = Number(/^HTTP\/1\.1 (\d+)/.exec(bytes.toString("latin1", 0, 32))?.[1] ?? 0);
  const replies: string[] = [];
  let at = bytes.indexOf("\r\n\r\n") + 4;
  if (status !== 101) return { status, replies, close: undefined };
  while (at < bytes.length) {
    const [first = 0, second = 0] = bytes.subarray(at);
    const long = second === 126 ? 2 : second === 127 ? 8 : 0;
    const length = long === 0 ? second : long === 2 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
    const payload = bytes.subarray(at + 2 + long, at + 2 + long + length);
    if (second > 127 || (first & 0xf0) !== 0x80 || payload.length < length) throw new Error(`the server sent a bad frame at ${at}`);
    at += 2 + long + length;
    if ((first & 0x0f) !== 8) replies.push(told(first & 0x0f, payload));
    else if (at < bytes.length) throw new Error("the server spoke after its close frame");
    else return { status, replies, close: length === 0 ? 1005 : payload.readUInt16BE(0) };
  }
  return { status, replies, close: undefined };
}

/** A server that sends each message back. */
export interface Peer extends AsyncDisposable {
  readonly port: number;
  readonly path: string;
}

/** A wire on which each message is a ping that is answered with itself. */
const echo: Dialect = {
  name: "echo",
  path: "/echo",
  subprotocols: ["best", "good"],
  traits: {
    playback: "marks",
    aheadMs: 300,
    frameMs: 20,
    flush: true,
    captions: false,
    dtmfOut: false,
    transfer: false,
    resume: "call-id",
  },
  limits: { textBytes: limits.messageBytes, binaryBytes: limits.messageBytes },
  silentClose: "hung-up",
  ending: "close",
  open: () => ({
    decodeText: (message): CallerSignal => ({ type: "ping", message }),
    decodeBinary: (message): CallerSignal => ({ type: "ping", message }),
    encode: () => undefined,
  }),
};

/** Linekeeper's own server, its door wide open. */
export async function ownPeer(): Promise<Peer> {
  const house = await openHouse({ dialects: [echo], limits: { perAddress: 1e6, perAddressPerSecond: 1e6, overall: 1e6 } });
  return { port: house.port, path: echo.path, [Symbol.asyncDispose]: () => house[Symbol.asyncDispose]() };
}

/** The same on the `ws` package. */
export async function wsPeer(): Promise<Peer> {
  const options = {
    noServer: true,
    perMessageDeflate: false,
    maxPayload: limits.messageBytes,
    maxFragments: limits.fragments,
    maxBufferedChunks: 1_024,
    handleProtocols: (offered: Set<string>) => echo.subprotocols.find((each) => offered.has(each)) ?? false,
  };
  const sockets = new WebSocketServer(options);
  sockets.on("connection", (socket) => {
    socket.on("error", () => {});
    socket.on("message", (data, isBinary) => socket.send(data as Buffer, { binary: isBinary })); // binaryType is left as it is.
  });
  const server = createServer({ maxHeaderSize: 8 * 1024 }, (_request, response) => response.writeHead(426).end());
  const open = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    open.add(socket);
    socket.once("close", () => open.delete(socket));
  });
  server.on("upgrade", (request, socket, head) => {
    if (request.url !== echo.path) return void socket.end("HTTP/1.1 404 Not Found\r\n\r\n");
    sockets.handleUpgrade(request, socket, head, (webSocket) => sockets.emit("connection", webSocket, request));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port, // A string only for a server on a pipe.
    path: echo.path,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}
