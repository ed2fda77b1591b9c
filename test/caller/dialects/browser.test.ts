import fc from "fast-check";
import { expect, test } from "vitest";
import type { CallerCommand, DialectCodec } from "../../../src/caller/dialect.ts";
import { browser } from "../../../src/caller/dialects/browser.ts";
import { Fault } from "../../../src/kernel/fault.ts";
import { bareKnock } from "../knock.ts";

const start = { type: "start", version: 1, audio: { up: "pcm16@16000", down: "pcm16@24000" } };

function started(up = "pcm16@16000"): DialectCodec {
  const codec = browser.open(bareKnock);
  codec.decodeText(JSON.stringify({ ...start, audio: { up, down: up } }));
  return codec;
}

function faultOf(run: () => unknown): Fault {
  try {
    run();
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error("no fault");
}

test("start says everything that a caller may say about itself", () => {
  const arrived = { turnId: "t4", ms: 2_140 };
  const message = { ...start, agent: "front-desk", language: "en-US", token: "k", resume: "r", arrived, more: { ignored: true } };
  expect(browser.open(bareKnock).decodeText(JSON.stringify(message))).toEqual({
    type: "start",
    start: {
      dialect: "browser",
      carrierCallId: undefined,
      agent: "front-desk",
      language: "en-US",
      resume: "r",
      arrived,
      from: undefined,
      parameters: { token: "k" },
    },
    uplink: "pcm16@16000",
    downlink: "pcm16@24000",
    held: expect.objectContaining({ uplink: "pcm16@16000" }) as unknown, // A matcher stands for what it matches.
  });
});

test.each([
  { says: { type: "text", text: " hello " }, signal: { type: "text", text: "hello" } },
  { says: { type: "text", text: "\ud83d" }, signal: { type: "text", text: "\ufffd" } },
  { says: { type: "played", turnId: "t4", ms: 1840 }, signal: { type: "played", turnId: "t4", ms: 1840 } },
  { says: { type: "dtmf", digit: "#" }, signal: { type: "dtmf", digit: "#" } },
  { says: { type: "ping", id: 7 }, signal: { type: "ping", message: '{"type":"pong","id":7}' } },
  { says: { type: "bye" }, signal: { type: "stop" } },
  { says: { type: "later-invention", x: 1 }, signal: { type: "ignored", event: "later-invention" } },
  { says: { type: "constructor" }, signal: { type: "ignored", event: "constructor" } },
])("$says is understood", ({ says, signal }) => {
  expect(started().decodeText(JSON.stringify(says))).toEqual(signal);
});

test.each([
  { says: "{", code: "caller-malformed", names: "JSON" },
  { says: "[]", code: "caller-malformed", names: "JSON object" },
  { says: "null", code: "caller-malformed", names: "JSON object" },
  { says: '{"typ":"text"}', code: "caller-malformed", names: "type" },
  { says: '{"type":"start","version":2}', code: "caller-unsupported", names: "start.version" },
  { says: '{"type":"start","version":1}', code: "caller-malformed", names: "start.audio" },
  { says: JSON.stringify({ ...start, audio: { up: "mp3", down: "pcmu@8000" } }), code: "caller-unsupported", names: "start.audio.up" },
  { says: JSON.stringify({ ...start, agent: 5 }), code: "caller-malformed", names: "start.agent" },
  { says: '{"type":"text","text":"  "}', code: "caller-malformed", names: "text.text" },
  { says: JSON.stringify({ type: "text", text: "x".repeat(4_001) }), code: "caller-malformed", names: "text.text" },
  { says: '{"type":"played","turnId":"t1","ms":-1}', code: "caller-malformed", names: "played.ms" },
  { says: '{"type":"played","turnId":"t1","ms":1e999}', code: "caller-malformed", names: "played.ms" },
  { says: '{"type":"played","ms":1}', code: "caller-malformed", names: "played.turnId" },
  { says: '{"type":"dtmf","digit":"55"}', code: "caller-malformed", names: "dtmf.digit" },
  { says: '{"type":"ping","id":{}}', code: "caller-malformed", names: "ping.id" },
])("$says is refused, naming $names", ({ says, code, names }) => {
  const fault = faultOf(() => browser.open(bareKnock).decodeText(says));
  expect(fault.code).toBe(code);
  expect(fault.message).toContain(names);
});

test.each([
  { name: "before start", codec: browser.open(bareKnock), bytes: 640, says: "before start" },
  { name: "half a sample", codec: started(), bytes: 641, says: "no whole samples" },
  { name: "more than 500 ms", codec: started(), bytes: 16_002, says: "limit is 500 ms" },
])("audio is refused: $name", ({ codec, bytes, says }) => {
  const fault = faultOf(() => codec.decodeBinary(new Uint8Array(bytes)));
  expect(fault.code).toBe("caller-malformed");
  expect(fault.message).toContain(says);
});

test.each(["pcm16@8000", "pcm16@16000", "pcm16@24000", "pcm16@48000", "pcmu@8000", "pcma@8000"])("audio in %s passes untouched", (up) => {
  const bytes = new Uint8Array(960).map((_, index) => index);
  expect(started(up).decodeBinary(bytes.subarray(0, 320))).toEqual({ type: "audio", bytes: bytes.subarray(0, 320), atMs: undefined });
});

const provider = "local";
test.each<{ command: CallerCommand; wire: object | undefined }>([
  { command: { type: "turn", turnId: "t4", fromMs: 1_240.4 }, wire: { type: "turn", turnId: "t4", fromMs: 1_240 } },
  { command: { type: "flush" }, wire: { type: "flush" } },
  { command: { type: "mark", name: "m" }, wire: undefined },
  { command: { type: "end", end: { reason: "done" } }, wire: { type: "ended", reason: "done" } },
  { command: { type: "end", end: { reason: "drained" } }, wire: { type: "ended", reason: "drained" } },
  {
    command: { type: "end", end: { reason: "fault", fault: new Fault("busy", "all lines are busy") } },
    wire: { type: "error", code: "busy", message: "all lines are busy" },
  },
  {
    command: { type: "end", end: { reason: "fault", fault: new Fault("internal", "reading /etc/secret") } },
    wire: { type: "error", code: "internal", message: "something went wrong on our side" },
  },
  ...[
    { type: "started" as const, callId: "c", resumeToken: "r", agent: "a", provider, receivedMs: 4_020 },
    { type: "phase" as const, phase: "thinking" as const },
    { type: "caption" as const, turnId: "t", role: "agent" as const, text: "hi", final: true, interrupted: false },
    { type: "caption.withdrawn" as const, turnId: "t" },
    { type: "latency" as const, turnId: "t", firstAudioMs: 700 },
    { type: "tool" as const, name: "book", state: "running" as const },
    { type: "connection.reconnecting" as const, provider, attempt: 1 },
    { type: "handed-over" as const, provider, restored: "full" as const },
  ].map((notice) => ({ command: { type: "notice" as const, notice }, wire: notice })),
])("$command.type is written as $wire", ({ command, wire }) => {
  const written = browser.open(bareKnock).encode(command);
  expect(typeof written === "string" ? JSON.parse(written) : written).toEqual(wire);
});

test("agent audio is written as it is", () => {
  const bytes = new Uint8Array(960);
  expect(browser.open(bareKnock).encode({ type: "audio", bytes })).toBe(bytes);
});

test("whatever comes, nothing but a Fault of the caller's is thrown", () => {
  const field = fc.oneof(fc.jsonValue(), fc.string({ unit: "binary" }), fc.double());
  const type = fc.constantFrom("start", "text", "played", "dtmf", "ping", "bye", "__proto__", "toString", 7, null);
  const fields = fc.dictionary(fc.constantFrom("version", "audio", "text", "turnId", "ms", "digit", "id", "agent", "__proto__"), field);
  const message = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.json({ maxDepth: 12 }),
    fc.tuple(type, fields).map(([name, rest]) => JSON.stringify({ ...rest, type: name })),
  );
  fc.assert(
    fc.property(message, fc.uint8Array({ maxLength: 2_000 }), (text, bytes) => {
      const codec = browser.open(bareKnock);
      for (const run of [() => codec.decodeText(text), () => codec.decodeBinary(bytes), () => codec.decodeText(JSON.stringify(start))]) {
        try {
          run();
        } catch (error) {
          expect(error).toBeInstanceOf(Fault);
          expect((error as Fault).row.blame).toBe("caller");
        }
      }
    }),
    { numRuns: 2_000 },
  );
}, 20_000);
