import { createServer, type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { WebSocket, WebSocketServer } from "ws";
import type { ConnectionRecord, DropHow, FaultPoint, GarbleCount, Panel, PanelConnection } from "./panel.ts";

/** What speaks one fake's wire on one connection. */
export interface FakeSession {
  receive(message: Buffer, isBinary: boolean): void;
  /** The connection is gone; timers end here. */
  ended(): void;
  /** See `PanelConnection`, for these five. */
  expire(): void;
  exhaust(): void;
  announceEnd(inMs: number): void;
  release(): void;
  garble(count: number, seed: number): Promise<GarbleCount>;
}

/** The connection as its session sees it: sending obeys the panel's faults. */
export interface FakePeer {
  readonly record: ConnectionRecord;
  /** Text for a string, binary for bytes. */
  send(message: string | Uint8Array): void;
  /** In order; with 1005 without a code. */
  close(code: number, reason: string): void;
  /** Whether the panel dropped the connection at this point: then stop. */
  strikes(at: FaultPoint): boolean;
  readonly gone: boolean;
}

/** A refused upgrade. */
export interface Refusal {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers what is no upgrade. */
export type FakeRequests = (request: IncomingMessage, response: ServerResponse) => void;

export interface FakeWire {
  /** Looks at path, query and headers; undefined lets the connection in. */
  readonly admit: (request: IncomingMessage, url: URL) => Refusal | undefined;
  /** The body that goes with a refusal that the panel asked for. */
  readonly refusalBody: (status: number) => string;
  readonly accept: (peer: FakePeer, url: URL, request: IncomingMessage) => FakeSession;
  /** Which close codes a client in order may send. */
  readonly politeCloseCodes: readonly number[];
  /** Another wire of the service at the same address. */
  readonly requests?: FakeRequests | undefined;
}

export interface RunningFake extends AsyncDisposable {
  readonly port: number;
}

/** A real WebSocket server on the loopback that treats its clients as `panel` says. */
export async function serveFake(panel: Panel, wire: FakeWire, port = 0): Promise<RunningFake> {
  const sockets = new Set<Socket>();
  const http = createServer(wire.requests ?? ((_request, response) => response.writeHead(426).end()));
  const upgrades = new WebSocketServer({ noServer: true, maxPayload: 32 * 2 ** 20, perMessageDeflate: false });
  http.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  http.on("upgrade", (request: IncomingMessage, duplex: Duplex, head: Buffer) => {
    // A server without TLS upgrades nothing but plain sockets.
    const socket = duplex as Socket;
    socket.on("error", () => socket.destroy());
    panel.dials += 1;
    const url = new URL((request.url ?? "/").replace(/^\/+/, "/"), "http://fake");
    const { opening } = panel;
    if (opening.type === "reset") socket.resetAndDestroy();
    else if (opening.type === "never-upgraded") hold(panel, socket, request);
    else {
      const refusal = opening.type === "refused" ? refused(wire, opening.status, opening.retryAfterS) : wire.admit(request, url);
      if (refusal !== undefined) refuse(socket, refusal);
      else upgrades.handleUpgrade(request, socket, head, (peer) => new FakeConnection(panel, wire, peer, socket, url, request));
    }
  });
  await new Promise<void>((resolve, reject) => {
    http.once("error", reject);
    http.listen(port, "127.0.0.1", resolve);
  });
  return {
    // Listening on TCP gives an address of this kind.
    port: (http.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => http.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

const refused = (wire: FakeWire, status: number, retryAfterS: number | undefined): Refusal => ({
  status,
  body: wire.refusalBody(status),
  headers: retryAfterS === undefined ? {} : { "retry-after": String(retryAfterS) },
});

function refuse(socket: Socket, { status, body, headers = {} }: Refusal): void {
  const all = { "content-type": "application/json", "content-length": String(Buffer.byteLength(body)), connection: "close", ...headers };
  const head = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n${head.join("")}\r\n${body}`);
}

/** A connection that is taken and never answered. */
function hold(panel: Panel, socket: Socket, request: IncomingMessage): void {
  const nothing = (): void => {};
  const held: PanelConnection = {
    record: panel.newRecord(request),
    drop: () => socket.resetAndDestroy(),
    expire: nothing,
    exhaust: nothing,
    announceEnd: nothing,
    setDeaf: nothing,
    release: nothing,
    garble: async () => ({ sent: 0, unreadable: 0 }),
  };
  panel.enter(held);
  socket.resume();
  socket.on("end", () => socket.destroy());
  socket.on("close", () => panel.leave(held));
}

class FakeConnection implements PanelConnection, FakePeer {
  readonly record: ConnectionRecord;
  readonly #panel: Panel;
  readonly #peer: WebSocket;
  readonly #socket: Socket;
  readonly #session: FakeSession;
  readonly #timers = new Set<NodeJS.Timeout>();
  /** Close codes count as the client's only when the fake did not close first. */
  #closing = false;

  constructor(panel: Panel, wire: FakeWire, peer: WebSocket, socket: Socket, url: URL, request: IncomingMessage) {
    this.record = panel.newRecord(request);
    [this.#panel, this.#peer, this.#socket] = [panel, peer, socket];
    panel.enter(this);
    peer.on("error", () => peer.terminate());
    this.#session = wire.accept(this, url, request);
    peer.on("message", (data: Buffer, isBinary: boolean) => {
      if (!this.#closing) this.#session.receive(data, isBinary);
    });
    peer.on("close", (code: number) => {
      this.record.closeCode = code;
      if (!this.#closing && code !== 1006 && !wire.politeCloseCodes.includes(code)) panel.violation(`closed with ${code}`);
      this.#closing = true;
      for (const timer of this.#timers) clearTimeout(timer);
      this.#session.ended();
      panel.leave(this);
    });
    if (panel.opening.type === "closed") {
      const { code, afterMs } = panel.opening;
      if (afterMs === 0) this.#close(code, "");
      else this.#later(() => this.#close(code, ""), afterMs);
    }
    if (panel.strikes("upgraded", this)) return;
  }

  get gone(): boolean {
    return this.#closing || this.#peer.readyState !== WebSocket.OPEN;
  }

  send(message: string | Uint8Array): void {
    if (this.gone || this.#panel.silent) return;
    if (this.#panel.slowMs > 0) this.#later(() => this.#write(message), this.#panel.slowMs);
    else this.#write(message);
  }

  close(code: number, reason: string): void {
    if (this.#panel.slowMs > 0) this.#later(() => this.#close(code, reason), this.#panel.slowMs);
    else this.#close(code, reason);
  }

  #close(code: number, reason: string): void {
    this.#closing = true;
    if (code === 1005) return this.#peer.close();
    // A close frame holds at most 123 bytes of reason.
    this.#peer.close(code, Buffer.from(reason).subarray(0, 123).toString());
  }

  strikes(at: FaultPoint): boolean {
    return this.#panel.strikes(at, this);
  }

  drop(how: DropHow): void {
    if (how !== "rst") return this.#close(how, "");
    this.#closing = true;
    this.#socket.resetAndDestroy();
  }

  setDeaf(deaf: boolean): void {
    if (deaf) this.#peer.pause();
    else this.#peer.resume();
  }

  expire(): void {
    this.#session.expire();
  }

  exhaust(): void {
    this.#session.exhaust();
  }

  announceEnd(inMs: number): void {
    this.#session.announceEnd(inMs);
  }

  release(): void {
    this.#session.release();
  }

  garble(count: number, seed: number): Promise<GarbleCount> {
    return this.#session.garble(count, seed);
  }

  #later(run: () => void, delayMs: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      run();
    }, delayMs);
    this.#timers.add(timer);
  }

  #write(message: string | Uint8Array): void {
    if (this.#peer.readyState !== WebSocket.OPEN) return;
    const binary = typeof message !== "string";
    if (!this.#panel.splitFrames) return this.#peer.send(message, { binary });
    const bytes = Buffer.from(message);
    const partBytes = Math.max(1, Math.ceil(bytes.length / 3));
    for (let at = 0; at < bytes.length; at += partBytes) {
      this.#peer.send(bytes.subarray(at, at + partBytes), { binary, fin: at + partBytes >= bytes.length });
    }
  }
}
