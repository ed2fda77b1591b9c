import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { expect, test, vi } from "vitest";
import { Fault } from "../../src/kernel/fault.ts";
import type { OpenRequest } from "../../src/provider/contract.ts";
import { dialProvider, type ProviderDial } from "../../src/provider/dialling.ts";
import { SimulatedClock } from "../simulated-clock.ts";

/** A provider that takes connections and says `words`. */
async function provider(words = "") {
  const sockets: Socket[] = [];
  const server = createServer((socket) => void sockets.push(socket.on("error", () => {}).on("data", () => socket.write(words))));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const clock = new SimulatedClock();
  const given = new AbortController();
  const request = { clock, openLimitMs: 3_000, signal: given.signal } as unknown as OpenRequest; // What a dial needs of one.
  const ask: ProviderDial = {
    url: new URL(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/`), // A TCP server has a port.
    headers: { authorization: "Bearer sk-1" },
    request,
    doing: "opening it",
    secret: "sk-1",
    refused: ({ status, body }) => new Fault("provider-limited", `${status} ${body}`),
  };
  return {
    clock,
    given,
    sockets,
    dials: (more: Partial<ProviderDial> = {}): Promise<unknown> => dialProvider({ ...ask, ...more }).catch((error: unknown) => error),
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

test("who takes a connection and says nothing is silent when the time is over, and is left", async () => {
  await using one = await provider();
  const dialling = one.dials();
  await vi.waitFor(() => expect(one.sockets).toHaveLength(1), 10_000);
  await one.clock.advance(3_000);
  expect(await dialling).toMatchObject({ code: "provider-silent", message: "opening it: still connecting after 3000 ms" });
  await vi.waitFor(() => expect(one.sockets[0]?.readableEnded || one.sockets[0]?.destroyed).toBe(true), 10_000);
  expect(one.clock.armed).toBe(0);
});

test("a call that gives up before or while it is dialled for is told so", async () => {
  await using one = await provider();
  const dialling = one.dials();
  await vi.waitFor(() => expect(one.sockets).toHaveLength(1), 10_000);
  one.given.abort();
  expect(await dialling).toMatchObject({ code: "provider-dropped" });
  expect(await one.dials()).toMatchObject({ code: "provider-dropped" });
  expect(one.sockets).toHaveLength(1);
  expect(one.clock.armed).toBe(0);
});

test("an answer that is no upgrade is what the provider says it is", async () => {
  await using one = await provider("HTTP/1.1 429 Slow\r\ncontent-length: 5\r\n\r\nlater");
  expect(await one.dials()).toMatchObject({ code: "provider-limited", message: "429 later" });
});

test.each(["sk-1\n", "sk-1→"])("a key that no header can carry (%j) is a fault of the key, and is not told", async (key) => {
  await using one = await provider();
  const fault = await one.dials({ headers: { authorization: `Bearer ${key}` }, secret: key });
  expect(fault).toMatchObject({ code: "provider-key", message: "opening it: the key holds characters that no key has" });
  expect(one.sockets).toHaveLength(0);
});

test("what is no HTTP is unreachable", async () => {
  await using one = await provider("SSH-2.0-server\r\n");
  expect(await one.dials()).toMatchObject({ code: "provider-unreachable" });
});
