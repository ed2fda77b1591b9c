import { expect, test, vi } from "vitest";
import type { WebSocket } from "ws";
import type { Dialect } from "../../src/caller/dialect.ts";
import { browser } from "../../src/caller/dialects/browser.ts";
import { Fault } from "../../src/kernel/fault.ts";
import { openHouse, startMessage, type House } from "./open-house.ts";

const frame = (value: number, bytes = 640): Uint8Array => new Uint8Array(bytes).fill(value);

/** Somebody else's call goes on: audio and words, both ways. */
async function stillWorks(house: House, call: Awaited<ReturnType<House["calls"]>>, index = 0): Promise<void> {
  const guest = house.reception.guests[index];
  const before = guest?.audio.length ?? 0;
  call.says(frame(7));
  await vi.waitFor(() => expect(guest?.audio.length).toBe(before + 640), 10_000);
  expect(guest?.leg.play(frame(9, 960))).toBe(true);
  await vi.waitFor(() => expect(call.audio.at(-1)).toEqual(Buffer.from(frame(9, 960))), 10_000);
}

test("audio that comes in the same breath as start is not lost", async () => {
  await using house = await openHouse();
  const caller = await house.knocks();
  caller.says(startMessage);
  for (let index = 0; index < 10; index += 1) caller.says(frame(index));
  await vi.waitFor(
    () => expect(house.reception.last.audio).toEqual(Buffer.concat(Array.from({ length: 10 }, (_, index) => frame(index)))),
    10_000,
  );
});

test("signals reach the session, and what the session says reaches the caller in order", async () => {
  await using house = await openHouse();
  const caller = await house.calls();
  caller.says({ type: "text", text: "hello" });
  caller.says({ type: "dtmf", digit: "5" });
  caller.says({ type: "played", turnId: "t1", ms: 40 });
  const { leg, signals } = house.reception.last;
  await vi.waitFor(() => expect(signals).toHaveLength(3), 10_000);
  expect(signals).toEqual([
    { type: "text", text: "hello" },
    { type: "dtmf", digit: "5" },
    { type: "played", turnId: "t1", ms: 40 },
  ]);
  leg.beginTurn("t1");
  leg.play(frame(1, 960));
  leg.flush();
  await caller.hears("flush");
  expect(caller.messages.map(({ type }) => type)).toEqual(["started", "turn", "flush"]);
  expect(caller.audio).toEqual([Buffer.from(frame(1, 960))]);
});

test.each([
  { name: "done", end: { reason: "done" } as const, code: 1000, message: { type: "ended", reason: "done" } },
  { name: "drained", end: { reason: "drained" } as const, code: 1012, message: { type: "ended", reason: "drained" } },
  {
    name: "a fault",
    end: { reason: "fault", fault: new Fault("provider-key", "key sk-123 refused by example.org") } as const,
    code: 1013,
    message: { type: "error", code: "provider-key", message: "no voice service could be reached; please call again" },
  },
])("a leg that the session closes ($name) says so and then closes the socket", async ({ end, code, message }) => {
  await using house = await openHouse();
  const caller = await house.calls();
  house.reception.last.leg.close(end);
  expect(await caller.closed).toMatchObject({ code });
  expect(caller.messages.at(-1)).toEqual(message);
  expect(house.reception.last.leg.play(frame(0))).toBe(false);
  expect(house.reception.last.signals).toEqual([]);
});

test.each([
  { name: "binary before start", says: [frame(1)], code: 1007, error: "caller-malformed" },
  { name: "malformed JSON", says: ['{"type":'], code: 1007, error: "caller-malformed" },
  { name: "malformed JSON in a call", says: [startMessage, "nonsense"], code: 1007, error: "caller-malformed" },
  { name: "start twice", says: [startMessage, startMessage], code: 1007, error: "caller-malformed" },
  { name: "text before start", says: [{ type: "text", text: "hi" }], code: 1007, error: "caller-malformed" },
  {
    name: "an encoding that is not spoken",
    says: [{ ...startMessage, audio: { up: "mp3", down: "mp3" } }],
    code: 1003,
    error: "caller-unsupported",
  },
  { name: "a version that is not spoken", says: [{ ...startMessage, version: 2 }], code: 1003, error: "caller-unsupported" },
  { name: "too long a text message", says: [startMessage, "x".repeat(33 * 1024)], code: 1009, error: "caller-oversized" },
  {
    name: "odd-length audio for the third time",
    says: [startMessage, frame(1, 3), frame(1, 3), frame(1, 3)],
    code: 1003,
    error: "caller-unsupported",
  },
  {
    name: "a flood of words",
    says: [startMessage, ...Array.from({ length: 50 }, () => ({ type: "ping", id: 1 }))],
    code: 1008,
    error: "caller-flooding",
  },
  {
    name: "a flood of audio",
    says: [startMessage, ...Array.from({ length: 1_600 }, () => frame(1))],
    code: 1008,
    error: "caller-flooding",
  },
])("$name is refused in words with $code, and other calls go on", async ({ says, code, error }) => {
  await using house = await openHouse();
  const honest = await house.calls();
  const caller = await house.knocks();
  for (const message of says) caller.says(message);
  expect(await caller.closed).toEqual({ code, reason: error });
  expect(caller.messages.at(-1)).toMatchObject({ type: "error", code: error, message: expect.stringMatching(/\S/) });
  const [, guest] = house.reception.guests;
  if (guest !== undefined) expect(guest.signals.at(-1)).toMatchObject({ type: "lost", fault: { code: error } });
  await stillWorks(house, honest);
});

