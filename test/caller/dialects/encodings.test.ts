import { expect, test, vi } from "vitest";
import { bytesOf, type Encoding } from "../../../src/audio/encodings.ts";
import { dialects } from "../../../src/caller/dialects.ts";
import { callFromAsterisk } from "../../../src/fakes/carriers/asterisk.ts";
import { callFromExotel } from "../../../src/fakes/carriers/exotel.ts";
import type { FakeCaller } from "../../../src/fakes/carriers/fake-caller.ts";
import { callFromFreeswitch } from "../../../src/fakes/carriers/freeswitch.ts";
import { callFromGenesys } from "../../../src/fakes/carriers/genesys.ts";
import { callFromJambonz } from "../../../src/fakes/carriers/jambonz.ts";
import { callFromPlivo } from "../../../src/fakes/carriers/plivo.ts";
import { callFromSignalwire } from "../../../src/fakes/carriers/signalwire.ts";
import { callFromTelnyx } from "../../../src/fakes/carriers/telnyx.ts";
import { callFromVonage } from "../../../src/fakes/carriers/vonage.ts";
import { openHouse, type House } from "../open-house.ts";

const patience = { timeout: 20_000, interval: 10 };

/** No two neighbours the same, and nothing that is silence. */
const sound = (ms: number, encoding: Encoding): Buffer =>
  Buffer.from(Array.from({ length: bytesOf(ms, encoding) }, (_, at) => 1 + ((at * 7) % 83)));

const inPieces = (audio: Buffer, bytes: number): Buffer[] =>
  Array.from({ length: Math.ceil(audio.length / bytes) }, (_, index) => audio.subarray(index * bytes, (index + 1) * bytes));

/** A call that is on, and everything that both sides say to each other within 600 ms of sound. */
async function talk(
  house: House,
  caller: FakeCaller,
  pieceMs = 20,
): Promise<{ readonly up: Buffer; readonly heardUp: Buffer; readonly down: Buffer }> {
  await caller.start();
  await vi.waitFor(() => expect(house.reception.guests).toHaveLength(1), patience);
  const guest = house.reception.last;
  expect(guest.leg).toMatchObject({ uplink: caller.uplink, downlink: caller.downlink });
  const up = sound(600, caller.uplink);
  const down = sound(600, caller.downlink);
  for (const piece of inPieces(up, bytesOf(pieceMs, caller.uplink))) caller.speak(piece);
  for (const piece of inPieces(down, bytesOf(guest.leg.traits.frameMs, caller.downlink))) guest.leg.play(piece);
  await vi.waitFor(() => expect(caller.speaker.received.length).toBe(down.length), patience);
  caller.press("1");
  await vi.waitFor(() => expect(guest.signals).toEqual([{ type: "dtmf", digit: "1" }]), patience);
  expect(caller.violations).toEqual([]);
  return { up, heardUp: guest.audio, down };
}

test.each<{ name: string; call: (url: string) => Promise<FakeCaller>; pieceMs?: number }>([
  { name: "telnyx in A-law", call: (url) => callFromTelnyx(url, { codec: "PCMA", encoding: "pcma@8000" }) },
  { name: "telnyx in L16", call: (url) => callFromTelnyx(url, { codec: "L16", encoding: "pcm16@16000" }) },
  { name: "telnyx out of order", call: (url) => callFromTelnyx(url, { swapEvery: 4 }) },
  { name: "vonage at 8 kHz", call: (url) => callFromVonage(url, { encoding: "pcm16@8000" }) },
  { name: "vonage at 24 kHz", call: (url) => callFromVonage(url, { encoding: "pcm16@24000" }) },
  { name: "plivo in L16", call: (url) => callFromPlivo(url, { encoding: "pcm16@16000" }) },
  { name: "signalwire in L16", call: (url) => callFromSignalwire(url, { codec: "L16", encoding: "pcm16@24000" }) },
  { name: "exotel at 16 kHz", call: (url) => callFromExotel(url, { encoding: "pcm16@16000" }), pieceMs: 100 },
  { name: "exotel at 24 kHz", call: (url) => callFromExotel(url, { encoding: "pcm16@24000" }), pieceMs: 100 },
  { name: "jambonz at 16 kHz", call: (url) => callFromJambonz(url, { encoding: "pcm16@16000" }) },
  { name: "freeswitch without metadata", call: (url) => callFromFreeswitch(url, { metadata: undefined, query: "&call=c" }) },
  { name: "freeswitch at 8 kHz", call: (url) => callFromFreeswitch(url, { encoding: "pcm16@8000" }) },
  { name: "genesys with both channels", call: (url) => callFromGenesys(url, { channels: [["external", "internal"]] }) },
  ...(["ulaw", "alaw", "slin", "slin16", "slin24", "slin48"] as const).map((format) => ({
    name: `asterisk in ${format}`,
    call: (url: string) => callFromAsterisk(url, { format }),
  })),
  { name: "asterisk in lines", call: (url) => callFromAsterisk(url, { json: false }) },
])("$name: both sides hear each other to the byte", async ({ name, call, pieceMs }) => {
  await using house = await openHouse({ dialects });
  const caller = await call(`ws://127.0.0.1:${house.port}`);
  // A module that announces nothing begins with audio.
  if (name === "freeswitch without metadata") caller.speak(new Uint8Array(0));
  const first = name === "freeswitch without metadata" ? sound(20, caller.uplink) : Buffer.alloc(0);
  if (first.length > 0) caller.speak(first);
  const { up, heardUp, down } = await talk(house, caller, pieceMs);
  expect(heardUp.equals(Buffer.concat([first, up]))).toBe(true);
  expect(caller.speaker.received.equals(down)).toBe(true);
  caller.vanish();
});

