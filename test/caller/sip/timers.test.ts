import { expect, test } from "vitest";
import type { SipRequest } from "../../../src/caller/sip/message/message.ts";
import { readMessage } from "../../../src/caller/sip/message/parse.ts";
import { responseTo } from "../../../src/caller/sip/message/respond.ts";
import { Repeats } from "../../../src/caller/sip/repeats.ts";
import { SessionTimer } from "../../../src/caller/sip/session-timer.ts";
import { ClientTransaction, ServerTransaction } from "../../../src/caller/sip/transaction.ts";
import { PendingTransfer, referTarget } from "../../../src/caller/sip/transfer.ts";
import { SimulatedClock } from "../../simulated-clock.ts";
import { requestText } from "./wire.ts";

const request = (method: string): SipRequest => {
  const reading = readMessage(Buffer.from(requestText(method)));
  if (reading.name !== "message" || reading.message.kind !== "request") throw new Error("not a request");
  return reading.message;
};

/** When something happened, s, on a clock that moves when told. */
function log(clock: SimulatedClock): { readonly at: number[]; note: () => void } {
  const at: number[] = [];
  return { at, note: () => void at.push(clock.now() / 1000) };
}

test("a refusal is repeated until it is acknowledged, on datagrams only", async () => {
  for (const reliable of [false, true]) {
    const clock = new SimulatedClock();
    const { at, note } = log(clock);
    let over = false;
    const transaction = new ServerTransaction(request("INVITE"), { clock, reliable, over: () => (over = true) }, note);
    transaction.respond(responseTo(transaction.request, 486, "t"));
    await clock.advance(9_000);
    expect(at).toEqual(reliable ? [0] : [0, 0.5, 1.5, 3.5, 7.5]);
    transaction.acknowledged();
    await clock.advance(5_000);
    expect(over).toBe(true);
    expect(clock.armed).toBe(0);
  }
});

test("a refusal that is never acknowledged is given up after 32 s", async () => {
  const clock = new SimulatedClock();
  const { at, note } = log(clock);
  const transaction = new ServerTransaction(request("INVITE"), { clock, reliable: false, over: () => {} }, note);
  transaction.respond(responseTo(transaction.request, 486, "t"));
  await clock.advance(60_000);
  expect(at.at(-1)).toBeLessThanOrEqual(32);
  expect(clock.armed).toBe(0);
});

test("a repeated request gets the same answer once more, and a late answer does not replace it", () => {
  const clock = new SimulatedClock();
  const statuses: number[] = [];
  const transaction = new ServerTransaction(
    request("OPTIONS"),
    { clock, reliable: false, over: () => {} },
    ({ status }) => void statuses.push(status),
  );
  transaction.repeated();
  transaction.respond(responseTo(transaction.request, 200, "t"));
  transaction.respond(responseTo(transaction.request, 500, "t"));
  transaction.repeated();
  expect(statuses).toEqual([200, 200]);
});

test.each([
  ["INVITE", [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]],
  ["BYE", [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]],
])("%s is sent again until 32 s are over, then given up", async (method, times) => {
  const clock = new SimulatedClock();
  const { at, note } = log(clock);
  const given = log(clock);
  const parts = { clock, reliable: false, over: () => {} };
  new ClientTransaction(request(method), parts, note, () => {}, { response: () => {}, timedOut: given.note }).start();
  await clock.advance(60_000);
  expect(at).toEqual(times);
  expect(given.at).toEqual([32]);
});

test("an INVITE that rings is not sent again, and its refusal is acknowledged each time it comes", async () => {
  const clock = new SimulatedClock();
  const sent = log(clock);
  const acknowledged = log(clock);
  const heard: number[] = [];
  const invite = request("INVITE");
  const parts = { clock, reliable: false, over: () => {} };
  const transaction = new ClientTransaction(invite, parts, sent.note, acknowledged.note, {
    response: ({ status }) => void heard.push(status),
    timedOut: () => void heard.push(0),
  });
  transaction.start();
  transaction.received(responseTo(invite, 180, "t"));
  await clock.advance(60_000);
  transaction.received(responseTo(invite, 486, "t"));
  transaction.received(responseTo(invite, 486, "t"));
  expect(sent.at).toEqual([0]);
  expect(heard).toEqual([180, 486]);
  expect(acknowledged.at).toHaveLength(2);
});

test("a success is said again until its ACK, and given up after 32 s", async () => {
  const clock = new SimulatedClock();
  const sent = log(clock);
  const unheard = log(clock);
  new Repeats(clock, sent.note, unheard.note).start();
  await clock.advance(60_000);
  expect(sent.at.slice(0, 6)).toEqual([0.5, 1.5, 3.5, 7.5, 11.5, 15.5]);
  expect(unheard.at).toHaveLength(1);
  expect(unheard.at[0]).toBeLessThan(36);
  expect(clock.armed).toBe(0);
});

test("a session is refreshed at half time by us, and missed shortly before its end when it is theirs", async () => {
  const clock = new SimulatedClock();
  const refreshed = log(clock);
  const expired = log(clock);
  const timer = new SessionTimer(clock, refreshed.note, expired.note);
  timer.start(120, true);
  await clock.advance(60_000);
  timer.start(120, false);
  await clock.advance(200_000);
  expect(refreshed.at).toEqual([60]);
  expect(expired.at).toEqual([60 + 120 - 32]);
});

test("a transfer without a verdict has failed after 30 s", async () => {
  const clock = new SimulatedClock();
  const told: (string | undefined)[] = [];
  new PendingTransfer(clock, (failure) => void told.push(failure?.why)).answered(responseTo(request("REFER"), 202, "t"));
  await clock.advance(30_000);
  expect(told).toEqual(["no verdict on the transfer within 30 s"]);
});

test.each([
  ["+49 (30) 123-456", "sip:trunk@192.0.2.9:5070;transport=tcp", "sip:+4930123456@192.0.2.9:5070"],
  ["tel:112", "sip:192.0.2.9", "sip:112@192.0.2.9"],
  ["sip:human@example.com", "sip:a@b", "sip:human@example.com"],
  ["sip:human@example.com>\r\nX: y", "sip:a@b", undefined],
  ["the boss", "sip:a@b", undefined],
])("a transfer of %j by way of %s goes to %s", (target, peer, uri) => {
  expect(referTarget(target, peer)).toBe(uri);
});
