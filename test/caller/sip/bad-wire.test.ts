import { expect, test } from "vitest";
import { pcmu } from "../../../src/audio/g711.ts";
import type { Guest } from "../reception.ts";
import { SimulatedClock } from "../../simulated-clock.ts";
import { BadWire } from "./bad-wire.ts";
import { openSipHouse } from "./sip-house.ts";
import { longestGapMs, talk } from "./talk.ts";

const seed = Math.floor(Math.random() * 2 ** 31);
const frameBytes = 160;
const callMs = 60_000;
const order = { from: undefined, agent: undefined, language: undefined, machine: "ignore", ringLimitS: 20 } as const;

/** Moves time on, and lets what was sent meanwhile arrive: on this machine's own sockets nothing is under way for longer. */
async function pass(clock: SimulatedClock, ms: number, each: () => void = () => {}): Promise<void> {
  for (let left = ms; left > 0; left -= 5) {
    each();
    await clock.advance(5);
    for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Says a minute of talk, a frame every 20 ms. */
function speaker(guest: Guest, clock: SimulatedClock): () => void {
  const codes = pcmu.encode(talk(callMs));
  const beganMs = clock.now();
  let sent = 0;
  return () => {
    for (; sent < codes.length && (sent / frameBytes) * 20 <= clock.now() - beganMs; sent += frameBytes) {
      guest.leg.play(codes.subarray(sent, sent + frameBytes));
    }
  };
}

test("a minute over a line that loses 3 %, with 40 ms of jitter and packets that overtake each other: MOS above 4.0, no gap, no drift", async () => {
  const clock = new SimulatedClock();
  await using house = await openSipHouse({ codecs: ["PCMU"] }, { clock });
  await using phone = await openSipHouse({ codecs: ["PCMU"] }, { clock });
  await using wire = await BadWire.open(house.port, { loss: 0.03, delayMs: 80, jitterMs: 40, duplicates: 0.01 }, seed, clock);
  const placing = phone.endpoint.place({ ...order, to: `sip:bot@127.0.0.1:${wire.port}` });
  while (phone.reception.guests.length === 0) await pass(clock, 5);
  await placing;
  const [caller, agent] = [phone.reception.last, house.reception.last];
  const beganMs = clock.now();
  const [say, answer] = [speaker(caller, clock), speaker(agent, clock)];
  await pass(clock, callMs, () => (say(), answer()));
  // What is still under way.
  await pass(clock, 500);
  const elapsedMs = clock.now() - beganMs;
  caller.leg.close({ reason: "done" });
  await pass(clock, 1_000);

  const about = `seed ${seed}: ${JSON.stringify(wire.counts)}`;
  expect(wire.counts.overtaken, about).toBeGreaterThan(500);
  expect(wire.counts.lost / (wire.counts.lost + wire.counts.carried), about).toBeCloseTo(0.03, 2);
  for (const [who, guest, { qualities }] of [
    ["the server", agent, house],
    ["the phone", caller, phone],
  ] as const) {
    const quality = qualities[0];
    const told = `${who}, ${about}, ${JSON.stringify(quality)}`;
    expect(quality?.mosEstimate, told).toBeGreaterThan(4.0);
    const heard = pcmu.decode(guest.audio);
    expect(longestGapMs(heard.subarray(8_000, (callMs - 1_000) * 8)), told).toBeLessThanOrEqual(60);
    // The sender's time base: nothing is lost of it, and nothing added that is not taken back in a pause.
    expect(Math.abs(heard.length / 8 - elapsedMs), told).toBeLessThan(400);
    expect(quality?.peer?.lossShare, told).toBeGreaterThan(0.01);
  }
});
