import { connect, type Socket } from "node:net";
import { WebSocket, type ClientOptions } from "ws";
import { Ticker } from "../../src/audio/ticker.ts";
import type { Carrier } from "../../src/caller/carrier.ts";
import type { Dialect } from "../../src/caller/dialect.ts";
import { browser } from "../../src/caller/dialects/browser.ts";
import { Door, doorLimits, type DoorLimits } from "../../src/caller/door.ts";
import { newLegCounts, type LegCounts } from "../../src/caller/leg-counts.ts";
import { everybodyHere } from "../../src/http/upgrades.ts";
import { addressOfSocket, Access, type AccessOptions } from "../../src/http/access.ts";
import type { Route } from "../../src/http/answer.ts";
import { createServer, type ServerParts } from "../../src/http/server.ts";
import { CallerTokens } from "../../src/http/tokens.ts";
import { silentLog, type Log } from "../../src/kernel/log.ts";
import { SimulatedClock } from "../simulated-clock.ts";
import { BookedReception } from "./reception.ts";

export interface House extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly reception: BookedReception;
  readonly clock: SimulatedClock;
  readonly counts: LegCounts;
  /** A socket that has said nothing yet. */
  knocks(path?: string, options?: ClientOptions, subprotocols?: readonly string[]): Promise<Visitor>;
  /** A caller whose call is on. */
  calls(): Promise<Visitor>;
  /** Bytes on a bare TCP connection. */
  raw(text: string): Socket;
}

/** A server on a free port, with a reception that writes down who came and a clock that moves when told. */
export async function openHouse(
  parts: {
    dialects?: readonly Dialect[];
    carriers?: readonly Carrier[];
    routes?: readonly Route[];
    limits?: Partial<DoorLimits>;
    access?: Partial<AccessOptions>;
    log?: Log;
    answered?: ServerParts["answered"];
    port?: number;
  } = {},
): Promise<House> {
  const clock = new SimulatedClock();
  const reception = new BookedReception();
  const counts = newLegCounts();
  const server = createServer({
    sort: everybodyHere,
    routes: parts.routes ?? [],
    dialects: parts.dialects ?? [browser],
    carriers: parts.carriers ?? [],
    access: new Access({
      keys: () => [],
      origins: [],
      trustedProxies: [],
      tokens: new CallerTokens(() => [], clock),
      tokenStayMs: 3_600_000,
      addressOf: addressOfSocket,
      awaits: () => false,
      refused: () => {},
      ...parts.access,
    }),
    door: new Door({ ...doorLimits, ...parts.limits }, clock),
    leg: { reception, clock, beat: new Ticker(clock, 250), log: parts.log ?? silentLog, counts },
    refused: () => {},
    answered: parts.answered ?? (() => {}),
  });
  const { port } = await server.listen("127.0.0.1", parts.port ?? 0);
  const open: { terminate(): void }[] = [];
  const knocks = async (path = "/browser", options: ClientOptions = {}, subprotocols: readonly string[] = []): Promise<Visitor> => {
    const visitor = await Visitor.knock(`ws://127.0.0.1:${port}${path}`, options, subprotocols);
    open.push(visitor.socket);
    return visitor;
  };
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    reception,
    clock,
    counts,
    knocks,
    calls: async () => {
      const visitor = await knocks();
      visitor.says(startMessage);
      await visitor.hears("started");
      return visitor;
    },
    raw: (text) => {
      const socket = connect(port, "127.0.0.1").on("error", () => {});
      open.push({ terminate: () => socket.destroy() });
      socket.write(text);
      return socket;
    },
    [Symbol.asyncDispose]: async () => {
      for (const each of open) each.terminate();
      await server.close();
    },
  };
}

export const startMessage = { type: "start", version: 1, audio: { up: "pcm16@16000", down: "pcm16@24000" } };

/** The far end of one socket. */
class Visitor {
  readonly socket: WebSocket;
  readonly messages: Record<string, unknown>[] = [];
  readonly audio: Buffer[] = [];
  /** How the socket ended. */
  readonly closed: Promise<{ code: number; reason: string }>;
  #wake: () => void = () => {};

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("error", () => {});
    this.closed = new Promise((resolve) => socket.once("close", (code, reason) => resolve({ code, reason: reason.toString() })));
    socket.on("message", (data, isBinary) => {
      const bytes = data as Buffer; // binaryType is left as it is.
      if (isBinary) this.audio.push(bytes);
      else this.messages.push(JSON.parse(bytes.toString()) as Record<string, unknown>); // The wire promises objects.
      this.#wake();
    });
  }

  /** Rejects with the status when the server refuses. */
  static knock(url: string, options: ClientOptions, subprotocols: readonly string[]): Promise<Visitor> {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(url, [...subprotocols], { perMessageDeflate: false, ...options });
      const visitor = new Visitor(socket);
      socket.once("open", () => resolve(visitor));
      socket.once("unexpected-response", (_request, response) => {
        reject(Object.assign(new Error(`refused with ${response.statusCode}`), { status: response.statusCode, headers: response.headers }));
        socket.terminate();
      });
    });
  }

  says(message: object | string | Uint8Array): void {
    this.socket.send(message instanceof Uint8Array || typeof message === "string" ? message : JSON.stringify(message));
  }

  /** The first message of that type, come or to come. */
  async hears(type: string): Promise<Record<string, unknown>> {
    for (;;) {
      const found = this.messages.find((message) => message["type"] === type);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