test("a frame longer than any message may be is refused with 1009 before it is read", async () => {
  await using house = await openHouse();
  const caller = await house.calls();
  caller.says(frame(1, 70_000));
  expect(await caller.closed).toMatchObject({ code: 1009 });
  await vi.waitFor(
    () => expect(house.reception.last.signals).toMatchObject([{ type: "lost", fault: { code: "caller-oversized" } }]),
    10_000,
  );
});

test("two malformed audio messages cost only themselves", async () => {
  await using house = await openHouse();
  const caller = await house.calls();
  for (const bytes of [3, 640, 5, 640]) caller.says(frame(1, bytes));
  await vi.waitFor(() => expect(house.reception.last.audio.length).toBe(1_280), 10_000);
  expect(house.counts.malformedMessages).toBe(2);
  await stillWorks(house, caller);
});

test("a caller that stalled for ten seconds and catches up at once loses nothing", async () => {
  await using house = await openHouse();
  const caller = await house.calls();
  for (let index = 0; index < 500; index += 1) caller.says(frame(index % 251));
  await vi.waitFor(() => expect(house.reception.last.audio.length).toBe(500 * 640), 10_000);
});

test("who never starts is closed after 5 s, and not before", async () => {
  await using house = await openHouse();
  const honest = await house.calls();
  const caller = await house.knocks();
  await house.clock.advance(4_900);
  expect(caller.socket.readyState).toBe(caller.socket.OPEN);
  await house.clock.advance(400);
  expect(await caller.closed).toEqual({ code: 1008, reason: "caller-silent" });
  expect(caller.messages).toMatchObject([{ type: "error", code: "caller-silent" }]);
  await stillWorks(house, honest);
});

test("a peer that is gone without a word is lost after two pings", async () => {
  await using house = await openHouse();
  const caller = await house.knocks("/browser", { autoPong: false });
  caller.says(startMessage);
  await caller.hears("started");
  let pings = 0;
  caller.socket.on("ping", () => (pings += 1));
  await house.clock.advance(44_000);
  await vi.waitFor(() => expect(pings).toBe(2), 10_000);
  expect(house.reception.last.signals).toEqual([]);
  await house.clock.advance(2_000);
  expect(await caller.closed).toMatchObject({ code: 1006 });
  expect(house.reception.last.signals).toEqual([{ type: "lost", fault: undefined }]);
  expect(house.counts.silentPeers).toBe(1);
});

test("a peer that answers pings is kept, however quiet", async () => {
  await using house = await openHouse();
  const caller = await house.calls();
  for (let minute = 0; minute < 5; minute += 1) {
    const pinged = new Promise((resolve) => caller.socket.once("ping", resolve));
    await house.clock.advance(16_000);
    await pinged;
    caller.says({ type: "ping", id: minute });
    await vi.waitFor(() => expect(caller.messages.at(-1)).toEqual({ type: "pong", id: minute }), 10_000);
  }
  await stillWorks(house, caller);
});

test.each([
  { name: "over which nothing at all comes", drip: () => {} },
  { name: "over which drips a message that never ends", drip: (socket: WebSocket) => socket.send(frame(1, 40), { fin: false }) },
])("a leg $name is closed in order after a minute, and lost to its call", async ({ drip }) => {
  await using house = await openHouse();
  const caller = await house.calls();
  for (let at = 0; at < 3; at += 1) {
    const pinged = new Promise((resolve) => caller.socket.once("ping", resolve));
    const ponged = new Promise((resolve) => caller.socket.once("pong", resolve));
    drip(caller.socket);
    await house.clock.advance(16_000);
    await pinged;
    caller.socket.ping();
    await ponged;
  }
  expect(house.reception.last.signals).toEqual([]);
  await house.clock.advance(13_000);
  expect(await caller.closed).toMatchObject({ code: 1000 });
  expect(house.reception.last.signals).toEqual([{ type: "lost", fault: undefined }]);
  expect(house.counts.muteLegs).toBe(1);
});

