import { expect, test } from "vitest";
import { plainManners, type MachineOrder } from "../../src/session/manners.ts";
import { startHouse, type House } from "./house.ts";

const message = "Please call us back.";
const outbound = { parameters: { direction: "outbound" } };
const answers = (house: House) => house.events.filter((event) => event.type === "caller.answered-by").map(({ who, by }) => ({ who, by }));
const ended = (house: House) => house.events.find((event) => event.type === "call.ended");
const houseWith = (then: MachineOrder) => startHouse({ manners: { machine: { ...plainManners.machine, then, message } }, voiceMs: 1_500 });

/** Pure, and as loud as machines are, pcm16@16000. */
const beep = (ms: number): Uint8Array =>
  new Uint8Array(Int16Array.from({ length: 16 * ms }, (_, n) => 8_000 * Math.sin((2 * Math.PI * 1_000 * n) / 16_000)).buffer);
const silence = (ms: number): Uint8Array => new Uint8Array(32 * ms);

test("who answers with a short word is a person", async () => {
  const house = houseWith("hang-up");
  const caller = house.dial(undefined, [], outbound);
  await caller.speaks(1_500);
  house.provider("alpha").link.hearsTurn("c1", "Miller, hello?", 200);
  await caller.speaks(1_000);
  expect(answers(house)).toEqual([{ who: "person", by: "length" }]);
  await house.clock.advance(10_000);
  expect(ended(house)).toBeUndefined();
});

test("who goes on for longer than anybody says hello is a machine, and is hung up on where the agent wants that", async () => {
  const house = houseWith("hang-up");
  const caller = house.dial(undefined, [], outbound);
  await caller.speaks(500);
  house.provider("alpha").link.tells({ type: "caller.spoke", turnId: "c1", uplinkMs: 0 });
  await caller.speaks(5_900);
  expect(answers(house)).toEqual([]);
  await caller.speaks(200);
  expect(answers(house)).toEqual([{ who: "machine", by: "length" }]);
  expect(ended(house)).toMatchObject({ outcome: "completed", reason: "machine" });
});

test.each([
  "Hi, you have reached Ann. Please leave a message after the tone.",
  "Guten Tag, bitte hinterlassen Sie eine Nachricht nach dem Signalton.",
  "Vous êtes sur la messagerie vocale de Paul.",
  "Deje su mensaje después de la señal.",
])("what only machines say shows one, also when it is known late: %s", async (words) => {
  const house = houseWith("hang-up");
  const caller = house.dial(undefined, [], outbound);
  await caller.speaks(2_000);
  const { link } = house.provider("alpha");
  link.tells({ type: "caller.spoke", turnId: "c1", uplinkMs: 0 }, { type: "caller.finished", turnId: "c1", uplinkMs: 1_900 });
  link.tells({ type: "caller.transcribed", turnId: "c1", text: words, final: true });
  expect(answers(house)).toEqual([
    { who: "person", by: "length" },
    { who: "machine", by: "phrase" },
  ]);
  expect(ended(house)).toMatchObject({ reason: "machine" });
});

test("a machine is left the message after its beep, and nothing that the provider says meanwhile", async () => {
  const house = houseWith("leave-message");
  const caller = house.dial(undefined, [], outbound);
  await caller.speaks(500);
  const { link } = house.provider("alpha");
  link.tells({ type: "caller.spoke", turnId: "c1", uplinkMs: 0 });
  link.tells({ type: "caller.transcribed", turnId: "c1", text: "please leave a message", final: false });
  await caller.speaks(2_000);
  link.speaks("a1", "How can I help?", 500);
  await caller.speaks(600);
  expect(caller.leg.playedMs).toBe(0);
  await caller.sounds(beep(400));
  await caller.sounds(silence(2_500));
  expect(caller.leg.playedMs).toBe(1_500);
  expect(ended(house)).toMatchObject({ outcome: "completed", reason: "machine" });
});

test("a machine without a beep is left the message once it is quiet", async () => {
  const house = houseWith("leave-message");
  const caller = house.dial(undefined, [], outbound);
  await caller.speaks(500);
  house.provider("alpha").link.tells({ type: "caller.spoke", turnId: "c1", uplinkMs: 0 });
  await caller.speaks(6_500);
  expect(answers(house)).toEqual([{ who: "machine", by: "length" }]);
  await caller.sounds(silence(3_500));
  expect(caller.leg.playedMs).toBe(1_500);
  expect(ended(house)).toMatchObject({ reason: "machine" });
});

test("what the carrier knows counts, an order of one call comes before the agent's, and nobody looks at who calls us", async () => {
  const house = houseWith("go-on");
  house.dial(undefined, [], { parameters: { direction: "outbound", machine: "hang-up" } });
  await house.clock.advance(1_000);
  house.roster.answeredBy(house.events[0]?.callId ?? "", "machine", false);
  expect(answers(house)).toEqual([{ who: "machine", by: "carrier" }]);
  expect(ended(house)).toMatchObject({ reason: "machine" });

  const inbound = houseWith("hang-up");
  const caller = inbound.dial();
  await caller.speaks(500);
  inbound.provider("alpha").link.tells({ type: "caller.spoke", turnId: "c1", uplinkMs: 0 });
  await caller.sounds(beep(8_000));
  expect(answers(inbound)).toEqual([]);
  expect(ended(inbound)).toBeUndefined();
});
