import { Envelope } from "../../src/wire/envelope.ts";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer as createTlsServer } from "node:https";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { expect, test, vi } from "vitest";
import { WebSocketServer, type WebSocket } from "ws";
import { systemClock } from "../../src/kernel/clock.ts";
import { dial, UpgradeRefused, type Dial } from "../../src/wire/dial.ts";
import type { WireSocket } from "../../src/wire/websocket.ts";
import { SimulatedClock } from "../simulated-clock.ts";
import { has } from "../caller/sip/sipp.ts";
import { keyIn, welcome } from "./mirror.ts";
import { frame, limits } from "./torture.ts";

interface Knocked extends AsyncDisposable {
  readonly url: URL;
  /** What each request was, in full. */
  readonly requests: string[];
  readonly sockets: Socket[];
}

/** A server that answers the head of each request with `answer`. */
async function server(answer: (key: string) => Buffer | string | undefined, ends = false): Promise<Knocked> {
  const requests: string[] = [];
  const sockets: Socket[] = [];
  const listening = createServer((socket) => {
    sockets.push(socket.on("error", () => {}));
    socket.once("data", (head) => {
      requests.push(head.toString("latin1"));
      const words = answer(keyIn(head));
      if (words !== undefined) socket.write(words);
      if (ends) socket.end();
    });
  });
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  const { port } = listening.address() as AddressInfo; // A string only for a server on a pipe.
  return {
    url: new URL(`ws://127.0.0.1:${port}/way?model=a%20b`),
    requests,
    sockets,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        listening.close(() => resolve());
      }),
  };
}

const socket = { ...limits, clock: systemClock, closeLimitMs: 2_000 };
const dialled = (url: URL, more: Partial<Dial> = {}): Promise<WireSocket> =>
  dial({ url, headers: {}, socket, signal: new AbortController().signal, ...more });

/** All that a socket tells. */
function listening(to: WireSocket): string[] {
  const told: string[] = [];
  to.listen({
    text: (text) => void told.push(text),
    binary: (bytes) => void told.push(Buffer.from(bytes).toString("hex")),
    pinged: () => void told.push("pinged"),
    ponged: () => void told.push("ponged"),
    broke: ({ code }) => void told.push(`broke ${code}`),
    closed: (code, reason) => void told.push(`closed ${code} ${reason}`),
  });
  return told;
}

test("the request says what it must, and what it was given", async () => {
  await using knocked = await server(welcome);
  const one = await dialled(knocked.url, { headers: { authorization: "Bearer 123" } });
  one.terminate();
  const [line, ...headers] = (knocked.requests[0] ?? "").trimEnd().split("\r\n");
  expect(line).toBe("GET /way?model=a%20b HTTP/1.1");
  expect(headers.map((header) => header.toLowerCase()).filter((header) => !header.startsWith("sec-websocket-key"))).toEqual([
    `host: ${knocked.url.host}`,
    "authorization: bearer 123",
    "upgrade: websocket",
    "connection: upgrade",
    "sec-websocket-version: 13",
  ]);
  const key = keyIn(Buffer.from(knocked.requests[0] ?? ""));
  expect(Buffer.from(key, "base64")).toHaveLength(16);
  (await dialled(knocked.url)).terminate();
  expect(keyIn(Buffer.from(knocked.requests[1] ?? ""))).not.toBe(key);
});

test("what the server says in the same breath as its answer is heard", async () => {
  const hello = frame({ opcode: 1, payload: Buffer.from("hello"), mask: undefined });
  await using knocked = await server((key) => Buffer.concat([Buffer.from(welcome(key)), hello]));
  const told = listening(await dialled(knocked.url));
  await vi.waitFor(() => expect(told).toEqual(["hello"]), 10_000);
});

