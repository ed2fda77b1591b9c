import { expect, test } from "vitest";
import { Door, doorLimits, neighbourhood, type DoorRefusal, type DoorScope } from "../../src/caller/door.ts";
import { Fault } from "../../src/kernel/fault.ts";
import { SimulatedClock } from "../simulated-clock.ts";

test("one address has so many connections at once, and a place that was left is free again", async () => {
  const clock = new SimulatedClock();
  const told: (readonly [DoorScope | undefined, string | undefined])[] = [];
  const refused: DoorRefusal = (_, scope, address) => void told.push([scope, address]);
  const door = new Door({ ...doorLimits, perAddress: 2 }, clock, () => undefined, refused);
  const first = door.enter("192.0.2.1");
  door.enter("192.0.2.1");
  expect(() => door.enter("192.0.2.1")).toThrow("2 connections, the limit is 2");
  door.enter("192.0.2.2");
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  await clock.advance(1_000);
  door.enter("192.0.2.1");
  expect(() => door.enter("192.0.2.1")).toThrow(Fault);
  expect(door.open).toBe(3);
  expect(told).toEqual([
    ["address", "192.0.2.1"],
    ["address", "192.0.2.1"],
  ]);
});

test("an address that comes and goes too fast is told how long to wait", async () => {
  const clock = new SimulatedClock();
  const door = new Door({ ...doorLimits, perAddress: 3, overall: 100 }, clock);
  for (let visit = 0; visit < 3; visit += 1) door.enter("192.0.2.1")[Symbol.dispose]();
  expect(() => door.enter("192.0.2.1")).toThrow(expect.objectContaining({ code: "busy", retryAfterMs: 100 }));
  await clock.advance(100);
  door.enter("192.0.2.1");
});

test("the process has so many connections, whoever they are", () => {
  const told: (DoorScope | undefined)[] = [];
  const limits = { ...doorLimits, overall: 2 };
  const shut: Fault[] = [];
  const door = new Door(
    limits,
    new SimulatedClock(),
    () => shut[0],
    (_, scope) => void told.push(scope),
  );
  door.enter("192.0.2.1");
  door.enter("192.0.2.2");
  expect(() => door.enter("192.0.2.3")).toThrow("all 2 connections are taken");
  shut.push(new Fault("overload", "too much to do"));
  expect(() => door.enterThrough("twilio")).toThrow("too much to do");
  expect(told).toEqual(["node", undefined]);
});

test("ten thousand addresses are remembered, those that left long ago are forgotten for new ones", async () => {
  const clock = new SimulatedClock();
  const door = new Door(doorLimits, clock);
  for (let each = 0; each < 10_000; each += 1) door.enter(`10.0.${each >> 8}.${each & 255}`)[Symbol.dispose]();
  expect(() => door.enter("192.0.2.1")).toThrow("too many addresses");
  await clock.advance(1_000);
  door.enter("192.0.2.1");
});

test.each([
  ["192.0.2.7", "192.0.2.7"],
  ["::ffff:192.0.2.7", "192.0.2.7"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:0DB8:1:2::9", "2001:db8:1:2::/64"],
  ["2001:db8::1", "2001:db8:0:0::/64"],
  ["::1", "0:0:0:0::/64"],
  ["fe80::1%eth0", "fe80:0:0:0::/64"],
])("%s counts as %s", (address, expected) => {
  expect(neighbourhood(address)).toBe(expected);
});

test("what comes through a carrier is counted by carrier, whatever address it comes from, and by nothing else", async () => {
  const clock = new SimulatedClock();
  const door = new Door({ ...doorLimits, perAddress: 2, perCarrier: 30, perCarrierPerSecond: 20 }, clock);
  for (let call = 0; call < 30; call += 1) door.enterThrough("twilio");
  expect(() => door.enterThrough("twilio")).toThrow("twilio has 30 connections, the limit is 30");
  door.enterThrough("telnyx");
  door.enter("192.0.2.1");
});

test("a carrier that comes and goes too fast is told how long to wait", async () => {
  const clock = new SimulatedClock();
  const door = new Door({ ...doorLimits, perCarrierPerSecond: 10 }, clock);
  for (let call = 0; call < 20; call += 1) door.enterThrough("twilio")[Symbol.dispose]();
  expect(() => door.enterThrough("twilio")).toThrow(expect.objectContaining({ code: "busy", retryAfterMs: 100 }));
  await clock.advance(100);
  door.enterThrough("twilio");
});