test("telnyx: audio that never came is silence, and the rest keeps its time", async () => {
  await using house = await openHouse({ dialects });
  const caller = await callFromTelnyx(`ws://127.0.0.1:${house.port}`, { loseEvery: 10 });
  const { up, heardUp } = await talk(house, caller);
  const piece = bytesOf(20, caller.uplink);
  const expected = inPieces(up, piece).map((each, index) => ((index + 1) % 10 === 0 ? Buffer.alloc(piece, 0xff) : each));
  // The last one lost has nothing behind it by which it could be missed.
  expect(heardUp.equals(Buffer.concat(expected.slice(0, -1)))).toBe(true);
  expect(house.counts.filledGapMs).toBe(40);
  caller.vanish();
});

test("asterisk: a channel is answered when its call is taken", async () => {
  await using house = await openHouse({ dialects });
  const caller = await callFromAsterisk(`ws://127.0.0.1:${house.port}`, { variables: { agent: "desk", from: "1001" } });
  await caller.start();
  await vi.waitFor(() => expect(caller.answered).toBe(true), patience);
  expect(house.reception.last.start).toMatchObject({ agent: "desk", from: "1001" });
  caller.vanish();
});

test("asterisk: with its queue full nothing more is sent until there is room", async () => {
  await using house = await openHouse({ dialects });
  const caller = await callFromAsterisk(`ws://127.0.0.1:${house.port}`);
  await caller.start();
  await vi.waitFor(() => expect(house.reception.guests).toHaveLength(1), patience);
  const { leg } = house.reception.last;
  const frame = sound(20, leg.downlink);
  for (let index = 0; index < 900; index += 1) leg.play(frame);
  await vi.waitFor(() => expect(leg.play(new Uint8Array(0))).toBe(false), patience);
  const dropped = house.counts.droppedFrames;
  expect(dropped).toBeGreaterThan(0);
  caller.play(4_000);
  await vi.waitFor(() => expect(leg.play(new Uint8Array(0))).toBe(true), patience);
  expect(caller.violations).toEqual([]);
  caller.vanish();
});

test("genesys: the count runs on over pings, silence of the line and flushes, and a count that jumps ends the call", async () => {
  await using house = await openHouse({ dialects });
  const caller = await callFromGenesys(`ws://127.0.0.1:${house.port}`, { inputVariables: { agent: "desk" } });
  await caller.start();
  caller.ping();
  caller.speak(sound(100, caller.uplink));
  caller.discard(100);
  caller.speak(sound(100, caller.uplink));
  await vi.waitFor(() => expect(house.reception.last.audio.length).toBe(2_400), patience);
  house.reception.last.leg.flush();
  await vi.waitFor(() => expect(caller.heardTypes).toEqual(["opened", "pong", "event"]), patience);
  expect(caller.violations).toEqual([]);
  caller.skipTo(17);
  caller.ping();
  await caller.closed;
  expect(house.reception.last.signals).toMatchObject([{ type: "lost", fault: { code: "caller-malformed" } }]);
});

test("genesys: a caller is sent on through the flow behind the connector", async () => {
  await using house = await openHouse({ dialects });
  const caller = await callFromGenesys(`ws://127.0.0.1:${house.port}`);
  await caller.start();
  await vi.waitFor(() => expect(house.reception.guests).toHaveLength(1), patience);
  const { leg, signals } = house.reception.last;
  leg.transfer("+15550100", "");
  await vi.waitFor(() => expect(signals).toEqual([{ type: "transferred" }]), patience);
  expect(caller.outputVariables).toEqual({ transferTo: "+15550100" });
  leg.close({ reason: "done" });
  expect(await caller.closed).toMatchObject({ code: 1000 });
  expect(caller.heardTypes).toEqual(["opened", "disconnect", "closed"]);
  expect(caller.violations).toEqual([]);
});

test("genesys: a connection probe is answered and is nobody's call", async () => {
  await using house = await openHouse({ dialects });
  const caller = await callFromGenesys(`ws://127.0.0.1:${house.port}`, { conversationId: "00000000-0000-0000-0000-000000000000" });
  await caller.start();
  caller.hangUp();
  await caller.closed;
  expect(caller.heardTypes).toEqual(["opened", "closed"]);
  expect(caller.violations).toEqual([]);
  expect(house.reception.guests).toHaveLength(0);
});
