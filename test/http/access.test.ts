import type { IncomingMessage } from "node:http";
import { expect, test } from "vitest";
import type { CallStart } from "../../src/caller/leg.ts";
import { addressOfSocket, Access, type AccessOptions } from "../../src/http/access.ts";
import type { Peer } from "../../src/http/peer.ts";
import { CallerTokens } from "../../src/http/tokens.ts";
import { SimulatedClock } from "../simulated-clock.ts";

const access = (options: Partial<AccessOptions> = {}): Access =>
  new Access({
    keys: () => [],
    origins: [],
    trustedProxies: [],
    tokens: new CallerTokens(() => [], new SimulatedClock()),
    tokenStayMs: 3_600_000,
    addressOf: addressOfSocket,
    awaits: () => false,
    refused: () => {},
    ...options,
  });

/** As much of a request as the door looks at. */
const request = (remoteAddress: string, headers: Record<string, string> = {}): IncomingMessage =>
  ({ socket: { remoteAddress }, headers: { host: "localhost:8080", ...headers } }) as unknown as IncomingMessage;

const local: Peer = { address: "127.0.0.1", local: true, hasKey: false, origin: undefined, token: undefined };
/** A start that shows this token. */
const start = (token?: string): CallStart => ({
  dialect: "browser",
  carrierCallId: undefined,
  agent: undefined,
  language: undefined,
  resume: undefined,
  from: undefined,
  parameters: token === undefined ? {} : { token },
});
const stranger: Peer = { address: "192.0.2.1", local: false, hasKey: false, origin: undefined, token: undefined };

test.each([
  { name: "loopback", from: request("127.0.0.1"), isLocal: true },
  { name: "loopback mapped into IPv6", from: request("::ffff:127.0.0.1"), isLocal: true },
  { name: "IPv6 loopback", from: request("::1", { host: "[::1]:8080" }), isLocal: true },
  { name: "another machine", from: request("192.0.2.1"), isLocal: false },
  { name: "a proxy on this machine", from: request("127.0.0.1", { "x-forwarded-for": "192.0.2.1" }), isLocal: false },
  { name: "a proxy that speaks RFC 7239", from: request("127.0.0.1", { forwarded: "for=192.0.2.1" }), isLocal: false },
  { name: "a foreign name that points here", from: request("127.0.0.1", { host: "evil.example:8080" }), isLocal: false },
  { name: "a foreign name that begins like ours", from: request("127.0.0.1", { host: "localhost.evil.example" }), isLocal: false },
  { name: "a foreign name that begins like our address", from: request("127.0.0.1", { host: "127.0.0.1.evil.example" }), isLocal: false },
])("$name is a local peer: $isLocal", ({ from, isLocal }) => {
  expect(access().peer(from).local).toBe(isLocal);
});

test("without a key configured only this machine is served, and the refusal names the setting", () => {
  expect(() => access().admit(local, start())).not.toThrow();
  expect(() => access().mustBeServed(stranger)).toThrow("set LINEKEEPER_API_KEY");
});

test("with a key others need it, in the header or as a token; two keys are good while one is replaced", () => {
  const guarded = access({ keys: () => ["new-key", "old-key"] });
  expect(() => guarded.mustBeServed(stranger)).not.toThrow();
  expect(() => guarded.admit(stranger, start())).toThrow("key");
  expect(() => guarded.admit(stranger, start("wrong"))).toThrow("not accepted");
  expect(() => guarded.admit({ ...stranger, hasKey: true }, start())).not.toThrow();
  expect(guarded.admit(stranger, start("old-key")).start.parameters).toEqual({});
  expect(guarded.peer(request("192.0.2.1", { authorization: "Bearer new-key" })).hasKey).toBe(true);
  expect(guarded.peer(request("192.0.2.1", { authorization: "Bearer new-key2" })).hasKey).toBe(false);
});

test("who pays for a call only a token can say, and that we placed it only a carrier, whatever the caller claims", async () => {
  const tokens = new CallerTokens(() => [], new SimulatedClock());
  const guarded = access({ keys: () => ["key"], tokens });
  const claim = { ...start(), parameters: { user: "somebody-else", direction: "outbound", machine: "hang-up", theme: "dark" } };
  for (const peer of [local, { ...stranger, hasKey: true }]) expect(guarded.admit(peer, claim).start.parameters).toEqual({ theme: "dark" });
  const { token } = await tokens.mint({ origin: undefined, agent: undefined, language: undefined, user: "u7", from: undefined });
  expect(guarded.admit(stranger, { ...claim, parameters: { ...claim.parameters, token } }).start.parameters).toEqual({
    user: "u7",
    theme: "dark",
  });
});