const swap = (line: string, other: string) => (key: string) => welcome(key).replace(line, other);
test.each([
  { name: "answers another key", answer: swap("sec-websocket-accept: ", "sec-websocket-accept: x"), says: "sec-websocket-accept" },
  { name: "answers no key", answer: swap("sec-websocket-accept", "x-accept"), says: "sec-websocket-accept" },
  { name: "upgrades to something else", answer: swap("upgrade: websocket", "upgrade: h2c"), says: "upgrade" },
  { name: "does not say to what it upgrades", answer: swap("upgrade: websocket\r\n", ""), says: "upgrade" },
  { name: "does not say that it upgrades", answer: swap("connection: Upgrade", "connection: keep-alive"), says: "status 101" },
  {
    name: "wants an extension",
    answer: swap("upgrade: ", "sec-websocket-extensions: permessage-deflate\r\nupgrade: "),
    says: "sec-websocket-extensions",
  },
  { name: "wants a subprotocol", answer: swap("upgrade: ", "sec-websocket-protocol: good\r\nupgrade: "), says: "sec-websocket-protocol" },
  { name: "is no HTTP server", answer: () => "220 mail.example.org ESMTP\r\n\r\n", says: "Parse Error" },
  { name: "answers without an end", answer: () => `HTTP/1.1 101 Go\r\nx-long: ${"x".repeat(20_000)}`, says: "overflow" },
])("a server that $name is given up", async ({ answer, says }) => {
  await using knocked = await server(answer);
  await expect(dialled(knocked.url)).rejects.toThrow(says);
  const [theirs] = knocked.sockets;
  await vi.waitFor(() => expect(theirs?.destroyed || theirs?.readableEnded).toBe(true), 10_000);
});

test.each([
  { name: "hangs up", url: (url: URL) => url, says: "socket hang up" },
  { name: "is not there", url: () => new URL("ws://127.0.0.1:9/"), says: "ECONNREFUSED" },
])("a server that $name is told as such", async ({ url, says }) => {
  await using knocked = await server(() => undefined, true);
  await expect(dialled(url(knocked.url))).rejects.toThrow(says);
});

test.each([
  { status: 200, more: "", body: "a page" },
  { status: 302, more: "location: ws://127.0.0.1:9/\r\n", body: "elsewhere" },
  { status: 401, more: "www-authenticate: Bearer\r\n", body: '{"error":{"code":"invalid_api_key"}}' },
  { status: 429, more: "retry-after: 7\r\n", body: "later" },
  { status: 503, more: "", body: "x".repeat(100_000) },
])("an answer of $status is told with the beginning of its words", async ({ status, more, body }) => {
  await using knocked = await server(() => `HTTP/1.1 ${status} Well\r\n${more}content-length: ${body.length}\r\n\r\n${body}`);
  const refused: unknown = await dialled(knocked.url).catch((error: unknown) => error);
  if (!(refused instanceof UpgradeRefused)) throw new Error(`it was not refused: ${String(refused)}`);
  expect(refused.status).toBe(status);
  expect(refused.body).toBe(body.slice(0, 4_096));
  expect(refused.headers["retry-after"]).toBe(status === 429 ? "7" : undefined);
  expect(knocked.requests).toHaveLength(1);
});

test("a refusal whose words never end is told when the line breaks", async () => {
  await using knocked = await server(() => "HTTP/1.1 500 Well\r\ncontent-length: 99\r\n\r\nhalf", true);
  await expect(dialled(knocked.url)).rejects.toMatchObject({ status: 500, body: "half" });
});

test("words before the answer are waited over", async () => {
  await using knocked = await server((key) => `HTTP/1.1 102 Processing\r\n\r\n${welcome(key)}`);
  const one = await dialled(knocked.url);
  expect(one.isOpen).toBe(true);
  one.terminate();
});

