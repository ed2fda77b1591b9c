import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { has } from "../caller/sip/sipp.ts";
import { ownPeer } from "./torture.ts";

test.runIf(has("wamp"))(
  "Autobahn's client hears each message again as it said it, and its own close code",
  { timeout: 60_000 },
  async () => {
    await using peer = await ownPeer();
    const script = new URL("autobahn_peer.py", import.meta.url).pathname;
    // Debian's own Python, which has Debian's package.
    const { stdout } = await promisify(execFile)("/usr/bin/python3", [script, `ws://127.0.0.1:${peer.port}${peer.path}`], {
      timeout: 50_000,
    });
    const lines = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>); // The script prints objects.
    expect(lines[0]).toEqual({ pong: "before all" });
    expect(lines.at(-1)).toEqual({ clean: true, code: 3456 });
    const messages = lines.slice(1, -1);
    expect(messages).toHaveLength(22);
    for (const message of messages) expect(message).toMatchObject({ same: true });
  },
);

test("the client of ws hears each message again as it said it, and its own close code", async () => {
  await using peer = await ownPeer();
  const socket = new WebSocket(`ws://127.0.0.1:${peer.port}${peer.path}`, ["other", "good", "best"]);
  const heard: [data: string, binary: boolean][] = [];
  const said: (string | Uint8Array)[] = ["", "plain", "κόσμε 😀", "x".repeat(65_536), new Uint8Array(0), new Uint8Array(65_536).fill(200)];
  socket.on("message", (data, binary) => {
    heard.push([(data as Buffer).toString("latin1"), binary]); // binaryType is left as it is.
    if (heard.length === said.length) socket.close(4_321, "that was all");
  });
  socket.on("open", () => {
    for (const message of said) socket.send(message);
  });
  const code = await new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.once("close", resolve);
  });
  expect(code).toBe(4_321);
  // The first of ours that it offers.
  expect(socket.protocol).toBe("best");
  expect(heard).toEqual(said.map((message) => [Buffer.from(message as string).toString("latin1"), typeof message !== "string"]));
});
