import { once } from "node:events";
import { connect } from "node:net";
import { expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { doorLimits } from "../../src/caller/door.ts";
import { silentLog, type Log, type LogFields } from "../../src/kernel/log.ts";
import { freePorts } from "../caller/sip/free-ports.ts";
import { startServer } from "../scenario/server.ts";

/** The HTTP status with which an upgrade is refused; 0: it was not. */
async function knock(url: string): Promise<number> {
  const socket = new WebSocket(url);
  const { promise, resolve } = Promise.withResolvers<number>();
  socket.once("unexpected-response", (_, { statusCode = 0 }) => resolve(statusCode));
  socket.once("open", () => resolve(0));
  socket.once("error", () => {});
  const status = await promise;
  if (status !== 0) socket.terminate();
  return status;
}

test("who comes in a carrier's name and cannot prove it is counted and told, by webhook and by stream", async () => {
  const lines: (readonly [string, LogFields | undefined])[] = [];
  const log: Log = { ...silentLog, warning: (event, fields) => void lines.push([event, fields]), with: () => log };
  await using server = await startServer(
    { LINEKEEPER_TIERS: "emergency", TWILIO_AUTH_TOKEN: "0123456789abcdef0123456789abcdef", PUBLIC_URL: "https://voice.example.org" },
    log,
  );
  const failures = (): Promise<number> => server.metric('voice_auth_failures_total{kind="signature"}');
  const webhook = await fetch(`${server.url}twilio/voice`, {
    method: "POST",
    headers: { "x-twilio-signature": "bm90IHRoaXM=" },
    body: new URLSearchParams({ CallSid: "CA1" }),
  });
  expect(webhook.status).toBe(403);
  expect(await failures()).toBe(1);
  expect(await knock(`${server.url.replace("http", "ws")}twilio`)).toBe(403);
  expect(await failures()).toBe(2);
  expect(await server.metric('voice_connections_rejected_total{reason="caller-refused"}')).toBe(1);
  expect(lines.filter(([event]) => event === "signature_rejected")).toMatchObject([
    ["signature_rejected", { reason: "signature", ip_hash: expect.stringMatching(/^[0-9a-f]{12}$/) }],
  ]);
});

test("who connects more often than one address may is counted as such, and as a caller whom we turned away", async () => {
  const lines: (readonly [string, LogFields | undefined])[] = [];
  const log: Log = { ...silentLog, warning: (event, fields) => void lines.push([event, fields]), with: () => log };
  await using server = await startServer({ LINEKEEPER_TIERS: "emergency" }, log);
  const address = `${server.url.replace("http", "ws")}browser`;
  const { perAddress } = doorLimits;
  const statuses = await Promise.all(Array.from({ length: perAddress + 5 }, () => knock(address)));
  const refused = statuses.filter((status) => status === 503).length;
  expect(refused).toBeGreaterThanOrEqual(1);
  await vi.waitFor(async () => expect(await server.metric('voice_rate_limited_total{scope="address"}')).toBe(refused), 10_000);
  expect(await server.metric('voice_connections_rejected_total{reason="busy"}')).toBe(refused);
  expect(lines.find(([event]) => event === "limit_hit")?.[1]).toMatchObject({ scope: "address", ip_hash: expect.any(String) });
});

test("who comes by AudioSocket and is no peer is counted and told", async () => {
  const lines: (readonly [string, LogFields | undefined])[] = [];
  const log: Log = { ...silentLog, warning: (event, fields) => void lines.push([event, fields]), with: () => log };
  const [port = 0] = await freePorts();
  await using server = await startServer(
    { LINEKEEPER_TIERS: "emergency", AUDIOSOCKET_PORT: `${port}`, AUDIOSOCKET_PEERS: "192.0.2.0/24" },
    log,
  );
  const socket = connect(port, "127.0.0.1").on("error", () => {});
  await once(socket.resume(), "close");
  expect(await server.metric('voice_connections_rejected_total{reason="caller-refused"}')).toBe(1);
  expect(await server.metric('voice_auth_failures_total{kind="address"}')).toBe(1);
  expect(lines).toContainEqual(["auth_rejected", expect.objectContaining({ reason: "address", ip_hash: expect.any(String) })]);
});
