import { mkdtemp, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { files } from "../../src/http/files.ts";
import { healthz } from "../../src/http/healthz.ts";
import { metrics } from "../../src/http/metrics.ts";
import { readyz } from "../../src/http/readyz.ts";
import { openHouse, type House } from "../caller/open-house.ts";
import { SimulatedClock } from "../simulated-clock.ts";

let folder = "";
const reasons: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "linekeeper-http-"));
  await mkdir(join(folder, "public", "page"), { recursive: true });
  await mkdir(join(folder, "speech"));
  await writeFile(join(folder, "secret.json"), "{}");
  await writeFile(join(folder, "public", ".hidden.json"), "{}");
  await writeFile(join(folder, "public", "index.html"), "<p>hello</p>");
  await writeFile(join(folder, "public", "page", "main.js"), "export {};");
  await writeFile(join(folder, "public", "notes.txt"), "notes");
  await writeFile(join(folder, "speech", "a b.wav"), "RIFF");
  await writeFile(join(folder, "speech", "list.json"), "{}");
  await symlink(join(folder, "secret.json"), join(folder, "public", "link.json"));
});
afterAll(() => rm(folder, { recursive: true }));

const open = (parts: Parameters<typeof openHouse>[0] = {}): Promise<House> =>
  openHouse({
    routes: [
      files("/", join(folder, "public")),
      files("/examples/", join(folder, "speech"), [".wav"]),
      healthz("1.2.3", new SimulatedClock()),
      readyz(
        () => reasons,
        () => ["a line has no audio"],
      ),
      metrics(async () => ({ type: "text/plain; version=0.0.4", text: "up 1\n" })),
    ],
    ...parts,
  });

test.each([
  { path: "/", type: "text/html; charset=utf-8", body: "<p>hello</p>" },
  { path: "/page/main.js?v=1", type: "text/javascript; charset=utf-8", body: "export {};" },
  { path: "/examples/a%20b.wav", type: "audio/wav", body: "RIFF" },
  { path: "/healthz", type: "application/json; charset=utf-8", body: '{"status":"alive","version":"1.2.3","uptimeSeconds":0}\n' },
  {
    path: "/readyz",
    type: "application/json; charset=utf-8",
    body: '{"status":"ready","reasons":[],"degraded":["a line has no audio"]}\n',
  },
  { path: "/metrics", type: "text/plain; version=0.0.4", body: "up 1\n" },
])("GET and HEAD of $path answer with its type and the headers that guard a page", async ({ path, type, body }) => {
  await using house = await open();
  const answer = await fetch(house.url + path);
  expect(answer.status).toBe(200);
  expect(await answer.text()).toBe(body);
  expect(answer.headers.get("content-type")).toBe(type);
  expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
  expect(answer.headers.get("content-security-policy")).toContain("default-src 'self'");
  const head = await fetch(house.url + path, { method: "HEAD" });
  expect(head.status).toBe(200);
  expect(head.headers.get("content-length")).toBe(String(body.length));
  expect(await head.text()).toBe("");
});

test("a file that did not change is not sent again", async () => {
  await using house = await open();
  const first = await fetch(house.url);
  const again = await fetch(house.url, { headers: { "if-none-match": first.headers.get("etag") ?? "" } });
  expect([again.status, await again.text()]).toEqual([304, ""]);
});

test.each([
  "/../secret.json",
  "/page/../../secret.json",
  "/%2e%2e/secret.json",
  "/..%2fsecret.json",
  "/..%5csecret.json",
  "/page/%2e%2e%2f%2e%2e%2fsecret.json",
  "/%00/../secret.json",
  "/%",
  "//etc/passwd",
  "/.hidden.json",
  "/link.json",
  "/page",
  "/page/",
  "/notes.txt",
  "/nothing.html",
  "/index.html/x.html",
  `/${"x".repeat(3_000)}.html`,
  "/examples/",
  "/examples/list.json",
  "/examples/../index.html",
  "/healthz/more",
])("%s does not exist", async (path) => {
  await using house = await open();
  const answer = await spoken(house.raw(`GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`));
  expect(answer).toMatch(/^HTTP\/1\.1 404 /);
  expect(answer).toContain('"code":"not-found"');
});

test("readyz gives the reasons why no call is taken", async () => {
  await using house = await open();
  reasons.push("draining");
  const answer = await fetch(`${house.url}/readyz`);
  reasons.length = 0;
  expect([answer.status, await answer.json()]).toEqual([
    503,
    { status: "not ready", reasons: ["draining"], degraded: ["a line has no audio"] },
  ]);
});

