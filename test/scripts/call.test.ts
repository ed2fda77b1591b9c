import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { CallRefused, dial } from "../../scripts/caller/caller.ts";
import { readOptions, WrongUse } from "../../scripts/caller/options.ts";
import { readWav, writeWav } from "../../src/audio/wav.ts";
import { Fault } from "../../src/kernel/fault.ts";
import { openHouse, type House } from "../caller/open-house.ts";
import type { Guest } from "../caller/reception.ts";

const script = fileURLToPath(new URL("../../scripts/call.ts", import.meta.url));
const loud = (samples: number): Int16Array => Int16Array.from({ length: samples }, (_, index) => 8_000 * Math.sin(index / 5));
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "linekeeper-call-"));
  await writeFile(join(folder, "voice.wav"), writeWav({ rateHz: 16_000, samples: loud(4_000) }));
  await writeFile(join(folder, "text.wav"), "no sound");
  await writeFile(join(folder, "empty.wav"), writeWav({ rateHz: 16_000, samples: new Int16Array(0) }));
});
afterAll(() => rm(folder, { recursive: true }));

function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [script, ...args], (error, out, err) => resolve({ code: Number(error?.code ?? 0), out, err }));
  });
}

/** An agent that answers the first loud sound with a word and 200 ms of tone. */
function answerOnce(house: House): void {
  const answered = new Set<Guest>();
  house.reception.onAudio = (guest) => {
    const { leg, audio } = guest;
    if (guest.start.agent !== "silent" && audio.some((byte) => byte !== 0) && audio.length >= 9_000 && !answered.has(guest)) {
      answered.add(guest);
      leg.notify({ type: "caption", turnId: "t1", role: "caller", text: "hello", final: true, interrupted: false });
      leg.beginTurn("t2");
      leg.notify({ type: "caption", turnId: "t2", role: "agent", text: "hi there", final: true, interrupted: false });
      for (let frame = 0; frame < 10; frame += 1) leg.play(new Uint8Array(loud(480).buffer));
      leg.notify({ type: "phase", phase: "listening" });
    }
  };
}

test("a call that the server ends before the recording could be spoken ends the command too, in words", { timeout: 30_000 }, async () => {
  await using house = await openHouse();
  house.reception.onAudio = ({ leg }) => leg.close({ reason: "fault", fault: new Fault("provider-key", "the key was refused") });
  const { code, err } = await run(join(folder, "voice.wav"), "--url", house.url, "--json");
  expect({ code, err }).toMatchObject({ code: 1, err: expect.stringContaining("provider-key") });
});

test("a call ends with one line of JSON, and what was heard is kept", { timeout: 30_000 }, async () => {
  await using house = await openHouse();
  answerOnce(house);
  const save = join(folder, "heard.wav");
  const { code, out, err } = await run(join(folder, "voice.wav"), "--url", house.url, "--json", "--at-once", "--save", save);
  expect({ code, err }).toMatchObject({ code: 0 });
  const report: unknown = JSON.parse(out.trim().split("\n").at(-1) ?? "");
  expect(report).toEqual({
    callId: "c1",
    provider: "local",
    turns: [
      { role: "caller", text: "hello", startMs: expect.any(Number), endMs: expect.any(Number), heardMs: expect.any(Number) },
      { role: "agent", text: "hi there", startMs: expect.any(Number), endMs: expect.any(Number), heardMs: 200 },
    ],
    firstAudioMs: [expect.any(Number)],
    lost: { uplinkChunks: 0, downlinkChunks: 0 },
  });
  expect(err).toContain("hi there");
  const heard = readWav(await readFile(save));
  expect(heard.rateHz).toBe(24_000);
  expect(heard.samples.filter((sample) => sample !== 0).length).toBeGreaterThan(4_500);
  expect(house.reception.last.signals.at(-1)).toEqual({ type: "hung-up" });
  expect(house.reception.last.signals).toContainEqual({ type: "played", turnId: "t2", ms: 200 });
});

