import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { fileURLToPath } from "node:url";
import { extname, join, normalize } from "node:path";
import { WebSocketServer, type RawData, type WebSocket } from "ws";
import { StandInCall, type Script } from "./stand-in-call.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".wav": "audio/wav",
};
/** Stricter than any page of ours needs: nothing inline, nothing foreign. */
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; media-src 'self'";

export interface StandIn {
  readonly url: string;
  /** Every call so far, in order. */
  readonly calls: readonly StandInCall[];
  close(): Promise<void>;
}

/** A small server that shows the page and answers its calls from a script, in the browser's wire and strictly. */
export async function startStandIn(script: Script = {}): Promise<StandIn> {
  const calls: StandInCall[] = [];
  const http = createServer((request, response) => void serve(request, response));
  const sockets = new WebSocketServer({ server: http, path: "/browser", maxPayload: 64 * 1024 });
  sockets.on("connection", (socket: WebSocket) => {
    const call = new StandInCall(socket, script);
    calls.push(call);
    socket.on("message", (data: RawData, binary: boolean) => call.take(Buffer.isBuffer(data) ? data : Buffer.alloc(0), binary));
    socket.on("close", () => call.end());
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  return { url: urlOf(http), calls, close: () => closeAll(http, sockets) };
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = normalize(new URL(request.url ?? "/", "http://stand-in").pathname);
  if (path === "/break-it") return void response.end('{"fakes":[],"mayShut":false}');
  const file = path.startsWith("/examples/")
    ? join(root, "fixtures/speech", path.slice(10))
    : join(root, "public", path === "/" ? "index.html" : path);
  try {
    const body = await readFile(file);
    response.writeHead(200, { "content-type": types[extname(file)] ?? "application/octet-stream", "content-security-policy": policy });
    response.end(body);
  } catch {
    response.writeHead(404).end();
  }
}

function urlOf(http: Server): string {
  const address = http.address();
  if (address === null || typeof address === "string") throw new Error("the stand-in has no port");
  return `http://127.0.0.1:${address.port}/`;
}

async function closeAll(http: Server, sockets: WebSocketServer): Promise<void> {
  for (const socket of sockets.clients) socket.terminate();
  sockets.close();
  http.closeAllConnections();
  http.close();
  await once(http, "close");
}
