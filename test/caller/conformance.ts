import { expect, test, vi } from "vitest";
import { bytesOf, encodings, type Encoding } from "../../src/audio/encodings.ts";
import type { Dialect } from "../../src/caller/dialect.ts";
import type { FakeCaller, FakeDialect } from "../../src/fakes/carriers/fake-caller.ts";
import { Fault } from "../../src/kernel/fault.ts";
import { seededRandom } from "../../src/kernel/random.ts";
import { openHouse, type House } from "./open-house.ts";
import type { Guest } from "./reception.ts";

/** As much of a server as the suite looks at. */
export type SuiteHouse = Pick<House, "port" | "reception" | "clock" | "counts"> & AsyncDisposable;

/** A call between a fake caller and a reception, over real sockets, through the real door and shell. */
interface Line extends AsyncDisposable {
  readonly house: SuiteHouse;
  readonly caller: FakeCaller;
  readonly guest: Guest;
}

/** Audio that is nowhere silent and nowhere the same, so that what is missing, doubled or moved shows. */
function babble(ms: number, encoding: Encoding, seed = 1): Buffer {
  const { silence } = encodings[encoding];
  const bytes = Buffer.alloc(bytesOf(ms, encoding));
  const random = seededRandom(seed);
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = 1 + Math.floor(random.next() * 250);
    bytes[at] = byte === silence ? byte + 1 : byte;
  }
  return bytes;
}

const rowOf = (caller: FakeCaller): { silence: number; bytesPerSample: number } => encodings[caller.uplink];

/**
 * What every dialect must do, over real sockets. What a wire has no words for is skipped by its traits and by what its fake says of
 * the wire, never by name. A dialect's test file: `describe("name", () => dialectConforms(dialect, fake))`.
 */
