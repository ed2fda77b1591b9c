import { createServer as createHttpServer, STATUS_CODES, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { Dialect } from "../caller/dialect.ts";
import type { Door } from "../caller/door.ts";
import type { LegParts } from "../caller/websocket-leg.ts";
import { Fault, toFault } from "../kernel/fault.ts";
import type { Access } from "./access.ts";
import { answerProblem, type Route } from "./answer.ts";
import { Upgrades } from "./upgrades.ts";

export interface ServerParts {
  readonly routes: readonly Route[];
  readonly dialects: readonly Dialect[];
  readonly access: Access;
  readonly door: Door;
  /** What the legs need, the reception above all. */
  readonly leg: LegParts;
}

export interface Server {
  /**
   * Port 0: any free one.
   * @throws {Fault} setting-invalid when it cannot listen there.
   */
  listen(host: string, port: number): Promise<AddressInfo>;
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

export function createServer({ routes, dialects, access, door, leg }: ServerParts): Server {
  const upgrades = new Upgrades(dialects, access, door, leg);
  // The longest path first, so that "/" is asked last.
  const ordered = routes.toSorted((a, b) => b.path.length - a.path.length);
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
    try {
      const route = ordered.find((each) => (each.path.endsWith("/") ? path.startsWith(each.path) : path === each.path));
      if (upgrades.has(path)) return needsUpgrade(response, path);
      if (route === undefined) return answerProblem(response, 404, "not-found", `there is nothing at ${path.slice(0, 200)}`);
      if (route.for !== "everybody") access[route.for === "known" ? "mustBeKnown" : "mustBeServed"](access.peer(request));
      if (hasBody(request)) return refuseBody(response);
      if (request.method !== "GET" && request.method !== "HEAD") return refuseMethod(response, request.method ?? "");
      await route.answer(request, response, path.slice(route.path.length));
    } catch (error) {
      fail(response, toFault(error, "internal", `answering ${path.slice(0, 200)}`));
    }
  }

  function fail(response: ServerResponse, fault: Fault): void {
    if (fault.code === "caller-refused") return answerProblem(response, 403, fault.code, fault.message);
    // Half an answer cannot be taken back, only cut; a reader who left in the middle is no failure of ours.
    if (response.headersSent) return void response.destroy();
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
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        upgrades.terminate();
        server.closeAllConnections();
      }),
  };
}

const pathOf = (request: IncomingMessage): string => (request.url ?? "/").split(/[?#]/, 1)[0] ?? "/";

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;

function refuseBody(response: ServerResponse): void {
  response.setHeader("connection", "close");
  answerProblem(response, 413, "too-large", "nothing here takes a request body");
}

function refuseMethod(response: ServerResponse, method: string): void {
  response.setHeader("allow", "GET, HEAD");
  answerProblem(response, 405, "method-not-allowed", `${method} is not served here; use GET`);
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

function cannotListen(error: NodeJS.ErrnoException, host: string, port: number): Fault {
  const words: Readonly<Record<string, string>> = {
    EADDRINUSE: `port ${port} is taken on ${host}; set PORT to another`,
    EACCES: `port ${port} may not be opened by this user; set PORT to one above 1023`,
    EADDRNOTAVAIL: `${host} is no address of this machine; set HOST to one, or to 0.0.0.0 for all`,
    ENOTFOUND: `${host} is no known host; set HOST to an address of this machine`,
  };
  const said = words[error.code ?? ""] ?? `listening on ${host}:${port}: ${error.message}`;
  return new Fault("setting-invalid", said, { cause: error });
}
