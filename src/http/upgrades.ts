import { STATUS_CODES, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { plainLine, type Admitted, type Carrier } from "../caller/carrier.ts";
import type { Dialect, Knock } from "../caller/dialect.ts";
import type { Door } from "../caller/door.ts";
import type { CallStart } from "../caller/leg.ts";
import { serveSocket, type LegParts } from "../caller/websocket-leg.ts";
import { systemClock } from "../kernel/clock.ts";
import { Fault, toFault } from "../kernel/fault.ts";
import { answerUpgrade } from "../wire/handshake.ts";
import { WireSocket, type SocketOptions } from "../wire/websocket.ts";
import type { Access } from "./access.ts";
import type { Peer } from "./peer.ts";
import { endWhenDue, type Guest } from "./stay.ts";

const closeLimitMs = 2_000;
const fragmentsLimit = 64;

interface Entrance {
  readonly dialect: Dialect;
  readonly options: SocketOptions;
  /** Who answers for those who come in here; undefined: they need the server's own key. */
  readonly carrier: Carrier | undefined;
}

/** Who is at a connection that was upgraded, before its first frame. */
export interface Visitor {
  readonly dialect: Dialect;
  readonly knock: Knock;
  readonly address: string;
  readonly stream: Duplex;
  /** Ends the WebSocket in order. */
  close(code: number, reason: string): void;
}

/** Calls `serve` when the caller is to be served here; what it has read of the stream by then it has put back. */
export type Sort = (visitor: Visitor, serve: () => void) => void;

/** Where there is only one process, everybody is served here. */
export const everybodyHere: Sort = (_visitor, serve) => serve();

/** Lets callers in: one path a dialect, checked before the upgrade, then handed to the shell. */
export class Upgrades {
  readonly #access: Access;
  readonly #door: Door;
  readonly #parts: LegParts;
  readonly #refused: (carrier: string | undefined, address: string) => void;
  readonly #sort: Sort;
  readonly #entrances: ReadonlyMap<string, Entrance>;
  readonly #open = new Set<WireSocket>();

  constructor(
    dialects: readonly Dialect[],
    carriers: readonly Carrier[],
    access: Access,
    door: Door,
    parts: LegParts,
    refused: (carrier: string | undefined, address: string) => void,
    sort: Sort,
  ) {
    this.#access = access;
    this.#door = door;
    this.#parts = parts;
    this.#refused = refused;
    this.#sort = sort;
    const entrance = (dialect: Dialect): Entrance => ({
      dialect,
      options: {
        messageBytes: Math.max(dialect.limits.textBytes, dialect.limits.binaryBytes),
        fragments: fragmentsLimit,
        // The connection outlives its call by this; that is the network's time, not the call's.
        clock: systemClock,
        closeLimitMs,
      },
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
      const { address } = peer;
      this.#judge(undefined, address, () => this.#access.mustBeOurPage(request));
      place = this.#judge(entrance.carrier, address, () => this.#letIn(entrance, knock, peer));
    } catch (error) {
      return this.#turnAway(socket, toFault(error, "internal", "letting a caller in"));
    }
    socket.once("close", () => place[Symbol.dispose]());
    // Who has hung up in the meantime hears no answer.
    if (!socket.readable || !socket.writable) return void socket.destroy();
    const answer = answerUpgrade(request, entrance.dialect.subprotocols);
    if ("status" in answer) return refuse(socket, answer.status, { code: "malformed", ...answer });
    socket.write(answer.head, "latin1");
    // What came in the same breath is read with the rest.
    if (head.length > 0) socket.unshift(head);
    const webSocket = new WireSocket(socket, entrance.options);
    this.#open.add(webSocket);
    socket.once("close", () => this.#open.delete(webSocket));
    const guest: Guest = {
      close: (code, reason) => webSocket.close(code, reason),
      once: (event, told) => socket.once(event, told),
    };
    const admit = (start: CallStart): Admitted =>
      this.#judge(
        entrance.carrier,
        peer.address,
        () => entrance.carrier?.admit(start, knock) ?? { start: this.#admit(guest, peer, start), line: plainLine },
      );
    const { dialect } = entrance;
    const serve = (): void => serveSocket(webSocket, dialect, this.#parts, { knock, admit });
    this.#sort({ dialect, knock, address: peer.address, stream: socket, close: guest.close }, serve);
  }

  /** Whoever is refused for who they are is told of. */
  #judge<Verdict>(carrier: Carrier | undefined, address: string, judge: () => Verdict): Verdict {
    try {
      return judge();
    } catch (error) {
      if (error instanceof Fault && error.code === "caller-refused") this.#refused(carrier?.dialect, address);
      throw error;
    }
  }

  #admit(guest: Guest, peer: Peer, asked: CallStart): CallStart {
    const { start, stay } = this.#access.admit(peer, asked);
    if (stay !== undefined) endWhenDue(guest, stay, this.#parts.clock, this.#parts.log);
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

interface Why {
  readonly code: string;
  readonly message: string;
  readonly retryAfterMs?: number | undefined;
  /** More lines of the answer. */
  readonly headers?: readonly string[];
}

const statusOf = ({ code }: Fault): number => (code === "busy" || code === "overload" ? 503 : code === "caller-refused" ? 403 : 500);

function refuse(socket: Duplex, status: number, why: Why): void {
  const body = `${JSON.stringify({ error: { code: why.code, message: why.message } })}\n`;
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    "connection: close",
    "content-type: application/json; charset=utf-8",
    `content-length: ${Buffer.byteLength(body)}`,
    ...(why.headers ?? []),
  ];
  if (status === 503) lines.push(`retry-after: ${Math.max(1, Math.ceil((why.retryAfterMs ?? 0) / 1000))}`);
  socket.end(`${lines.join("\r\n")}\r\n\r\n${body}`, () => socket.destroy());
}
