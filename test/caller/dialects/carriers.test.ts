import { describe, expect, test } from "vitest";
import type { CallerCommand, CallerSignal, Dialect, DialectCodec, Knock } from "../../../src/caller/dialect.ts";
import { dialects } from "../../../src/caller/dialects.ts";
import { asterisk } from "../../../src/caller/dialects/asterisk.ts";
import { audiosocket } from "../../../src/caller/dialects/audiosocket.ts";
import { exotel } from "../../../src/caller/dialects/exotel.ts";
import { freeswitch, freeswitchFork, freeswitchStream } from "../../../src/caller/dialects/freeswitch.ts";
import { genesys } from "../../../src/caller/dialects/genesys.ts";
import { jambonz } from "../../../src/caller/dialects/jambonz.ts";
import { plivo } from "../../../src/caller/dialects/plivo.ts";
import { signalwire } from "../../../src/caller/dialects/signalwire.ts";
import { telnyx } from "../../../src/caller/dialects/telnyx.ts";
import { vonage } from "../../../src/caller/dialects/vonage.ts";
import { Fault } from "../../../src/kernel/fault.ts";
import { seededRandom } from "../../../src/kernel/random.ts";

const knockAt = (query: string): Knock => ({ target: `/?${query}`, query: new URLSearchParams(query), headers: {} });

const genesysOpen = {
  version: "2",
  id: "s",
  type: "open",
  seq: 1,
  serverseq: 0,
  position: "PT0S",
  parameters: {
    organizationId: "o",
    conversationId: "c",
    participant: { id: "p", ani: "+1555", dnis: "+1556" },
    media: [{ type: "audio", format: "PCMU", channels: ["external"], rate: 8000 }],
    language: "en-US",
    inputVariables: { agent: "desk" },
  },
};

/** A start of each wire as its documents show it, and a few messages that follow. */
const wires: readonly { readonly dialect: Dialect; readonly query?: string; readonly says: readonly (object | string | Uint8Array)[] }[] = [
  {
    dialect: telnyx,
    says: [
      {
        event: "start",
        sequence_number: "1",
        stream_id: "s",
        start: { call_control_id: "c", from: "+1", media_format: { encoding: "PCMU", sample_rate: 8000 } },
      },
      { event: "media", stream_id: "s", media: { track: "inbound", chunk: "1", timestamp: "0", payload: "/////w==" } },
      { event: "dtmf", dtmf: { digit: "1" } },
      { event: "mark", mark: { name: "m" } },
    ],
  },
  {
    dialect: vonage,
    says: [
      { event: "websocket:connected", "content-type": "audio/l16;rate=16000", call: "c" },
      new Uint8Array(640),
      { event: "websocket:dtmf", digit: "5", duration: 260 },
    ],
  },
  {
    dialect: plivo,
    says: [
      {
        event: "start",
        start: { callId: "c", streamId: "s", mediaFormat: { encoding: "audio/x-mulaw", sampleRate: 8000 } },
        extra_headers: "a=b,from=+1",
      },
      { event: "media", streamId: "s", media: { track: "inbound", timestamp: "1", chunk: 1, payload: "/////w==" } },
      { event: "playedStream", streamId: "s", name: "m" },
    ],
  },
  {
    dialect: signalwire,
    says: [
      {
        event: "start",
        streamSid: "s",
        start: { callSid: "c", customParameters: { from: "+1" }, mediaFormat: { encoding: "L16", sampleRate: 16000 } },
      },
      { event: "media", streamSid: "s", media: { track: "inbound", chunk: "1", timestamp: "0", payload: "AAEAAg==" } },
    ],
  },
  {
    dialect: exotel,
    query: "sample-rate=16000",
    says: [
      { event: "start", stream_sid: "s", start: { call_sid: "c", from: "0", media_format: { encoding: "base64", sample_rate: "16000" } } },
      { event: "media", stream_sid: "s", media: { chunk: 1, timestamp: "0", payload: "AAEAAg==" } },
      { event: "dtmf", dtmf: { digit: "#", duration: "100" } },
    ],
  },
  {
    dialect: genesys,
    says: [
      genesysOpen,
      new Uint8Array(160),
      { version: "2", id: "s", type: "discarded", seq: 2, serverseq: 1, parameters: { start: "PT1S", discarded: "PT1.5S" } },
      { version: "2", id: "s", type: "dtmf", seq: 3, serverseq: 1, parameters: { digit: "1" } },
    ],
  },
  {
    dialect: jambonz,
    says: [
      { callSid: "c", from: "+1", sampleRate: 16000, mixType: "mono" },
      new Uint8Array(640),
      { event: "dtmf", dtmf: "2" },
      { type: "mark", data: { name: "m", event: "playout" } },
    ],
  },
  { dialect: freeswitch, query: "rate=16000", says: [{ call: "c", from: "1001" }, new Uint8Array(640)] },
  { dialect: freeswitchFork, says: ["any text", new Uint8Array(320)] },
  { dialect: freeswitchStream, says: [new Uint8Array(320), new Uint8Array(320)] },
  {
    dialect: asterisk,
    says: [
      {
        event: "MEDIA_START",
        connection_id: "c",
        channel: "ch",
        channel_id: "1.2",
        format: "slin16",
        optimal_frame_size: 640,
        ptime: 20,
        channel_variables: { agent: "desk" },
      },
      new Uint8Array(640),
      { event: "DTMF_END", digit: "1" },
      { event: "MEDIA_XOFF" },
    ],
  },
  {
    dialect: asterisk,
    says: [
      "MEDIA_START connection_id:c channel:ch channel_id:1.2 format:ulaw optimal_frame_size:160 ptime:20",
      "DTMF_END digit:1",
      "MEDIA_XON",
    ],
  },
  {
    dialect: audiosocket("pcm16@8000"),
    says: [Uint8Array.of(1, 0, 16, ...new Uint8Array(16)), Uint8Array.of(0x10, 0, 2, 1, 2), Uint8Array.of(3, 0, 1, 0x31)],
  },
];

