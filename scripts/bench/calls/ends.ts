// The two ends of a WebSocket on bare TCP: their handshakes, and how what comes is read.
import { createHash, randomBytes } from "node:crypto";
import { connect as connectTcp, createServer, type AddressInfo, type Socket } from "node:net";
import { WireSocket } from "./wire.ts";

const headEnd = "\r\n\r\n";
/** All connections of the client's end read into this: what is read is taken before the next one reads. */
const readBuffer = Buffer.allocUnsafe(65_536);

/** @throws {Error} the server refuses, or is gone. */
export function connect(url: string): Promise<WireSocket> {
  const { hostname, port, pathname, search } = new URL(url);
  const { promise, resolve, reject } = Promise.withResolvers<WireSocket>();
  let open: WireSocket | undefined;
  let answer = "";
  const took = (length: number): boolean => {
    const chunk = readBuffer.subarray(0, length);
    if (open !== undefined) open.take(chunk);
    else answer += chunk.toString("latin1");
    const end = answer.indexOf(headEnd);
    if (open !== undefined || end < 0) return true;
    if (!answer.startsWith("HTTP/1.1 101 ")) {
      reject(new Error(`${url} answered ${answer.slice(0, answer.indexOf("\r"))}`));
      socket.destroy();
      return true;
    }
    open = new WireSocket(socket, true);
    resolve(open);
    const rest = Buffer.from(answer.slice(end + headEnd.length), "latin1");
    // Whoever waits for the connection listens by then.
    if (rest.length > 0) setImmediate((socket) => socket.take(rest), open);
    return true;
  };
  const socket = connectTcp({ host: hostname, port: Number(port), noDelay: true, onread: { buffer: readBuffer, callback: took } });
  socket.on("error", (error) => {
    reject(error);
    socket.destroy();
  });
  socket.on("close", () => reject(new Error(`${url} closed before it answered`)));
  socket.write(
    `GET ${pathname}${search} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString("base64")}${headEnd}`,
  );
  return promise;
}

/** A WebSocket server on a free port of this machine. */
export class WireServer implements Disposable {
  readonly port: number;
  readonly #dispose: () => void;

  private constructor(port: number, dispose: () => void) {
    [this.port, this.#dispose] = [port, dispose];
  }

  /** A connection is accepted `acceptAfterMs` after it came. */
  static async listen(acceptAfterMs: number, accepted: (socket: WireSocket, path: string) => void): Promise<WireServer> {
    const sockets = new Set<Socket>();
    const server = createServer({ noDelay: true }, (socket) => {
      sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => sockets.delete(socket));
      greet(socket, acceptAfterMs, accepted);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo; // A TCP server has a port.
    return new WireServer(port, () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
  }

  [Symbol.dispose](): void {
    this.#dispose();
  }
}

function greet(socket: Socket, acceptAfterMs: number, accepted: (socket: WireSocket, path: string) => void): void {
  let request = "";
  socket.on("data", function asked(chunk: Buffer): void {
    request += chunk.toString("latin1");
    if (!request.endsWith(headEnd)) return;
    socket.off("data", asked);
    const key = /^sec-websocket-key: *(\S+)/im.exec(request)?.[1] ?? "";
    const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
    setTimeout(() => {
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}${headEnd}`,
      );
      const end = new WireSocket(socket, false);
      accepted(end, request.split(" ", 2)[1] ?? "");
      socket.on("data", (bytes: Buffer) => end.take(bytes));
    }, acceptAfterMs);
  });
}
