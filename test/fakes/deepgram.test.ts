import { expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { startDeepgramFake, type DeepgramFake } from "../../src/fakes/deepgram/deepgram.ts";
import { babble, silence } from "../../src/fakes/voice.ts";

const token = { authorization: "Token fake-deepgram-key" };
const flux = "/v2/listen?model=flux-general-en&encoding=linear16&sample_rate=16000&mip_opt_out=true";
const nova =
  "/v1/listen?model=nova-3&encoding=linear16&sample_rate=16000&mip_opt_out=true&interim_results=true&vad_events=true&endpointing=300";
const speak = "/v1/speak?model=aura-2-thalia-en&encoding=linear16&sample_rate=16000&mip_opt_out=true";

type Message = Readonly<Record<string, unknown>>;

/** A client without any manners of its own. */
class Client implements AsyncDisposable {
  readonly messages: Message[] = [];
  readonly audio: Buffer[] = [];
  /** What came, in order: a type, or "audio". */
  readonly order: string[] = [];
  closed: { readonly code: number; readonly reason: string } | undefined;
  readonly socket: WebSocket;

  constructor(fake: DeepgramFake, path: string) {
    this.socket = new WebSocket(`${fake.url.replace("http", "ws")}${path}`, { headers: token });
    this.socket.on("message", (data: Buffer, isBinary) => {
      if (isBinary) this.audio.push(data);
      else this.messages.push(JSON.parse(data.toString()) as Message);
      this.order.push(isBinary ? "audio" : String(this.messages.at(-1)?.["event"] ?? this.messages.at(-1)?.["type"]));
    });
    this.socket.on("close", (code, reason) => (this.closed = { code, reason: reason.toString() }));
  }

  async open(): Promise<this> {
    await new Promise((resolve, reject) => this.socket.once("open", resolve).once("error", reject));
    return this;
  }

  send(...messages: readonly (Message | Uint8Array)[]): void {
    for (const message of messages) this.socket.send(message instanceof Uint8Array ? message : JSON.stringify(message));
  }

  has(type: string): Promise<void> {
    return vi.waitFor(() => expect(this.order).toContain(type), { timeout: 5_000, interval: 5 });
  }

  ends(): Promise<void> {
    return vi.waitFor(() => expect(this.closed).toBeDefined(), { timeout: 5_000, interval: 5 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.close(1000);
    await this.ends();
  }
}

async function statusOf(
  fake: DeepgramFake,
  path: string,
  headers: Record<string, string> = token,
): Promise<{ status: number; error: string }> {
  const socket = new WebSocket(`${fake.url.replace("http", "ws")}${path}`, { headers });
  socket.on("error", () => {});
  return new Promise((resolve) => {
    socket.on("unexpected-response", (_request, response) => {
      resolve({ status: response.statusCode ?? 0, error: String(response.headers["dg-error"] ?? "") });
      socket.terminate();
    });
    socket.on("open", () => {
      resolve({ status: 101, error: "" });
      socket.terminate();
    });
  });
}

test.for([
  { what: "a key as a bearer", path: nova, headers: { authorization: "Bearer fake-deepgram-key" }, status: 401 },
  { what: "no key", path: nova, headers: {}, status: 401 },
  { what: "a path that is none", path: "/v3/listen", headers: token, status: 404 },
  { what: "an unknown parameter", path: `${nova}&punctuation=true`, headers: token, status: 400 },
  { what: "a parameter of v1 on v2", path: `${flux}&language=en`, headers: token, status: 400 },
  { what: "diarize on v2", path: `${flux}&diarize=true`, headers: token, status: 400 },
  { what: "keywords for nova-3", path: `${nova}&keywords=x`, headers: token, status: 400 },
  { what: "a model that is none", path: nova.replace("nova-3", "nova-9"), headers: token, status: 400 },
  { what: "an eager threshold above the other", path: `${flux}&eot_threshold=0.6&eager_eot_threshold=0.7`, headers: token, status: 400 },
  { what: "word gaps without interims", path: nova.replace("interim_results=true", "utterance_end_ms=1000"), headers: token, status: 400 },
  { what: "a rate that the voice has not", path: speak.replace("16000", "44100"), headers: token, status: 400 },
  { what: "a tag on the voice's socket", path: `${speak}&tag=x`, headers: token, status: 400 },
])("$what is refused with $status", async ({ path, headers, status }) => {
  await using fake = await startDeepgramFake();
  const refused = await statusOf(fake, path, headers);
  expect(refused.status).toBe(status);
  if (status !== 404) expect(refused.error).not.toBe("");
});

test.for([
  { what: "a KeepAlive", path: flux, message: { type: "KeepAlive" }, says: "Error" },
  { what: "Finalize", path: flux, message: { type: "Finalize" }, says: "Error" },
  { what: "ForceEndTurn", path: nova, message: { type: "ForceEndTurn" }, says: undefined },
  { what: "a text of 2,001 letters", path: speak, message: { type: "Speak", text: "x".repeat(2_001) }, says: undefined },
  { what: "an unknown message", path: speak, message: { type: "Say" }, says: undefined },
])("$what where it does not belong ends the socket and is a violation", async ({ path, message, says }) => {
  await using fake = await startDeepgramFake();
  await using client = await new Client(fake, path).open();
  if (path !== nova) await client.has(path === flux ? "Connected" : "Metadata");
  client.send(message);
  await client.ends();
  expect(client.closed?.code).not.toBe(1000);
  if (says !== undefined) expect(client.order).toContain(says);
  expect(fake.panel.violations).toHaveLength(1);
});

test.for([
  { what: "an empty binary message", path: nova, bytes: new Uint8Array(0) },
  { what: "a KeepAlive in a binary frame", path: nova, bytes: Buffer.from('{"type":"KeepAlive"} ') },
  { what: "half a sample", path: flux, bytes: new Uint8Array(321) },
  { what: "binary on speak", path: speak, bytes: new Uint8Array(320) },
])("$what is a violation", async ({ path, bytes }) => {
  await using fake = await startDeepgramFake();
  await using client = await new Client(fake, path).open();
  client.send(bytes);
  await vi.waitFor(() => expect(fake.panel.violations.length).toBeGreaterThan(0), 10_000);
});

test("KeepAlive holds a socket that had audio, and only that", async () => {
  await using fake = await startDeepgramFake({ idleLimitMs: 150 });
  await using never = await new Client(fake, nova).open();
  await using spoke = await new Client(fake, nova).open();
  spoke.send(silence(320, "pcm16@16000"));
  const keeping = setInterval(() => {
    for (const client of [never, spoke]) if (client.closed === undefined) client.send({ type: "KeepAlive" });
  }, 40);
  await never.ends();
  expect(never.closed).toMatchObject({ code: 1011, reason: expect.stringContaining("NET-0001") });
  expect(spoke.closed).toBeUndefined();
  clearInterval(keeping);
  await spoke.ends();
  expect(spoke.closed?.code).toBe(1011);
});

test("Flux tells a turn in order, numbers every message, and takes back an end that was none", async () => {
  await using fake = await startDeepgramFake();
  fake.panel.callerSays("two nights");
  await using client = await new Client(fake, `${flux}&eager_eot_threshold=0.5`).open();
  await client.has("Connected");
  const speech = babble("could you move", "pcm16@16000", 800);
  client.send(speech, silence(32 * 350, "pcm16@16000"), speech, silence(32 * 900, "pcm16@16000"));
  await client.has("EndOfTurn");
  const turns = client.order.filter((event) => event !== "Update" && event !== "Connected");
  expect(turns).toEqual(["StartOfTurn", "EagerEndOfTurn", "TurnResumed", "EagerEndOfTurn", "EndOfTurn"]);
  expect(client.messages.map((message) => message["sequence_id"])).toEqual(Array.from(client.messages.keys()));
  const said = client.messages
    .filter(({ event }) => event === "EagerEndOfTurn" || event === "EndOfTurn")
    .map(({ transcript }) => transcript);
  expect(said).toEqual(["two nights", "two nights and more", "two nights and more"]);
  client.send({ type: "ForceEndTurn" });
  await client.has("Warning");
  client.send({ type: "CloseStream" });
  await client.ends();
  expect(client.closed?.code).toBe(1005);
});

test("a second Configure before the first is answered ends the socket", async () => {
  await using fake = await startDeepgramFake();
  await using client = await new Client(fake, flux).open();
  await client.has("Connected");
  client.send({ type: "Configure", keyterms: ["a"] }, { type: "Configure", keyterms: ["b"] });
  await client.has("Error");
  await client.ends();
});

test("audio that comes faster than 1.25 times real time is heard no faster", async () => {
  await using fake = await startDeepgramFake();
  await using client = await new Client(fake, nova).open();
  const startMs = performance.now();
  client.send(babble("could you move my visit", "pcm16@16000", 1_500), silence(32 * 500, "pcm16@16000"));
  await vi.waitFor(() => expect(client.messages.some((message) => message["speech_final"] === true)).toBe(true), {
    timeout: 5_000,
    interval: 5,
  });
  // 1,800 ms had to be heard for it, less what is taken at once.
  expect(performance.now() - startMs).toBeGreaterThan((1_800 - 400) / 1.25 - 50);
});

test("Nova tells a turn in two finals, of which only the second ends it, and a word gap after it", async () => {
  await using fake = await startDeepgramFake();
  fake.panel.callerSays("two nights for Ada");
  await using client = await new Client(fake, nova).open();
  client.send(babble("could you move", "pcm16@16000", 600), silence(32 * 1_300, "pcm16@16000"));
  await client.has("UtteranceEnd");
  const finals = client.messages.filter((message) => message["is_final"] === true);
  expect(finals.map((message) => message["speech_final"])).toEqual([false, true]);
  client.send({ type: "CloseStream" });
  await client.has("Metadata");
  await client.ends();
});

test("after Clear some stale audio still comes, then Cleared, then nothing of the old", async () => {
  await using fake = await startDeepgramFake();
  fake.panel.reply("unused");
  await using client = await new Client(fake, speak).open();
  client.send({ type: "Speak", text: "There are a great many things to be said. ".repeat(40) }, { type: "Flush" });
  await client.has("audio");
  client.send({ type: "Clear" });
  await client.has("Cleared");
  const at = client.order.length;
  expect(client.order.slice(0, at)).not.toContain("Flushed");
  expect(client.audio.some((piece) => piece.length % 2 === 1)).toBe(true);
  client.send({ type: "Speak", text: "Yes. " }, { type: "Flush" });
  await client.has("Flushed");
  client.send({ type: "Close" });
  await client.ends();
  expect(client.closed?.code).toBe(1000);
  expect(fake.panel.violations).toEqual([]);
});

test("the twenty-first Flush in the window is warned of and not processed", async () => {
  await using fake = await startDeepgramFake();
  await using client = await new Client(fake, speak).open();
  for (let at = 0; at < 21; at += 1) client.send({ type: "Speak", text: "a " }, { type: "Flush" });
  await client.has("Warning");
  await vi.waitFor(() => expect(client.order.filter((type) => type === "Flushed")).toHaveLength(20), 10_000);
  expect(fake.panel.violations).toHaveLength(1);
});

test.for([
  { what: "a container", query: "container=wav", body: { text: "Hello." }, status: 400 },
  { what: "no text", query: "container=none", body: { text: " " }, status: 400 },
  { what: "a text too long", query: "container=none", body: { text: "x".repeat(2_001) }, status: 413 },
  { what: "a text in order", query: "container=none", body: { text: "Hello." }, status: 200 },
])("over HTTP, $what is answered with $status", async ({ query, body, status }) => {
  await using fake = await startDeepgramFake();
  const response = await fetch(`${fake.url}${speak}&${query}`, {
    method: "POST",
    headers: { ...token, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  expect(response.status).toBe(status);
  const bytes = await response.arrayBuffer();
  if (status === 200) expect(bytes.byteLength).toBe(babble("Hello.", "pcm16@16000").length);
});
