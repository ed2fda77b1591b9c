import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { expect, test, vi } from "vitest";
import { takeIn } from "../../src/wire/intake.ts";
import { Outlet } from "../../src/wire/outlet.ts";

interface Connection extends AsyncDisposable {
  /** As a server has accepted it. */
  readonly accepted: Socket;
  readonly peer: Socket;
}

/** `pauseOnConnect`: nothing is read of what was accepted, not even that the peer is gone. */
async function connection({ pauseOnConnect = false } = {}): Promise<Connection> {
  const came = Promise.withResolvers<Socket>();
  const server = createServer({ allowHalfOpen: true, pauseOnConnect }, (socket) => came.resolve(socket));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const peer = connect((server.address() as AddressInfo).port, "127.0.0.1").on("error", () => {}); // A string only for a server on a pipe.
  const accepted = await came.promise;
  return {
    accepted,
    peer,
    [Symbol.asyncDispose]: async () => {
      peer.destroy();
      accepted.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Notes what comes: in capitals what the stream itself has told, too. */
function takingIn(stream: Duplex): string[] {
  const told: string[] = [];
  let fromStream: Buffer | undefined;
  stream.on("data", (chunk: Buffer) => (fromStream = chunk));
  takeIn(stream, { take: (chunk) => told.push(chunk === fromStream ? chunk.toString().toUpperCase() : chunk.toString()) });
  stream.once("end", () => told.push("the end"));
  return told;
}

const soon = (check: () => void): Promise<void> => vi.waitFor(check, 10_000);

/** Not by `once`, which fails where an error comes first. */
const closed = (stream: Duplex): Promise<unknown> => new Promise((resolve) => void stream.once("close", resolve));

test.each(["accepted", "peer"] as const)("what comes on a connection goes past its stream: %s", async (end) => {
  await using one = await connection();
  const other = end === "peer" ? one.accepted : one.peer;
  const told = takingIn(one[end]);
  for (const text of ["one", "two", "three"]) {
    other.write(text);
    await soon(() => expect(told.at(-1)).toBe(text));
  }
  expect(told).toEqual(["one", "two", "three"]);
});

test("what had come before comes first", async () => {
  await using one = await connection();
  one.peer.write("early ");
  await once(one.accepted, "readable");
  one.accepted.unshift("put back ");
  one.peer.write("late");
  const told = takingIn(one.accepted);
  await soon(() => expect(told.join("").toLowerCase()).toBe("put back early late"));
  expect(told[0]).toMatch(/^PUT BACK/);
});

test("what comes while the stream holds something waits behind it", async () => {
  await using one = await connection();
  const told = takingIn(one.accepted);
  one.accepted.pause();
  one.accepted.push("held ");
  one.peer.write("behind");
  await soon(() => expect(one.accepted.readableLength).toBe("held behind".length));
  expect(told).toEqual([]);
  one.accepted.resume();
  await soon(() => expect(told.join("")).toBe("HELD BEHIND"));
  one.peer.write("direct");
  await soon(() => expect(told.at(-1)).toBe("direct"));
});

test("an end that came before, behind what was said, is heard", async () => {
  await using one = await connection();
  let readable = 0;
  one.accepted.on("readable", () => (readable += 1));
  one.peer.end("said");
  // Once for the word, and once for the end.
  await soon(() => expect(readable).toBe(2));
  one.accepted.removeAllListeners("readable");
  const told = takingIn(one.accepted);
  await soon(() => expect(told).toEqual(["SAID", "the end"]));
  expect(one.accepted.writable).toBe(true);
});

test.each(["ends", "breaks off"])("a peer that %s later is heard as by any stream", async (how) => {
  await using one = await connection();
  const told = takingIn(one.accepted);
  const failed: unknown[] = [];
  one.accepted.on("error", (error) => failed.push(error));
  one.peer.write("said");
  await soon(() => expect(told).toEqual(["said"]));
  if (how === "ends") {
    one.peer.end();
    await soon(() => expect(told).toEqual(["said", "the end"]));
    expect(one.accepted.destroyed).toBe(false);
  } else {
    one.peer.resetAndDestroy();
    await closed(one.accepted);
    expect(failed).toEqual([expect.objectContaining({ code: "ECONNRESET" })]);
  }
});

test("a peer that reads nothing gets all of it later, in order, and then the end", async () => {
  await using one = await connection();
  one.peer.pause();
  const outlet = new Outlet(one.accepted);
  const pieceBytes = 1 << 16;
  let written = 0;
  for (; outlet.bufferedAmount < 8 * pieceBytes; written += 1) outlet.write(Buffer.alloc(pieceBytes, written));
  expect(one.accepted.writableLength).toBe(0);
  outlet.write(Buffer.from("last"));
  one.accepted.end();
  const held = outlet.bufferedAmount;
  expect(held).toBeGreaterThanOrEqual(8 * pieceBytes);
  const came: Buffer[] = [];
  one.peer.on("data", (chunk: Buffer) => came.push(chunk)).resume();
  await once(one.peer, "end");
  const all = Buffer.concat(came);
  expect(all.length).toBe(written * pieceBytes + "last".length);
  expect(all.subarray(written * pieceBytes).toString()).toBe("last");
  for (let at = 0; at < written; at += 1)
    expect(all.subarray(at * pieceBytes, (at + 1) * pieceBytes)).toEqual(Buffer.alloc(pieceBytes, at));
  await soon(() => expect(outlet.bufferedAmount).toBe(0));
});

test("what the stream has not written yet goes before", async () => {
  await using one = await connection();
  one.peer.pause();
  while (one.accepted.write(Buffer.alloc(1 << 20)));
  const before = one.accepted.writableLength;
  expect(before).toBeGreaterThan(0);
  const outlet = new Outlet(one.accepted);
  expect(outlet.write(Buffer.from("behind"))).toBe(false);
  expect(one.accepted.writableLength).toBe(before + "behind".length);
  expect(outlet.bufferedAmount).toBe(before + "behind".length);
});

test.each(["the peer broke off", "the stream was destroyed", "the stream is closed"])(
  "what goes out after %s goes nowhere, and nothing fails",
  async (how) => {
    await using one = await connection({ pauseOnConnect: true });
    const outlet = new Outlet(one.accepted);
    expect(outlet.write(Buffer.from("first"))).toBe(true);
    if (how === "the peer broke off") {
      one.peer.resetAndDestroy();
      await soon(() => {
        outlet.write(Buffer.from("on"));
        expect(one.accepted.destroyed).toBe(true);
      });
    } else {
      one.accepted.destroy();
      if (how === "the stream is closed") await once(one.accepted, "close");
      expect(outlet.write(Buffer.from("more"))).toBe(false);
    }
    expect(outlet.bufferedAmount).toBe(0);
  },
);

test("what waits for a peer that breaks off is given up", async () => {
  await using one = await connection({ pauseOnConnect: true });
  one.peer.pause();
  const outlet = new Outlet(one.accepted);
  while (outlet.bufferedAmount === 0) outlet.write(Buffer.alloc(1 << 20));
  one.peer.resetAndDestroy();
  await closed(one.accepted);
  await soon(() => expect(outlet.bufferedAmount).toBe(0));
});

test("a stream that is no socket is read and written as any stream is", async () => {
  const written: string[] = [];
  const stream = new Duplex({
    read: () => {},
    write: (chunk: Buffer, _, done) => {
      written.push(chunk.toString());
      done();
    },
  });
  const told = takingIn(stream);
  const outlet = new Outlet(stream);
  expect(outlet.write(Buffer.from("out"))).toBe(false);
  stream.push("in");
  await soon(() => expect(told).toEqual(["IN"]));
  expect(written).toEqual(["out"]);
});
