import { GoogleGenAI, Modality, type LiveConnectConfig, type LiveServerMessage } from "@google/genai";
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { startGeminiFake, type GeminiFake } from "../../src/fakes/gemini/gemini.ts";
import { babble, silence } from "../../src/fakes/voice.ts";

type Json = Record<string, unknown>;

const path = "ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent";
const families = {
  "2.5": "gemini-2.5-flash-native-audio-preview-12-2025",
  "3.1": "gemini-3.1-flash-live-preview",
  "3.8": "gemini-3.8-live",
  "3.8 extended thinking": "gemini-3.8-live-extended-thinking",
};

/** A client that is told nothing but the wire. */
class Client implements Disposable {
  readonly received: Json[] = [];
  readonly #socket: WebSocket;
  readonly #waiting = new Set<() => void>();
  readonly ended: Promise<{ code: number; reason: string }>;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data: Buffer) => {
      this.received.push(JSON.parse(data.toString()));
      for (const look of this.#waiting) look();
    });
    this.ended = once(socket, "close").then(([code, reason]) => ({ code: Number(code), reason: String(reason) }));
  }

  static async dial(fake: GeminiFake): Promise<Client> {
    const key = fake.settings["GEMINI_API_KEY"] ?? "";
    const socket = new WebSocket(`${fake.url.replace("http", "ws")}/${path}`, { headers: { "x-goog-api-key": key } });
    const client = new Client(socket);
    await once(socket, "open");
    return client;
  }

  static async ready(fake: GeminiFake, setup: Json = {}): Promise<Client> {
    const client = await Client.dial(fake);
    client.send(set(setup));
    await client.gets("setupComplete");
    return client;
  }

  send(...messages: readonly (Json | string)[]): void {
    for (const message of messages) this.#socket.send(typeof message === "string" ? message : JSON.stringify(message));
  }

  /** The count-th message that has all of `keys`, one below the other. */
  async gets(keys: string, count = 1): Promise<unknown> {
    const found = (): unknown[] => this.received.map((message) => at(message, ...keys.split("."))).filter((value) => value !== undefined);
    while (found().length < count) await new Promise<void>((resolve) => this.#waiting.add(resolve));
    return found()[count - 1];
  }

  close(): void {
    this.#socket.close();
  }

  [Symbol.dispose](): void {
    this.#socket.terminate();
  }
}

const at = (value: unknown, ...keys: readonly string[]): unknown => {
  let found = value;
  for (const key of keys) found = typeof found === "object" && found !== null ? Reflect.get(found, key) : undefined;
  return found;
};

const set = (setup: Json = {}): Json => ({ setup: { model: "models/gemini-3.8-live", ...setup } });
const second = Buffer.from(babble("hello there you", "pcm16@16000", 1_000)).toString("base64");
const pause = Buffer.from(silence(32_000, "pcm16@16000")).toString("base64");
const audio = (data: string, mimeType = "audio/pcm;rate=16000"): Json => ({ realtimeInput: { audio: { data, mimeType } } });
const turns = (text: string, turnComplete: boolean, role = "user"): Json => ({
  clientContent: { turns: [{ role, parts: [{ text }] }], turnComplete },
});
const declared = (fields: Json = {}): Json => ({ tools: [{ functionDeclarations: [{ name: "find_room", ...fields }] }] });
const byHand: Json = { realtimeInputConfig: { automaticActivityDetection: { disabled: true } } };
const result = (id: unknown, fields: Json = {}): Json => ({
  toolResponse: { functionResponses: [{ id, name: "find_room", response: { output: 1 }, ...fields }] },
});