test("many calls at once are summed up, and the one too many is told busy", { timeout: 30_000 }, async () => {
  await using house = await openHouse({ limits: { perAddress: 2 } });
  answerOnce(house);
  const { code, out } = await run(join(folder, "voice.wav"), "--url", house.url, "--calls", "3", "--at-once");
  expect(code).toBe(0);
  expect(out).toMatch(/calls +3\nanswered +2\n/);
  expect(out).toMatch(/busy +1\n/);
});

test.each([
  { name: "a file that is not there", args: ["none.wav"], code: 2, says: "there is no such file" },
  { name: "a file that is no sound", args: ["text.wav"], code: 2, says: "no WAV file" },
  { name: "a recording of nothing", args: ["empty.wav"], code: 2, says: "no sound in it" },
  { name: "no server", args: ["voice.wav", "--url", "http://127.0.0.1:1"], code: 4, says: "scripts/up" },
])("$name is told in words with exit code $code", async ({ args, code, says }) => {
  const [file = "", ...rest] = args;
  const result = await run(join(folder, file), ...rest);
  expect(result.err).toContain(says);
  expect(result.code).toBe(code);
});

test("a server that is full is busy, with an exit code of its own", async () => {
  await using house = await openHouse({ limits: { overall: 0 } });
  const result = await run(join(folder, "voice.wav"), "--url", house.url);
  expect(result).toMatchObject({ code: 3, err: expect.stringContaining("busy") });
});

test("what is said arrives whole and in order, between silence", async () => {
  await using house = await openHouse();
  await using caller = await dial(house.url);
  const voice = loud(3_300);
  await caller.says(voice);
  const heard = (): Buffer => house.reception.last.audio;
  const spoken = Buffer.from(voice.buffer);
  await vi.waitFor(() => expect(heard().indexOf(spoken.subarray(2))).toBeGreaterThanOrEqual(0), 10_000);
  expect(heard().length % 640).toBe(0);
});

test("a caller who is interrupted says at once how much it heard", async () => {
  await using house = await openHouse();
  await using caller = await dial(house.url);
  const { leg, signals } = house.reception.last;
  leg.beginTurn("t1");
  for (let frame = 0; frame < 50; frame += 1) leg.play(new Uint8Array(960));
  leg.flush();
  leg.notify({ type: "phase", phase: "listening" });
  await vi.waitFor(() => expect(signals.at(-1)).toMatchObject({ type: "played", turnId: "t1" }), 10_000);
  expect(caller.isPlaying).toBe(false);
});

test("a refusal while dialling tells busy from refused from nobody there", async () => {
  await using house = await openHouse({ limits: { overall: 0 } });
  await expect(dial(house.url)).rejects.toMatchObject({ kind: "busy" });
  await expect(dial(`${house.url}/nowhere`)).rejects.toMatchObject({ kind: "refused" });
  const nobody = dial("http://127.0.0.1:1");
  await expect(nobody).rejects.toBeInstanceOf(CallRefused);
  await expect(nobody).rejects.toMatchObject({ kind: "unreachable" });
});

test.each([
  { argv: [], says: "name a WAV file" },
  { argv: ["a.wav", "b.wav"], says: "one file" },
  { argv: ["a.wav", "--rate", "44100"], says: "8000 or 16000" },
  { argv: ["a.wav", "--calls", "0"], says: "--calls 0" },
  { argv: ["a.wav", "--calls", "2", "--save", "x.wav"], says: "--save" },
  { argv: ["a.wav", "--url", "ftp://x"], says: "--url" },
  { argv: ["a.wav", "--dialect", "smoke"], says: "there is browser" },
  { argv: ["a.wav", "--loud"], says: "--loud" },
])("$argv is wrong use", ({ argv, says }) => {
  expect(() => readOptions(argv, undefined)).toThrow(WrongUse);
  expect(() => readOptions(argv, undefined)).toThrow(says);
});

test("without --url the server of this machine is called, at PORT where it is set", () => {
  expect(readOptions(["a.wav"], undefined)?.url).toBe("http://127.0.0.1:8080");
  expect(readOptions(["a.wav"], "9000")?.url).toBe("http://127.0.0.1:9000");
});
