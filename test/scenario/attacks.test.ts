import { expect, test } from "vitest";
import { WebSocket, type ClientOptions } from "ws";
import { fakes } from "../../src/fakes/fakes.ts";
import { startServer } from "./server.ts";

const start = { type: "start", version: 1, audio: { up: "pcm16@16000", down: "pcm16@24000" } };

/** Origins that are nearly, but not, those of the server's own pages and of https://shop.example. */
const nearMisses = (port: string): readonly string[] => [
  "null",
  "http://127.0.0.1",
  `http://127.0.0.1:${port}0`,
  "http://127.0.0.1:1",
  `http://127.0.0.1:${port}.evil.example`,
  `http://evil.127.0.0.1:${port}`,
  `http://127.0.0.1:${port}/`,
  `http://127.0.0.1:${port}@evil.example`,
  `http://127.0.0.2:${port}`,
  `http://2130706433:${port}`,
  `http://localhost:${port}`,
  `http://[::1]:${port}`,
  `ws://127.0.0.1:${port}`,
  `file://127.0.0.1:${port}`,
  "https://shop.example.evil.example",
  "https://evilshop.example",
  "https://shop.example:444",
  "http://shop.example",
  "https://SHOP.example",
  "https://shop.example/",
  `https://shop.example, http://127.0.0.1:${port}`,
];

/** What becomes of somebody who knocks and, where let in, says this: the status of the refusal, or the code of the close. */
const outcome = (url: string, options: ClientOptions, protocols: readonly string[], says: (socket: WebSocket) => void): Promise<number> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(url, [...protocols], options);
    socket.once("open", () => says(socket));
    socket.once("close", (code) => resolve(code));
    socket.once("unexpected-response", (_request, response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    socket.once("error", (error) => {
      // What we are refused with while we still send closes the socket all the same.
      if (!/EPIPE|ECONNRESET/.test(error.message)) reject(error);
    });
  });

test("whoever is refused is refused before any provider is dialled", { timeout: 60_000 }, async () => {
  const fake = await fakes.find(({ name }) => name === "openai")?.start({ port: 0 });
  if (fake === undefined) throw new Error("there is no fake OpenAI");
  try {
    await using server = await startServer({
      ...fake.settings,
      LINEKEEPER_TIERS: "openai",
      LINEKEEPER_PROBES: "off",
      LINEKEEPER_API_KEY: "the-key",
      LINEKEEPER_ORIGINS: "https://shop.example",
      // So that those on this machine count as from elsewhere.
      LINEKEEPER_TRUSTED_PROXIES: "127.0.0.1",
      PUBLIC_URL: "https://voice.example.org",
      TWILIO_AUTH_TOKEN: "twilio-secret",
    });
    const { port } = new URL(server.url);
    const webSocket = server.url.replace("http", "ws");
    const own = ["linekeeper.1"];
    const call = (options: ClientOptions, says: object | string, protocols = own): Promise<number> =>
      outcome(`${webSocket}browser`, options, protocols, (socket) => socket.send(typeof says === "string" ? says : JSON.stringify(says)));

    const foreign = nearMisses(port);
    expect(foreign.length).toBeGreaterThanOrEqual(20);
    for (const origin of foreign) expect(await call({ headers: { origin } }, start), origin).toBe(403);

    const strangers: readonly (readonly [string, object | string, string[]?])[] = [
      ["no key", start],
      ["a wrong key", { ...start, token: "the-kex" }],
      ["a forged token", { ...start, token: "eyJhbGciOiJub25lIn0.e30." }],
      ["a forged token among the sub-protocols", start, ["linekeeper.1", "token.eyJhbGciOiJub25lIn0.e30."]],
      ["a claimed user", { ...start, user: "somebody" }],
      ["no JSON", "start"],
      ["another version", { ...start, version: 2 }],
      ["a message that is too long", `${JSON.stringify(start)}${" ".repeat(70_000)}`],
    ];
    for (const [who, says, protocols] of strangers) expect(await call({}, says, protocols), who).toBeGreaterThanOrEqual(1002);
    const flood = await outcome(`${webSocket}browser`, {}, own, (socket) => {
      for (let part = 0; part < 500; part += 1) socket.send("{", { fin: false });
    });
    expect(flood).toBe(1008);

    for (const signature of [undefined, "", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="]) {
      const headers = signature === undefined ? {} : { "x-twilio-signature": signature };
      expect(await outcome(`${webSocket}twilio`, { headers }, [], () => {}), String(signature)).toBe(403);
      const webhook = await fetch(`${server.url}twilio/voice`, { method: "POST", headers, body: new URLSearchParams({ CallSid: "CA1" }) });
      expect(webhook.status).toBe(403);
    }
    for (const path of ["telnyx", "vonage", "plivo", "signalwire", "exotel", "genesys", "jambonz", "freeswitch", "asterisk"])
      expect(await outcome(`${webSocket}${path}?ticket=a.b.c`, {}, [], () => {}), path).toBeGreaterThanOrEqual(403);

    expect(fake.panel.records).toEqual([]);
    // That a call is one there: the same start with the key.
    const honest = new WebSocket(`${webSocket}browser`, own, { headers: { origin: "https://shop.example" } });
    honest.once("open", () => honest.send(JSON.stringify({ ...start, token: "the-key" })));
    await expect.poll(() => fake.panel.records.length, { timeout: 20_000 }).toBe(1);
    honest.terminate();
  } finally {
    await fake[Symbol.asyncDispose]();
  }
});