describe("what a strict server refuses", () => {
  test.for<{ what: string; setup?: Json; sends: (Json | string)[]; code?: number; reason?: string }>([
    { what: "text that is no JSON", sends: ["{"], reason: "Invalid JSON payload" },
    { what: "audio before the set-up", sends: [audio(second)], reason: "setup must be the first message" },
    { what: "two keys at once", sends: [{ ...set(), ...audio(second) }], reason: "exactly one field" },
    { what: "an unknown key", sends: [{ hello: {} }], reason: 'Unknown name "hello"' },
    { what: "a key that the service has under another spelling", sends: [{ realtime_input: {} }], reason: "Unknown name" },
    {
      what: "an unknown field, deep down",
      sends: [set({ generationConfig: { speechConfig: { speed: 1 } } })],
      reason: 'Unknown name "speed"',
    },
    {
      what: "a model without its prefix",
      sends: [{ setup: { model: "gemini-3.8-live" } }],
      code: 1008,
      reason: "gemini-3.8-live is not found",
    },
    { what: "a model that there is not", sends: [set({ model: "models/gemini-9" })], code: 1008, reason: "models/gemini-9 is not found" },
    { what: "two modalities", sends: [set({ generationConfig: { responseModalities: ["AUDIO", "AUDIO"] } })] },
    { what: "a handle that is null", sends: [set({ sessionResumption: { handle: null } })] },
    { what: "a handle that is empty", sends: [set({ sessionResumption: { handle: "" } })] },
    {
      what: "a field of the other back-end",
      sends: [set({ sessionResumption: { transparent: false } })],
      reason: 'Unknown name "transparent"',
    },
    { what: "a proactivity of false", sends: [set({ proactivity: { proactiveAudio: false } })] },
    { what: "a tool choice", sends: [set({ toolConfig: {} })], reason: 'Unknown name "toolConfig"' },
    { what: "a behaviour on a model without", sends: [set({ model: `models/${families["3.1"]}`, ...declared({ behavior: "BLOCKING" }) })] },
    {
      what: "a blocking tool on a model that never blocks",
      sends: [set({ model: `models/${families["3.8 extended thinking"]}`, ...declared({ behavior: "BLOCKING" }) })],
    },
    { what: "a thinking budget on a model with levels", sends: [set({ generationConfig: { thinkingConfig: { thinkingBudget: 1 } } })] },
    { what: "a handle that was never given", sends: [set({ sessionResumption: { handle: "h" } })], code: 1008, reason: "Requested entity" },
    { what: "a message between set-up and its completion", sends: [set(), audio(second)], reason: "between setup and setupComplete" },
    { what: "a second set-up", setup: {}, sends: [set()], reason: "setup must be sent once" },
    { what: "audio of no rate", setup: {}, sends: [audio(second, "audio/pcm")] },
    { what: "audio of a telephone", setup: {}, sends: [audio(second, "audio/pcmu;rate=8000")] },
    { what: "half a sample", setup: {}, sends: [audio("AAAA")], reason: "no whole samples" },
    { what: "base64 that is not canonical", setup: {}, sends: [audio("AAB=")], reason: "Base64" },
    { what: "no audio", setup: {}, sends: [audio("")] },
    { what: "the old form of audio", setup: {}, sends: [{ realtimeInput: { mediaChunks: [] } }], reason: 'Unknown name "mediaChunks"' },
    { what: "two kinds of input at once", setup: {}, sends: [{ realtimeInput: { text: "a", activityStart: {} } }] },
    {
      what: "marks of activity beside its detection",
      setup: {},
      sends: [{ realtimeInput: { activityStart: {} } }],
      reason: "Explicit activity",
    },
    { what: "the end of a stream without detection", setup: byHand, sends: [{ realtimeInput: { audioStreamEnd: true } }] },
    { what: "an end without a start", setup: byHand, sends: [{ realtimeInput: { activityEnd: {} } }] },
    { what: "two starts", setup: byHand, sends: [{ realtimeInput: { activityStart: {} } }, { realtimeInput: { activityStart: {} } }] },
    { what: "a system role", setup: {}, sends: [turns("x", false, "system")] },
    { what: "a call as a part", setup: {}, sends: [{ clientContent: { turns: [{ role: "model", parts: [{ functionCall: {} }] }] } }] },
    { what: "content in mid-session on a model without", setup: { model: `models/${families["3.1"]}` }, sends: [turns("x", true)] },
    {
      what: "audio before the end of the announced history",
      setup: { model: `models/${families["3.1"]}`, historyConfig: { initialHistoryInClientContent: true } },
      sends: [turns("x", false), audio(second)],
      reason: "before the initial history was completed",
    },
    {
      what: "a history that the model has the last word of",
      setup: { model: `models/${families["2.5"]}` },
      sends: [turns("x", false, "model")],
    },
    { what: "new instructions on a model without", setup: { model: `models/${families["2.5"]}` }, sends: [{ contextUpdate: {} }] },
    { what: "the result of no call", setup: {}, sends: [result("f1")], reason: "No function call with id f1" },
    { what: "a result that is no object", setup: {}, sends: [result("f1", { response: "three" })] },
    { what: "a result without an id", setup: {}, sends: [{ toolResponse: { functionResponses: [{ name: "n", response: {} }] } }] },
  ])("$what", async ({ setup, sends, code = 1007, reason = "" }) => {
    await using fake = await startGeminiFake();
    using client = setup === undefined ? await Client.dial(fake) : await Client.ready(fake, setup);
    client.send(...sends);
    const end = await client.ended;
    expect(end).toEqual({ code, reason: expect.stringContaining(reason) });
    if (code === 1007) expect(fake.panel.violations).toHaveLength(1);
  });

  test.for<{ what: string; sends: (id: unknown) => Json[]; reason: string }>([
    { what: "twice", sends: (id) => [result(id), result(id)], reason: "was answered" },
    { what: "under another name", sends: (id) => [result(id, { name: "find_table" })], reason: "is one of find_room" },
    { what: "with scheduling though it blocks", sends: (id) => [result(id, { scheduling: "SILENT" })], reason: "scheduling" },
    { what: "after it was withdrawn", sends: (id) => [turns("never mind", true), result(id)], reason: "was cancelled" },
  ])("a result $what", async ({ sends, reason }) => {
    await using fake = await startGeminiFake();
    fake.panel.reply({ text: "", toolCalls: [{ name: "find_room", arguments: "{}" }] });
    using client = await Client.ready(fake, declared({ behavior: "BLOCKING" }));
    client.send(turns("a room", true));
    const [call] = Object(await client.gets("toolCall.functionCalls"));
    client.send(...sends(at(call, "id")));
    expect((await client.ended).reason).toContain(reason);
  });

  test("audio while a call blocks a model that cannot bear it", async () => {
    await using fake = await startGeminiFake();
    fake.panel.reply({ text: "", toolCalls: [{ name: "find_room", arguments: "{}" }] });
    using client = await Client.ready(fake, { model: `models/${families["2.5"]}`, ...declared() });
    client.send(turns("a room", true));
    await client.gets("toolCall");
    client.send(audio(second));
    expect((await client.ended).code).toBe(1008);
    expect(fake.panel.violations).toEqual(["realtimeInput while a blocking call is pending"]);
  });

  test("a session that is taken up while its first socket stands, unless told to bear it", async () => {
    for (const twoSockets of ["refused", "taken"] as const) {
      await using fake = await startGeminiFake({ twoSockets, playbackPace: 100 });
      using first = await Client.ready(fake, { sessionResumption: {} });
      first.send(turns("hello", true));
      const handle = await first.gets("sessionResumptionUpdate.newHandle");
      using again = await Client.dial(fake);
      again.send(set({ sessionResumption: { handle } }));
      if (twoSockets === "refused") expect((await again.ended).code).toBe(1011);
      else await again.gets("setupComplete");
    }
  });
});