test.each([
  { name: "another method", request: "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n", status: 405, says: "use GET" },
  { name: "a body", request: "GET / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\n\r\nhello", status: 413, says: "no" },
  {
    name: "headers that are too long",
    request: `GET / HTTP/1.1\r\nhost: localhost\r\nx: ${"x".repeat(9_000)}\r\n\r\n`,
    status: 431,
    says: "8192",
  },
  { name: "something else than HTTP", request: "hello\r\n\r\n", status: 400, says: "no HTTP request" },
  { name: "a dialect without an upgrade", request: "GET /browser HTTP/1.1\r\nhost: localhost\r\n\r\n", status: 426, says: "WebSocket" },
])("$name is answered with $status in words", async ({ request, status, says }) => {
  await using house = await open();
  const answer = await spoken(house.raw(request), says);
  expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(answer).toContain(says);
});

test("who sends headers drop by drop is cut off in words while others are served", { timeout: 15_000 }, async () => {
  await using house = await open();
  const slow = spoken(house.raw("GET / HTTP/1.1\r\nhost: localhost\r\n"));
  expect((await fetch(house.url)).status).toBe(200);
  expect(await slow).toMatch(/^HTTP\/1\.1 408 [\s\S]*too-slow/);
});

test("whoever does not come from this machine is refused, with the setting that opens it; health stays open", async () => {
  await using house = await open();
  const headers = { "x-forwarded-for": "192.0.2.1" };
  for (const path of ["/", "/metrics"]) {
    const answer = await fetch(house.url + path, { headers });
    expect(answer.status).toBe(403);
    expect(await answer.text()).toContain("LINEKEEPER_API_KEY");
  }
  expect((await fetch(`${house.url}/healthz`, { headers })).status).toBe(200);
  await expect(house.knocks("/browser", { headers })).rejects.toMatchObject({ status: 403 });
});

test("with a key, strangers see the page but need the key for calls and figures", async () => {
  await using house = await open({ access: { keys: () => ["sesame"] } });
  const headers = { "x-forwarded-for": "192.0.2.1" };
  expect((await fetch(house.url, { headers })).status).toBe(200);
  expect((await fetch(`${house.url}/metrics`, { headers })).status).toBe(401);
  expect((await fetch(`${house.url}/metrics`, { headers: { ...headers, authorization: "Bearer sesame" } })).status).toBe(200);
  const start = { type: "start", version: 1, audio: { up: "pcm16@16000", down: "pcm16@24000" } };
  const without = await house.knocks("/browser", { headers });
  without.says(start);
  expect(await without.closed).toEqual({ code: 1008, reason: "caller-refused" });
  const withKey = await house.knocks("/browser", { headers });
  withKey.says({ ...start, token: "sesame" });
  await withKey.hears("started");
  expect(house.reception.last.start.parameters).toEqual({});
});

test("a page of another site cannot call, and an unknown path takes no caller", async () => {
  await using house = await open();
  await expect(house.knocks("/browser", { origin: "https://evil.example" })).rejects.toMatchObject({ status: 403 });
  await expect(house.knocks("/nowhere")).rejects.toMatchObject({ status: 404 });
  await house.knocks("/browser", { origin: house.url });
});

test("too many connections are turned away with 503 and the time to wait, until one has left", async () => {
  await using house = await open({ limits: { perAddress: 2 } });
  const first = await house.knocks();
  await house.knocks();
  await expect(house.knocks()).rejects.toMatchObject({ status: 503, headers: { "retry-after": "5" } });
  first.socket.terminate();
  await house.clock.advance(1_000);
  await vi.waitFor(() => house.knocks(), 10_000);
});

test("a thousand knocks at once leave only as many inside as there are places", async () => {
  await using house = await open({ limits: { perAddress: 1_000, perAddressPerSecond: 1_000, overall: 50 } });
  const honest = await house.calls();
  const outcomes = await Promise.allSettled(Array.from({ length: 1_000 }, () => house.knocks()));
  expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(49);
  honest.says({ type: "ping", id: 1 });
  await honest.hears("pong");
});

test("each answer is told with its route as registered, never with the address that was asked for", async () => {
  const told: [string, number][] = [];
  await using house = await open({ answered: (route, status) => void told.push([route, status]) });
  for (const path of ["/page/main.js", "/healthz?secret=1", "/nowhere.html", "/examples/a%20b.wav"])
    await (await fetch(house.url + path)).text();
  // An answer is over when its last byte has left, which a client may know before the server does.
  await vi.waitFor(() => expect(told.map(String).toSorted()).toEqual(["/,200", "/,404", "/examples/,200", "/healthz,200"]), 10_000);
});

test("a taken port is told with the setting that moves it", async () => {
  await using house = await open();
  const { port } = house;
  await expect(openHouse({ port })).rejects.toThrow(`port ${port} is taken on 127.0.0.1; set PORT to another`);
});

/** Everything a peer says until it closes, or until it has said `enough`. */
function spoken(socket: Socket, enough?: string): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    socket.on("data", (data) => {
      text += data.toString();
      if (enough !== undefined && text.includes("\r\n\r\n") && text.includes(enough)) resolve(text);
    });
    socket.on("close", () => resolve(text));
  });
}
