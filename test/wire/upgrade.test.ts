import { connect } from "node:net";
import { expect, test } from "vitest";
import { closing, frame, ownPeer, requestOf, usualHeaders, type Peer } from "./torture.ts";

/** All that comes back, until the server closes its side. */
async function exchange(peer: Peer, pieces: Iterable<Buffer>): Promise<Buffer> {
  const socket = connect({ port: peer.port, host: "127.0.0.1", noDelay: true });
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  const end = new Promise((resolve, reject) => socket.once("end", resolve).once("error", reject));
  for (const piece of pieces) await new Promise((resolve) => socket.write(piece, () => setImmediate(resolve)));
  await end;
  socket.destroy();
  return Buffer.concat(chunks);
}

const upgradeTo = (peer: Peer): Buffer =>
  Buffer.from(requestOf(usualHeaders).replaceAll("{port}", String(peer.port)).replaceAll("{path}", peer.path));
const talk = Buffer.concat([frame({ opcode: 1, payload: Buffer.from("hello") }), closing(1000)]);

test("a request and all that follows may come byte by byte", { timeout: 15_000 }, async () => {
  await using peer = await ownPeer();
  const bytes = Buffer.concat([upgradeTo(peer), talk]);
  const heard = await exchange(
    peer,
    Array.from(bytes, (_, at) => bytes.subarray(at, at + 1)),
  );
  expect(heard.toString("latin1")).toMatch(/^HTTP\/1\.1 101 /);
  expect(heard.toString("latin1").split("\r\n\r\n")[1]).toBe("\x81\x05hello\x88\x02\x03\xe8");
});

test("a request for a page that is sent ahead of the upgrade is answered ahead of it", async () => {
  await using peer = await ownPeer();
  const page = Buffer.from(`GET /nowhere HTTP/1.1\r\nhost: 127.0.0.1:${peer.port}\r\n\r\n`);
  const heard = await exchange(peer, [Buffer.concat([page, upgradeTo(peer), talk])]);
  expect(heard.toString("latin1").match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 404", "HTTP/1.1 101"]);
  expect(heard.subarray(-11).toString("latin1")).toBe("\x81\x05hello\x88\x02\x03\xe8");
});
