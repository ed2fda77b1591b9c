import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { dial } from "../../scripts/caller/caller.ts";
import { has } from "../caller/sip/sipp.ts";
import { startServer } from "./server.ts";

const patient = { timeout: 20_000 };

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as AddressInfo; // A string only for a server on a pipe.
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

interface Nginx extends AsyncDisposable {
  /** Our configuration, without its TLS. */
  readonly url: string;
  /** One that says neither for whom it asks nor what name was asked for, as nginx does when told nothing. */
  readonly careless: string;
}

async function openNginx(behind: string): Promise<Nginx> {
  const [port, carelessPort, folder] = [await freePort(), await freePort(), await mkdtemp(join(tmpdir(), "nginx-"))];
  const ours = (await readFile(new URL("../../deploy/proxy/nginx.conf", import.meta.url), "utf8"))
    .replace("listen 443 ssl;", `listen 127.0.0.1:${port};`)
    .replaceAll(/^ *ssl_.*$/gm, "")
    .replace("http://127.0.0.1:8080", behind);
  const careless = `server { listen 127.0.0.1:${carelessPort}; location / { proxy_pass ${behind}; } }`;
  const places = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${folder}/${name};`).join(" ");
  const config = `error_log stderr; pid ${folder}/pid; events {} http { access_log off; ${places}\n${ours}\n${careless} }`;
  await writeFile(join(folder, "nginx.conf"), config);
  const child = spawn("nginx", ["-p", folder, "-e", "stderr", "-c", join(folder, "nginx.conf"), "-g", "daemon off;"]);
  const words: string[] = [];
  child.stderr.on("data", (bytes: Buffer) => void words.push(bytes.toString()));
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const url = `http://127.0.0.1:${port}/`;
  await vi.waitFor(async () => expect((await fetch(`${url}healthz`)).status, words.join("")).toBe(200), patient);
  return {
    url,
    careless: `http://127.0.0.1:${carelessPort}/`,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await gone;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** What came of a knock at the browser's door from this address of this machine: 101, or the refusal. */
const knock = (url: string, localAddress: string, headers: Readonly<Record<string, string>> = {}): Promise<number> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(`${url.replace("http", "ws")}browser`, ["linekeeper.1"], { localAddress, headers });
    socket.once("open", () => resolve(101));
    socket.once("unexpected-response", (_request, response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    socket.once("error", reject);
  });

describe.skipIf(!has("nginx"))("behind nginx", () => {
  test("callers call through it, are told apart by their own addresses, and nobody passes for one on this machine", async () => {
    const key = "a-key-for-this-test";
    await using server = await startServer({
      LINEKEEPER_TIERS: "emergency",
      LINEKEEPER_API_KEY: key,
      LINEKEEPER_TRUSTED_PROXIES: "127.0.0.1",
    });
    await using nginx = await openNginx(server.url.replace(/\/$/, ""));
    await using caller = await dial(nginx.url, { key });
    await expect.poll(() => caller.phase, patient).toBe("speaking");
    for (const url of [nginx.url, nginx.careless, server.url]) {
      expect((await fetch(`${url}v1/calls`)).status, url).toBe(401);
      expect((await fetch(`${url}v1/calls`, { headers: { authorization: `Bearer ${key}` } })).status, url).toBe(200);
    }
    // More than one address may have, each from an address of its own.
    const guests = Array.from({ length: 25 }, (_, at) => knock(nginx.url, `127.0.1.${at + 1}`));
    expect(await Promise.all(guests)).toEqual(guests.map(() => 101));
    const crowd = Array.from({ length: 25 }, () => knock(nginx.url, "127.0.2.1", { "x-forwarded-for": "192.0.2.1" }));
    const answers = await Promise.all(crowd);
    expect(answers.filter((status) => status === 101)).toHaveLength(20);
    expect(answers.filter((status) => status === 503)).toHaveLength(5);
  });
});
