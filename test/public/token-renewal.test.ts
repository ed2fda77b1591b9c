import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { beforeAll, expect, test, vi } from "vitest";
import { WebSocketServer, type WebSocket as ServerSocket } from "ws";
import { LastingWire } from "../../public/client/lasting-wire.js";
import type { CallFailure } from "../../public/client/failure.js";

// What a page has and Node has not: nobody tells that the network went or came.
beforeAll(() => void vi.stubGlobal("addEventListener", () => {}));

/** A server whose callers are closed with `code` once they have started, until they show the second token. */
async function openServer(
  refuse: (socket: ServerSocket) => void,
): Promise<AsyncDisposable & { readonly url: string; readonly starts: { token: string; resume?: string }[] }> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  const starts: { token: string; resume?: string }[] = [];
  server.on("connection", (socket) => {
    socket.once("message", (bytes) => {
      const start = JSON.parse(String(bytes)) as { token: string; resume?: string }; // The client's first message.
      starts.push(start);
      if (starts.length > 1 && start.token === "first") return refuse(socket);
      socket.send(JSON.stringify({ type: "started", resumeToken: `r${starts.length}`, receivedMs: 0 }));
      if (start.token === "first") socket.close(4001, "token-expired");
    });
  });
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`, // A TCP socket has one.
    starts,
    async [Symbol.asyncDispose]() {
      for (const client of server.clients) client.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function call(url: string, tokens: string[]) {
  let [token, resume] = [tokens.shift(), undefined as string | undefined];
  const ends: (CallFailure | undefined)[] = [];
  const backs: number[] = [];
  const wire = new LastingWire(
    url,
    () => ({
      type: "start",
      version: 1,
      audio: { up: "pcm16@16000", down: "pcm16@16000" },
      ...(token !== undefined && { token }),
      ...(resume !== undefined && { resume }),
    }),
    {
      audio: () => {},
      message: (message) => void (message.type === "started" && (resume = String(message["resumeToken"]))),
      lost: () => {},
      back: (awayMs) => void backs.push(awayMs),
      renewToken: async () => {
        token = tokens.shift() ?? token;
        return token === "second";
      },
      closed: (failure) => void ends.push(failure),
    },
  );
  return { wire, ends, backs };
}

test("a call whose token's time is over goes on with another, in the same call", async () => {
  await using server = await openServer((socket) => socket.close(1008, "caller-refused"));
  const { wire, ends, backs } = call(server.url, ["first", "second"]);
  await vi.waitFor(() => expect(backs).toHaveLength(1), 10_000);
  expect(server.starts).toMatchObject([{ token: "first" }, { token: "second", resume: "r1" }]);
  expect(ends).toEqual([]);
  wire.hangUp();
  await vi.waitFor(() => expect(ends).toEqual([undefined]), 10_000);
});

test("a page with one token and no other is told why its call is over", async () => {
  await using server = await openServer((socket) => socket.close(1008, "caller-refused"));
  const { ends } = call(server.url, ["first"]);
  await vi.waitFor(() => expect(ends).toMatchObject([{ code: "token-expired" }]), 10_000);
  expect(server.starts).toHaveLength(1);
});