describe("what it says", () => {
  test("a turn by voice: words, audio, the end of generation, and later the end of the turn", async () => {
    await using fake = await startGeminiFake();
    fake.panel.callerSays("I need two nights");
    fake.panel.reply({ text: "From which date?", ms: 600 });
    using client = await Client.ready(fake, {
      model: `models/${families["2.5"]}`,
      inputAudioTranscription: {},
      outputAudioTranscription: {},
    });
    client.send(audio(second), audio(pause));
    await client.gets("serverContent.generationComplete");
    expect(client.received.some((message) => at(message, "serverContent", "turnComplete") !== undefined)).toBe(false);
    await client.gets("serverContent.turnComplete");
    const all = (side: string): string => client.received.map((one) => at(one, "serverContent", side, "text") ?? "").join("");
    expect(all("inputTranscription")).toBe("I need two nights");
    expect(all("outputTranscription")).toBe("From which date?");
    expect(JSON.stringify(client.received)).not.toContain("finished");
    expect(fake.panel.last.spoken.bytes).toBe(600 * 48);
  });

  test("a caller who speaks into an answer interrupts it: no end of generation", async () => {
    await using fake = await startGeminiFake();
    fake.panel.staleAudio = true;
    fake.panel.reply({ text: "A long story about it all.", ms: 4_000, holdAtMs: 1_000 }, "Yes?");
    using client = await Client.ready(fake);
    client.send(turns("tell me", true));
    await client.gets("serverContent.modelTurn", 4);
    client.send(audio(second));
    await client.gets("serverContent.interrupted");
    await client.gets("serverContent.turnComplete");
    const keys = client.received.flatMap((message) => Object.keys(Object(message["serverContent"])));
    expect(keys).not.toContain("generationComplete");
    expect(keys.indexOf("interrupted")).toBeLessThan(keys.indexOf("turnComplete"));
    expect(keys.slice(keys.indexOf("interrupted"))).toContain("modelTurn");
  });

  test("audio outside the window of a turn by hand is thrown away", async () => {
    await using fake = await startGeminiFake();
    using client = await Client.ready(fake, byHand);
    client.send(audio(second), { realtimeInput: { activityStart: {} } }, audio(pause), { realtimeInput: { activityEnd: {} } });
    await client.gets("serverContent.generationComplete");
    expect(fake.panel.last.heard.bytes).toBe(32_000);
  });

  test("no handle is given while a call waits", async () => {
    await using fake = await startGeminiFake({ playbackPace: 100 });
    fake.panel.reply({ text: "", toolCalls: [{ name: "find_room", arguments: "{}" }] }, "Three.");
    using client = await Client.ready(fake, { sessionResumption: {}, ...declared() });
    client.send(turns("a room", true));
    const [call] = Object(await client.gets("toolCall.functionCalls"));
    await client.gets("serverContent.turnComplete");
    expect(client.received.map((message) => at(message, "sessionResumptionUpdate", "newHandle") ?? "").join("")).toBe("");
    client.send(result(at(call, "id")));
    expect(await client.gets("sessionResumptionUpdate.newHandle")).toMatch(/^handle_/);
  });

  test("frames are binary, or text where asked", async () => {
    for (const frames of ["binary", "text"] as const) {
      await using fake = await startGeminiFake({ frames });
      const headers = { "x-goog-api-key": fake.settings["GEMINI_API_KEY"] ?? "" };
      const socket = new WebSocket(`${fake.url.replace("http", "ws")}/${path}`, { headers });
      await once(socket, "open");
      socket.send(JSON.stringify(set()));
      const [, isBinary] = await once(socket, "message");
      expect(isBinary).toBe(frames === "binary");
      socket.terminate();
    }
  });
});

