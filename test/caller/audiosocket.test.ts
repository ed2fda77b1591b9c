import { connect } from "node:net";
import { describe, expect, test, vi } from "vitest";
import { audiosocket } from "../../src/caller/dialects/audiosocket.ts";
import { callFromAudioSocket, fakeAudioSocket } from "../../src/fakes/carriers/audiosocket.ts";
import { openAudioSocketHouse } from "./audiosocket-house.ts";
import { dialectConforms } from "./conformance.ts";

const dialect = audiosocket("pcm16@8000");

describe("audiosocket", () => dialectConforms(dialect, fakeAudioSocket, () => openAudioSocketHouse(dialect)));

test.each([1, 2, 5, 331, 4_096])("frames that TCP cuts into pieces of %i bytes arrive as they were sent", async (pieceBytes) => {
  await using house = await openAudioSocketHouse(dialect);
  const caller = await callFromAudioSocket(`ws://127.0.0.1:${house.port}`, { pieceBytes });
  await caller.start();
  const audio = Buffer.from(Array.from({ length: 3_200 }, (_, at) => (at * 7) % 251));
  for (let at = 0; at < audio.length; at += 320) caller.speak(audio.subarray(at, at + 320));
  caller.press("7");
  await vi.waitFor(() => expect(house.reception.last.signals).toEqual([{ type: "dtmf", digit: "7" }]), { timeout: 10_000 });
  expect(house.reception.last.audio.equals(audio)).toBe(true);
  expect(house.reception.last.start.carrierCallId).toBe("40325ec2-5efd-4bd3-805f-53576e581d13");
  caller.vanish();
});

test("wideband is spoken where it was agreed on, and only there", async () => {
  const wide = audiosocket("pcm16@16000");
  await using house = await openAudioSocketHouse(wide);
  const caller = await callFromAudioSocket(`ws://127.0.0.1:${house.port}`, { encoding: "pcm16@16000" });
  await caller.start();
  caller.speak(new Uint8Array(640));
  await vi.waitFor(() => expect(house.reception.last.audio.length).toBe(640), { timeout: 10_000 });
  house.reception.last.leg.play(new Uint8Array(640));
  await vi.waitFor(() => expect(caller.speaker.received.length).toBe(640), { timeout: 10_000 });
  expect(caller.violations).toEqual([]);
  caller.vanish();

  const narrow = await callFromAudioSocket(`ws://127.0.0.1:${house.port}`);
  await narrow.start();
  await vi.waitFor(() => expect(house.reception.guests.length).toBe(2), { timeout: 10_000 });
  for (let frame = 0; frame < 3; frame += 1) narrow.speak(new Uint8Array(320));
  await narrow.closed;
  expect(house.reception.last.signals).toMatchObject([{ type: "lost", fault: { code: "caller-unsupported" } }]);
});

test("whoever is not among the peers is cut off before a word, and told of", async () => {
  const strangers: string[] = [];
  await using house = await openAudioSocketHouse(dialect, ["10.0.0.0/8", "192.0.2.1"], (address) => strangers.push(address));
  const socket = connect(house.port, "127.0.0.1").on("error", () => {});
  await new Promise((resolve) => socket.once("close", resolve));
  expect(house.reception.guests).toHaveLength(0);
  expect(strangers).toEqual(["127.0.0.1"]);
});

test("a peer that does not close its side after the call is cut off", async () => {
  await using house = await openAudioSocketHouse(dialect);
  const socket = connect({ port: house.port, host: "127.0.0.1", allowHalfOpen: true }).on("error", () => {});
  socket.write(Buffer.from([0x01, 0, 16, ...Array.from({ length: 16 }, () => 1)]));
  await vi.waitFor(() => expect(house.reception.guests).toHaveLength(1), { timeout: 10_000 });
  house.reception.last.leg.close({ reason: "done" });
  await new Promise((resolve) => socket.once("end", resolve).resume());
  await house.clock.advance(2_300);
  // Nobody is there to take it any more, which only writing shows.
  await vi.waitFor(() => expect(socket.write("x") && !socket.destroyed).toBe(false), { timeout: 10_000 });
});

test("peers that are no addresses are refused by name", () => {
  return expect(openAudioSocketHouse(dialect, ["10.0.0.0/99"])).rejects.toThrow('AUDIOSOCKET_PEERS: "10.0.0.0/99"');
});
