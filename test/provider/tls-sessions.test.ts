import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TLSSocket } from "node:tls";
import { describe, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { resumingOptions } from "../../src/provider/tls-sessions.ts";
import { has } from "../caller/sip/sipp.ts";

function certificate(): { cert: string; key: string } {
  const folder = mkdtempSync(join(tmpdir(), "tls-"));
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout", key, "-out", cert];
  execFileSync("openssl", words, { stdio: "ignore" });
  const made = { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
  rmSync(folder, { recursive: true });
  return made;
}

/** A provider's address over TLS that says of each connection whether it took up an earlier session. */
async function peer(version: "TLSv1.2" | "TLSv1.3") {
  const server = createServer({ ...certificate(), minVersion: version, maxVersion: version });
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket, { socket: under }) => {
    socket.send(under instanceof TLSSocket && under.isSessionReused() ? "taken up" : "new");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `wss://localhost:${(server.address() as AddressInfo).port}/`; // A TCP server has a port.
  return {
    server,
    async dial(): Promise<string> {
      const socket = new WebSocket(url, { rejectUnauthorized: false, ...resumingOptions(url) });
      const [said] = (await once(socket, "message")) as [Buffer]; // By ws, of a text in one piece.
      socket.terminate();
      return said.toString();
    },
    [Symbol.asyncDispose]: async () => {
      sockets.close();
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

describe.skipIf(!has("openssl")).each(["TLSv1.2", "TLSv1.3"] as const)("over %s", (version) => {
  test("a provider is dialled anew with the session of the dial before", async () => {
    await using provider = await peer(version);
    expect(await provider.dial()).toBe("new");
    expect(await provider.dial()).toBe("taken up");
    expect(await provider.dial()).toBe("taken up");
  });

  test("each provider has its own session", async () => {
    await using one = await peer(version);
    await using other = await peer(version);
    await one.dial();
    expect(await other.dial()).toBe("new");
    expect(await one.dial()).toBe("taken up");
  });

  test("a provider that has forgotten its sessions is dialled all the same", async () => {
    await using provider = await peer(version);
    await provider.dial();
    provider.server.setTicketKeys(Buffer.alloc(48, 7));
    expect(await provider.dial()).toBe("new");
    expect(await provider.dial()).toBe("taken up");
  });

  test("a certificate that nobody vouches for is refused, session or not", async () => {
    await using provider = await peer(version);
    const { port } = provider.server.address() as AddressInfo; // A TCP server has a port.
    const url = `wss://localhost:${port}/`;
    for (let time = 0; time < 2; time += 1) {
      const [error] = (await once(new WebSocket(url, resumingOptions(url)), "error").catch((thrown: unknown) => [thrown])) as [Error]; // By ws.
      expect(error.message).toContain("self-signed certificate");
    }
  });
});

test("an address without TLS is dialled as it always was", () => {
  expect(resumingOptions("ws://127.0.0.1:80/")).toEqual({});
});