test("a dial that is given up ends with the reason, before it began and while it waits", async () => {
  await using knocked = await server(() => undefined);
  const reason = new Error("nobody waits any more");
  await expect(dialled(knocked.url, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  const giving = new AbortController();
  const waiting = dialled(knocked.url, { signal: giving.signal });
  await vi.waitFor(() => expect(knocked.requests).toHaveLength(1), 10_000);
  giving.abort(reason);
  await expect(waiting).rejects.toBe(reason);
  await vi.waitFor(() => expect(knocked.sockets.at(-1)?.readableEnded || knocked.sockets.at(-1)?.destroyed).toBe(true), 10_000);
});

test("a socket outlives the signal of its dial", async () => {
  await using knocked = await server(welcome);
  const giving = new AbortController();
  const one = await dialled(knocked.url, { signal: giving.signal });
  const told = listening(one);
  giving.abort();
  knocked.sockets[0]?.write(frame({ opcode: 1, payload: Buffer.from("still here"), mask: undefined }));
  await vi.waitFor(() => expect(told).toEqual(["still here"]), 10_000);
});

test("no two frames go out under the same mask, and none without", async () => {
  await using knocked = await server(welcome);
  const one = await dialled(knocked.url);
  listening(one);
  let heard = Buffer.alloc(0);
  knocked.sockets[0]?.on("data", (chunk) => (heard = Buffer.concat([heard, chunk])));
  const count = 3_000;
  for (let time = 0; time < count; time += 1) one.sendText("same");
  await vi.waitFor(() => expect(heard).toHaveLength(count * 10), 10_000);
  const masks = new Set(Array.from({ length: count }, (_, at) => heard.toString("hex", at * 10 + 2, at * 10 + 6)));
  expect(masks.size).toBeGreaterThan(count - 10);
  for (let at = 0; at < heard.length; at += 10) {
    expect(heard[at + 1]).toBe(0x84);
    expect(
      heard
        .subarray(at + 6, at + 10)
        .map((byte, index) => byte ^ (heard[at + 2 + index] ?? 0))
        .toString(),
    ).toBe("same");
  }
});

test("what comes before anybody listens waits, and what comes in pieces on many connections at once does not mix", async () => {
  await using knocked = await server(welcome);
  const count = 5;
  const messages = [3, 60_000, 300, 65_000].map((length) => String(length).repeat(length).slice(0, length));
  const streams = Array.from({ length: count }, (_, number) =>
    Buffer.concat(messages.map((text) => frame({ opcode: 1, payload: Buffer.from(`${number} ${text}`), mask: undefined }))),
  );
  const told: string[][] = [];
  const say = (from: (length: number) => number, to: (length: number) => number): void =>
    knocked.sockets.forEach((one, number) => {
      const stream = streams[number] ?? Buffer.alloc(0);
      one.write(stream.subarray(from(stream.length), to(stream.length)));
    });
  const open: WireSocket[] = [];
  for (let number = 0; number < count; number += 1) open.push(await dialled(knocked.url));
  say(
    () => 0,
    () => 100,
  );
  await new Promise((resolve) => setImmediate(resolve));
  for (const one of open) told.push(listening(one));
  const pieces = 37;
  for (let piece = 0; piece < pieces; piece += 1) {
    const at =
      (share: number) =>
      (length: number): number =>
        100 + Math.floor(((length - 100) * share) / pieces);
    say(at(piece), at(piece + 1));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await vi.waitFor(() => expect(told.map((each) => each.length)).toEqual(Array.from({ length: count }, () => messages.length)), 10_000);
  expect(told).toEqual(Array.from({ length: count }, (_, number) => messages.map((text) => `${number} ${text}`)));
  for (const one of open) one.terminate();
});

test("a server that does not answer a close is cut off when its time is over", async () => {
  await using knocked = await server(welcome);
  const clock = new SimulatedClock();
  const one = await dialled(knocked.url, { socket: { ...socket, clock } });
  const told = listening(one);
  one.close(1000, "OK");
  await clock.advance(1_900);
  expect(told).toEqual([]);
  await clock.advance(200);
  await vi.waitFor(() => expect(told).toEqual(["closed 1006 "]), 10_000);
});

/** A server made of ws that says what it hears, and then closes. */
function answering(sockets: WebSocketServer): Promise<[WebSocket, string[]]> {
  return new Promise((resolve) => {
    sockets.once("connection", (one) => {
      const heard: string[] = [];
      one.on("message", (data, binary) => {
        heard.push(`${binary ? "binary" : "text"} ${(data as Buffer).toString("latin1")}`); // binaryType is left as it is.
        one.send(data as Buffer, { binary });
      });
      one.on("ping", (data) => heard.push(`ping of ${data.length}`));
      one.on("close", (code, reason) => heard.push(`close ${code} ${reason.toString()}`));
      resolve([one, heard]);
    });
  });
}

test("the server of ws hears each message as we said it, and we hear its own", async () => {
  const sockets = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(sockets, "listening");
  const coming = answering(sockets);
  const { port } = sockets.address() as AddressInfo; // A string only for a server on a pipe.
  const one = await dialled(new URL(`http://127.0.0.1:${port}/`));
  const told = listening(one);
  const [theirs, heard] = await coming;
  for (const text of ["", "plain", "κόσμε 😀", "x".repeat(125), "x".repeat(126), "x".repeat(65_535), "x".repeat(65_536)]) {
    one.sendText(text);
    await vi.waitFor(() => expect(told.at(-1)).toBe(text), 10_000);
    expect(heard.at(-1)).toBe(`text ${Buffer.from(text).toString("latin1")}`);
  }
  const envelope = new Envelope('{"größe":"', '"}');
  // The last of them are longer than what is written without a string.
  for (const length of [0, 1, 2, 3, 80, 81, 160, 960, 9_000, 9_300, 40_000]) {
    const audio = Uint8Array.from({ length }, (_, at) => (at * 7) & 0xff);
    one.sendEnveloped(envelope, audio);
    await vi.waitFor(() => expect(told.at(-1) === envelope.around(audio)).toBe(true), 10_000);
  }
  const bytes = Uint8Array.from({ length: 1_001 }, (_, at) => at & 0xff);
  one.sendBinary(bytes);
  await vi.waitFor(() => expect(told.at(-1)).toBe(Buffer.from(bytes).toString("hex")), 10_000);
  one.ping();
  await vi.waitFor(() => expect(told.at(-1)).toBe("ponged"), 10_000);
  theirs.ping("are you there");
  await once(theirs, "pong");
  expect(told.at(-1)).toBe("pinged");
  theirs.close(4_001, "das wär’s");
  await vi.waitFor(() => expect(told.at(-1)).toBe("closed 4001 das wär’s"), 10_000);
  expect(heard.at(-1)).toBe("close 4001 ");
  await new Promise((resolve) => sockets.close(resolve));
});

test.runIf(has("openssl"))("over TLS the name is checked, and a way of connecting of one's own is taken", async () => {
  const folder = mkdtempSync(join(tmpdir(), "dial-"));
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout", key, "-out", cert];
  execFileSync("openssl", words, { stdio: "ignore" });
  const tls = createTlsServer({ cert: readFileSync(cert), key: readFileSync(key) });
  const sockets = new WebSocketServer({ server: tls });
  sockets.on("connection", (one, { headers }) => {
    one.send(`you asked for ${headers.host}`);
    one.on("message", (data) => one.send((data as Buffer).toString())); // binaryType is left as it is.
  });
  tls.listen(0, "127.0.0.1");
  await once(tls, "listening");
  const url = new URL(`wss://localhost:${(tls.address() as AddressInfo).port}/`); // A string only for a server on a pipe.
  await expect(dialled(url)).rejects.toThrow("self-signed certificate");
  const trusting = await dialled(url, { connectTls: (options) => connectTls({ ...options, ca: readFileSync(cert) }) });
  const told = listening(trusting);
  await vi.waitFor(() => expect(told).toEqual([`you asked for ${url.host}`]), 10_000);
  const texts = Array.from({ length: 500 }, (_, at) => `${at} `.repeat(1 + ((at * 7) % 400)));
  for (const text of texts) trusting.sendText(text);
  await vi.waitFor(() => expect(told).toEqual([`you asked for ${url.host}`, ...texts]), 10_000);
  trusting.close(1000, "OK");
  await vi.waitFor(() => expect(told.at(-1)).toBe("closed 1000 OK"), 10_000);
  rmSync(folder, { recursive: true });
  sockets.close();
  tls.closeAllConnections();
  await new Promise((resolve) => tls.close(resolve));
});
