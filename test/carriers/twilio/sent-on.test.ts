import { expect, test, vi } from "vitest";
import { Fault } from "../../../src/kernel/fault.ts";
import type { TwilioCaller } from "../../../src/fakes/carriers/twilio.ts";
import { readTwiml } from "../../../src/fakes/carriers/twiml-reader.ts";
import { asks, callSid, exchange, fields, parameters, publicUrl, streams } from "./exchange.ts";

type Exchange = Awaited<ReturnType<typeof exchange>>;

async function call(house: Exchange): Promise<TwilioCaller> {
  const caller = await streams(house, { parameters: await parameters(house) });
  await caller.start();
  await vi.waitFor(() => expect(house.reception.guests.length).toBeGreaterThan(0), 10_000);
  return caller;
}

/** What Twilio is told to do next, verb by verb. */
async function tells(house: Exchange, path: string, more: Readonly<Record<string, string>> = {}): Promise<string[]> {
  const signed = { ...fields, CallStatus: "in-progress", ...more };
  const answer = await asks(house, { url: publicUrl + path }, signed);
  expect(answer.status).toBeLessThan(300);
  const text = await answer.text();
  return text === "" ? [] : readTwiml(text).map(({ name }) => name);
}

test("a transfer closes the stream, and whoever waits for it is told what came of it", async () => {
  await using house = await exchange();
  const caller = await call(house);
  const { leg, signals } = house.reception.last;
  leg.transfer("+15550777", "");
  expect(await caller.closed).toMatchObject({ code: 1000 });
  expect(leg.play(new Uint8Array(160))).toBe(false);
  expect(await tells(house, "/twilio/action")).toEqual(["Dial"]);
  expect(signals).toEqual([]);
  expect(await tells(house, "/twilio/answered", { CallSid: "CA9", ParentCallSid: callSid })).toEqual([]);
  expect(signals).toEqual([{ type: "transferred" }]);
  expect(await tells(house, "/twilio/dialled", { DialCallStatus: "completed" })).toEqual(["Hangup"]);
  expect(signals).toHaveLength(1);
});

test("whoever answers hears what it is about before they are put through, and nobody else's briefing", async () => {
  await using house = await exchange();
  await call(house);
  house.reception.last.leg.transfer("+15550777", "A call for you. Caller: <angry> & loud");
  const dial = await asks(house, { url: `${publicUrl}/twilio/action` }, { ...fields, CallStatus: "in-progress" });
  expect(await dial.text()).toContain(`url="${publicUrl}/twilio/whisper"`);
  const hears = async (ParentCallSid: string): Promise<string> => {
    const told = await asks(house, { url: `${publicUrl}/twilio/whisper` }, { ...fields, CallSid: "CA9", ParentCallSid });
    return told.text();
  };
  const [say] = readTwiml(await hears(callSid));
  expect([say?.name, say?.text]).toEqual(["Say", "A call for you. Caller: <angry> & loud"]);
  expect(readTwiml(await hears("CA8"))).toEqual([]);
});

test.each(["busy", "no-answer", "failed", "canceled"])("a person who is %s brings the caller back", async (status) => {
  await using house = await exchange();
  await call(house);
  const { leg, signals } = house.reception.last;
  leg.transfer("+15550777", "");
  await tells(house, "/twilio/action");
  expect(await tells(house, "/twilio/dialled", { DialCallStatus: status })).toEqual(["Connect"]);
  expect(signals).toEqual([
    { type: "transfer-failed", why: `the call to +15550777 ended with "${status}"` },
    { type: "lost", fault: undefined },
  ]);
});

test("a caller who hangs up while it rings has hung up", async () => {
  await using house = await exchange();
  await call(house);
  const { leg, signals } = house.reception.last;
  leg.transfer("+15550777", "");
  await tells(house, "/twilio/action");
  expect(await tells(house, "/twilio/status", { CallStatus: "completed" })).toEqual([]);
  expect(signals).toEqual([{ type: "hung-up" }]);
});

test("a transfer of which nothing more is heard has failed after two minutes", async () => {
  await using house = await exchange();
  await call(house);
  const { leg, signals } = house.reception.last;
  leg.transfer("+15550777", "");
  await house.clock.advance(119_000);
  expect(signals).toEqual([]);
  await house.clock.advance(2_000);
  expect(signals).toMatchObject([{ type: "transfer-failed" }, { type: "lost", fault: undefined }]);
});

test.each([
  { end: { reason: "done" } as const, next: ["Hangup"] },
  { end: { reason: "drained" } as const, next: ["Pause", "Redirect"] },
  { end: { reason: "fault", fault: new Fault("provider-unreachable", "nobody there") } as const, next: ["Say", "Hangup"] },
  { end: { reason: "fault", fault: new Fault("caller-flooding", "too much") } as const, next: ["Hangup"] },
])("a leg that we end with $end.reason leads to $next", async ({ end, next }) => {
  await using house = await exchange();
  await call(house);
  house.reception.last.leg.close(end);
  expect(await tells(house, "/twilio/action")).toEqual(next);
});

test("while the node drains, a caller whose call it holds comes back, another waits for whoever comes after", async () => {
  let here = true;
  const draining = { refusal: () => new Fault("draining", "restarting"), holds: () => here };
  await using house = await exchange(undefined, draining);
  expect(await tells(house, "/twilio/voice")).toEqual(["Pause", "Redirect"]);
  house.twilio.book.at(callSid).callId = "call_1";
  expect(await tells(house, "/twilio/action")).toEqual(["Connect"]);
  here = false;
  for (let time = 0; time < 5; time += 1) expect(await tells(house, "/twilio/action")).toEqual(["Pause", "Redirect"]);
});

test("a call that Twilio says is over is ended here, though its stream broke off before", async () => {
  const ended: string[] = [];
  await using house = await exchange(undefined, { hangUp: (callId) => void ended.push(callId) });
  const caller = await call(house);
  caller.vanish();
  await tells(house, "/twilio/status", { CallStatus: "completed" });
  expect(ended).toEqual(["c1"]);
  expect(house.twilio.book.size).toBe(0);
});

test("a stream that Twilio closes in order without a stop has broken off: the caller has not hung up", async () => {
  await using house = await exchange();
  const caller = await call(house);
  caller.close(1000);
  await vi.waitFor(() => expect(house.reception.last.signals).toEqual([{ type: "lost", fault: undefined }]), 10_000);
  expect(await tells(house, "/twilio/action")).toEqual(["Connect"]);
});
