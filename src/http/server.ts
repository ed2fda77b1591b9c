import { createServer as createHttpServer, STATUS_CODES, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Carrier } from "../caller/carrier.ts";
import type { Dialect } from "../caller/dialect.ts";
import type { Door } from "../caller/door.ts";
import type { LegParts } from "../caller/websocket-leg.ts";
import { Fault, toFault } from "../kernel/fault.ts";
import type { Access } from "./access.ts";
import { answerProblem, Problem, type Route } from "./answer.ts";
import { hasBody, readBody } from "./body.ts";
import { methods, Router } from "./router.ts";
import { statuses } from "./statuses.ts";
import { Upgrades, type Sort } from "./upgrades.ts";

export interface ServerParts {
  readonly routes: readonly Route[];
  readonly dialects: readonly Dialect[];
  /** Who answers for the callers of a dialect, where somebody does. */
  readonly carriers: readonly Carrier[];
  readonly access: Access;
  readonly door: Door;
  /** What the legs need, the reception above all. */
  readonly leg: LegParts;
  /** Told of each caller whom we do not let in for who they are; `carrier`: in whose name they came, undefined: in their own. */
  readonly refused: (carrier: string | undefined, address: string) => void;
  /** Finds out whether a caller is served here. */
  readonly sort: Sort;
  /** Told of each answer: its route as registered, "none" for no such address, and how long it took until its end. */
  readonly answered: (route: string, status: number, durationMs: number) => void;
}

export interface Server {
  /**
   * Port 0: any free one.
   * @throws {Fault} setting-invalid when it cannot listen there.
   */
  listen(host: string, port: number): Promise<AddressInfo>;
  /** The same on a socket of this machine, by its path. */
  listenAt(path: string): Promise<void>;
  /** Serves a connection that somebody else has accepted. */
  take(socket: Socket): void;
  /** Takes no new connection and cuts off what is still open; end the calls first. */
  close(): Promise<void>;
}

const headersLimitMs = 5_000;
const requestLimitMs = 10_000;
const headerBytesLimit = 8 * 1024;
/** Keeps the pages of the server to themselves: own scripts, own sounds, own sockets. */
const pageHeaders = {
  "content-security-policy":
    "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; media-src 'self' blob:; worker-src 'self' blob:; " +
    "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
} as const;

export function createServer({ routes, dialects, carriers, access, door, leg, refused, sort, answered }: ServerParts): Server {
  const upgrades = new Upgrades(dialects, carriers, access, door, leg, refused, sort);
  const router = new Router(routes);
  const server = createHttpServer(
    {
      headersTimeout: headersLimitMs,
      requestTimeout: requestLimitMs,
      connectionsCheckingInterval: 1_000,
      maxHeaderSize: headerBytesLimit,
      keepAliveTimeout: 5_000,
      noDelay: true,
    },
    (request, response) => void answer(request, response),
  );
  server.on("upgrade", (request, socket, head) => upgrades.take(request, socket, head, pathOf(request)));
  server.on("clientError", answerClientError);

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(pageHeaders)) response.setHeader(name, value);
    const path = pathOf(request);
    const sinceMs = leg.clock.now();
    let label = "none";
    response.once("close", () => answered(label, response.statusCode, leg.clock.now() - sinceMs));
    try {
      if (upgrades.has(path)) return needsUpgrade(response, path);
      const found = router.find(path);
      const here = found?.routes ?? [];
      const method = methods.find((each) => each === (request.method === "HEAD" ? "GET" : request.method));
      const route = here.find(({ answers }) => method !== undefined && answers[method] !== undefined) ?? here[0];
      if (found === undefined || route === undefined)
        return answerProblem(response, 404, "not-found", `there is nothing at ${path.slice(0, 200)}`);
      label = route.path;
      const peer = access.peer(request);
      if (route.for === "served") access.mustBeServed(peer);
      if (route.for === "known") access.mustBeKnown(peer);
      const reads = request.method === "GET" || request.method === "HEAD";
      // A page of another site can send a request without being able to read the answer.
      if (!reads) access.mustBeOurPage(request);
      const handler = method && route.answers[method];
      if (handler === undefined) throw methodRefused(response, here, request.method ?? "");
      const body = await readBody(request, reads ? 0 : route.bodyLimitBytes);
      await handler({ request, rest: found.rest, ids: found.ids, query: queryOf(request), body, peer }, response);
    } catch (error) {
      fail(request, response, error, path);
    }
  }

  function fail(request: IncomingMessage, response: ServerResponse, error: unknown, path: string): void {
    // Half an answer cannot be taken back, only cut; a reader who left in the middle is no failure of ours.
    if (response.headersSent || request.socket.destroyed) return void response.destroy();
    // What is left of a body is not worth reading.
    if (hasBody(request) && !request.complete) response.setHeader("connection", "close");
    if (error instanceof Problem && error.status === 401) response.setHeader("www-authenticate", "Bearer");
    if (error instanceof Problem) return answerProblem(response, error.status, error.code, error.message);
    const fault = toFault(error, "internal", `answering ${path.slice(0, 200)}`);
    const status = statuses[fault.code];
    if (status === 503) response.setHeader("retry-after", Math.max(1, Math.ceil((fault.retryAfterMs ?? 0) / 1000)));
    if (status !== 500) return answerProblem(response, status, fault.code, fault.message);
    leg.log.error("request_failed", { message: fault.message, err: fault.cause });
    answerProblem(response, 500, "internal", "something went wrong on our side");
  }

  return {
    listen: (host, port) =>
      new Promise((resolve, reject) => {
        const refused = (error: NodeJS.ErrnoException): void => reject(cannotListen(error, host, port));
        server.once("error", refused);
        server.listen(port, host, () => {
          server.off("error", refused);
          resolve(server.address() as AddressInfo); // A string only for a server on a pipe.
        });
      }),
    listenAt: (path) =>
      new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen(path, () => {
          server.off("error", reject);
          resolve();
        });
      }),
    take(socket) {
      server.emit("connection", socket);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        upgrades.terminate();
        server.closeAllConnections();
      }),
  };
}

