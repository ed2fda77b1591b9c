import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { connect, type AddressInfo } from "node:net";
import OpenAI, { AzureOpenAI } from "openai";
import { OpenAIRealtimeWS } from "openai/realtime/ws";
import { expect, test } from "vitest";
import { addressOf } from "../../../src/provider/openai/dial.ts";
import { dial } from "../../../src/wire/dial.ts";
import { systemClock } from "../../../src/kernel/clock.ts";

const nothingElse = { adminAPIKey: null, webhookSecret: null };

/** What a service is asked when `open` opens a socket to it. */
async function asked(open: (port: number) => unknown): Promise<{ url: string | undefined; headers: Record<string, unknown> }> {
  const server = createServer((_request, response) => response.writeHead(426).end());
  const coming = new Promise<IncomingMessage>((resolve) => {
    server.once("upgrade", (request, socket) => {
      socket.destroy();
      resolve(request);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  void open((server.address() as AddressInfo).port); // A TCP server has a port.
  const { url, headers } = await coming;
  await new Promise((resolve) => server.close(resolve));
  const { host: _host, "sec-websocket-key": _key, "sec-websocket-extensions": _extensions, ...said } = headers;
  return { url, headers: said };
}

const openaiAt = (baseURL: string): OpenAI =>
  new OpenAI({ apiKey: "sk-1", baseURL, organization: "org-1", project: "proj-1", ...nothingElse });
const azureAt = (baseURL: string): AzureOpenAI =>
  new AzureOpenAI({
    apiKey: "key-1",
    baseURL,
    apiVersion: "v1",
    deployment: "voice",
    organization: null,
    project: null,
    ...nothingElse,
  });

test.each([
  { name: "OpenAI", path: "/v1", client: openaiAt, authority: { Authorization: "Bearer sk-1" }, sdk: opened },
  { name: "OpenAI behind a slash", path: "/some/proxy/v1/", client: openaiAt, authority: { Authorization: "Bearer sk-1" }, sdk: opened },
  { name: "Azure", path: "/openai", client: azureAt, authority: { "api-key": "key-1" }, sdk: openedAtAzure },
])("$name is asked as by the official client's own socket", async ({ path, client, authority, sdk }) => {
  const theirs = await asked((port) => sdk(client(`http://127.0.0.1:${port}${path}`), port));
  const ours = await asked((port) => {
    const base = new URL(`http://127.0.0.1:${port}${path}`);
    const { url, headers } = addressOf(client(base.href), "a model", base, authority);
    const socket = { messageBytes: 1, fragments: 1, clock: systemClock, closeLimitMs: 1 };
    dial({ url, headers, socket, signal: new AbortController().signal }).catch(() => {});
  });
  expect(ours).toEqual(theirs);
});

const options = (port: number): { createConnection: () => ReturnType<typeof connect> } => ({
  createConnection: () => connect({ host: "127.0.0.1", port }),
});

function opened(client: OpenAI, port: number): void {
  new OpenAIRealtimeWS({ model: "a model", options: options(port) }, client).on("error", () => {});
}

async function openedAtAzure(client: OpenAI, port: number): Promise<void> {
  // What `azureAt` makes is one.
  const socket = await OpenAIRealtimeWS.azure(client as AzureOpenAI, { deploymentName: "a model", options: options(port) });
  socket.on("error", () => {});
}

test.each([
  { base: "https://api.openai.com/v1", url: "wss://api.openai.com/v1/realtime?model=m" },
  { base: "wss://api.openai.com/v1/", url: "wss://api.openai.com/v1/realtime?model=m" },
  { base: "https://proxy:8443/v1", url: "wss://proxy:8443/v1/realtime?model=m" },
  { base: "http://127.0.0.1/v1", url: "ws://127.0.0.1/v1/realtime?model=m" },
  { base: "http://127.0.0.1:443/v1", url: "ws://127.0.0.1:443/v1/realtime?model=m" },
  { base: "ws://[::1]:8080/v1", url: "ws://[::1]:8080/v1/realtime?model=m" },
])("$base is spoken to at $url", ({ base, url }) => {
  expect(addressOf(openaiAt(base), "m", new URL(base), {}).url.href).toBe(url);
});
