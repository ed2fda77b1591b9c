import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { startDeepgramAgentFake, type DeepgramAgentFake } from "../../src/fakes/deepgram-agent/deepgram-agent.ts";
import { babble, silence } from "../../src/fakes/voice.ts";

type Json = Record<string, unknown>;

const settings = (more: { agent?: Json; audio?: Json; top?: Json } = {}): Json => ({
  type: "Settings",
  mip_opt_out: true,
  audio: {
    input: { encoding: "mulaw", sample_rate: 8_000 },
    output: { encoding: "mulaw", sample_rate: 8_000, container: "none" },
    ...more.audio,
  },
  agent: {
    listen: { provider: { type: "deepgram", version: "v2", model: "flux-general-en" } },
    think: { provider: { type: "google", model: "gemini-3.5-flash" }, prompt: "You are a desk.", functions: [{ name: "find_room" }] },
    speak: { provider: { type: "deepgram", model: "aura-2-thalia-en" } },
    ...more.agent,
  },
  ...more.top,
});

/** A client that is told nothing but the wire. */
class Client implements Disposable {
  readonly received: Json[] = [];
  audioBytes = 0;
  readonly socket: WebSocket;
  readonly #waiting = new Set<() => void>();

  constructor(fake: DeepgramAgentFake, { query = "", authorization = `Token ${fake.settings["DEEPGRAM_API_KEY"]}` } = {}) {
    this.socket = new WebSocket(`${fake.url.replace("http", "ws")}/v1/agent/converse${query}`, { headers: { authorization } });
    this.socket.on("message", (data: Buffer, isBinary) => {
      if (isBinary) this.audioBytes += data.length;
      else this.received.push(JSON.parse(data.toString()));
      for (const look of this.#waiting) look();
    });
  }

  static async welcomed(fake: DeepgramAgentFake): Promise<Client> {
    const client = new Client(fake);
    await client.gets("Welcome");
    return client;
  }

  static async configured(fake: DeepgramAgentFake, more: Parameters<typeof settings>[0] = {}): Promise<Client> {
    const client = await Client.welcomed(fake);
    client.send(settings(more));
    await client.gets("SettingsApplied");
    return client;
  }

  send(message: Json | string | Uint8Array): void {
    this.socket.send(message instanceof Uint8Array || typeof message === "string" ? message : JSON.stringify(message));
  }

  async gets(type: string, count = 1): Promise<Json> {
    const found = (): Json | undefined => this.received.filter((message) => message["type"] === type)[count - 1];
    while (found() === undefined) await new Promise<void>((resolve) => this.#waiting.add(resolve));
    return found() ?? {};
  }

  [Symbol.dispose](): void {
    this.socket.close(1000);
  }
}

describe("the handshake", () => {
  test.for([
    { name: "a bearer of a key", options: { authorization: "Bearer fake-deepgram-key" }, status: 401, error: "Invalid credentials." },
    { name: "a wrong key", options: { authorization: "Token other" }, status: 401, error: "Invalid credentials." },
    { name: "a query", options: { query: "?model=nova-3" }, status: 400, error: "Failed to deserialize query parameters." },
  ])("$name is refused as Deepgram refuses it", async ({ options, status, error }) => {
    await using fake = await startDeepgramAgentFake();
    using client = new Client(fake, options);
    client.socket.on("error", () => {});
    const [, response] = await once(client.socket, "unexpected-response");
    expect(response).toMatchObject({ statusCode: status, headers: { "dg-error": error } });
  });
});

describe("what the real service refuses is refused and recorded", () => {
  const wrongs: { name: string; message: Json | string | Uint8Array; code: string; early?: boolean }[] = [
    { name: "audio before Settings", message: new Uint8Array(160), code: "NON_SETTINGS_MESSAGE_BEFORE_SETTINGS", early: true },
    { name: "KeepAlive before Settings", message: { type: "KeepAlive" }, code: "NON_SETTINGS_MESSAGE_BEFORE_SETTINGS", early: true },
    { name: "an unknown field", message: settings({ top: { voice: "x" } }), code: "INVALID_SETTINGS", early: true },
    {
      name: "an encoding without its rate",
      message: settings({ audio: { input: { encoding: "mulaw" } } }),
      code: "INVALID_SETTINGS",
      early: true,
    },
    {
      name: "a container whose header would be heard",
      message: settings({ audio: { output: { encoding: "mulaw", sample_rate: 8_000, container: "wav" } } }),
      code: "INVALID_SETTINGS",
      early: true,
    },
    {
      name: "a foreign voice without an endpoint",
      message: settings({ agent: { speak: [{ provider: { type: "open_ai", model: "tts-1", voice: "alloy" } }] } }),
      code: "INVALID_SETTINGS",
      early: true,
    },
    { name: "a second Settings", message: settings(), code: "SETTINGS_ALREADY_APPLIED" },
    { name: "text that is no JSON", message: "{", code: "UNPARSABLE_CLIENT_MESSAGE" },
    { name: "an unknown type", message: { type: "Flush" }, code: "UNPARSABLE_CLIENT_MESSAGE" },
    {
      name: "a result that is no text",
      message: { type: "FunctionCallResponse", id: "a", name: "b", content: { ok: true } },
      code: "UNPARSABLE_CLIENT_MESSAGE",
    },
    { name: "an empty binary message", message: new Uint8Array(0), code: "USER_AUDIO_FORMAT" },
    { name: "KeepAlive in a binary message", message: Buffer.from('{"type":"KeepAlive"}'), code: "USER_AUDIO_FORMAT" },
  ];
  test.for(wrongs)("$name: $code", async ({ message, code, early = false }) => {
    await using fake = await startDeepgramAgentFake();
    using client = early ? await Client.welcomed(fake) : await Client.configured(fake);
    const closed = once(client.socket, "close");
    client.send(message);
    expect(await client.gets("Error")).toMatchObject({ code });
    await closed;
    expect(fake.panel.violations).toHaveLength(1);
  });

  test.for([
    { name: "calls that would be trained on", more: { top: { mip_opt_out: false } }, says: "mip_opt_out" },
    {
      name: "a second greeting",
      more: { agent: { greeting: "Hello.", context: { messages: [{ type: "History", role: "user", content: "Hi" }] } } },
      says: "greeting",
    },
  ])("$name: recorded", async ({ more, says }) => {
    await using fake = await startDeepgramAgentFake();
    using _client = await Client.configured(fake, more);
    expect(fake.panel.violations.join()).toContain(says);
  });

  test("Settings before Welcome", async () => {
    await using fake = await startDeepgramAgentFake();
    // It says no Welcome, so that none can come first.
    fake.panel.opening = { type: "never-ready" };
    using client = new Client(fake);
    await once(client.socket, "open");
    client.send(settings());
    await client.gets("SettingsApplied");
    expect(fake.panel.violations).toEqual(["Settings before Welcome"]);
  });

  test("half a sample", async () => {
    await using fake = await startDeepgramAgentFake();
    using client = await Client.configured(fake, { audio: { input: { encoding: "linear16", sample_rate: 16_000 } } });
    client.send(new Uint8Array(321));
    expect(await client.gets("Error")).toMatchObject({ code: "USER_AUDIO_FORMAT" });
  });

  test("a result for a call that was never made, and one for a call that was taken back", async () => {
    await using fake = await startDeepgramAgentFake();
    using client = await Client.configured(fake);
    client.send({ type: "FunctionCallResponse", id: "fc_none", name: "find_room", content: "{}" });
    fake.panel.reply({ text: "", toolCalls: [{ name: "find_room", arguments: "{}" }] });
    client.send({ type: "InjectUserMessage", content: "a room" });
    const { functions } = await client.gets("FunctionCallRequest");
    fake.cancelCalls();
    const cancelled = await client.gets("FunctionCallCancelled");
    expect(cancelled["functions"]).toMatchObject([{ name: "find_room" }]);
    const [{ id }] = functions as [{ id: string }];
    client.send({ type: "FunctionCallResponse", id, name: "find_room", content: "{}" });
    client.send({ type: "UpdatePrompt", prompt: "Be brief." });
    await client.gets("PromptUpdated");
    expect(fake.panel.violations).toEqual([
      "FunctionCallResponse for no call: find_room fc_none",
      `FunctionCallResponse for a cancelled call: find_room ${id}`,
    ]);
  });

  test("a flood of audio, and KeepAlive in the middle of it", async () => {
    await using fake = await startDeepgramAgentFake();
    using client = await Client.configured(fake);
    client.send(new Uint8Array(8 * 5_000).fill(0xff));
    client.send({ type: "KeepAlive" });
    client.send({ type: "UpdatePrompt", prompt: "Be brief." });
    await client.gets("PromptUpdated");
    expect(fake.panel.violations).toEqual([expect.stringContaining("ahead of 1.25 x real time"), "KeepAlive while audio is sent"]);
  });

  test("silence of a client's socket", async () => {
    await using fake = await startDeepgramAgentFake({ idleLimitMs: 50 });
    using client = await Client.configured(fake);
    expect(await client.gets("Error")).toMatchObject({ code: "CLIENT_MESSAGE_TIMEOUT" });
  });
});

describe("a talk", () => {
  test("the caller is heard, told, and answered in the order of the wire", async () => {
    await using fake = await startDeepgramAgentFake();
    fake.panel.callerSays("two nights");
    fake.panel.reply({ text: "From when? I ask because.", ms: 800 });
    using client = await Client.configured(fake);
    client.send(babble("could you", "pcmu@8000", 600));
    client.send(silence(8 * 700, "pcmu@8000"));
    await client.gets("AgentAudioDone");
    const talk = client.received.filter(({ type }) => ["UserStartedSpeaking", "ConversationText", "AgentAudioDone"].includes(String(type)));
    expect(talk.map(({ type, role, content }) => [type, role, content])).toEqual([
      ["UserStartedSpeaking", undefined, undefined],
      ["ConversationText", "user", "two nights"],
      ["ConversationText", "assistant", "From when?"],
      ["ConversationText", "assistant", "I ask because."],
      ["AgentAudioDone", undefined, undefined],
    ]);
    expect(client.audioBytes).toBe(800 * 8);
    expect(fake.panel.violations).toEqual([]);
  });

  test("words for the agent are refused in the middle of a turn, unless they may interrupt", async () => {
    await using fake = await startDeepgramAgentFake();
    using client = await Client.configured(fake);
    fake.panel.reply({ text: "A long story.", ms: 4_000, holdAtMs: 1_000 });
    client.send({ type: "InjectUserMessage", content: "tell me" });
    await client.gets("ConversationText", 2);
    client.send({ type: "InjectAgentMessage", message: "By the way." });
    await client.gets("InjectionRefused");
    client.send({ type: "InjectAgentMessage", message: "By the way.", behavior: "interrupt" });
    expect(await client.gets("ConversationText", 3)).toMatchObject({ role: "assistant", content: "By the way." });
  });

  test("a turn is ended by hand where the service's own ear waits", async () => {
    await using fake = await startDeepgramAgentFake();
    using client = await Client.configured(fake);
    client.send(babble("could you", "pcmu@8000", 600));
    await client.gets("UserStartedSpeaking");
    client.send({ type: "ForceEndTurn" });
    expect(await client.gets("ConversationText")).toMatchObject({ role: "user" });
  });
});
