import { expect, test } from "vitest";
import { pcmu } from "../../../src/audio/g711.ts";
import { Fault } from "../../../src/kernel/fault.ts";
import type { Guest } from "../reception.ts";
import { openSipHouse, type SipHouse } from "./sip-house.ts";

const order = { from: undefined, agent: undefined, language: undefined, machine: "ignore", ringLimitS: 20 } as const;

/** Half a second of a tone, whatever is to be said. */
const speech = {
  said: [] as string[],
  say: async (text: string): Promise<Uint8Array> => {
    speech.said.push(text);
    return new Uint8Array(Int16Array.from({ length: 8_000 }, (_, at) => Math.round(8_000 * Math.sin(at / 5))).buffer);
  },
};

/** A phone that talks to the house. It does not let itself be sent on. */
async function talking(house: SipHouse): Promise<SipHouse & { readonly agent: Guest }> {
  const phone = await openSipHouse();
  await phone.endpoint.place({ ...order, to: `sip:bot@127.0.0.1:${house.port}` });
  await expect.poll(() => phone.reception.guests.length, { timeout: 10_000 }).toBe(1);
  return Object.assign(phone, { agent: house.reception.last });
}

const loud = (codes: Uint8Array): number => pcmu.decode(codes).filter((sample) => Math.abs(sample) > 2_000).length;

test("a person is called and told, and where their telephone cannot take over the caller is asked to call them", async () => {
  await using house = await openSipHouse({ codecs: ["PCMU"] }, { speech });
  await using human = await openSipHouse({ codecs: ["PCMU"] });
  await using phone = await talking(house);
  const target = `sip:boss@127.0.0.1:${human.port}`;
  phone.agent.leg.transfer(target, "A call for you about a refund.");
  // This phone refuses to go, and says so: but only after the person has heard what it is about.
  await expect.poll(() => phone.agent.signals, { timeout: 10_000 }).toMatchObject([{ type: "transfer-failed", why: /603/ }]);
  expect(speech.said).toContain("A call for you about a refund.");
  expect(loud(human.reception.last.audio) / 8_000).toBeGreaterThan(0.25);
  await expect.poll(() => human.reception.last.signals, { timeout: 10_000 }).toEqual([{ type: "hung-up" }]);
});

test("a person who is not there, and one who hangs up while being told, leave the caller where they are", async () => {
  await using house = await openSipHouse({}, { speech });
  await using human = await openSipHouse();
  await using phone = await talking(house);
  const target = `sip:boss@127.0.0.1:${human.port}`;
  human.reception.refuse = () => {
    throw new Fault("busy", "on another line");
  };
  phone.agent.leg.transfer(target, "A call for you.");
  await expect.poll(() => phone.agent.signals, { timeout: 10_000 }).toMatchObject([{ type: "transfer-failed", why: /486/ }]);
  human.reception.refuse = undefined;
  phone.agent.leg.transfer(target, "A call for you.");
  await expect.poll(() => human.reception.guests.length, { timeout: 10_000 }).toBe(1);
  human.reception.last.leg.close({ reason: "done" });
  await expect.poll(() => phone.agent.signals.length, { timeout: 10_000 }).toBe(2);
  expect(phone.agent.signals[1]).toMatchObject({ type: "transfer-failed", why: "whoever answered hung up" });
  expect(phone.reception.last.signals).toEqual([]);
});

test("a person who may not be called by us is told in writing, and the caller asked to call them", async () => {
  await using house = await openSipHouse({}, { speech });
  await using human = await openSipHouse({ peers: ["192.0.2.1"] });
  await using phone = await talking(house);
  const target = `sip:boss@127.0.0.1:${human.port}`;
  phone.agent.leg.transfer(target, "A call for you.");
  await expect
    .poll(() => phone.agent.signals, { timeout: 10_000 })
    .toMatchObject([{ type: "unbriefed", target, briefing: "A call for you." }, { type: "transfer-failed" }]);
});

test("a house without a voice tells in writing at once", async () => {
  await using house = await openSipHouse();
  await using phone = await talking(house);
  phone.agent.leg.transfer("sip:boss@127.0.0.1:9", "A call for you.");
  expect(phone.agent.signals).toEqual([{ type: "unbriefed", target: "sip:boss@127.0.0.1:9", briefing: "A call for you." }]);
});

test("a person who is being told is left when the caller hangs up", async () => {
  await using house = await openSipHouse({}, { speech });
  await using human = await openSipHouse();
  await using phone = await talking(house);
  phone.agent.leg.transfer(`sip:boss@127.0.0.1:${human.port}`, "A call for you.");
  await expect.poll(() => human.reception.guests.length, { timeout: 10_000 }).toBe(1);
  phone.reception.last.leg.close({ reason: "done" });
  await expect.poll(() => phone.agent.signals, { timeout: 10_000 }).toEqual([{ type: "hung-up" }]);
  await expect.poll(() => human.reception.last.signals, { timeout: 10_000 }).toEqual([{ type: "hung-up" }]);
});
