import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { systemClock } from "../../src/kernel/clock.ts";
import type { Log, LogFields } from "../../src/kernel/log.ts";
import { seededRandom } from "../../src/kernel/random.ts";
import type { Channel, Notice } from "../../src/notify/notice.ts";
import { Notifier, type Told } from "../../src/notify/notifier.ts";
import { isWebhook } from "../../src/notify/post.ts";

const patient = { timeout: 20_000 };

interface Heard {
  readonly path: string;
  readonly key: string | undefined;
  readonly body: { readonly [key: string]: unknown };
}

/** A receiver of webhooks on a real port; answers 202 unless told otherwise. */
class Receiver {
  readonly heard: Heard[] = [];
  answer: (request: IncomingMessage, response: ServerResponse) => void = (_, response) => response.writeHead(202).end();
  readonly #server: Server;

  constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<Receiver> {
    const server = createServer();
    const receiver = new Receiver(server);
    server.on("request", (request, response) => {
      const pieces: Buffer[] = [];
      request.on("data", (piece: Buffer) => pieces.push(piece));
      request.on("end", () => {
        const body = JSON.parse(Buffer.concat(pieces).toString());
        receiver.heard.push({ path: request.url ?? "", key: request.headers["idempotency-key"]?.toString(), body });
        receiver.answer(request, response);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => receiver.stop());
    return receiver;
  }

  url(path: string): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("not listening");
    return `http://127.0.0.1:${address.port}${path}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

const secret = "s3cr3t-in-the-path";

async function house(addresses: Partial<Record<Channel, string>>, path?: string) {
  const folder = await mkdtemp(join(tmpdir(), "linekeeper-notify-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const told: Told[] = [];
  const lines: string[] = [];
  const write = (event: string, fields?: LogFields): void => void lines.push(`${event} ${JSON.stringify(fields)}`);
  const log: Log = { debug: write, info: write, warning: write, error: write, with: () => log };
  const file = path ?? join(folder, "data", "outbox.jsonl");
  const start = async (): Promise<Notifier> => {
    const notifier = await Notifier.open({
      address: (channel) => addresses[channel],
      mailTo: () => "desk@example.org",
      path: file,
      told: (each) => told.push(each),
      clock: systemClock,
      random: seededRandom(7),
      log,
    });
    notifier.start();
    return notifier;
  };
  return { start, told, lines, file, folder };
}

let notices = 0;
function notice(more: Partial<Notice> = {}): Notice {
  notices += 1;
  return {
    id: `call_${notices}`,
    reason: "crisis",
    title: "A caller is in need",
    text: "Take the call over at once.",
    facts: [{ name: "call", value: `call_${notices}` }],
    atMs: Date.now(),
    callId: `call_${notices}`,
    ...more,
  };
}

test("a notice goes out on both channels at once, each in its own form", patient, async () => {
  const receiver = await Receiver.start();
  // Neither is answered before both have come: one after the other would wait for ever.
  receiver.answer = (_, response) => {
    held.push(response);
    if (held.length === 2) for (const each of held) each.writeHead(200).end("ok");
  };
  const held: ServerResponse[] = [];
  const { start, told, lines } = await house({ chat: receiver.url(`/chat/${secret}`), email: receiver.url(`/mail/${secret}`) });
  const notifier = await start();
  const sent = notice();
  notifier.tell(sent);
  await vi.waitFor(() => expect(told).toHaveLength(2), patient);
  await notifier.close();
  const [chat, mail] = ["chat", "mail"].map((channel) => receiver.heard.find(({ path }) => path.startsWith(`/${channel}`)));
  expect(chat).toMatchObject({
    key: `${sent.id}-chat`,
    body: { type: "message", attachments: [{ contentType: "application/vnd.microsoft.card.adaptive", content: { type: "AdaptiveCard" } }] },
  });
  expect(JSON.stringify(chat?.body)).toContain(sent.title);
  expect(mail?.body).toEqual({ to: "desk@example.org", subject: sent.title, text: expect.stringContaining(`call: ${sent.id}`) });
  expect(told.map(({ channel, result, attempts }) => `${channel} ${result} ${attempts}`).toSorted()).toEqual([
    "chat sent 1",
    "email sent 1",
  ]);
  expect(notifier.pending).toBe(0);
  expect(lines.join("\n")).not.toContain(secret);
});

test("what fails is tried again until it is taken, and one channel does not wait for the other", patient, async () => {
  const receiver = await Receiver.start();
  let failures = 0;
  receiver.answer = (request, response) => {
    if (request.url === "/mail") return void response.writeHead(202).end();
    failures += 1;
    if (failures === 1) return void response.destroy();
    response.writeHead(failures === 2 ? 503 : 200).end();
  };
  const { start, told } = await house({ chat: receiver.url("/chat"), email: receiver.url("/mail") });
  const notifier = await start();
  const sent = notice();
  notifier.tell(sent);
  await vi.waitFor(() => expect(told.map(({ channel, attempts }) => `${channel} ${attempts}`)).toEqual(["email 1", "chat 3"]), patient);
  expect(receiver.heard.filter(({ path }) => path === "/chat").map(({ key }) => key)).toEqual(Array(3).fill(`${sent.id}-chat`));
  await notifier.close();
});

test("what was pending when the process ended is sent by the next one, and nothing else", patient, async () => {
  const receiver = await Receiver.start();
  receiver.answer = (request, response) => response.writeHead(request.url === "/mail" ? 200 : 500).end();
  const { start, told, file } = await house({ chat: receiver.url("/chat"), email: receiver.url("/mail") });
  const first = await start();
  const sent = notice();
  first.tell(sent);
  await vi.waitFor(() => expect(receiver.heard.length).toBeGreaterThanOrEqual(2), patient);
  await vi.waitFor(() => expect(told.map(({ channel }) => channel)).toEqual(["email"]), patient);
  await first.close();
  // As if the process had died while it wrote.
  await appendFile(file, '{"put":{"id":"half');
  receiver.answer = (_, response) => response.writeHead(200).end();
  const before = receiver.heard.length;
  const second = await start();
  await vi.waitFor(() => expect(told.map(({ channel, result }) => `${channel} ${result}`)).toEqual(["email sent", "chat sent"]), patient);
  await second.close();
  expect(receiver.heard.slice(before).map(({ path, key }) => `${path} ${key}`)).toEqual([`/chat ${sent.id}-chat`]);
  const third = await start();
  expect(third.pending).toBe(0);
  await third.close();
  expect(await readFile(file, "utf8")).toBe("");
});

test("the same notice is sent once, however often it is asked for while it is on its way", patient, async () => {
  const receiver = await Receiver.start();
  const { start, told } = await house({ chat: receiver.url("/chat") });
  const notifier = await start();
  const sent = notice();
  for (let times = 0; times < 3; times += 1) notifier.tell(sent);
  await vi.waitFor(() => expect(told).toHaveLength(1), patient);
  await notifier.close();
  expect(receiver.heard).toHaveLength(1);
});

test("a redirect is not followed, and what the other side refuses is given up and told", patient, async () => {
  const [receiver, elsewhere] = [await Receiver.start(), await Receiver.start()];
  receiver.answer = (_, response) => response.writeHead(307, { location: elsewhere.url("/stolen") }).end();
  const { start, told, lines } = await house({ chat: receiver.url(`/chat/${secret}`) });
  const notifier = await start();
  notifier.tell(notice());
  await vi.waitFor(() => expect(told.map(({ result, attempts }) => [result, attempts])).toEqual([["failed", 3]]), patient);
  await notifier.close();
  expect(elsewhere.heard).toEqual([]);
  expect(lines.join("\n")).toContain("answered 307");
  expect(lines.join("\n")).not.toContain(secret);
});

test("an endless answer is not read", patient, async () => {
  const receiver = await Receiver.start();
  let isClosed = false;
  receiver.answer = (_, response) => {
    response.writeHead(200);
    const pour = (): void => {
      if (!response.destroyed) response.write("x".repeat(65_536), () => setImmediate(pour));
    };
    response.on("close", () => (isClosed = true));
    pour();
  };
  const { start, told } = await house({ chat: receiver.url("/chat") });
  const notifier = await start();
  notifier.tell(notice());
  await vi.waitFor(() => expect(told.map(({ result }) => result)).toEqual(["sent"]), patient);
  await vi.waitFor(() => expect(isClosed).toBe(true), patient);
  await notifier.close();
});

test("a disk that cannot be written stops no notice", patient, async () => {
  const receiver = await Receiver.start();
  const blocked = await house({});
  await writeFile(join(blocked.folder, "data"), "a file where a folder should be");
  const { start, told, lines } = await house({ chat: receiver.url("/chat") }, join(blocked.folder, "data", "outbox.jsonl"));
  const notifier = await start();
  notifier.tell(notice());
  await vi.waitFor(() => expect(told.map(({ result }) => result)).toEqual(["sent"]), patient);
  await notifier.close();
  expect(lines.filter((each) => each.startsWith("outbox_degraded"))).toHaveLength(1);
});

test("a flood is bounded: the oldest gives way, and that is told", patient, async () => {
  const receiver = await Receiver.start();
  const held: ServerResponse[] = [];
  receiver.answer = (_, response) => void held.push(response);
  const { start, told } = await house({ chat: receiver.url("/chat") });
  const notifier = await start();
  const first = notice();
  notifier.tell(first);
  for (let count = 0; count < 1_000; count += 1) notifier.tell(notice());
  expect(notifier.pending).toBe(1_000);
  expect(told).toMatchObject([{ notice: { id: first.id }, result: "failed" }]);
  await notifier.close();
});

test("what is a day old is no longer sent", patient, async () => {
  const receiver = await Receiver.start();
  const { start, told } = await house({ chat: receiver.url("/chat") });
  const notifier = await start();
  notifier.tell(notice({ atMs: Date.now() - 25 * 3_600_000 }));
  await vi.waitFor(() => expect(told.map(({ result, attempts }) => [result, attempts])).toEqual([["failed", 0]]), patient);
  await notifier.close();
  expect(receiver.heard).toEqual([]);
});

test("without any channel the operator reads in the log that nobody was told", async () => {
  const { start, lines } = await house({});
  const notifier = await start();
  notifier.tell(notice());
  await notifier.close();
  expect(lines).toEqual([expect.stringContaining('"result":"failed"')]);
});

test.each([
  ["https://hooks.example.org/a/b?sig=c", true],
  ["http://127.0.0.1:9000/x", true],
  ["http://[::1]:9000/x", true],
  ["http://localhost/x", true],
  ["http://hooks.example.org/a", false],
  ["http://127.0.0.1.example.org/", false],
  ["http://10.0.0.1/", false],
  ["ftp://127.0.0.1/", false],
  ["file:///etc/passwd", false],
  ["hooks", false],
])("%s: may be a webhook: %s", (address, may) => {
  expect(isWebhook(address)).toBe(may);
});
