// What dialling a provider over TLS costs, with the session of the dial before and without: `node scripts/bench/set-up.ts [dials]`.
// A WebSocket server with a certificate of its own kind (RSA 2048, as most have) in another thread; loopback, so what is told is work.
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { WebSocket, WebSocketServer } from "ws";
import { resumingOptions } from "../../src/provider/tls-sessions.ts";

if (isMainThread) await dialAll(Number(process.argv[2] ?? 300));
else serve();

function serve(): void {
  const folder = mkdtempSync(join(tmpdir(), "set-up-"));
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout", key, "-out", cert];
  execFileSync("openssl", words, { stdio: "ignore" });
  const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) });
  rmSync(folder, { recursive: true });
  new WebSocketServer({ server }).on("connection", (socket) => socket.send("ready"));
  server.listen(0, "127.0.0.1", () => parentPort?.postMessage((server.address() as AddressInfo).port)); // A TCP server has a port.
}

async function dialAll(dials: number): Promise<void> {
  const worker = new Worker(new URL(import.meta.url));
  const [port] = (await once(worker, "message")) as [number]; // As `serve` posts it.
  const url = `wss://localhost:${port}/`;
  for (const [name, options] of [
    ["each dial for itself", {}],
    ["with the last session", resumingOptions(url)],
  ] as const) {
    const times: number[] = [];
    // The first has no session to take up.
    await dial(url, options);
    const before = process.threadCpuUsage();
    for (let at = 0; at < dials; at += 1) times.push(await dial(url, options));
    const { user, system } = process.threadCpuUsage(before);
    times.sort((one, other) => one - other);
    const shown = (share: number): string => (times[Math.floor(share * (dials - 1))] ?? Number.NaN).toFixed(2);
    console.log(
      `${name.padEnd(22)} until ready p50 ${shown(0.5)} ms, p95 ${shown(0.95)} ms; our processor ${((user + system) / 1_000 / dials).toFixed(2)} ms a dial`,
    );
  }
  await worker.terminate();
}

async function dial(url: string, options: ReturnType<typeof resumingOptions>): Promise<number> {
  const sinceMs = performance.now();
  const socket = new WebSocket(url, { rejectUnauthorized: false, perMessageDeflate: false, ...options });
  await once(socket, "message");
  const tookMs = performance.now() - sinceMs;
  socket.terminate();
  return tookMs;
}
