import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { WebSocket } from "ws";
import { dialects } from "../../src/caller/dialects.ts";
import { Sorter } from "../../src/cluster/callers.ts";
import { silentLog } from "../../src/kernel/log.ts";
import { answerUpgrade } from "../../src/wire/handshake.ts";
import { SimulatedClock } from "../simulated-clock.ts";

const patient = { timeout: 20_000, interval: 10 };
const browser = dialects.find(({ name }) => name === "browser");

let folder: string;
const servers: Server[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "linekeeper-sorter-"));
});
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
  await rm(folder, { recursive: true, force: true });
});

/** A caller who comes back with the token "back_1"; the test says who has their call. */
async function comesBack(known: { door: string | undefined; isHere: boolean }) {
  const clock = new SimulatedClock();
  const seen = { looks: 0, served: false };
  const doorOf = (): string | undefined => {
    seen.looks += 1;
    return known.door;
  };
  const sorter = new Sorter({ doorOf, isHere: () => known.isHere, clock, log: silentLog });
  const server = createServer().on("upgrade", (request, stream) => {
    const answer = answerUpgrade(request, ["linekeeper.1"]);
    if (browser === undefined || "status" in answer) throw new Error("this is no caller");
    stream.on("error", () => stream.destroy());
    stream.write(answer.head);
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
    const knock = { target: "/browser", query: new URLSearchParams(), headers };
    const visitor = { dialect: browser, knock, address: "127.0.0.1", stream, close: () => void stream.destroy() };
    sorter.sort(visitor, () => (seen.served = true));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/browser`, ["linekeeper.1"]); // It listens on TCP.
  socket.on("error", () => {});
  await once(socket, "open");
  socket.send('{"type":"start","version":1,"resume":"back_1","audio":{"up":"pcm16@16000","down":"pcm16@24000"}}');
  await vi.waitFor(() => expect(seen.looks).toBeGreaterThan(0), patient);
  return { clock, seen };
}

test("who comes back before the news of their token is waited for, and brought to their call", async () => {
  const knocks: string[] = [];
  const door = join(folder, "2");
  const other = createServer().on("upgrade", (request, stream) => {
    knocks.push(request.url ?? "");
    stream.destroy();
  });
  servers.push(other);
  await new Promise<void>((resolve) => other.listen(door, resolve));

  const known: { door: string | undefined; isHere: boolean } = { door: undefined, isHere: false };
  const { clock, seen } = await comesBack(known);
  await clock.advance(300);
  expect(seen.served).toBe(false);
  known.door = door;
  await clock.advance(100);
  await vi.waitFor(() => expect(knocks).toEqual(["/browser"]), patient);
});

test("whose call nobody has is served here after a second, and told so", async () => {
  const { clock, seen } = await comesBack({ door: undefined, isHere: false });
  await clock.advance(900);
  expect(seen.served).toBe(false);
  await clock.advance(200);
  expect(seen.served).toBe(true);
});

test("whose call is here is served at once", async () => {
  const { seen } = await comesBack({ door: undefined, isHere: true });
  expect(seen.served).toBe(true);
});
