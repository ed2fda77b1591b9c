import { connect, createServer, type Server, type Socket } from "node:net";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import type { Clock } from "../../../kernel/clock.ts";
import { Framing } from "../message/framing.ts";
import { plainAddress, type Hop, type Wire, type WireEar } from "./wire.ts";

/** Certificate, key and (for connections that we open) whom to believe, as PEM. */
export interface TlsIdentity {
  readonly cert: string;
  readonly key: string;
  readonly ca: string | undefined;
}

const connectionLimit = 1_000;
/** Who connects and says nothing is sent away; later a connection may rest between calls. */
const firstMessageLimitMs = 10_000;
const idleLimitMs = 30 * 60_000;
const connectLimitMs = 5_000;
const backlogLimitBytes = 1024 * 1024;
const pong = Buffer.from("\r\n");

interface StreamOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: TlsIdentity | undefined;
  readonly clock: Clock;
}

/** SIP over TCP, or over TLS where there is an identity: connections that came are used for what we have to say to their peers. */
export async function openStream(options: StreamOptions, ear: WireEar): Promise<Wire> {
  const wire = new StreamWire(options, ear);
  await wire.listen();
  return wire;
}

class StreamWire implements Wire {
  readonly transport: "tcp" | "tls";
  readonly #options: StreamOptions;
  readonly #ear: WireEar;
  readonly #server: Server;
  readonly #connections = new Map<string, Socket>();
  #port = 0;

  constructor(options: StreamOptions, ear: WireEar) {
    this.#options = options;
    this.#ear = ear;
    this.transport = options.tls === undefined ? "tcp" : "tls";
    const came = (socket: Socket): void => this.#came(socket);
    if (options.tls === undefined) this.#server = createServer(came);
    else this.#server = createTlsServer({ cert: options.tls.cert, key: options.tls.key, handshakeTimeout: connectLimitMs }, came);
    this.#server.maxConnections = connectionLimit;
    this.#server.on("tlsClientError", () => {});
  }

  get port(): number {
    return this.#port;
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(this.#options.port, this.#options.host, () => {
        this.#server.off("error", reject);
        this.#server.on("error", () => {});
        const address = this.#server.address();
        if (address !== null && typeof address === "object") this.#port = address.port;
        resolve();
      });
    });
  }

  send(bytes: Buffer, to: Hop, failed: () => void): void {
    const socket = this.#connections.get(keyOf(to.address, to.port)) ?? this.#connect(to);
    if (socket === undefined || socket.destroyed) return failed();
    socket.write(bytes, (error) => {
      if (error != null) failed();
    });
    if (socket.writableLength > backlogLimitBytes) socket.destroy();
  }

  async close(): Promise<void> {
    for (const socket of this.#connections.values()) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #came(socket: Socket): void {
    const address = plainAddress(socket.remoteAddress ?? "");
    if (!this.#ear.admits(address)) return void socket.destroy();
    this.#serve(socket, { transport: this.transport, address, port: socket.remotePort ?? 0 });
  }

  #connect(to: Hop): Socket | undefined {
    if (this.#connections.size >= connectionLimit) return undefined;
    const { tls } = this.#options;
    const target = { host: to.address, port: to.port };
    const socket =
      tls === undefined
        ? connect(target)
        : connectTls({ ...target, cert: tls.cert, key: tls.key, ...(tls.ca === undefined ? {} : { ca: tls.ca }) });
    this.#serve(socket, to);
    return socket;
  }

  #serve(socket: Socket, peer: Hop): void {
    const key = keyOf(peer.address, peer.port);
    const framing = new Framing();
    this.#connections.set(key, socket);
    const forget = (): void => {
      if (this.#connections.get(key) === socket) this.#connections.delete(key);
    };
    socket.setNoDelay(true);
    socket.setTimeout(firstMessageLimitMs, () => socket.destroy());
    socket.on("error", () => socket.destroy());
    socket.on("close", forget);
    socket.on("data", (bytes: Buffer) => {
      for (const framed of framing.push(bytes)) {
        if (framed.name === "broken") return void socket.destroy();
        if (framed.name === "ping") socket.write(pong);
        else {
          socket.setTimeout(idleLimitMs);
          this.#ear.received(framed.bytes, peer);
        }
      }
    });
  }
}

const keyOf = (address: string, port: number): string => `${address}|${port}`;
