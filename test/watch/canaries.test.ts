import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { CallRefused, dial } from "../../scripts/caller/caller.ts";
import { openCollector } from "./collector.ts";

const root = join(import.meta.dirname, "../..");
const limitMs = 20_000;

const canary = (number: number): string => `canary${number}Zx9-${number * 7_919}`;
/** Settings that hold a secret each. */
const settings = [
  "OPENAI_API_KEY",
  "AZURE_OPENAI_API_KEY",
  "GEMINI_API_KEY",
  "DEEPGRAM_API_KEY",
  "ANTHROPIC_API_KEY",
  "GROQ_API_KEY",
  "LINEKEEPER_API_KEY",
  "LINEKEEPER_TOKEN_SECRET",
  "LINEKEEPER_LOCAL_LLM_KEY",
  "SIP_PASSWORD",
  "TWILIO_AUTH_TOKEN",
  "TWILIO_AUTH_TOKEN_PREVIOUS",
  "LINEKEEPER_CARRIER_TOKEN",
  "LINEKEEPER_CARRIER_TOKEN_PREVIOUS",
  "VONAGE_SIGNATURE_SECRET",
  "PLIVO_AUTH_TOKEN",
  "SIGNALWIRE_SIGNING_KEY",
  "GENESYS_API_KEY",
  "GENESYS_CLIENT_SECRET",
];
/** What strangers bring: headers and parts of addresses. */
const brought = ["authorization", "cookie", "x-api-key", "basic", "query", "body"];
const secrets = [...settings, "OTEL_EXPORTER_OTLP_HEADERS", "the password in an address", ...brought].map((where, number) => ({
  where,
  value: canary(number),
}));
const secretOf = (where: string): string => secrets.find((secret) => secret.where === where)?.value ?? "";

