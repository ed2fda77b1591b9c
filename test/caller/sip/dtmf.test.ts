import { expect, test } from "vitest";
import { DtmfReceiver, DtmfSender } from "../../../src/caller/sip/rtp/dtmf.ts";

const digits = "0123456789*#ABCD";

/** Every packet of these digits, a slot every 20 ms, through a line that may drop some. */
function over(text: string, arrives: (slot: number, isEnd: boolean) => boolean): string {
  const [sender, receiver] = [new DtmfSender(8_000), new DtmfReceiver()];
  sender.add(text);
  let heard = "";
  let timestamp = 0;
  for (let slot = 0; sender.active || slot % 20 !== 0; slot += 1) {
    const event = sender.active ? sender.next() : undefined;
    if (event?.begins === true) timestamp = slot * 160;
    const isEnd = ((event?.payload[1] ?? 0) & 0x80) !== 0;
    if (event !== undefined && arrives(slot, isEnd)) heard += receiver.packet(event.payload, timestamp, slot * 20) ?? "";
    heard += receiver.tick(slot * 20) ?? "";
  }
  return heard + (receiver.tick(1e9) ?? "");
}

test("every digit arrives once", () => {
  expect(over(digits, () => true)).toBe(digits);
});

test("digits whose end packets are all lost are told when the next begins, or nothing more comes", () => {
  expect(over("1234", (_, isEnd) => !isEnd)).toBe("1234");
});

test("one packet of each digit is enough", () => {
  expect(over("9*9", (slot) => slot % 11 === 3)).toBe("9*9");
});

test("a tone lasts 100 ms, ends three times and pauses", () => {
  const sender = new DtmfSender(8_000);
  sender.add("5x");
  const slots = Array.from({ length: 11 }, () => sender.next());
  expect(slots.map((event) => event && [event.payload[0], (event.payload[1] ?? 0) >> 7, event.payload[2], event.payload[3]])).toEqual([
    ...[160, 320, 480, 640, 800].map((duration) => [5, 0, duration >> 8, duration & 0xff]),
    ...[1, 2, 3].map(() => [5, 1, 3, 32]),
    undefined,
    undefined,
    undefined,
  ]);
  expect(sender.active).toBe(false);
});

test("payloads that are no telephone event are left alone", () => {
  const receiver = new DtmfReceiver();
  for (const payload of [Uint8Array.of(), Uint8Array.of(5, 0x80), Uint8Array.of(16, 0x80, 0, 0), Uint8Array.of(255, 0x80, 0, 0)]) {
    expect(receiver.packet(payload, 1, 0)).toBeUndefined();
  }
  expect(receiver.tick(1e9)).toBeUndefined();
});
