import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer, type ServerOptions, type WebSocket } from "ws";
import { plainLine, type Admitted, type Carrier } from "../caller/carrier.ts";
import type { Dialect, Knock } from "../caller/dialect.ts";
import type { Door } from "../caller/door.ts";
import type { CallStart } from "../caller/leg.ts";
import { serveSocket, type LegParts } from "../caller/websocket-leg.ts";
import { toFault, type Fault } from "../kernel/fault.ts";
import type { Access } from "./access.ts";
import type { Peer } from "./peer.ts";
import { endWhenDue } from "./stay.ts";

const closeLimitMs = 2_000;

interface Entrance {
  readonly dialect: Dialect;
  readonly server: WebSocketServer;
  /** Who answers for those who come in here; undefined: they need the server's own key. */
  readonly carrier: Carrier | undefined;
}

/** Lets callers in: one path a dialect, checked before the upgrade, then handed to the shell. */
export class Upgrades {
  readonly #access: Access;
  readonly #door: Door;
  readonly #parts: LegParts;
  readonly #entrances: ReadonlyMap<string, Entrance>;
  readonly #open = new Set<WebSocket>();

  constructor(dialects: readonly Dialect[], carriers: readonly Carrier[], access: Access, door: Door, parts: LegParts) {
    this.#access = access;
    this.#door = door;
    this.#parts = parts;
    const entrance = (dialect: Dialect): Entrance => ({
      dialect,
      server: serverFor(dialect),
      carrier: carriers.find((carrier) => carrier.dialect === dialect.name),
    });
    this.#entrances = new Map(dialects.map((dialect) => [dialect.path, entrance(dialect)]));
  }

  has(path: string): boolean {
    return this.#entrances.has(path);
  }

  take(request: IncomingMessage, socket: Duplex, head: Buffer, path: string): void {
    socket.on("error", () => socket.destroy());
    const entrance = this.#entrances.get(path);
    if (entrance === undefined) return refuse(socket, 404, { code: "not-found", message: `no caller is served at ${path.slice(0, 200)}` });
    const knock = knockOf(request);
    let place: Disposable;
    let peer: Peer;
    try {
      peer = this.#access.peer(request);
      this.#access.mustBeOurPage(request);
      place = this.#letIn(entrance, knock, peer);
    } catch (error) {
      return this.#turnAway(socket, toFault(error, "internal", "letting a caller in"));
    }
    socket.once("close", () => place[Symbol.dispose]());
    entrance.server.handleUpgrade(request, socket, head, (webSocket) => {
      this.#open.add(webSocket);
      webSocket.once("close", () => this.#open.delete(webSocket));
      const admit = (start: CallStart): Admitted =>
        entrance.carrier?.admit(start, knock) ?? { start: this.#admit(webSocket, peer, start), line: plainLine };
      serveSocket(webSocket, entrance.dialect, this.#parts, { knock, admit });
    });
  }

  #admit(webSocket: WebSocket, peer: Peer, asked: CallStart): CallStart {
    const { start, stay } = this.#access.admit(peer, asked);
    if (stay !== undefined) endWhenDue(webSocket, stay, this.#parts.clock, this.#parts.log);
    return start;
  }

  #letIn({ carrier }: Entrance, knock: Knock, peer: Peer): Disposable {
    if (carrier === undefined) {
      this.#access.mustBeServed(peer);
      return this.#door.enter(peer.address);
    }
    carrier.mayConnect(knock, peer.local);
    return this.#door.enterThrough(carrier.dialect);
  }

  /** Cuts off whoever is still there. */
  terminate(): void {
    for (const socket of this.#open) socket.terminate();
  }

  #turnAway(socket: Duplex, fault: Fault): void {
    this.#parts.log.info("leg_refused", { code: fault.code, message: fault.message });
    refuse(socket, statusOf(fault), fault);
  }
}

function knockOf(request: IncomingMessage): Knock {
  const target = request.url ?? "/";
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : value]),
  );
  return { target, query: new URLSearchParams(target.split("?")[1] ?? ""), headers };
}

function serverFor({ limits, subprotocols }: Dialect): WebSocketServer {
  // `closeTimeout` is younger than the types of ws.
  const options: ServerOptions & { closeTimeout: number } = {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: Math.max(limits.textBytes, limits.binaryBytes),
    maxFragments: 64,
    maxBufferedChunks: 1_024,
    closeTimeout: closeLimitMs,
    handleProtocols: (offered) => subprotocols.find((each) => offered.has(each)) ?? false,
  };
  return new WebSocketServer(options);
}

const reasons: Readonly<Record<number, string>> = {
  403: "Forbidden",
  404: "Not Found",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

const statusOf = ({ code }: Fault): number => (code === "busy" || code === "overload" ? 503 : code === "caller-refused" ? 403 : 500);

function refuse(socket: Duplex, status: number, why: { code: string; message: string; retryAfterMs?: number | undefined }): void {
  const body = `${JSON.stringify({ error: { code: why.code, message: why.message } })}\n`;
  const lines = [
    `HTTP/1.1 ${status} ${reasons[status] ?? "Refused"}`,
    "connection: close",
    "content-type: application/json; charset=utf-8",
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  if (status === 503) lines.push(`retry-after: ${Math.max(1, Math.ceil((why.retryAfterMs ?? 0) / 1000))}`);
  socket.end(`${lines.join("\r\n")}\r\n\r\n${body}`, () => socket.destroy());
}
