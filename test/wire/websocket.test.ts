import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { expect, test, vi } from "vitest";
import { WireSocket } from "../../src/wire/websocket.ts";
import { SimulatedClock } from "../simulated-clock.ts";
import { closing, frame } from "./torture.ts";

interface Line extends AsyncDisposable {
  readonly socket: WireSocket;
  readonly clock: SimulatedClock;
  readonly peer: Socket;
  readonly told: string[];
  readonly heard: () => Buffer;
  /** Is shown each text before it is told. */
  scans: (text: string) => void;
}

/** Both ends of one connection, upgraded already. `before`: what becomes of it before anybody listens. */
async function line(before = (_stream: Socket, _peer: Socket): unknown => undefined): Promise<Line> {
  const clock = new SimulatedClock();
  const told: string[] = [];
  const accepted = Promise.withResolvers<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (stream) => accepted.resolve(stream));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo; // A string only for a server on a pipe.
  const peer = connect({ port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true }).on("error", () => {});
  const chunks: Buffer[] = [];
  peer.on("data", (chunk) => chunks.push(chunk));
  const stream = await accepted.promise;
  const socket = new WireSocket(stream, { messageBytes: 1_024, fragments: 8, clock, closeLimitMs: 2_000 });
  const made: Line = {
    socket,
    clock,
    peer,
    told,
    heard: () => Buffer.concat(chunks),
    scans: () => {},
    [Symbol.asyncDispose]: async () => {
      peer.destroy();
      stream.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  await before(stream, peer);
  socket.listen({
    scan: (bytes, from, end) => {
      made.scans(bytes.toString("latin1", from, end));
      return false;
    },
    text: (text) => void told.push(text),
    binary: (bytes) => void told.push(`${bytes.length} bytes`),
    pinged: () => void told.push("pinged"),
    ponged: () => void told.push("ponged"),
    broke: ({ code }) => void told.push(`broke ${code}`),
    closed: (code) => void told.push(`closed ${code}`),
  });
  return made;
}

const hex = (bytes: Buffer): string => bytes.toString("hex");

test.each([
  { name: "of seven letters", text: "letters", header: "8107" },
  { name: "of 125 letters", text: "x".repeat(125), header: "817d" },
  { name: "of 126 letters", text: "x".repeat(126), header: "817e007e" },
  { name: "of 65,535 letters", text: "x".repeat(65_535), header: "817effff" },
  { name: "of 65,536 letters", text: "x".repeat(65_536), header: "817f0000000000010000" },
  { name: "of umlauts", text: "ÄÖÜ", header: "8106" },
  { name: "of faces", text: "😀".repeat(40), header: "817e00a0" },
  { name: "with half a face, which is no character,", text: "a\ud83d", header: "8104" },
])("a text $name goes out as one frame of UTF-8", async ({ text, header }) => {
  await using one = await line();
  one.socket.sendText(text);
  const wanted = Buffer.concat([Buffer.from(header, "hex"), Buffer.from(text, "utf8")]);
  await vi.waitFor(() => expect(one.heard().equals(wanted)).toBe(true), 10_000);
});

test("a peer that closed its side before anybody listened is closed", async () => {
  await using one = await line(async (stream, peer) => {
    const ended = once(stream, "end");
    peer.end();
    stream.resume();
    await ended;
  });
  await vi.waitFor(() => expect(one.told).toEqual(["closed 1006"]), 10_000);
});

test("what waits for a peer that does not read is not touched by what others are sent meanwhile", { timeout: 30_000 }, async () => {
  await using slow = await line();
  await using quick = await line();
  slow.peer.pause();
  const textFor = (name: string, number: number): string => `${name} ${number} `.repeat(1 + ((number * 7) % 400));
  const wanted = { slow: [] as Buffer[], quick: [] as Buffer[] };
  for (let number = 0, sinceFull = 0; sinceFull < 500; number += 1) {
    for (const name of ["slow", "quick"] as const) {
      const text = textFor(name, number);
      (name === "slow" ? slow : quick).socket.sendText(text);
      wanted[name].push(frame({ opcode: 1, payload: Buffer.from(text), mask: undefined }));
    }
    if (slow.socket.bufferedAmount > 0) sinceFull += 1;
    if (number % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  slow.peer.resume();
  for (const [name, one] of Object.entries({ slow, quick })) {
    const all = Buffer.concat(name === "slow" ? wanted.slow : wanted.quick);
    await vi.waitFor(() => expect(one.heard()).toHaveLength(all.length), { timeout: 20_000 });
    expect(one.heard().equals(all), name).toBe(true);
  }
});

test("bytes go out as they are, and the sender may use its memory again at once", async () => {
  await using one = await line();
  const bytes = new Uint8Array(300).fill(7);
  one.socket.sendBinary(bytes);
  bytes.fill(9);
  await vi.waitFor(() => expect(hex(one.heard())).toBe(`827e012c${"07".repeat(300)}`), 10_000);
});

test("who does not answer a close is cut off after two seconds, and what they say until then is not heard", async () => {
  await using one = await line();
  one.socket.close(1000, "done");
  one.peer.write(Buffer.concat([frame({ opcode: 1, payload: Buffer.from("wait") }), frame({ opcode: 9 })]));
  await vi.waitFor(() => expect(hex(one.heard())).toBe(`880603e8${Buffer.from("done").toString("hex")}`), 10_000);
  expect(one.socket.isOpen).toBe(false);
  await one.clock.advance(1_900);
  expect(one.told).toEqual([]);
  await one.clock.advance(200);
  await vi.waitFor(() => expect(one.told).toEqual(["closed 1006"]), 10_000);
  expect(one.clock.armed).toBe(0);
});

test("who answers a close is told no more, and leaves no timer behind", async () => {
  await using one = await line();
  one.socket.close(1000, "");
  one.peer.once("end", () => one.peer.end());
  one.peer.write(closing(4_000));
  await vi.waitFor(() => expect(one.told).toEqual(["closed 4000"]), 10_000);
  expect(one.clock.armed).toBe(0);
  one.socket.sendText("too late");
  one.socket.sendBinary(new Uint8Array(4));
  one.socket.ping();
  one.socket.close(1000, "");
  expect(hex(one.heard())).toBe("880203e8");
});

test.each([
  { name: "closes", says: closing(1000), told: "closed 1000", hears: "880203e8" },
  { name: "breaks the protocol", says: frame({ opcode: 3 }), told: "closed 1006", hears: "880203ea" },
])("who $name and then keeps the connection open is cut off after two seconds", async ({ says, told, hears }) => {
  await using one = await line();
  one.peer.write(says);
  await vi.waitFor(() => expect(hex(one.heard())).toBe(hears), 10_000);
  await vi.waitFor(() => expect(one.clock.armed).toBe(1), 10_000);
  expect(one.told).not.toContain(told);
  await one.clock.advance(2_100);
  await vi.waitFor(() => expect(one.told).toContain(told), 10_000);
});

test("pings of somebody who reads nothing are not answered, so that pongs do not fill the memory", { timeout: 30_000 }, async () => {
  await using one = await line();
  one.peer.pause();
  const filling = "x".repeat(60_000);
  while (one.socket.bufferedAmount < 1 << 20) {
    for (let count = 0; count < 20; count += 1) one.socket.sendText(filling);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const before = one.socket.bufferedAmount;
  for (let count = 0; count < 1_000; count += 1) one.peer.write(frame({ opcode: 9, payload: Buffer.alloc(125) }));
  await vi.waitFor(() => expect(one.told.filter((each) => each === "pinged")).toHaveLength(1_000), 10_000);
  expect(one.socket.bufferedAmount).toBeLessThanOrEqual(before);
});

test("once we have closed, nothing is shown to who looks at texts first", async () => {
  await using one = await line();
  const scanned: string[] = [];
  one.scans = (text) => void scanned.push(text);
  const text = (payload: string): Buffer => frame({ opcode: 1, payload: Buffer.from(payload) });
  one.peer.write(text("before"));
  await vi.waitFor(() => expect(scanned).toEqual(["before"]), 10_000);
  one.socket.close(1000, "");
  one.peer.once("end", () => one.peer.end());
  one.peer.write(Buffer.concat([text("after"), closing(1000)]));
  await vi.waitFor(() => expect(one.told.at(-1)).toMatch(/^closed/), 10_000);
  expect(scanned).toEqual(["before"]);
});

test("what waits for a peer is counted until the peer has read it", { timeout: 30_000 }, async () => {
  await using one = await line();
  one.peer.pause();
  const filling = "x".repeat(6_000);
  let sent = 0;
  for (; one.socket.bufferedAmount < 1 << 19; sent += 1) one.socket.sendText(filling);
  const waits = one.socket.bufferedAmount;
  one.socket.sendText(filling);
  expect(one.socket.bufferedAmount).toBe(waits + filling.length + 4);
  one.peer.resume();
  await vi.waitFor(() => expect(one.heard()).toHaveLength((sent + 1) * (filling.length + 4)), { timeout: 20_000 });
  await vi.waitFor(() => expect(one.socket.bufferedAmount).toBe(0), 10_000);
  one.socket.sendText("again");
  expect(one.socket.bufferedAmount).toBe(0);
});

test("a peer that is gone while something waits for it ends the connection, and nothing breaks", { timeout: 30_000 }, async () => {
  await using one = await line();
  one.peer.pause();
  while (one.socket.bufferedAmount < 1 << 20) one.socket.sendText("x".repeat(60_000));
  one.peer.resetAndDestroy();
  await vi.waitFor(() => expect(one.told).toEqual(["closed 1006"]), 10_000);
  one.socket.sendText("too late");
});

test("what is said last goes out after all that waits", { timeout: 30_000 }, async () => {
  await using one = await line();
  one.peer.pause();
  while (one.socket.bufferedAmount < 1 << 20) one.socket.sendText("x".repeat(6_000));
  one.socket.close(1000, "done");
  one.peer.resume();
  await vi.waitFor(() => expect(hex(one.heard().subarray(-8))).toBe(`880603e8${Buffer.from("done").toString("hex")}`), 20_000);
  one.peer.once("end", () => one.peer.end());
  one.peer.write(closing(1000));
  await vi.waitFor(() => expect(one.told).toEqual(["closed 1000"]), 10_000);
});
