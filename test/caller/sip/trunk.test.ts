import { createSocket } from "node:dgram";
import { expect, test, vi } from "vitest";
import { DigestGate } from "../../../src/caller/sip/digest.ts";
import { writeMessage, type SipRequest } from "../../../src/caller/sip/message/message.ts";
import { readMessage } from "../../../src/caller/sip/message/parse.ts";
import { responseTo } from "../../../src/caller/sip/message/respond.ts";
import { trunkOf } from "../../../src/caller/sip/trunk.ts";
import { systemClock } from "../../../src/kernel/clock.ts";
import { Fault } from "../../../src/kernel/fault.ts";
import { seededRandom } from "../../../src/kernel/random.ts";
import { openSipHouse } from "./sip-house.ts";

vi.setConfig({ testTimeout: 30_000 });

const credentials = { username: "line7", password: "sesame" };
const order = { to: "+4930123456", from: undefined, agent: undefined, language: undefined, machine: "ignore", ringLimitS: 20 } as const;
const trunkAt = (port: number, parts: Partial<Parameters<typeof trunkOf>[1]> = {}): ReturnType<typeof trunkOf> =>
  trunkOf(`sip:127.0.0.1:${port}`, { credentials, from: "+49301000", register: false, ...parts });

/** A registrar that wants a password and keeps what it was told. */
async function openRegistrar(): Promise<
  AsyncDisposable & { readonly port: number; readonly registered: SipRequest[]; readonly challenged: string[] }
> {
  const gate = new DigestGate("registrar", credentials, systemClock, seededRandom(1));
  const socket = createSocket("udp4");
  const registered: SipRequest[] = [];
  const challenged: string[] = [];
  socket.on("message", (bytes, from) => {
    const reading = readMessage(bytes);
    if (reading.name !== "message" || reading.message.kind !== "request") return;
    const request = reading.message;
    const right = gate.check(request.headers.get("Authorization"), request.method, request.body) === "right";
    const response = responseTo(request, right ? 200 : 401, "registrar");
    if (right) {
      registered.push(request);
      response.headers.add("Contact", `${request.headers.get("Contact") ?? ""};expires=${request.headers.get("Expires") ?? ""}`);
    } else {
      challenged.push(request.headers.get("CSeq") ?? "");
      for (const value of gate.challenges(false)) response.headers.add("WWW-Authenticate", value);
    }
    socket.send(writeMessage(response), from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  return {
    port: socket.address().port,
    registered,
    challenged,
    [Symbol.asyncDispose]: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}

test("a number is called through a trunk that wants a password, and both sides hear each other", async () => {
  await using carrier = await openSipHouse({ peers: ["192.0.2.1"], credentials }, { echo: true });
  await using house = await openSipHouse({ trunk: trunkAt(carrier.port) });
  const placed = await house.endpoint.place({ ...order, agent: "desk" });
  await expect.poll(() => house.reception.guests.length, { timeout: 10_000 }).toBe(1);
  expect(carrier.reception.last.start).toMatchObject({
    from: "+49301000",
    parameters: { to: "+4930123456" },
    carrierCallId: placed.carrierCallId,
  });
  expect(house.reception.last.start).toMatchObject({ agent: "desk", from: "+4930123456", parameters: { direction: "outbound" } });
  const { leg } = house.reception.last;
  const word = new Uint8Array(160).fill(0x2a);
  await expect
    .poll(
      () => {
        leg.play(word);
        return house.reception.last.audio.includes(Buffer.from(word));
      },
      { timeout: 10_000 },
    )
    .toBe(true);
  leg.sendDtmf("42#");
  const digits = (): string => carrier.reception.last.signals.flatMap((signal) => (signal.type === "dtmf" ? [signal.digit] : [])).join("");
  await expect.poll(digits, { timeout: 10_000 }).toBe("42#");
  leg.close({ reason: "done" });
  await expect.poll(() => carrier.reception.last.signals.at(-1), { timeout: 10_000 }).toEqual({ type: "hung-up" });
  expect([house.endpoint.size, carrier.endpoint.size]).toEqual([0, 0]);
});

test.each([
  ["the password is wrong", { ...credentials, password: "simsim" }, /401/],
  ["there is none", undefined, /401/],
])("a call fails in words when %s", async (_, wrong, words) => {
  await using carrier = await openSipHouse({ peers: ["192.0.2.1"], credentials });
  await using house = await openSipHouse({ trunk: trunkAt(carrier.port, { credentials: wrong }) });
  await expect(house.endpoint.place(order)).rejects.toThrow(words);
  expect(carrier.reception.guests).toHaveLength(0);
});

test("a trunk that has no line free says so, and so do we", async () => {
  await using carrier = await openSipHouse();
  carrier.reception.refuse = () => {
    throw new Fault("busy", "all lines are busy");
  };
  await using house = await openSipHouse({ trunk: trunkAt(carrier.port) });
  // The trunk's own 100 comes first: the order was taken.
  await house.endpoint.place(order);
  await expect.poll(() => house.endpoint.size, { timeout: 10_000 }).toBe(0);
  expect(house.reception.guests).toHaveLength(0);
});

test("a call that nobody answers is taken back", async () => {
  await using carrier = await openSipHouse({ answerLimitMs: 25_000 }, { answersAfterMs: 25_000 });
  await using house = await openSipHouse({ trunk: trunkAt(carrier.port) });
  await house.endpoint.place({ ...order, ringLimitS: 1 });
  await expect.poll(() => carrier.reception.guests[0]?.signals, { timeout: 10_000 }).toEqual([{ type: "hung-up" }]);
});

test("what cannot be called is said before anything is sent", async () => {
  await using house = await openSipHouse();
  await expect(house.endpoint.place(order)).rejects.toThrow("set SIP_TRUNK");
  await expect(house.endpoint.place({ ...order, to: "sip:x@127.0.0.1;transport=tls" })).rejects.toThrow("SIP over tls is not set up here");
});

test("a trunk that cannot know where we are is told, with the password, and told when we leave", async () => {
  await using registrar = await openRegistrar();
  {
    await using house = await openSipHouse({ trunk: trunkAt(registrar.port, { register: true }) });
    await expect.poll(() => registrar.registered.length, { timeout: 10_000 }).toBe(1);
    expect(registrar.registered[0]?.headers.get("Contact")).toContain(`:${house.port}`);
    expect(registrar.registered[0]?.headers.get("To")).toContain("line7@127.0.0.1");
  }
  await expect.poll(() => registrar.registered.at(-1)?.headers.get("Expires"), { timeout: 10_000 }).toBe("0");
});
