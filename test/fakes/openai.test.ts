import { once } from "node:events";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { startAzureFake, startOpenaiFake, type OpenaiFake } from "../../src/fakes/openai/openai.ts";
import { babble, silence } from "../../src/fakes/voice.ts";

type Json = Record<string, unknown>;

/** A client that is told nothing but the wire. */
class Client implements Disposable {
  readonly received: Json[] = [];
  readonly #socket: WebSocket;
  readonly #waiting = new Set<() => void>();

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data: Buffer) => {
      this.received.push(JSON.parse(data.toString()));
      for (const look of this.#waiting) look();
    });
  }

  static async dial(fake: OpenaiFake): Promise<Client> {
    const url = `${fake.url.replace("http", "ws")}/realtime?model=gpt-realtime-2.1`;
    const socket = new WebSocket(url, { headers: { authorization: `Bearer ${fake.settings["OPENAI_API_KEY"]}` } });
    const client = new Client(socket);
    await client.gets("session.created");
    return client;
  }

  /** A configured session: turns by hand, and the caller's words. */
  static async configured(fake: OpenaiFake, input: Json = { turn_detection: null }): Promise<Client> {
    const client = await Client.dial(fake);
    client.send({ type: "session.update", session: { type: "realtime", audio: { input: { transcription: { model: "t" }, ...input } } } });
    await client.gets("session.updated");
    return client;
  }

  send(message: Json | string | Buffer): void {
    this.#socket.send(Buffer.isBuffer(message) || typeof message === "string" ? message : JSON.stringify(message));
  }

  async gets(type: string, count = 1): Promise<Json> {
    const found = (): Json | undefined => this.received.filter((message) => message["type"] === type)[count - 1];
    while (found() === undefined) await new Promise<void>((resolve) => this.#waiting.add(resolve));
    return found() ?? {};
  }

  types(): unknown[] {
    return this.received.map((message) => message["type"]);
  }

  async closed(): Promise<{ code: number; reason: string }> {
    const [code, reason] = await once(this.#socket, "close");
    return { code, reason: String(reason) };
  }

  [Symbol.dispose](): void {
    this.#socket.close(1000);
  }
}

const second = Buffer.from(babble("hello there you", "pcm16@24000", 1_000)).toString("base64");
const append = (audio: string): Json => ({ type: "input_audio_buffer.append", audio });
const item = (fields: Json): Json => ({ type: "conversation.item.create", event_id: "e1", item: fields });
const message = (role: string, type: string, id = "m1"): Json => item({ id, type: "message", role, content: [{ type, text: "x" }] });
const update = (session: Json): Json => ({ type: "session.update", event_id: "e1", session: { type: "realtime", ...session } });

test.for<{ what: string; sends: (Json | string | Buffer)[]; code: string; param?: string }>([
  { what: "text that is no JSON", sends: ["{"], code: "invalid_event" },
  { what: "a binary frame", sends: [Buffer.from("{}")], code: "invalid_event" },
  { what: "an event without a type", sends: [{}], code: "missing_required_parameter", param: "type" },
  { what: "an event of an unknown type", sends: [{ type: "session.start", event_id: "e1" }], code: "invalid_value", param: "type" },
  {
    what: "an update without session.type",
    sends: [{ type: "session.update", event_id: "e1", session: {} }],
    code: "missing_required_parameter",
    param: "session.type",
  },
  { what: "a field of the beta shape", sends: [update({ modalities: ["audio"] })], code: "unknown_parameter", param: "session.modalities" },
  {
    what: "two modalities",
    sends: [update({ output_modalities: ["audio", "audio"] })],
    code: "invalid_value",
    param: "session.output_modalities",
  },
  {
    what: "PCM of another rate",
    sends: [update({ audio: { input: { format: { type: "audio/pcm", rate: 16_000 } } } })],
    code: "invalid_value",
    param: "session.audio.input.format.rate",
  },
  {
    what: "G.711 with a rate",
    sends: [update({ audio: { input: { format: { type: "audio/pcmu", rate: 8_000 } } } })],
    code: "unknown_parameter",
    param: "session.audio.input.format.rate",
  },
  { what: "null for a flag", sends: [update({ parallel_tool_calls: null })], code: "invalid_type", param: "session.parallel_tool_calls" },
  {
    what: "a tool inside a function object",
    sends: [update({ tools: [{ type: "function", function: {} }] })],
    code: "missing_required_parameter",
    param: "session.tools[0].name",
  },
  { what: "no audio at all", sends: [append("")], code: "invalid_value", param: "audio" },
  { what: "half a sample", sends: [append("AAAA")], code: "invalid_value", param: "audio" },
  { what: "base64 that is not canonical", sends: [append("AAB=")], code: "invalid_value", param: "audio" },
  {
    what: "a commit of less than 100 ms",
    sends: [append("AAAAAAAA"), { type: "input_audio_buffer.commit", event_id: "e1" }],
    code: "input_audio_buffer_commit_empty",
  },
  {
    what: "an id of 33 characters",
    sends: [message("user", "input_text", "i".repeat(33))],
    code: "string_above_max_length",
    param: "item.id",
  },
  { what: "an id twice", sends: [message("user", "input_text"), message("user", "input_text")], code: "invalid_value", param: "item.id" },
  { what: "a caller's part for the agent", sends: [message("assistant", "input_text")], code: "invalid_value" },
  { what: "a part of the beta shape", sends: [message("user", "text")], code: "invalid_value" },
  { what: "a developer", sends: [message("developer", "input_text")], code: "invalid_value", param: "item.role" },
  {
    what: "an item after one that is not there",
    sends: [{ ...message("user", "input_text"), previous_item_id: "nowhere" }],
    code: "invalid_value",
    param: "previous_item_id",
  },
  {
    what: "the output of no call",
    sends: [item({ type: "function_call_output", call_id: "c", output: "" })],
    code: "invalid_value",
    param: "item.call_id",
  },
  {
    what: "an output twice",
    sends: [
      item({ type: "function_call", call_id: "c", name: "f", arguments: "{}" }),
      item({ type: "function_call_output", call_id: "c", output: "" }),
      item({ type: "function_call_output", call_id: "c", output: "" }),
    ],
    code: "invalid_value",
    param: "item.call_id",
  },
  {
    what: "a truncation of nothing",
    sends: [{ type: "conversation.item.truncate", event_id: "e1", item_id: "x", content_index: 0, audio_end_ms: 1 }],
    code: "item_truncate_invalid_item_id",
    param: "item_id",
  },
  {
    what: "a truncation of text",
    sends: [
      message("user", "input_text"),
      { type: "conversation.item.truncate", event_id: "e1", item_id: "m1", content_index: 0, audio_end_ms: 1 },
    ],
    code: "invalid_value",
    param: "item_id",
  },
  {
    what: "a fraction of a millisecond",
    sends: [{ type: "conversation.item.truncate", event_id: "e1", item_id: "x", content_index: 0, audio_end_ms: 1.5 }],
    code: "invalid_type",
    param: "audio_end_ms",
  },
  {
    what: "a deletion of nothing",
    sends: [{ type: "conversation.item.delete", event_id: "e1", item_id: "x" }],
    code: "item_delete_invalid_item_id",
    param: "item_id",
  },
  {
    what: "two responses at once",
    sends: [{ type: "response.create" }, { type: "response.create", event_id: "e1" }],
    code: "conversation_already_has_active_response",
  },
])("the fake refuses $what, keeps the session, and remembers", async ({ sends, code, param }) => {
  await using fake = await startOpenaiFake();
  fake.panel.reply({ text: "held", ms: 1_000, holdAtMs: 200 });
  using client = await Client.configured(fake);
  for (const one of sends) client.send(one);
  const last = sends.at(-1);
  const eventId = typeof last === "object" && !Buffer.isBuffer(last) ? (last["event_id"] ?? null) : null;
  const { error } = await client.gets("error");
  expect(error).toMatchObject({ code, event_id: eventId, ...(param === undefined ? {} : { param }) });
  expect(fake.panel.violations).toHaveLength(1);
  client.send(update({ instructions: "still here" }));
  await client.gets("session.updated", 2);
});

test("audio before the configuration is a violation", async () => {
  await using fake = await startOpenaiFake();
  using client = await Client.dial(fake);
  client.send(append(second));
  await client.gets("error");
  expect(fake.panel.violations).toHaveLength(1);
});

test("cancelling nothing is an error but no violation: clients lose that race in good order", async () => {
  await using fake = await startOpenaiFake();
  using client = await Client.configured(fake);
  client.send({ type: "response.cancel" });
  expect(await client.gets("error")).toMatchObject({ error: { code: "response_cancel_not_active" } });
  expect(fake.panel.violations).toEqual([]);
});

test("one refused field drops the whole update", async () => {
  await using fake = await startOpenaiFake();
  using client = await Client.configured(fake);
  client.send(update({ instructions: "Be brief.", audio: { output: { voice: "nobody" } } }));
  await client.gets("error");
  expect(fake.panel.sessionSettings()?.instructions).not.toContain("Be brief.");
});

test("the voice is locked once it was heard", async () => {
  await using fake = await startOpenaiFake();
  using client = await Client.configured(fake);
  client.send({ type: "response.create" });
  await client.gets("response.done");
  client.send(update({ audio: { output: { voice: "cedar" } } }));
  expect(await client.gets("error")).toMatchObject({ error: { code: "cannot_update_voice" } });
});

test("more cannot be cut than was said, nor a cut be taken back", async () => {
  await using fake = await startOpenaiFake();
  using client = await Client.configured(fake);
  fake.panel.reply({ text: "one second", ms: 1_000 });
  client.send({ type: "response.create" });
  await client.gets("response.done");
  const { item_id: itemId } = await client.gets("response.output_audio.delta");
  const cut = (ms: number): void =>
    client.send({ type: "conversation.item.truncate", item_id: itemId, content_index: 0, audio_end_ms: ms });
  cut(1_001);
  expect(await client.gets("error")).toMatchObject({ error: { message: "Audio content of 1000ms is already shorter than 1001ms" } });
  cut(400);
  await client.gets("conversation.item.truncated");
  cut(500);
  expect(await client.gets("error", 2)).toMatchObject({ error: { message: "Audio content of 400ms is already shorter than 500ms" } });
  expect(fake.panel.last.cuts).toEqual([400]);
});

test("an answer takes the wire's course, and leaves open only what the wire leaves open", async () => {
  const orders = new Set<string>();
  for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
    await using fake = await startOpenaiFake({ seed });
    using client = await Client.configured(fake);
    client.send({ type: "response.create", response: { metadata: { ask: "a1" } } });
    expect(await client.gets("response.done")).toMatchObject({ response: { status: "completed", metadata: { ask: "a1" } } });
    const types = client.types().slice(2);
    const place = (type: string): number => types.indexOf(type);
    expect(types[0]).toBe("response.created");
    expect(place("rate_limits.updated")).toBe(1);
    expect(place("response.content_part.added")).toBe(4);
    expect(place("response.output_audio.delta")).toBeGreaterThan(4);
    expect(place("response.content_part.done")).toBeGreaterThan(types.lastIndexOf("response.output_audio.delta"));
    expect(types.at(-1)).toBe("response.done");
    orders.add(types.filter((type, at) => type !== types[at - 1]).join(" "));
  }
  expect(orders.size).toBeGreaterThan(2);
});