test("a peer that never reads loses audio first, counted, and then the call; others are untouched", async () => {
  await using house = await openHouse();
  const honest = await house.calls();
  const caller = await house.calls();
  caller.socket.pause();
  const { leg, signals } = house.reception.last;
  // The system's own buffers take some megabytes before anything waits here.
  let sent = 0;
  for (; sent < 20_000 && leg.play(frame(1, 960)); sent += 1);
  await vi.waitFor(() => {
    for (let index = 0; index < 2_000; index += 1) leg.play(frame(1, 960));
    expect(house.counts.droppedFrames).toBeGreaterThan(0);
    expect(leg.play(frame(1, 960))).toBe(false);
  }, 10_000);
  await house.clock.advance(11_000);
  expect(signals).toMatchObject([{ type: "lost", fault: { code: "caller-slow" } }]);
  expect(house.counts.slowReaders).toBe(1);
  await stillWorks(house, honest);
});

test("an abrupt reset is a lost leg, a goodbye is a hang-up", async () => {
  await using house = await openHouse();
  const honest = await house.calls();
  const reset = await house.calls();
  reset.socket.terminate();
  await vi.waitFor(() => expect(house.reception.guests[1]?.signals).toEqual([{ type: "lost", fault: undefined }]), 10_000);
  const polite = await house.calls();
  polite.says({ type: "bye" });
  expect(await polite.closed).toMatchObject({ code: 1000 });
  expect(house.reception.guests[2]?.signals).toEqual([{ type: "hung-up" }]);
  const leaving = await house.calls();
  leaving.socket.close(1001);
  await vi.waitFor(() => expect(house.reception.guests[3]?.signals).toEqual([{ type: "lost", fault: undefined }]), 10_000);
  await stillWorks(house, honest);
});

test("a reception that says no is passed on with its words and close code", async () => {
  await using house = await openHouse();
  house.reception.refuse = () => {
    throw new Fault("busy", "all 8 lines are busy");
  };
  const caller = await house.knocks();
  caller.says(startMessage);
  expect(await caller.closed).toEqual({ code: 1013, reason: "busy" });
  expect(caller.messages).toEqual([{ type: "error", code: "busy", message: "all 8 lines are busy" }]);
});

test("a session that throws ends its own call only, and tells the caller nothing of why", async () => {
  await using house = await openHouse();
  const honest = await house.calls();
  const caller = await house.calls();
  house.reception.onAudio = (guest) => {
    if (guest === house.reception.guests[1]) throw new Error("secret detail");
  };
  caller.says(frame(1));
  expect(await caller.closed).toMatchObject({ code: 1011 });
  expect(caller.messages.at(-1)).toEqual({ type: "error", code: "internal", message: "something went wrong on our side" });
  await stillWorks(house, honest);
});

test("gaps on the caller's media clock are filled with the encoding's silence", async () => {
  await using house = await openHouse({ dialects: [clocked] });
  const caller = await house.knocks("/clocked");
  caller.says("start");
  for (const at of [0, 20, 80, 100, 90_000]) caller.says(`audio ${at}`);
  const silence = (ms: number): Buffer => Buffer.alloc(ms * 8, 0xff);
  const spoken = Buffer.alloc(160, 1);
  const expected = Buffer.concat([spoken, spoken, silence(40), spoken, spoken, silence(10_000), spoken]);
  await vi.waitFor(() => expect(house.reception.last.audio.equals(expected)).toBe(true), 10_000);
  expect(house.counts.filledGapMs).toBe(10_040);
});

test("a sub-protocol is agreed to where the dialect has one, and text, marks and stop pass through", async () => {
  await using house = await openHouse({ dialects: [clocked] });
  const caller = await house.knocks("/clocked", {}, ["other.example", "audio.example"]);
  expect(caller.socket.protocol).toBe("audio.example");
  caller.says("start");
  caller.says("mark m1");
  await vi.waitFor(() => expect(house.reception.last.signals).toEqual([{ type: "mark", name: "m1" }]), 10_000);
  house.reception.last.leg.mark("m2");
  await vi.waitFor(() => expect(caller.messages.at(-1)).toEqual({ mark: "m2" }), 10_000);
});

/** A carrier in small: text only, with a media clock. */
const clocked: Dialect = {
  ...browser,
  name: "clocked",
  path: "/clocked",
  subprotocols: ["audio.example"],
  open: () => ({
    decodeText(message) {
      const [verb, value = ""] = message.split(" ");
      if (verb === "audio") return { type: "audio", bytes: new Uint8Array(160).fill(1), atMs: Number(value) };
      if (verb === "mark") return { type: "mark", name: value };
      const start = {
        dialect: "clocked",
        carrierCallId: "c",
        agent: undefined,
        language: undefined,
        resume: undefined,
        from: undefined,
        parameters: {},
      };
      return { type: "start", start, uplink: "pcmu@8000", downlink: "pcmu@8000" };
    },
    decodeBinary() {
      throw new Fault("caller-malformed", "no binary here");
    },
    encode: (command) => (command.type === "mark" ? JSON.stringify({ mark: command.name }) : undefined),
  }),
};