const said = (codec: DialectCodec, message: object | string | Uint8Array): CallerSignal =>
  message instanceof Uint8Array
    ? codec.decodeBinary(message)
    : codec.decodeText(typeof message === "string" ? message : JSON.stringify(message));

function started(dialect: Dialect, index = 0): { readonly codec: DialectCodec; readonly start: CallerSignal } {
  const wire = wires.filter((each) => each.dialect === dialect)[index];
  const [first] = wire?.says ?? [];
  if (wire === undefined || first === undefined) throw new Error(`no wire of ${dialect.name}`);
  const codec = dialect.open(knockAt(wire.query ?? ""));
  return { codec, start: said(codec, first) };
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

const json = (written: unknown): unknown => (typeof written === "string" ? JSON.parse(written) : written);
const encoded = (codec: DialectCodec, command: CallerCommand): unknown => json(codec.encode(command));

test("every dialect has a name and an address of its own", () => {
  expect(new Set(dialects.map(({ name }) => name)).size).toBe(dialects.length);
  expect(new Set(dialects.map(({ path }) => path)).size).toBe(dialects.length);
});

describe.each(wires.map((wire) => ({ ...wire, name: wire.dialect.name })))("$name", ({ dialect, query = "", says }) => {
  test("whatever comes, nothing but a Fault of the caller's is thrown", () => {
    const seed = 20_261_121;
    const random = seededRandom(seed);
    const pick = (below: number): number => Math.floor(random.next() * below);
    const scraps = [
      '"',
      "{",
      "}",
      "[",
      "]",
      ":",
      ",",
      "null",
      "-1",
      "1e309",
      "true",
      "\\u0000",
      "\ud800",
      "__proto__",
      "",
      "PT",
      "=",
      "999999999999999999",
    ];
    let thrown = 0;
    for (let round = 0; round < 2_000; round += 1) {
      const codec = dialect.open(knockAt(query));
      for (const message of says) {
        const mutant = pick(3) === 0 ? message : mutated(message);
        try {
          said(codec, mutant);
          codec.encode({ type: "audio", bytes: new Uint8Array(160) });
          codec.encode({ type: "mark", name: "1|t1|200" });
          codec.encode({ type: "flush" });
        } catch (error) {
          const fine = error instanceof Fault && error.row.blame === "caller";
          if (!fine) throw new Error(`seed ${seed}, round ${round}: ${JSON.stringify(mutant)}`, { cause: error });
          thrown += 1;
        }
      }
    }
    expect(thrown).toBeGreaterThan(100);

    function mutated(message: object | string | Uint8Array): string | Uint8Array {
      if (message instanceof Uint8Array) {
        const bytes = Uint8Array.from(message.subarray(0, 1 + pick(message.length)));
        for (let times = pick(4); times > 0; times -= 1) bytes[pick(bytes.length)] = pick(256);
        return pick(8) === 0 ? Buffer.concat([bytes, Buffer.alloc(pick(70_000))]) : bytes;
      }
      let text = typeof message === "string" ? message : JSON.stringify(message);
      for (let times = 1 + pick(4); times > 0; times -= 1) {
        const at = pick(text.length + 1);
        text = text.slice(0, at) + (scraps[pick(scraps.length)] ?? "") + text.slice(at + pick(12));
      }
      return text;
    }
  });

  test("no command throws that comes before its start", () => {
    const codec = dialect.open(knockAt(query));
    for (const command of [{ type: "mark", name: "m" }, { type: "flush" }, { type: "end", end: { reason: "done" } }] as const) {
      expect(() => codec.encode(command)).not.toThrow();
    }
  });
});

test.each([
  { dialect: telnyx, call: { carrierCallId: "c", from: "+1" }, uplink: "pcmu@8000" },
  { dialect: vonage, call: { carrierCallId: "c" }, uplink: "pcm16@16000" },
  { dialect: plivo, call: { carrierCallId: "c", from: "+1", parameters: { a: "b", from: "+1" } }, uplink: "pcmu@8000" },
  { dialect: signalwire, call: { carrierCallId: "c", from: "+1" }, uplink: "pcm16@16000" },
  { dialect: exotel, call: { carrierCallId: "c", from: "0" }, uplink: "pcm16@16000" },
  { dialect: genesys, call: { carrierCallId: "c", from: "+1555", agent: "desk", language: "en-US" }, uplink: "pcmu@8000" },
  { dialect: jambonz, call: { carrierCallId: "c", from: "+1" }, uplink: "pcm16@16000" },
  { dialect: freeswitch, call: { carrierCallId: "c", from: "1001" }, uplink: "pcm16@16000" },
  { dialect: freeswitchFork, call: { carrierCallId: undefined, parameters: { metadata: "any text" } }, uplink: "pcm16@8000" },
  { dialect: asterisk, call: { carrierCallId: "1.2", agent: "desk" }, uplink: "pcm16@16000" },
])("$dialect.name: a start says who calls", ({ dialect, call, uplink }) => {
  const { start } = started(dialect);
  expect(start).toMatchObject({ type: "start", start: { dialect: dialect.name, ...call }, uplink, downlink: uplink });
});

test.each([
  {
    dialect: telnyx,
    says: { event: "start", start: { call_control_id: "c", media_format: { encoding: "OPUS", sample_rate: 16000 } } },
    names: "OPUS at 16000",
  },
  { dialect: telnyx, says: { event: "start", start: { media_format: { encoding: "PCMU" } } }, names: "start.call_control_id" },
  { dialect: vonage, says: { event: "websocket:connected", "content-type": "audio/ogg" }, names: "audio/ogg" },
  { dialect: plivo, says: { event: "start", start: { callId: "c", mediaFormat: { encoding: "audio/x-mulaw" } } }, names: "start.streamId" },
  {
    dialect: signalwire,
    says: { event: "start", start: { callSid: "c", mediaFormat: { encoding: "G722", sampleRate: 8000 } } },
    names: "G722",
  },
  { dialect: exotel, says: { event: "start", start: { call_sid: "c", media_format: { sample_rate: 44100 } } }, names: "44100" },
  { dialect: genesys, says: { ...genesysOpen, version: "1" }, names: "version" },
  { dialect: genesys, says: { ...genesysOpen, seq: 2 }, names: "seq: 2 came after 0" },
  { dialect: genesys, says: { ...genesysOpen, parameters: { ...genesysOpen.parameters, media: [] } }, names: "PCMU at 8000" },
  { dialect: jambonz, says: { callSid: "c", mixType: "stereo" }, names: "mixType" },
  { dialect: jambonz, says: { callSid: "c", sampleRate: 64000 }, names: "64000" },
  { dialect: asterisk, says: { event: "MEDIA_START", connection_id: "c", format: "opus" }, names: "opus" },
])("$dialect.name refuses what it cannot speak, naming $names", ({ dialect, says, names }) => {
  const fault = faultOf(() => dialect.open(knockAt("")).decodeText(JSON.stringify(says)));
  expect(fault.row.blame).toBe("caller");
  expect(fault.message).toContain(names);
});

describe("telnyx", () => {
  const media = (chunk: number, byte: number): object => ({
    event: "media",
    media: {
      track: "inbound",
      chunk: String(chunk),
      timestamp: String((chunk - 1) * 20),
      payload: Buffer.alloc(160, byte).toString("base64"),
    },
  });
  const heard = (signals: readonly CallerSignal[]): string =>
    signals
      .map((signal) =>
        signal.type === "audio" ? Array.from({ length: signal.bytes.length / 160 }, (_, at) => signal.bytes[at * 160]).join("") : "-",
      )
      .join(" ");

  test.each([
    { order: [1, 2, 3], hears: "1 2 3" },
    { order: [1, 3, 2, 4], hears: "1 - 23 4" },
    { order: [1, 4, 3, 2, 5], hears: "1 - - 234 5" },
    { order: [1, 3, 4, 5, 6, 7], hears: "1 - - - 3456 7" },
    { order: [1, 3, 4, 5, 6, 2, 7], hears: "1 - - - 3456 - 7" },
    { order: [1, 1, 2], hears: "1 - 2" },
    { order: [5, 6], hears: "5 6" },
  ])("audio that comes as $order is heard as $hears", ({ order, hears }) => {
    const { codec } = started(telnyx);
    expect(heard(order.map((chunk) => said(codec, media(chunk, chunk))))).toBe(hears);
  });

  test("a chunk that never came leaves a gap in time, so that silence can fill it", () => {
    const { codec } = started(telnyx);
    const times = [1, 3, 4, 5, 6]
      .map((chunk) => said(codec, media(chunk, chunk)))
      .flatMap((signal) => (signal.type === "audio" ? [signal.atMs] : []));
    expect(times).toEqual([0, 40]);
  });

  test("network byte order is turned round where the address says so, both ways", () => {
    const codec = telnyx.open(knockAt("byteorder=big"));
    said(codec, { event: "start", start: { call_control_id: "c", media_format: { encoding: "L16", sample_rate: 16000 } } });
    const signal = said(codec, { event: "media", media: { chunk: "1", payload: Buffer.from([0x12, 0x34]).toString("base64") } });
    expect(signal).toMatchObject({ type: "audio", bytes: Buffer.from([0x34, 0x12]) });
    const sent = encoded(codec, { type: "audio", bytes: new Uint8Array(640).fill(0x34, 0, 1) }) as { media: { payload: string } }; // Its own message.
    expect([...Buffer.from(sent.media.payload, "base64").subarray(0, 2)]).toEqual([0, 0x34]);
  });

  test("the other side's audio is not the caller's", () => {
    const { codec } = started(telnyx);
    expect(said(codec, { event: "media", media: { track: "outbound", chunk: "1", payload: "////" } })).toMatchObject({ type: "ignored" });
  });
});

test("plivo's extra headers are read as an object, as JSON and as pairs", () => {
  const start = { callId: "c", streamId: "s", mediaFormat: { encoding: "audio/x-mulaw", sampleRate: 8000 } };
  for (const given of [{ agent: "desk" }, '{"agent":"desk"}', "x=1,agent=desk", "agent=desk;x=1"]) {
    expect(plivo.open(knockAt("")).decodeText(JSON.stringify({ event: "start", start, extra_headers: given }))).toMatchObject({
      start: { agent: "desk" },
    });
  }
});

describe("genesys", () => {
  const message = (seq: number, type: string, parameters: object = {}): object => ({
    version: "2",
    id: "s",
    type,
    seq,
    serverseq: 0,
    parameters,
  });
  const two = (channels: readonly string[]): object => ({
    ...genesysOpen,
    parameters: { ...genesysOpen.parameters, media: [{ type: "audio", format: "PCMU", channels, rate: 8000 }] },
  });

  test("what it offers is answered with the caller alone where that is among it", () => {
    const offers = [["external", "internal"], ["external"]].map((channels) => ({ type: "audio", format: "PCMU", channels, rate: 8000 }));
    const signal = said(genesys.open(knockAt("")), { ...genesysOpen, parameters: { ...genesysOpen.parameters, media: offers } });
    expect(signal.type === "start" && json(signal.answer)).toEqual({
      version: "2",
      type: "opened",
      seq: 1,
      clientseq: 1,
      id: "s",
      parameters: { startPaused: false, media: [offers[1]] },
    });
  });

  test.each([
    { channels: ["external", "internal"], hears: [1, 3] },
    { channels: ["internal", "external"], hears: [2, 4] },
  ])("of two channels $channels only the caller's is heard", ({ channels, hears }) => {
    const codec = genesys.open(knockAt(""));
    said(codec, two(channels));
    const signal = codec.decodeBinary(Uint8Array.of(1, 2, 3, 4));
    expect(signal.type === "audio" && [...signal.bytes]).toEqual(hears);
  });

  test("a ping is answered in the count of both sides", () => {
    const { codec } = started(genesys);
    const signal = said(codec, message(2, "ping"));
    expect(signal.type === "ping" && json(signal.message)).toMatchObject({ type: "pong", seq: 2, clientseq: 2 });
    expect(encoded(codec, { type: "flush" })).toMatchObject({ type: "event", seq: 3, parameters: { entities: [{ type: "barge_in" }] } });
  });

  test("a connection probe is answered and makes no call", () => {
    const nobody = "00000000-0000-0000-0000-000000000000";
    const parameters = { ...genesysOpen.parameters, conversationId: nobody, participant: { id: nobody } };
    const codec = genesys.open(knockAt(""));
    const opened = said(codec, { ...genesysOpen, parameters });
    expect(opened.type === "ping" && json(opened.message)).toMatchObject({ type: "opened" });
    const closed = said(codec, message(2, "close", { reason: "end" }));
    expect(closed.type === "stop" && json(closed.answer)).toMatchObject({ type: "closed" });
  });

  test("a session that continues others comes back to its conversation", () => {
    const parameters = { ...genesysOpen.parameters, continuedSessions: [{ id: "old", serverseq: 3, clientseq: 9 }] };
    expect(said(genesys.open(knockAt("")), { ...genesysOpen, parameters })).toMatchObject({ start: { resume: "c", carrierCallId: "c" } });
  });

  test("a caller who is sent on leaves with the number in a variable, and the close that follows means that it worked", () => {
    const { codec } = started(genesys);
    expect(encoded(codec, { type: "transfer", target: "+1555" })).toMatchObject({
      type: "disconnect",
      parameters: { reason: "completed", outputVariables: { transferTo: "+1555" } },
    });
    expect(said(codec, message(2, "close", { reason: "disconnect" }))).toEqual({ type: "transferred" });
    expect(encoded(codec, { type: "end", end: { reason: "done" } })).toMatchObject({ type: "closed" });
  });

  test("a session that the client closed is answered with closed and nothing else", () => {
    const { codec } = started(genesys);
    const signal = said(codec, message(2, "close", { reason: "end" }));
    expect(signal.type === "stop" && json(signal.answer)).toMatchObject({ type: "closed", seq: 2 });
    expect(codec.encode({ type: "end", end: { reason: "done" } })).toBeUndefined();
  });

  test("who is not let in is told so in its own words", () => {
    const { codec } = started(genesys);
    const end = { reason: "fault", fault: new Fault("caller-refused", "no") } as const;
    expect(encoded(codec, { type: "end", end })).toMatchObject({ type: "disconnect", parameters: { reason: "unauthorized" } });
  });
});

describe("asterisk", () => {
  test("marks go out under short names and come back under their own", () => {
    const { codec } = started(asterisk);
    const name = `12|${"t".repeat(200)}|12345`;
    const sent = codec.encode({ type: "mark", name });
    expect(String(sent).length).toBeLessThanOrEqual(128);
    expect(json(sent)).toEqual({ command: "MARK_MEDIA", correlation_id: "1" });
    expect(said(codec, { event: "MEDIA_MARK_PROCESSED", correlation_id: "1" })).toEqual({ type: "mark", name });
    expect(said(codec, { event: "MEDIA_MARK_PROCESSED", correlation_id: "1" })).toMatchObject({ type: "ignored" });
  });

  test("lines are answered with lines", () => {
    const { codec, start } = started(asterisk, 1);
    expect(start).toMatchObject({ type: "start", start: { carrierCallId: "1.2" }, uplink: "pcmu@8000", answer: "ANSWER" });
    expect(codec.encode({ type: "mark", name: "m" })).toBe("MARK_MEDIA 1");
    expect(codec.encode({ type: "flush" })).toBe("FLUSH_MEDIA");
    expect(codec.encode({ type: "end", end: { reason: "done" } })).toBe("HANGUP");
    expect(said(codec, "MEDIA_MARK_PROCESSED correlation_id:1")).toEqual({ type: "mark", name: "m" });
    expect(said(codec, "MEDIA_XOFF")).toEqual({ type: "pressure", on: true });
  });

  test("marks that never come back are forgotten, the oldest first", () => {
    const { codec } = started(asterisk);
    for (let mark = 1; mark <= 300; mark += 1) codec.encode({ type: "mark", name: `m${mark}` });
    expect(said(codec, { event: "MEDIA_MARK_PROCESSED", correlation_id: "44" })).toMatchObject({ type: "ignored" });
    expect(said(codec, { event: "MEDIA_MARK_PROCESSED", correlation_id: "45" })).toEqual({ type: "mark", name: "m45" });
  });
});

test("freeswitch: audio that comes first is not lost", () => {
  const codec = freeswitchStream.open(knockAt("call=c&rate=8000"));
  expect(codec.decodeBinary(Uint8Array.of(1, 2))).toMatchObject({ type: "start", start: { carrierCallId: "c" } });
  const signal = codec.decodeBinary(Uint8Array.of(3, 4));
  expect(signal.type === "audio" && [...signal.bytes]).toEqual([1, 2, 3, 4]);
  expect(codec.decodeBinary(Uint8Array.of(5, 6))).toMatchObject({ type: "audio", bytes: Uint8Array.of(5, 6) });
});

test("freeswitch: a rate that is not spoken is refused with the first message", () => {
  const codec = freeswitch.open(knockAt("rate=11025"));
  expect(faultOf(() => codec.decodeText("metadata")).message).toContain("11025");
  expect(faultOf(() => codec.decodeBinary(new Uint8Array(2))).message).toContain("11025");
});