test("speech over an answer ends it as the server's own turn detection does", async () => {
  await using fake = await startOpenaiFake();
  using client = await Client.configured(fake, {});
  fake.panel.reply({ text: "a long one", ms: 4_000, holdAtMs: 1_000 });
  client.send({ type: "response.create" });
  await client.gets("response.output_audio.delta", 5);
  client.send(append(second));
  await client.gets("input_audio_buffer.speech_started");
  expect(await client.gets("response.done")).toMatchObject({
    response: { status: "cancelled", status_details: { reason: "turn_detected" }, output: [{ status: "incomplete" }] },
  });
  client.send(append(Buffer.from(silence(48 * 700, "pcm16@24000")).toString("base64")));
  await client.gets("response.done", 2);
  expect(fake.panel.violations).toEqual([]);
});

test("a session ends as the wire ends it: by its time, and by its money", async () => {
  await using fake = await startOpenaiFake();
  using expiring = await Client.configured(fake);
  const expired = expiring.closed();
  fake.panel.expire();
  expect(await expired).toMatchObject({ code: 1001, reason: expect.stringContaining("maximum duration") });
  expect(expiring.received.at(-1)).toMatchObject({ error: { code: "session_expired" } });
  using broke = await Client.configured(fake);
  const spent = broke.closed();
  fake.panel.quota();
  expect(await spent).toEqual({ code: 4000, reason: "invalid_request_error.insufficient_quota" });
});

