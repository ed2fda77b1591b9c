import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { startCloud, type Cloud } from "./cloud.ts";

const patient = { timeout: 10_000 };

/** A page with this token: what it was told first, and the code its socket was closed with if it was. */
async function calls(cloud: Cloud, token: string): Promise<{ said: Record<string, unknown>; socket: WebSocket }> {
  const socket = new WebSocket(`${cloud.url.replace("http", "ws")}browser`, ["linekeeper.1", `token.${token}`]);
  socket.once("open", () => socket.send('{"type":"start","version":1,"audio":{"up":"pcm16@16000","down":"pcm16@24000"}}'));
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.once("message", (data: Buffer) => resolve({ said: JSON.parse(data.toString()) as Record<string, unknown>, socket })); // The wire promises objects.
  });
}

test("a token opens a whole call for the user it names, once; the second time no provider hears of it", { timeout: 20_000 }, async () => {
  await using cloud = await startCloud("openai");
  const minted = await fetch(`${cloud.url}v1/tokens`, { method: "POST", body: '{"user":"u7"}' });
  const { token } = (await minted.json()) as { token: string }; // As the document says.
  const first = await calls(cloud, token);
  expect(first.said["type"]).toBe("started");
  await expect.poll(() => cloud.panel("openai").records.length, patient).toBe(1);
  expect(await toldSoFar(cloud, "call.started")).toContain('"user":"u7"');
  const second = await calls(cloud, token);
  expect(second.said).toMatchObject({ type: "error", code: "caller-refused" });
  expect(cloud.panel("openai").records).toHaveLength(1);
  expect(JSON.stringify(cloud.log)).not.toContain(token.slice(0, 20));
  first.socket.terminate();
});

/** The first such event that the server remembers, as it tells it. */
async function toldSoFar(cloud: Cloud, type: string): Promise<string> {
  const answer = await fetch(`${cloud.url}v1/events?last=50`);
  let text = "";
  for await (const part of answer.body ?? []) {
    text += Buffer.from(part as Uint8Array).toString(); // A body's chunks are bytes.
    const told = text.split("\n\n").find((block) => block.includes(`event: ${type}\n`));
    if (told !== undefined) return told;
  }
  throw new Error(`no ${type} in ${text}`);
}