test.each([
  { proxies: [], socket: "10.0.0.1", forwarded: "192.0.2.1", address: "10.0.0.1" },
  { proxies: ["10.0.0.0/8"], socket: "10.0.0.1", forwarded: "192.0.2.1", address: "192.0.2.1" },
  { proxies: ["10.0.0.0/8"], socket: "10.0.0.1", forwarded: "198.51.100.9, 192.0.2.1, 10.0.0.2", address: "192.0.2.1" },
  { proxies: ["10.0.0.0/8"], socket: "10.0.0.1", forwarded: "not-an-address", address: "10.0.0.1" },
  { proxies: ["10.0.0.0/8"], socket: "192.0.2.9", forwarded: "127.0.0.1", address: "192.0.2.9" },
])("behind $proxies, $socket forwarding for $forwarded counts as $address", ({ proxies, socket, forwarded, address }) => {
  expect(access({ trustedProxies: proxies }).peer(request(socket, { "x-forwarded-for": forwarded })).address).toBe(address);
});

test("who comes through a trusted proxy is never local, not even when it says nothing of them", () => {
  const behind = access({ trustedProxies: ["127.0.0.1"] });
  expect(behind.peer(request("127.0.0.1"))).toMatchObject({ address: "127.0.0.1", local: false });
  expect(behind.peer(request("::ffff:127.0.0.1")).local).toBe(false);
  expect(behind.peer(request("127.0.0.1", { "x-forwarded-for": "127.0.0.1" })).local).toBe(false);
  expect(behind.peer(request("::1", { host: "[::1]:8080" })).local).toBe(true);
});

test.each(["10.0.0.0/99", "proxy.example", "10.0.0.0/x"])("the proxy %s is refused at boot", (row) => {
  expect(() => access({ trustedProxies: [row] })).toThrow("neither an address nor a network");
});

test.each([undefined, "http://localhost:8080", "https://localhost:8080", "https://shop.example"])("a page of %s may call", (origin) => {
  const from = request("127.0.0.1", origin === undefined ? {} : { origin });
  expect(() => access({ origins: ["https://shop.example"] }).mustBeOurPage(from)).not.toThrow();
});

test.each([
  "null",
  "",
  "http://localhost",
  "http://localhost:80801",
  "http://localhost:8081",
  "http://localhost:8080.evil.example",
  "http://evil.localhost:8080",
  "http://localhost:8080/",
  "http://localhost:8080@evil.example",
  "ws://localhost:8080",
  "file://localhost:8080",
  "HTTP://LOCALHOST:8080",
  "http://lоcalhost:8080",
  "http://127.0.0.1:8080",
  "https://shop.example.evil.example",
  "https://evilshop.example",
  "https://shop.example:444",
  "http://shop.example",
  "https://SHOP.example",
  "https://shop.example, http://localhost:8080",
])("a page of %j may not call", (origin) => {
  expect(() => access({ origins: ["https://shop.example"] }).mustBeOurPage(request("127.0.0.1", { origin }))).toThrow("may not call here");
});

test("whoever is turned away is told of with what was lacking, and whoever is let in is not", () => {
  const lacking: string[] = [];
  const shut = access({ refused: (what) => void lacking.push(what) });
  const guarded = access({ keys: () => ["key"], refused: (what) => void lacking.push(what) });
  expect(() => shut.mustBeServed(stranger)).toThrow();
  expect(() => guarded.mustBeKnown(stranger)).toThrow();
  expect(() => guarded.admit(stranger, start())).toThrow();
  expect(() => guarded.admit(stranger, start("forged"))).toThrow();
  expect(() => guarded.mustBeOurPage(request("192.0.2.1", { origin: "https://evil.example" }))).toThrow();
  guarded.admit(local, start());
  guarded.mustBeKnown({ ...stranger, hasKey: true });
  expect(lacking).toEqual(["loopback", "key", "key", "token", "origin"]);
});
