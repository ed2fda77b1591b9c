import { connect } from "node:net";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { startControl } from "../../src/fakes/control.ts";
import { levers } from "../../src/fakes/levers.ts";
import { startOpenaiFake } from "../../src/fakes/openai/openai.ts";

async function bed() {
  const fake = await startOpenaiFake();
  const control = await startControl([{ name: "openai", panel: fake.panel }]);
  const pull = async (lever: string, argument = "", origin?: string): Promise<{ status: number; body: unknown }> => {
    const response = await fetch(`${control.url}/openai/${lever}`, {
      method: "POST",
      body: argument,
      headers: origin === undefined ? {} : { origin },
    });
    return { status: response.status, body: await response.json() };
  };
  return {
    ...fake,
    control,
    pull,
    async [Symbol.asyncDispose]() {
      await control[Symbol.asyncDispose]();
      await fake[Symbol.asyncDispose]();
    },
  };
}

/** How a client fares that opens a session just now: the close code, or the status of its refusal. */
function fares(on: { readonly url: string; readonly settings: Readonly<Record<string, string>> }): Promise<number> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`${on.url.replace("http", "ws")}/realtime?model=gpt-realtime`, {
      headers: { authorization: `Bearer ${on.settings["OPENAI_API_KEY"]}` },
    });
    socket.on("unexpected-response", (_request, response) => {
      resolve(response.statusCode ?? 0);
      socket.terminate();
    });
    socket.on("error", () => {});
    socket.on("message", () => socket.close(1000));
    socket.on("close", (code) => resolve(code));
  });
}

test("a fake is broken and mended from another process, and tells how it is", async () => {
  await using on = await bed();
  expect(await fares(on)).toBe(1000);
  expect(await on.pull("kill")).toMatchObject({ status: 200, body: { name: "openai", opening: "refused" } });
  expect(await fares(on)).toBe(503);
  await on.pull("refuse", "429");
  expect(await fares(on)).toBe(429);
  await on.pull("serve");
  expect(await on.pull("hang")).toMatchObject({ body: { opening: "served", hangs: true } });
  await on.pull("serve");
  expect(await on.pull("slow", "250")).toMatchObject({ body: { slowMs: 250, hangs: false } });
  await on.pull("serve");
  await on.pull("flap", "0");
  expect(await fares(on)).toBe(1011);
  await on.pull("serve");
  expect(await fares(on)).toBe(1000);
  const told: unknown = await (await fetch(on.control.url)).json();
  expect(told).toMatchObject({
    levers: levers.map(({ name, takes, does }) => ({ name, takes, does })),
    fakes: [{ name: "openai", opening: "served", slowMs: 0, hangs: false, connections: 3, violations: 0 }],
  });
});

test("what cannot be done is told in words and changes nothing", async () => {
  await using on = await bed();
  for (const [lever, argument] of [
    ["slow", "fast"],
    ["slow", "-1"],
    ["drop", "1006"],
    ["kill", "now"],
    ["say", ""],
    ["explode", ""],
    ["%E0%A4%A", ""],
  ] as const) {
    const { status, body } = await on.pull(lever, argument);
    expect([status, body], lever).toEqual([400, { error: expect.stringMatching(/./) }]);
  }
  expect((await on.pull("say", "a".repeat(2_000))).status).toBe(413);
  for (const [path, method] of [
    ["", "POST"],
    ["/openai", "GET"],
    ["/openai/kill", "GET"],
    ["/nobody/kill", "POST"],
    ["/openai/kill/more", "POST"],
  ] as const) {
    const { status } = await fetch(`${on.control.url}${path}`, { method });
    expect(status, `${method} ${path}`).toBeGreaterThanOrEqual(400);
  }
  expect(on.panel.opening.type).toBe("served");
});

test("pages of this machine may pull, those of other sites may not, nor under another name of this machine", async () => {
  await using on = await bed();
  expect((await on.pull("slow", "10", "http://localhost:8080")).status).toBe(200);
  expect((await on.pull("slow", "20", "https://example.com")).status).toBe(403);
  expect((await on.pull("slow", "20", "null")).status).toBe(403);
  const { port } = new URL(on.control.url);
  const answer = await new Promise<string>((resolve) => {
    const socket = connect(Number(port), "127.0.0.1");
    socket.once("data", (data) => resolve(data.toString()));
    socket.once("close", () => resolve(""));
    socket.write("POST /panel/openai/slow HTTP/1.1\r\nhost: rebound.example.com\r\ncontent-length: 0\r\n\r\n");
  });
  expect(answer).toContain(" 403 ");
  expect(on.panel.slowMs).toBe(10);
});