/** A service that refuses everybody, and repeats in its answer whatever it was told. */
async function parrot(): Promise<{ readonly host: string; close(): void }> {
  const server = createServer((request, response) => {
    response.writeHead(401, { "content-type": "application/json" });
    response.end(JSON.stringify({ error: { message: `Incorrect API key provided: ${repeat(request)}` } }));
  });
  const repeat = ({ url, headers }: { url?: string | undefined; headers: unknown }): string => `${url ?? ""} ${JSON.stringify(headers)}`;
  server.on("upgrade", (request, socket) => {
    const body = JSON.stringify({ error: { message: `Incorrect API key provided: ${repeat(request)}` } });
    // The server goes down in the middle of it.
    socket.on("error", () => undefined);
    socket.end(`HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  // A server that listens on TCP has an address of this kind.
  const { port } = server.address() as AddressInfo;
  return {
    host: `127.0.0.1:${port}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

const crash = `process.on("SIGUSR2", () => {
  const { OPENAI_API_KEY, GEMINI_API_KEY, SIP_PASSWORD } = process.env;
  throw Object.assign(new Error("no answer for " + OPENAI_API_KEY, { cause: new Error(GEMINI_API_KEY) }), { request: { auth: SIP_PASSWORD } });
});`;

test(
  "none of 25 secrets that a server knows or is shown comes out of it: not by log, metrics, spans, answers, files, nor a crash",
  { timeout: 60_000 },
  async () => {
    await using collector = await openCollector();
    const service = await parrot();
    const data = mkdtempSync(join(tmpdir(), "canaries-"));
    const environment: Record<string, string> = {
      ...Object.fromEntries(settings.map((name) => [name, secretOf(name)])),
      PATH: process.env["PATH"] ?? "",
      PORT: "0",
      PUBLIC_URL: "https://calls.example.org",
      LOG_LEVEL: "debug",
      LOG_FORMAT: "json",
      LINEKEEPER_DATA: data,
      LINEKEEPER_TIERS: "openai,azure,gemini,deepgram,deepgram-agent",
      LINEKEEPER_PROBES: "off",
      OPENAI_BASE_URL: `http://${service.host}/v1`,
      AZURE_OPENAI_ENDPOINT: `http://${service.host}`,
      AZURE_OPENAI_DEPLOYMENT: "night-desk",
      GOOGLE_GEMINI_BASE_URL: `http://${service.host}`,
      DEEPGRAM_BASE_URL: `http://user:${secretOf("the password in an address")}@${service.host}`,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_HEADERS: `x-key=${secretOf("OTEL_EXPORTER_OTLP_HEADERS")}`,
    };
    const args = ["--import", `data:text/javascript,${encodeURIComponent(crash)}`, "src/main.ts"];
    const server = spawn(process.execPath, args, { cwd: root, env: environment, stdio: ["ignore", "pipe", "pipe"] });
    const exited = once(server, "exit");
    onTestFinished(() => {
      server.kill("SIGKILL");
      service.close();
      rmSync(data, { recursive: true, force: true });
    });
    let told = "";
    for (const stream of [server.stdout, server.stderr]) stream.setEncoding("utf8").on("data", (text: string) => (told += text));
    const found = await vi.waitFor(() => /"url":"(http:[^"]+)"/.exec(told) ?? expect.fail(`not up: ${told}`), limitMs);
    const url = found[1] ?? "";

    // A caller whom none of the services answers.
    const heard: string[] = [];
    const caller = await dial(url, { key: secretOf("authorization") }).catch((error: unknown) => {
      if (!(error instanceof CallRefused)) throw error;
      heard.push(error.message);
      return undefined;
    });
    if (caller !== undefined) {
      caller.on((message) => heard.push(JSON.stringify(message)));
      // Whoever stands in for the others has no key to tell.
      heard.push(JSON.stringify(await caller.hears()));
      await caller[Symbol.asyncDispose]();
    }
    // Strangers with keys of their own.
    const headers = {
      cookie: `session=${secretOf("cookie")}`,
      "x-api-key": secretOf("x-api-key"),
      authorization: `Basic ${Buffer.from(`user:${secretOf("basic")}`).toString("base64")}`,
    };
    for (const path of [
      "v1/calls",
      `v1/calls/c1?token=${secretOf("query")}`,
      `?api_key=${secretOf("query")}`,
      "metrics",
      "healthz",
      "v1/providers",
      "v1/node",
    ]) {
      for (const method of ["GET", "POST"]) {
        const body = method === "POST" ? JSON.stringify({ password: secretOf("body"), text: 1 }) : null;
        const answer = await fetch(`${url}${path}`, { method, headers: { ...headers, "content-type": "application/json" }, body });
        heard.push(await answer.text());
      }
    }
    // What an operator sees, and orders with a secret in it.
    const known = { authorization: `Bearer ${secretOf("LINEKEEPER_API_KEY")}`, "content-type": "application/json" };
    const asOperator = async (path: string, body?: object): Promise<string> => {
      const answer = await fetch(`${url}${path}`, {
        method: body === undefined ? "GET" : "POST",
        headers: known,
        ...(body && { body: JSON.stringify(body) }),
      });
      return answer.text();
    };
    const metrics = await asOperator("metrics");
    for (const path of ["v1/calls", "v1/providers", "v1/node", "readyz"]) heard.push(await asOperator(path));
    heard.push(await asOperator(`v1/calls/c1/hang-up`, { password: secretOf("body") }));
    // Whoever writes a key in the wrong place may read in the answer what they wrote, but nobody else may.
    await asOperator(`v1/calls/${secretOf("OPENAI_API_KEY")}/hang-up`, {});
    await vi.waitFor(() => expect(told).toMatch(/"event":"(connection_failed|provider_error)"/), limitMs);
    server.kill("SIGUSR2");
    await exited;

    const files = readdirSync(data, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const kept = files.map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"));
    const spans = collector.raw.replaceAll(/"x-key":"[^"]*"/g, "");
    const all = { told, metrics, spans, answers: heard.join("\n"), files: kept.join("\n") };
    // The run was one in which they could have come out.
    expect(told).toContain("uncaught_exception");
    expect(told).toContain("connection_failed");
    expect(metrics).toContain("ai_provider_errors_total{");
    expect(spans).toContain("linekeeper");
    expect(files.map(({ name }) => name)).toEqual(expect.arrayContaining(["audit.jsonl", "calls.jsonl"]));
    expect(secrets.length).toBeGreaterThanOrEqual(25);
    const out = secrets.flatMap(({ where, value }) => {
      const forms = [value, encodeURIComponent(value), Buffer.from(value).toString("base64").replace(/=+$/, "")];
      return Object.entries(all).flatMap(([place, text]) => (forms.some((form) => text.includes(form)) ? [`${where} in ${place}`] : []));
    });
    expect(out).toEqual([]);
  },
);