// The official client on the same server: that the fake speaks its wire, and why the adapter's socket is its own.
describe("the official client", () => {
  const connect = (fake: GeminiFake, model: string, config: LiveConnectConfig, key = fake.settings["GEMINI_API_KEY"] ?? "") => {
    const received: LiveServerMessage[] = [];
    const client = new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: fake.url, apiVersion: "v1beta" } });
    const session = client.live.connect({ model, config, callbacks: { onmessage: (message) => received.push(message) } });
    return { session, received };
  };

  test.for(Object.values(families))("holds a call with %s", async (model) => {
    await using fake = await startGeminiFake();
    const { session, received } = connect(fake, model, { responseModalities: [Modality.AUDIO], outputAudioTranscription: {} });
    const live = await session;
    for (const data of [second, pause]) live.sendRealtimeInput({ audio: { data, mimeType: "audio/pcm;rate=16000" } });
    await expect.poll(() => received.some((message) => message.serverContent?.generationComplete === true), { timeout: 10_000 }).toBe(true);
    live.close();
    await expect.poll(() => fake.panel.open, { timeout: 10_000 }).toBe(0);
    expect(fake.panel.violations).toEqual([]);
  });

  test("writes the key into the address, behind two slashes", async () => {
    await using fake = await startGeminiFake();
    (await connect(fake, families["3.8"], {}).session).close();
    expect(fake.panel.last.asked.url).toBe(`//${path}?key=${fake.settings["GEMINI_API_KEY"]}`);
  });

  test("tells a refused set-up by a rejection, with the reason of the close", async () => {
    await using fake = await startGeminiFake();
    await expect(connect(fake, families["3.8"], {}, "wrong").session).rejects.toThrow("API key not valid");
  });

  test("waits for ever for a server that opens and never becomes ready, and gives no socket to close", async () => {
    await using fake = await startGeminiFake();
    fake.panel.opening = { type: "never-ready" };
    let settled = false;
    const { session } = connect(fake, families["3.8"], {});
    session.then(
      () => (settled = true),
      () => (settled = true),
    );
    await expect.poll(() => fake.panel.connections, { timeout: 10_000 }).toBe(1);
    expect(settled).toBe(false);
    fake.panel.drop(1011);
    await expect.poll(() => settled, { timeout: 10_000 }).toBe(true);
  });

  test("drops historyConfig on the way, so that a history ends the session", async () => {
    await using fake = await startGeminiFake();
    const config = { responseModalities: [Modality.AUDIO], historyConfig: { initialHistoryInClientContent: true } };
    const live = await connect(fake, families["3.1"], config).session;
    live.sendClientContent({ turns: [{ role: "user", parts: [{ text: "hello" }] }], turnComplete: true });
    await expect.poll(() => fake.panel.violations, { timeout: 10_000 }).toEqual(["Request contains an invalid argument."]);
  });
});
