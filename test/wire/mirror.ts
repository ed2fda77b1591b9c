// The other end of torture.ts: a server that keeps no rule it is not told to keep.
import { createServer, type AddressInfo, type Socket } from "node:net";
import { WebSocket } from "ws";
import { systemClock } from "../../src/kernel/clock.ts";
import { dial } from "../../src/wire/dial.ts";
import { acceptOf } from "../../src/wire/handshake.ts";
import { anyMask, limits, listen, verdictOf, written, type Knocking, type Verdict } from "./torture.ts";

/** Connects, and sends each message back. */
export type EchoClient = (url: URL) => unknown;

const nothing = (): void => {};

export const ourClient: EchoClient = async (url) => {
  const { signal } = new AbortController();
  const socket = await dial({ url, headers: {}, socket: { ...limits, clock: systemClock, closeLimitMs: 2_000 }, signal });
  socket.listen({
    text: (text) => socket.sendText(text),
    binary: (bytes) => socket.sendBinary(bytes),
    pinged: nothing,
    ponged: nothing,
    broke: nothing,
    closed: nothing,
  });
};

export const wsClient: EchoClient = (url) => {
  const { messageBytes: maxPayload, fragments: maxFragments } = limits;
  const socket = new WebSocket(url, { perMessageDeflate: false, maxPayload, maxFragments, maxBufferedChunks: 1_024 });
  socket.on("error", nothing);
  socket.on("message", (data, isBinary) => socket.send(data as Buffer, { binary: isBinary })); // binaryType is left as it is.
};

/** Plays a case to a client until it has closed its side; the frames are a client's, and are mirrored. */
export async function playTo(client: EchoClient, { pieces, ends = "wait" }: Pick<Knocking, "pieces" | "ends">): Promise<Verdict> {
  const accepted = Promise.withResolvers<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, accepted.resolve);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo; // A string only for a server on a pipe.
  void client(new URL(`ws://127.0.0.1:${port}/`));
  const socket = await accepted.promise;
  const heard = listen(socket);
  await heard.head;
  const request = heard.bytes();
  await written(socket, Buffer.from(welcome(keyIn(request))));
  const said = (): Buffer => mirrored([heard.bytes().subarray(request.length)])[0] ?? Buffer.alloc(0);
  // Whoever has closed waits for the server to close the connection.
  socket.on("data", () => hasClose(said()) && socket.end());
  for (const piece of mirrored(pieces)) await written(socket, piece);
  if (ends === "fin") socket.end();
  if (ends === "reset") socket.resetAndDestroy();
  await heard.end;
  socket.destroy();
  await new Promise((resolve) => server.close(resolve));
  return verdictOf(Buffer.concat([Buffer.from("HTTP/1.1 101\r\n\r\n"), said()]));
}

export const keyIn = (request: Buffer): string => /sec-websocket-key: (\S+)/i.exec(request.toString("latin1"))?.[1] ?? "";

export const welcome = (key: string): string =>
  `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${acceptOf(key)}\r\n\r\n`;

const extraBytes = (second: number): number => (second === 126 ? 2 : second === 127 ? 8 : 0);

function hasClose(frames: Buffer): boolean {
  for (let at = 0; at + 1 < frames.length;) {
    const [first = 0, second = 0] = frames.subarray(at);
    if ((first & 0x0f) === 8) return true;
    const extra = extraBytes(second);
    if (at + 2 + extra > frames.length) return false;
    at += 2 + extra + (extra === 0 ? second : Number(extra === 2 ? frames.readUInt16BE(at + 2) : frames.readBigUInt64BE(at + 2)));
  }
  return false;
}

/** The same frames from the other end, cut in the same places: masks are taken off, and put on where there were none. */
function mirrored(pieces: readonly Uint8Array[]): Buffer[] {
  const whole = Buffer.concat(pieces);
  const out: number[] = [];
  /** How long the mirrored stream is after so many bytes of the other. */
  const lengths: number[] = [0];
  const put = (at: number, byte: number): void => {
    out.push(byte);
    lengths[at + 1] = out.length;
  };
  for (let at = 0; at < whole.length;) {
    const second = whole[at + 1] ?? 0;
    const header = 2 + extraBytes(second & 0x7f);
    const end = Math.min(whole.length, at + header);
    for (let each = at; each < end; each += 1) put(each, (whole[each] ?? 0) ^ (each === at + 1 ? 0x80 : 0));
    if (end < at + header) break;
    const claimed =
      header === 2
        ? second & 0x7f
        : header === 4
          ? whole.readUInt16BE(at + 2)
          : Math.min(whole.length, Number(whole.readBigUInt64BE(at + 2)));
    const hasMask = second > 127;
    const from = end + (hasMask ? 4 : 0);
    if (hasMask) for (let each = end; each < Math.min(from, whole.length); each += 1) lengths[each + 1] = out.length;
    else out.push(...anyMask);
    const mask = hasMask ? whole.subarray(end, from) : anyMask;
    at = Math.min(whole.length, from + claimed);
    for (let each = from; each < at; each += 1) put(each, (whole[each] ?? 0) ^ (mask[(each - from) % 4] ?? 0));
    if (!hasMask && claimed === 0) lengths[end] = out.length;
  }
  const stream = Buffer.from(out);
  let before = 0;
  return pieces.map((piece) => {
    const from = lengths[before];
    before += piece.length;
    return stream.subarray(from, lengths[before]);
  });
}