export function dialectConforms(
  dialect: Dialect,
  fake: FakeDialect,
  open: () => Promise<SuiteHouse> = () => openHouse({ dialects: [dialect] }),
): void {
  const { traits, limits } = dialect;
  const patience = { timeout: 20_000, interval: 10 };

  const connect = (house: SuiteHouse): Promise<FakeCaller> => fake.connect(`ws://127.0.0.1:${house.port}`);

  /** One more call in the same house. */
  async function join(house: SuiteHouse): Promise<Line> {
    const before = house.reception.guests.length;
    const caller = await connect(house);
    await caller.start();
    await vi.waitFor(() => expect(house.reception.guests.length).toBe(before + 1), patience);
    return { house, caller, guest: house.reception.last, [Symbol.asyncDispose]: async () => caller.vanish() };
  }

  async function call(): Promise<Line> {
    const house = await open();
    const line = await join(house);
    return {
      ...line,
      [Symbol.asyncDispose]: async () => {
        line.caller.vanish();
        await house[Symbol.asyncDispose]();
      },
    };
  }

  /** In the pieces in which the session sends. */
  function play({ guest }: Line, audio: Buffer): void {
    const piece = bytesOf(traits.frameMs, guest.leg.downlink);
    for (let at = 0; at < audio.length; at += piece) expect(guest.leg.play(audio.subarray(at, at + piece))).toBe(true);
  }

  function speak({ caller }: Line, audio: Buffer): void {
    const piece = bytesOf(fake.frameMs, caller.uplink);
    for (let at = 0; at < audio.length; at += piece) caller.speak(audio.subarray(at, at + piece));
  }

  /** This call goes on: audio both ways. */
  async function works(line: Line): Promise<void> {
    const up = babble(100, line.caller.uplink, 5);
    const down = babble(traits.frameMs * 5, line.caller.downlink, 6);
    const before = line.guest.audio.length;
    speak(line, up);
    await vi.waitFor(() => expect(line.guest.audio.subarray(before).equals(up)).toBe(true), patience);
    line.guest.leg.beginTurn("still");
    play(line, down);
    await vi.waitFor(() => expect(line.caller.speaker.received.subarray(-down.length).equals(down)).toBe(true), patience);
    expect(line.caller.violations).toEqual([]);
  }

  const lastSignal = ({ guest }: Line, signal: object): Promise<void> =>
    vi.waitFor(() => expect(guest.signals.at(-1)).toMatchObject(signal), patience);

  test("a caller comes in, says who it is, and both hear each other to the byte", async () => {
    await using line = await call();
    expect(line.guest.start.dialect).toBe(dialect.name);
    expect(line.guest.leg).toMatchObject({ dialect: dialect.name, traits, uplink: line.caller.uplink, downlink: line.caller.downlink });
    if (traits.resume === "call-id") expect(line.guest.start.carrierCallId).toMatch(/\S/);
    const up = babble(1_000, line.caller.uplink);
    const down = babble(1_000, line.caller.downlink, 2);
    speak(line, up);
    line.guest.leg.beginTurn("t1");
    play(line, down);
    await vi.waitFor(() => expect(line.guest.audio.equals(up)).toBe(true), patience);
    await vi.waitFor(() => expect(line.caller.speaker.received.equals(down)).toBe(true), patience);
    line.caller.play(1_000);
    expect(line.caller.speaker.played.equals(down)).toBe(true);
    expect(line.caller.violations).toEqual([]);
    expect(line.house.counts).toMatchObject({ malformedMessages: 0, droppedFrames: 0, filledGapMs: 0 });
  });

  test.skipIf(fake.waitsForAnswer)("audio that follows the start in the same breath is not lost", async () => {
    await using house = await open();
    const caller = await connect(house);
    const started = caller.start();
    const up = babble(fake.frameMs * 3, caller.uplink);
    speak({ house, caller } as Line, up); // Nothing but the caller is used.
    await started;
    await vi.waitFor(() => expect(house.reception.last.audio.equals(up)).toBe(true), patience);
    caller.vanish();
  });

  test("the end of a turn that fills no frame is heard to its last sample", async () => {
    await using line = await call();
    line.guest.leg.beginTurn("t1");
    const whole = babble(traits.frameMs, line.caller.downlink);
    const rest = babble(traits.frameMs * 0.4, line.caller.downlink, 3);
    play(line, Buffer.concat([whole, rest]));
    await vi.waitFor(() => expect(line.caller.speaker.received.length).toBeGreaterThanOrEqual(whole.length + rest.length), patience);
    const heard = line.caller.speaker.received;
    expect(heard.subarray(0, whole.length + rest.length).equals(Buffer.concat([whole, rest]))).toBe(true);
    const padding = heard.subarray(whole.length + rest.length);
    expect(padding.every((byte) => byte === encodings[line.caller.downlink].silence)).toBe(true);
    expect(line.caller.violations).toEqual([]);
  });

  test("caller audio in frames of odd sizes arrives whole", async () => {
    await using line = await call();
    const { bytesPerSample } = rowOf(line.caller);
    const up = babble(400, line.caller.uplink);
    const sizes = [1, 7, 33, 160, 161, 640].map((samples) => samples * bytesPerSample);
    for (let at = 0, turn = 0; at < up.length; turn += 1) {
      const size = sizes[turn % sizes.length] ?? 1;
      line.caller.speak(up.subarray(at, at + size));
      at += size;
    }
    await vi.waitFor(() => expect(line.guest.audio.equals(up)).toBe(true), patience);
    expect(line.house.counts.filledGapMs).toBe(0);
  });

  test("keys that the caller presses come one by one, in order", async () => {
    await using line = await call();
    for (const digit of "12*#0") line.caller.press(digit);
    const digits = (): string => line.guest.signals.flatMap((signal) => (signal.type === "dtmf" ? [signal.digit] : [])).join("");
    await vi.waitFor(() => expect(digits()).toBe("12*#0"), patience);
    await works(line);
  });

  test.skipIf(!fake.clocked)("what got lost before the carrier is filled with silence, so that the caller's time runs on", async () => {
    await using line = await call();
    const { caller, guest, house } = line;
    const spoken = babble(fake.frameMs * 2, caller.uplink);
    speak(line, spoken);
    caller.loseAudio(260);
    speak(line, spoken);
    caller.loseAudio(40);
    speak(line, spoken);
    const silence = (ms: number): Buffer => Buffer.alloc(bytesOf(ms, caller.uplink), rowOf(caller).silence);
    const expected = Buffer.concat([spoken, silence(260), spoken, silence(40), spoken]);
    await vi.waitFor(() => expect(guest.audio.length).toBe(expected.length), patience);
    expect(guest.audio.equals(expected)).toBe(true);
    expect(house.counts.filledGapMs).toBe(300);
    expect(guest.leg.quality()).toMatchObject({ filledMs: 300, gaps: 2 });
  });

  test.skipIf(traits.playback !== "marks")("a mark comes back when everything before it was played, and not earlier", async () => {
    await using line = await call();
    const { caller, guest } = line;
    guest.leg.beginTurn("t1");
    play(line, babble(400, caller.downlink));
    guest.leg.mark("1|t1|400");
    await vi.waitFor(() => expect(caller.speaker.waitingMs).toBe(400), patience);
    caller.play(200);
    caller.press("1");
    await lastSignal(line, { type: "dtmf", digit: "1" });
    expect(guest.signals).toHaveLength(1);
    caller.play(200);
    await lastSignal(line, { type: "mark", name: "1|t1|400" });
  });

  test.skipIf(traits.playback !== "reports")("the player's position comes back", async () => {
    await using line = await call();
    line.guest.leg.beginTurn("t1");
    play(line, babble(400, line.caller.downlink));
    await vi.waitFor(() => expect(line.caller.speaker.waitingMs).toBe(400), patience);
    line.caller.play(240);
    await lastSignal(line, { type: "played", turnId: "t1", ms: 240 });
  });

  test.skipIf(!traits.flush)("a barge-in empties the far end's buffer, and what is said next is heard at once", async () => {
    await using line = await call();
    const { caller, guest } = line;
    guest.leg.beginTurn("t1");
    play(line, babble(300, caller.downlink));
    if (traits.playback === "marks") guest.leg.mark("1|t1|300");
    await vi.waitFor(() => expect(caller.speaker.waitingMs).toBe(300), patience);
    caller.play(100);
    guest.leg.flush();
    await vi.waitFor(() => expect(caller.speaker).toMatchObject({ waitingMs: 0, clears: 1, clearedMs: 200 }), patience);
    const next = babble(100, caller.downlink, 9);
    guest.leg.beginTurn("t2");
    play(line, next);
    if (traits.playback === "marks") guest.leg.mark("2|t2|100");
    await vi.waitFor(() => expect(caller.speaker.waitingMs).toBeGreaterThanOrEqual(100), patience);
    caller.play(300);
    expect(caller.speaker.played.subarray(bytesOf(100, caller.downlink)).subarray(0, next.length).equals(next)).toBe(true);
    if (traits.playback === "marks") await lastSignal(line, { type: "mark", name: "2|t2|100" });
    expect(caller.violations).toEqual([]);
  });

  test.skipIf(!traits.dtmfOut)("digits reach the far end, in order", async () => {
    await using line = await call();
    line.guest.leg.sendDtmf("159D#*0");
    await vi.waitFor(() => expect(line.caller.digitsHeard).toBe("159D#*0"), patience);
    expect(line.caller.violations).toEqual([]);
  });

  test.skipIf(fake.transfer !== "in-band").each([true, false])("a caller is sent on in words of the wire (worked: %s)", async (worked) => {
    await using line = await call();
    line.guest.leg.transfer("+15550100", "");
    await vi.waitFor(() => expect(line.caller.sentTo).toEqual(["+15550100"]), patience);
    line.caller.answerTransfer(worked);
    await lastSignal(line, { type: worked ? "transferred" : "transfer-failed" });
    expect(line.caller.violations).toEqual([]);
  });

  test.skipIf(fake.transfer !== "in-band")(
    "a briefing that the wire has no words for is told of, before the caller is sent on",
    async () => {
      await using line = await call();
      line.guest.leg.transfer("+15550100", "A call for you.");
      expect(line.guest.signals).toEqual([{ type: "unbriefed", target: "+15550100", briefing: "A call for you." }]);
      await vi.waitFor(() => expect(line.caller.sentTo).toEqual(["+15550100"]), patience);
    },
  );

  test("a caller that hangs up has hung up, once", async () => {
    await using line = await call();
    line.caller.hangUp();
    await line.caller.closed;
    await lastSignal(line, { type: "hung-up" });
    expect(line.guest.signals).toEqual([{ type: "hung-up" }]);
    expect(line.guest.leg.play(babble(20, line.caller.downlink))).toBe(false);
  });

  test("a socket that closes in order without a goodbye means what the wire says it means", async () => {
    await using line = await call();
    line.caller.close(1000);
    await lastSignal(line, dialect.silentClose === "hung-up" ? { type: "hung-up" } : { type: "lost", fault: undefined });
    expect(line.guest.signals).toHaveLength(1);
  });

  test("a network that is gone is a lost leg, not a hang-up", async () => {
    await using line = await call();
    line.caller.vanish();
    await lastSignal(line, { type: "lost", fault: undefined });
    expect(line.guest.signals).toHaveLength(1);
    await using other = await join(line.house);
    await works(other);
  });

  test.each([
    { name: "done", end: { reason: "done" } as const, code: 1000 },
    { name: "drained", end: { reason: "drained" } as const, code: 1012 },
    { name: "a fault", end: { reason: "fault", fault: new Fault("busy", "all lines are busy") } as const, code: 1013 },
  ])("a leg that we end ($name) is ended in order, and nothing is heard after", async ({ end, code }) => {
    await using line = await call();
    line.guest.leg.close(end);
    line.guest.leg.close(end);
    expect(line.guest.leg.play(babble(20, line.caller.downlink))).toBe(false);
    const closed = await line.caller.closed;
    // A peer that was asked to end closes with a code of its own.
    if (dialect.ending === "close" && fake.closeCodes) expect(closed.code).toBe(code);
    expect(line.caller.violations).toEqual([]);
    expect(line.guest.signals).toEqual([]);
  });

  test.runIf(dialect.ending === "ask")("a peer that is asked to end and does not is cut off after 2 s", async () => {
    await using line = await call();
    line.caller.stall();
    line.guest.leg.close({ reason: "done" });
    await line.house.clock.advance(2_300);
    await vi.waitFor(() => expect(line.house.clock.armed).toBe(0), patience);
    expect(line.guest.signals).toEqual([]);
  });

  test.runIf(fake.announced)("a second start ends the call, and no other", async () => {
    await using honest = await call();
    await using line = await join(honest.house);
    void line.caller.start();
    const { code } = await line.caller.closed;
    if (fake.closeCodes) expect([1003, 1007]).toContain(code);
    await lastSignal(line, { type: "lost", fault: { row: { blame: "caller" } } });
    await works(honest);
  });

  test.each(Object.entries(fake.malformed))("%s is counted, the third ends the call and no other", async (_, message) => {
    await using honest = await call();
    await using line = await join(honest.house);
    for (let time = 0; time < 3; time += 1) line.caller.raw(message);
    const { code } = await line.caller.closed;
    if (fake.closeCodes) expect([1003, 1007, 1009]).toContain(code);
    await lastSignal(line, { type: "lost", fault: { row: { blame: "caller" } } });
    expect(line.house.counts.malformedMessages).toBeGreaterThan(0);
    await works(honest);
  });

  test("a message longer than any may be is refused with 1009", async () => {
    await using honest = await call();
    await using line = await join(honest.house);
    line.caller.raw("x".repeat(limits.textBytes + 1));
    const { code } = await line.caller.closed;
    if (fake.closeCodes) expect(code).toBe(1009);
    await lastSignal(line, { type: "lost", fault: { code: "caller-oversized" } });
    await works(honest);
  });

  test.runIf(fake.announced)("who sends audio without having said who it is gets no reception", async () => {
    await using honest = await call();
    const caller = await connect(honest.house);
    for (let message = 0; message < 2_000; message += 1) caller.speak(babble(fake.frameMs, caller.uplink));
    const { code } = await caller.closed;
    if (fake.closeCodes) expect([1003, 1006, 1007, 1008]).toContain(code);
    expect(honest.house.reception.guests).toHaveLength(1);
    await works(honest);
  });

  test("who floods is refused, and no other", async () => {
    await using honest = await call();
    await using line = await join(honest.house);
    const audio = babble(fake.frameMs, line.caller.uplink);
    for (let message = 0; message < 2_000; message += 1) line.caller.speak(audio);
    await lastSignal(line, { type: "lost", fault: { code: "caller-flooding" } });
    await works(honest);
  });

  test("who connects and says nothing is closed after 5 s", async () => {
    await using honest = await call();
    const caller = await connect(honest.house);
    await honest.house.clock.advance(5_300);
    const { code } = await caller.closed;
    if (fake.closeCodes) expect(code).toBe(1008);
    expect(honest.house.reception.guests).toHaveLength(1);
    await works(honest);
  });

  test("who does not read loses audio first, counted, and then the call; others are untouched", async () => {
    await using honest = await call();
    await using line = await join(honest.house);
    line.caller.stall();
    line.guest.leg.beginTurn("t1");
    const frame = babble(traits.frameMs, line.caller.downlink);
    // The system's own buffers take some megabytes before anything waits here.
    await vi.waitFor(() => {
      for (let index = 0; index < 5_000 && line.guest.leg.play(frame); index += 1);
      expect(line.guest.leg.play(frame)).toBe(false);
    }, patience);
    expect(line.house.counts.droppedFrames).toBeGreaterThan(0);
    await line.house.clock.advance(11_000);
    expect(line.guest.signals).toMatchObject([{ type: "lost", fault: { code: "caller-slow" } }]);
    await works(honest);
  });

  test("a reception that says no closes the call in order", async () => {
    await using house = await open();
    house.reception.refuse = () => {
      throw new Fault("busy", "all lines are busy");
    };
    const caller = await connect(house);
    void caller.start();
    const { code } = await caller.closed;
    if (fake.closeCodes) expect(code).toBe(1013);
    expect(caller.violations).toEqual([]);
  });
}
