// What reaching a provider costs, and what saves it: `node scripts/bench/set-up.ts [rounds]`.
//   WebSockets over TLS, with the session of the dial before and without; HTTPS requests, on a connection that was kept and on new ones:
//   a server with a certificate of its own kind (RSA 2048, as most have) in another thread.
//   A telephone call's first sound at its provider, from the message with which its stream starts, less the known time that the
//   provider takes to accept: what was said meanwhile is kept and follows.
// Loopback, so what is told is work; on a real line each round trip comes on top. A standby's figure: `fail-over.ts --only standby`.
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { TLSSocket } from "node:tls";
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { WebSocket, WebSocketServer } from "ws";
import { lastingFetch } from "../../src/provider/deepgram/llm/lasting-fetch.ts";
import { resumingOptions } from "../../src/provider/tls-sessions.ts";
import { Books, quantile } from "./calls/books.ts";
import { Phone } from "./calls/phone.ts";
import { Pulse } from "./calls/pulse.ts";
import { acceptAfterMs, openaiService } from "./calls/service.ts";
import { subjects } from "./calls/subjects.ts";

const rounds = Number(process.argv[2] ?? 300);
if (isMainThread) {
  await overTls();
  await firstSounds();
  process.exit();
}
serve();

function serve(): void {
  const folder = mkdtempSync(join(tmpdir(), "set-up-"));
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout", key, "-out", cert];
  execFileSync("openssl", words, { stdio: "ignore" });
  const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (_request, response) => response.end("ready"));
  rmSync(folder, { recursive: true });
  new WebSocketServer({ server }).on("connection", (socket) => socket.send("ready"));
  server.listen(0, "127.0.0.1", () => parentPort?.postMessage((server.address() as AddressInfo).port)); // A TCP server has a port.
}

async function overTls(): Promise<void> {
  process.removeAllListeners("warning").on("warning", () => {});
  // Of the certificate that was made just now, on this machine.
  process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
  const worker = new Worker(new URL(import.meta.url));
  const [port] = (await once(worker, "message")) as [number]; // As `serve` posts it.
  const [socketUrl, url] = [`wss://localhost:${port}/`, `https://localhost:${port}/`];
  await repeat("WebSocket, each dial for itself", () => dial(socketUrl, {}));
  await repeat("WebSocket, with the last session", () => dial(socketUrl, resumingOptions(socketUrl)));
  await repeat("request, each on its own connection", () => ask(() => fetch(url, { headers: { connection: "close" } })));
  await repeat("request, on the connection that was kept", () => ask(() => lastingFetch(url)));
  await worker.terminate();
}

interface Reached {
  readonly tookMs: number;
  /** It took up what was there before: a session. */
  readonly resumed: boolean;
}

async function repeat(name: string, reach: () => Promise<Reached>): Promise<void> {
  const reached: Reached[] = [];
  // The first has nothing to take up.
  await reach();
  const before = process.threadCpuUsage();
  for (let at = 0; at < rounds; at += 1) reached.push(await reach());
  const { user, system } = process.threadCpuUsage(before);
  const resumed = reached.filter((each) => each.resumed).length;
  tell(
    name,
    reached.map(({ tookMs }) => tookMs),
    `; our processor ${((user + system) / 1_000 / rounds).toFixed(2)} ms each${resumed > 0 ? `; ${resumed} of ${rounds} took up a session` : ""}`,
  );
}

async function dial(url: string, options: ReturnType<typeof resumingOptions>): Promise<Reached> {
  const sinceMs = performance.now();
  const socket = new WebSocket(url, { perMessageDeflate: false, ...options });
  let resumed = false;
  socket.once("upgrade", (answer: IncomingMessage) => {
    resumed = (answer.socket as TLSSocket).isSessionReused(); // The address is one of TLS.
  });
  await once(socket, "message");
  const tookMs = performance.now() - sinceMs;
  socket.terminate();
  return { tookMs, resumed };
}

async function ask(request: () => Promise<Response>): Promise<Reached> {
  const sinceMs = performance.now();
  await (await request()).text();
  return { tookMs: performance.now() - sinceMs, resumed: false };
}

/** Each call alone, on the whole server. */
async function firstSounds(): Promise<void> {
  using pulse = new Pulse();
  const books = new Books();
  using service = await openaiService(books, pulse, { bargesIn: false });
  const row = subjects.find(({ name }) => name === "linekeeper");
  await using server = await row?.start(`http://127.0.0.1:${service.port}`, "0", []);
  if (server === undefined) throw new Error("there is no such subject");
  const times: number[] = [];
  for (let at = 0; at < Math.min(rounds, 100); at += 1) {
    const book = books.add();
    const phone = await Phone.call(server, book, books, pulse);
    const startedMs = performance.now();
    while (book.up.firstAtMs === undefined) await wait(5);
    times.push(book.up.firstAtMs - startedMs - acceptAfterMs);
    phone.hangUp();
  }
  // Until then the code is not compiled.
  const first = times.shift() ?? Number.NaN;
  tell(`first sound of a call, less ${acceptAfterMs} ms`, times, `; the first call of a server ${first.toFixed(1)} ms`);
}

function tell(name: string, times: readonly number[], more: string): void {
  const sorted = times.toSorted((one, other) => one - other);
  console.log(`${name.padEnd(42)} p50 ${quantile(sorted, 0.5).toFixed(2)} ms, p95 ${quantile(sorted, 0.95).toFixed(2)} ms${more}`);
}
