import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { expect, test, vi } from "vitest";
import { takenOver } from "../../src/wire/take-over.ts";

interface Connection extends AsyncDisposable {
  /** As a server has accepted it. */
  readonly accepted: Socket;
  readonly peer: Socket;
  /** Ends once no connection is left, as the server counts them. */
  serverClosed(): Promise<void>;
}

async function connection(): Promise<Connection> {
  const came = Promise.withResolvers<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => came.resolve(socket));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const peer = connect((server.address() as AddressInfo).port, "127.0.0.1").on("error", () => {}); // A string only for a server on a pipe.
  const accepted = await came.promise;
  const serverClosed = () => new Promise<void>((resolve) => void server.close(() => resolve()));
  return {
    accepted,
    peer,
    serverClosed,
    [Symbol.asyncDispose]: async () => {
      peer.destroy();
      accepted.destroy();
      await serverClosed();
    },
  };
}

/** Takes a connection over and notes what comes: by its "data" events in capitals, past them as it came. */
function takeOver(accepted: Socket) {
  const { stream, intake } = takenOver(accepted);
  const told: string[] = [];
  stream.on("data", (chunk: Buffer) => told.push(chunk.toString().toUpperCase()));
  stream.once("end", () => told.push("the end"));
  intake?.begin({ take: (chunk) => void told.push(chunk.toString()) });
  return { stream, isDirect: intake !== undefined, told };
}

test("what comes on a connection that a server accepted goes past its stream, and what goes out is as before", async () => {
  await using one = await connection();
  const { stream, isDirect, told } = takeOver(one.accepted);
  expect(isDirect).toBe(true);
  for (const text of ["one", "two", "three"]) {
    one.peer.write(text);
    await vi.waitFor(() => expect(told.at(-1)).toBe(text), 10_000);
  }
  stream.write("four");
  expect(String(await once(one.peer, "data"))).toBe("four");
});

test("what had come before comes first", async () => {
  await using one = await connection();
  one.peer.write("early ");
  await once(one.accepted, "readable");
  one.accepted.unshift("put back ");
  one.peer.write("late");
  const { told } = takeOver(one.accepted);
  await vi.waitFor(() => expect(told.join("").toLowerCase()).toBe("put back early late"), 10_000);
  expect(told[0]).toBe("PUT BACK EARLY ");
});

test.each(["after what was said", "without a word"])("an end that came before it was taken over, %s, is heard", async (how) => {
  await using one = await connection();
  const isSilent = how === "without a word";
  let readable = 0;
  one.accepted.on("readable", () => (readable += 1));
  one.peer.end(isSilent ? "" : "said");
  // Once for the word, and once for the end.
  await vi.waitFor(() => expect(readable).toBe(isSilent ? 1 : 2), 10_000);
  one.accepted.removeAllListeners("readable");
  const { stream, told } = takeOver(one.accepted);
  await vi.waitFor(() => expect(told.at(-1)).toBe("the end"), 10_000);
  expect(told.join(" ").toLowerCase()).toBe(isSilent ? "the end" : "said the end");
  expect(stream.writable).toBe(true);
});

test.each(["the peer breaks off", "the one is destroyed", "the other is destroyed"])(
  "both streams close and the server counts none when %s",
  async (how) => {
    await using one = await connection();
    const { stream } = takeOver(one.accepted);
    stream.on("error", () => {});
    const closed = Promise.all([stream, one.accepted].map((each) => new Promise((resolve) => each.once("close", resolve))));
    if (how === "the peer breaks off") one.peer.resetAndDestroy();
    else (how === "the one is destroyed" ? stream : one.accepted).destroy();
    await closed;
    await one.serverClosed();
  },
);

test("a server does not close before a connection that was taken over", async () => {
  await using one = await connection();
  const { stream, told } = takeOver(one.accepted);
  let isClosed = false;
  const closed = one.serverClosed().then(() => (isClosed = true));
  one.peer.write("still there");
  await vi.waitFor(() => expect(told).toEqual(["still there"]), 10_000);
  expect(isClosed).toBe(false);
  stream.destroy();
  await closed;
});

test("what is no plain socket, or has something to send yet, is left as it is", async () => {
  await using one = await connection();
  const other = new Duplex({ read: () => {}, write: (_, __, done) => done() });
  expect(takenOver(other)).toEqual({ stream: other, intake: undefined });
  one.peer.pause();
  while (one.accepted.write(Buffer.alloc(1 << 20)));
  expect(one.accepted.writableLength).toBeGreaterThan(0);
  expect(takenOver(one.accepted)).toEqual({ stream: one.accepted, intake: undefined });
  one.accepted.destroy();
  expect(takenOver(one.accepted).stream).toBe(one.accepted);
});