test.for([
  { what: "without a key", headers: {}, query: "?model=gpt-realtime-2.1", status: 401 },
  { what: "with a wrong key", headers: { authorization: "Bearer x" }, query: "?model=gpt-realtime-2.1", status: 401 },
  { what: "without a model", headers: { authorization: "Bearer sk-fake-openai-key" }, query: "", status: 404 },
  {
    what: "with a model of another day",
    headers: { authorization: "Bearer sk-fake-openai-key" },
    query: "?model=gpt-4o-realtime-preview",
    status: 404,
  },
])("a connection $what is answered by HTTP $status", async ({ headers, query, status }) => {
  await using fake = await startOpenaiFake();
  expect(await refusedStatus(`${fake.url}/realtime${query}`, headers)).toBe(status);
});

test("azure wants its own header and path, and no api-version", async () => {
  await using fake = await startAzureFake();
  const { AZURE_OPENAI_API_KEY: key = "", AZURE_OPENAI_DEPLOYMENT: model = "" } = fake.settings;
  const path = `${fake.url}/openai/v1/realtime?model=${model}`;
  expect(await refusedStatus(path, { authorization: `Bearer ${key}` })).toBe(401);
  expect(await refusedStatus(`${path}&api-version=2024-10-01-preview`, { "api-key": key })).toBe(400);
  expect(await refusedStatus(`${fake.url}/openai/realtime?deployment=${model}`, { "api-key": key })).toBe(404);
  expect(await refusedStatus(`${fake.url}/openai/v1/realtime?model=other`, { "api-key": key })).toBe(400);
});

test("the beta shape is let in and shown out", async () => {
  await using fake = await startOpenaiFake();
  const headers = { authorization: "Bearer sk-fake-openai-key", "openai-beta": "realtime=v1" };
  const socket = new WebSocket(`${fake.url.replace("http", "ws")}/realtime?model=gpt-realtime-2.1`, { headers });
  const [code, reason] = await once(socket, "close");
  expect([code, String(reason)]).toEqual([4000, "invalid_request_error.beta_api_shape_disabled"]);
  expect(fake.panel.violations).toHaveLength(1);
});

async function refusedStatus(url: string, headers: Record<string, string>): Promise<number | undefined> {
  const socket = new WebSocket(url.replace("http", "ws"), { headers });
  socket.on("error", () => {});
  const [, response] = await once(socket, "unexpected-response");
  response.resume();
  socket.terminate();
  return response.statusCode;
}
