import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { seededRandom } from "../../src/kernel/random.ts";
import { samplesOf } from "../provider/local/ears/recordings.ts";
import { startServer, type Server } from "./server.ts";

const number = join(import.meta.dirname, "../../fixtures/phone-numbers/synthetic-slt-05.wav");

let server: Server;
beforeAll(async () => {
  server = await startServer({ LINEKEEPER_LOCAL_CALLS: "3", LINEKEEPER_HOLD_MS: "500" });
});
afterAll(async () => server[Symbol.asyncDispose]());

/** A call that goes on while somebody misbehaves: it must hear its caller and answer, and lose nothing. */
async function meanwhile(misbehave: () => Promise<void>): Promise<void> {
  await using caller = await server.dials();
  const speaking = caller.says(samplesOf(number));
  await misbehave();
  await speaking;
  await caller.quiet(30_000);
  expect(caller.turns.at(-1)?.text.replace(/\D/g, "")).toBe("4353062962");
  expect(caller.lost).toEqual({ uplinkChunks: 0, downlinkChunks: 0 });
}

const start = JSON.stringify({ type: "start", version: 1, audio: { up: "pcm16@16000", down: "pcm16@16000" } });

/** Sends and waits for the close. */
function knocks(...messages: readonly (string | Uint8Array)[]): Promise<{ code: number; words: string }> {
  const socket = new WebSocket(`${server.url.replace("http", "ws")}browser`);
  let words = "";
  socket.on("open", () => {
    for (const message of messages) socket.send(message);
  });
  socket.on("message", (data: Buffer, isBinary) => {
    if (!isBinary && data.includes('"error"')) words = data.toString("utf8");
  });
  return new Promise((resolve, reject) => {
    socket.on("close", (code) => resolve({ code, words }));
    socket.on("error", reject);
  });
}

test("who breaks the rules is told so, and a caller who keeps them does not notice", async () => {
  const offenders = [
    { name: "audio before start", messages: [new Uint8Array(640)], code: 1007 },
    { name: "JSON that is none", messages: ["{start"], code: 1007 },
    { name: "an encoding that nobody speaks", messages: [start.replace("pcm16@16000", "mp3@44100")], code: 1003 },
    { name: "start twice", messages: [start, start], code: 1007 },
    {
      name: "samples cut in half, again and again",
      messages: [start, new Uint8Array(641), new Uint8Array(641), new Uint8Array(641)],
      code: 1003,
    },
    { name: "a huge message", messages: [start, new Uint8Array(200_000)], code: 1009 },
    { name: "silence from the first moment", messages: [], code: 1008 },
  ];
  await meanwhile(async () => {
    for (const { name, messages, code } of offenders) {
      const end = await knocks(...messages);
      expect(end.code, name).toBe(code);
      // Who sends too much at once is cut off by the protocol itself, which has no words.
      if (code !== 1009) expect(JSON.parse(end.words), name).toMatchObject({ type: "error", message: expect.stringMatching(/\w+ \w+/) });
    }
    await neverReads();
  });
});

async function neverReads(): Promise<void> {
  const socket = new WebSocket(`${server.url.replace("http", "ws")}browser`);
  await new Promise((resolve) => socket.once("open", resolve));
  socket.send(start);
  await new Promise((resolve) => socket.once("message", resolve));
  socket.pause();
  socket.send(JSON.stringify({ type: "text", text: "what are your opening hours?" }));
  socket.terminate();
}

test("the caller too many is told that the lines are busy, and the others are served on", async () => {
  await using first = await server.dials();
  await using second = await server.dials();
  await using third = await server.dials();
  await expect(server.dials()).rejects.toThrow(/busy|at once/);
  const ready = await fetch(`${server.url}readyz`);
  expect(ready.status).toBe(503);
  for (const caller of [first, second, third]) {
    caller.types("repeat after me: the line holds");
    await caller.until((message) => message.type === "caption" && message.role === "agent" && /line holds/i.test(message.text));
  }
  expect(await server.metric('voice_connections_rejected_total{reason="busy"}')).toBe(1);
});

describe.concurrent("sounds that are no speech are not answered", () => {
  const random = seededRandom(4);
  test.each([
    { name: "silence", samples: new Int16Array(16_000 * 4) },
    { name: "hiss", samples: Int16Array.from({ length: 16_000 * 4 }, () => (random.next() - 0.5) * 6_000) },
    {
      name: "a steady tone",
      samples: Int16Array.from({ length: 16_000 * 4 }, (_, at) => 8_000 * Math.sin((2 * Math.PI * 440 * at) / 16_000)),
    },
  ])("$name", async ({ samples }) => {
    await using caller = await server.dials();
    await caller.quiet(20_000);
    await caller.says(samples);
    // An answer would be here by then; the caller of this test takes any loud sound for speech and would wait for one.
    await caller.quiet(6_000);
    expect(caller.turns.filter(({ role }) => role === "caller")).toEqual([]);
  });
});

test.each([8_000, 48_000] as const)("a caller at %i Hz is understood", async (rate) => {
  const { resampleClip } = await import("../../src/audio/resample.ts");
  await using caller = await server.dials({ uplink: `pcm16@${rate}` });
  await caller.says(resampleClip(samplesOf(number), 16_000, rate));
  await caller.quiet(30_000);
  expect(caller.turns.at(-1)?.text.replace(/\D/g, "")).toBe("4353062962");
});
