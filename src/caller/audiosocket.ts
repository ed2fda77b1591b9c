import { BlockList, createServer, isIP, type AddressInfo, type Socket } from "node:net";
import { Fault, toFault } from "../kernel/fault.ts";
import type { SocketListener } from "../wire/websocket.ts";
import { plainLine } from "./carrier.ts";
import type { Dialect, Knock } from "./dialect.ts";
import { headerBytes } from "./dialects/audiosocket.ts";
import type { Door } from "./door.ts";
import { serveSocket, type LegParts, type LegSocket } from "./websocket-leg.ts";

export interface AudioSocketOptions {
  readonly dialect: Dialect;
  readonly leg: LegParts;
  readonly door: Door;
  /** Who may connect, addresses or networks such as "10.0.0.0/8": the wire has no words for a secret. */
  readonly peers: readonly string[];
  /** Told of each connection from who is none of them. */
  readonly unproven: (address: string) => void;
}

export interface AudioSocketServer {
  /**
   * Port 0: any free one.
   * @throws {Fault} setting-invalid when it cannot listen there
   */
  listen(host: string, port: number): Promise<AddressInfo>;
  /** Takes no new connection and cuts off what is still open. */
  close(): Promise<void>;
}

const closeLimitMs = 2_000;
const knock: Knock = { target: "/", query: new URLSearchParams(), headers: {} };

/**
 * Serves Asterisk's AudioSocket: one TCP connection a call.
 * @throws {Fault} setting-invalid, naming what is no network
 */
export function audioSocketServer({ dialect, leg, door, peers, unproven }: AudioSocketOptions): AudioSocketServer {
  const allowed = networks(peers);
  const open = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on("error", () => socket.destroy());
    const address = (socket.remoteAddress ?? "").replace(/^::ffff:/, "");
    let place: Disposable;
    try {
      if (!within(allowed, address)) {
        unproven(address);
        throw new Fault("caller-refused", `no AudioSocket is served to ${address}; AUDIOSOCKET_PEERS says to whom one is`);
      }
      place = door.enterThrough(dialect.name);
    } catch (error) {
      const fault = toFault(error, "internal", "letting a caller in");
      leg.log.info("leg_refused", { dialect: dialect.name, code: fault.code, message: fault.message });
      return void socket.destroy();
    }
    open.add(socket);
    socket.once("close", () => {
      open.delete(socket);
      place[Symbol.dispose]();
    });
    serveSocket(new Frames(socket, leg), dialect, leg, { knock, admit: (start) => ({ start, line: plainLine }) });
  });
  return {
    listen: (host, port) =>
      new Promise((resolve, reject) => {
        const refused = (error: Error): void =>
          reject(new Fault("setting-invalid", `AUDIOSOCKET_PORT: listening on ${host}:${port}: ${error.message}`, { cause: error }));
        server.once("error", refused);
        server.listen(port, host, () => {
          server.off("error", refused);
          resolve(server.address() as AddressInfo); // A string only for a server on a pipe.
        });
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}

/** A TCP connection whose frames are messages. They carry their length in two bytes, so that no more than one is ever held. */
class Frames implements LegSocket {
  readonly #socket: Socket;
  readonly #leg: LegParts;
  /** The beginning of a frame that is still on its way, and how much there has to be before it is looked at again. */
  #parts: Buffer[] = [];
  #heldBytes = 0;
  #neededBytes = headerBytes;
  #ended = false;

  constructor(socket: Socket, leg: LegParts) {
    this.#socket = socket;
    this.#leg = leg;
  }

  listen(listener: SocketListener): void {
    this.#socket.on("data", (bytes) => this.#read(bytes, listener));
    // Asterisk closes when its channel is gone; a reset is a line that was lost.
    this.#socket.once("end", () => (this.#ended = true));
    this.#socket.once("close", () => listener.closed(this.#ended ? 1005 : 1006, ""));
  }

  get isOpen(): boolean {
    return this.#socket.writable;
  }

  get bufferedAmount(): number {
    return this.#socket.writableLength;
  }

  /** All that this wire has are frames of bytes; its dialect makes no texts. */
  sendText(): void {}

  sendEnveloped(): void {}

  sendBinary(frame: Uint8Array): void {
    if (this.#socket.writable) this.#socket.write(frame);
  }

  /** The caller's audio is the sign of life, fifty times a second. */
  ping(): void {}

  /** In order; a peer that does not close its side is cut off. */
  close(): void {
    this.#socket.end();
    const cutOffMs = this.#leg.clock.now() + closeLimitMs;
    this.#leg.beat.wake({
      tick: (nowMs) => {
        if (nowMs < cutOffMs && !this.#socket.destroyed) return true;
        this.#socket.destroy();
        return false;
      },
    });
  }

  terminate(): void {
    this.#socket.destroy();
  }

  #read(bytes: Buffer, listener: SocketListener): void {
    this.#parts.push(bytes);
    this.#heldBytes += bytes.length;
    if (this.#heldBytes < this.#neededBytes) return;
    const all = this.#parts.length === 1 ? bytes : Buffer.concat(this.#parts);
    let at = 0;
    this.#neededBytes = headerBytes;
    while (all.length - at >= headerBytes) {
      const frameBytes = headerBytes + all.readUInt16BE(at + 1);
      if (at + frameBytes > all.length) {
        this.#neededBytes = frameBytes;
        break;
      }
      listener.binary(all.subarray(at, at + frameBytes));
      at += frameBytes;
    }
    this.#parts = at === all.length ? [] : [all.subarray(at)];
    this.#heldBytes = all.length - at;
  }
}

function networks(rows: readonly string[]): BlockList {
  const list = new BlockList();
  for (const row of rows) {
    const [address = "", prefix] = row.split("/");
    const version = isIP(address);
    const widest = version === 6 ? 128 : 32;
    const bits = prefix === undefined ? widest : Number(prefix);
    if (version === 0 || !Number.isInteger(bits) || bits < 0 || bits > widest) {
      throw new Fault("setting-invalid", `AUDIOSOCKET_PEERS: "${row}" is neither an address nor a network such as 10.0.0.0/8`);
    }
    list.addSubnet(address, bits, version === 6 ? "ipv6" : "ipv4");
  }
  return list;
}

function within(list: BlockList, address: string): boolean {
  const version = isIP(address);
  return version !== 0 && list.check(address, version === 6 ? "ipv6" : "ipv4");
}