const pathOf = (request: IncomingMessage): string => (request.url ?? "/").split(/[?#]/, 1)[0] ?? "/";

const queryOf = ({ url = "" }: IncomingMessage): URLSearchParams =>
  new URLSearchParams(url.includes("?") ? url.slice(url.indexOf("?")).split("#", 1)[0] : "");

function methodRefused(response: ServerResponse, here: readonly Route[], method: string): Problem {
  const allowed = methods
    .filter((each) => here.some(({ answers }) => answers[each] !== undefined))
    .flatMap((each) => (each === "GET" ? ["GET", "HEAD"] : [each]));
  response.setHeader("allow", allowed.join(", "));
  return new Problem(405, "method-not-allowed", `${method} is not served here; use ${allowed.join(" or ")}`);
}

function needsUpgrade(response: ServerResponse, path: string): void {
  response.setHeader("upgrade", "websocket");
  answerProblem(response, 426, "upgrade-required", `${path} is a WebSocket; connect to it with ws:// or wss://`);
}

/** What could not even be read as a request, in words. */
function answerClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === "ECONNRESET" || !socket.writable) return void socket.destroy();
  const [status, code, message] =
    error.code === "HPE_HEADER_OVERFLOW"
      ? [431, "headers-too-large", `the request's headers are longer than ${headerBytesLimit} bytes`]
      : error.code === "ERR_HTTP_REQUEST_TIMEOUT"
        ? [408, "too-slow", `the request was not complete within ${requestLimitMs / 1000} s`]
        : [400, "malformed", "this is no HTTP request"];
  const body = `${JSON.stringify({ error: { code, message } })}\n`;
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\ncontent-type: application/json; charset=utf-8\r\n`;
  socket.end(`${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`, () => socket.destroy());
}

/** Why it could not listen there, in words for the operator. */
export function cannotListen(error: unknown, host: string, port: number): Fault {
  const { code = "", message } = error as NodeJS.ErrnoException; // What a server emits.
  const words: Readonly<Record<string, string>> = {
    EADDRINUSE: `port ${port} is taken on ${host}; set PORT to another`,
    EACCES: `port ${port} may not be opened by this user; set PORT to one above 1023`,
    EADDRNOTAVAIL: `${host} is no address of this machine; set HOST to one, or to 0.0.0.0 for all`,
    ENOTFOUND: `${host} is no known host; set HOST to an address of this machine`,
  };
  const said = words[code] ?? `listening on ${host}:${port}: ${message}`;
  return new Fault("setting-invalid", said, { cause: error });
}
