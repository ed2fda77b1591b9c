import { randomUUID } from "node:crypto";
import { existsSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { systemClock, type Clock } from "../../../../src/kernel/clock.ts";
import { silentLog } from "../../../../src/kernel/log.ts";
import { modelFile } from "../../../../src/provider/local/models.ts";
import { createMouth, type FliteMouth } from "../../../../src/provider/local/mouth/mouth.ts";

const wanted = new AbortController().signal;
const left: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of left.splice(0)) await end();
});

interface Settings {
  readonly voice?: string;
  readonly clock?: Clock;
  readonly workerFile?: URL;
}

async function mouthWith({ voice, clock = systemClock, workerFile }: Settings = {}): Promise<FliteMouth> {
  const modelPath = await modelFile("flite");
  const mouth = await createMouth({ modelPath, voice, clock, log: silentLog, ...(workerFile === undefined ? {} : { workerFile }) });
  left.push(() => mouth.close());
  return mouth;
}

function limping(limp: "hang" | "die" | "stillborn", always: "yes" | "no"): URL {
  const mark = join(tmpdir(), `linekeeper-limp-${randomUUID()}`);
  Object.assign(process.env, { LIMP: limp, LIMP_ALWAYS: always, LIMP_MARK: mark });
  left.push(() => rmSync(mark, { force: true }));
  return new URL("limping-worker.ts", import.meta.url);
}

/** The system's clock, whose timers go off when the test says. */
function impatientClock(): Clock & { strike: () => void } {
  const timers = new Map<number, () => void>();
  let count = 0;
  return {
    now: systemClock.now,
    wallNow: systemClock.wallNow,
    setTimeout(run) {
      timers.set((count += 1), run);
      return count;
    },
    clearTimeout: (timer) => void (typeof timer === "number" && timers.delete(timer)),
    strike() {
      const due = [...timers.values()];
      timers.clear();
      for (const run of due) run();
    },
  };
}

const audible = (bytes: Uint8Array): boolean =>
  new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2).some((sample) => Math.abs(sample) > 2_000);

describe("a mouth", () => {
  test("speaks with each of its voices, and the same words the same way", async () => {
    const mouth = await mouthWith();
    for (const voice of mouth.voices) {
      const audio = await mouth.speak("How can I help you?", voice, wanted);
      expect(audible(audio), voice).toBe(true);
      expect(audio.length / 32, voice).toBeGreaterThan(700);
      expect(audio.length / 32, voice).toBeLessThan(2_500);
      expect(await mouth.speak("How can I help you?", voice, wanted)).toEqual(audio);
    }
  });

  test("begins at once and ends with a breath, longer after a sentence than after a clause", async () => {
    const mouth = await mouthWith();
    const gaps = [];
    for (const text of ["Good morning,", "Good morning."]) {
      const audio = await mouth.speak(text, undefined, wanted);
      const samples = new Int16Array(audio.buffer, audio.byteOffset, audio.length / 2);
      expect(samples.findIndex((sample) => Math.abs(sample) > 100) / 16).toBeLessThan(60);
      gaps.push((samples.length - 1 - samples.findLastIndex((sample) => sample !== 0)) / 16);
    }
    expect(gaps[0]).toBeGreaterThanOrEqual(120);
    expect(gaps[1]).toBeGreaterThanOrEqual(200);
    expect(gaps[1]).toBeLessThan(260);
  });

  test("an unknown voice speaks with the configured one, and nothing to say is no audio", async () => {
    const mouth = await mouthWith({ voice: "slt" });
    expect(await mouth.speak("Hello.", "marvin", wanted)).toEqual(await mouth.speak("Hello.", "slt", wanted));
    expect(await mouth.speak(" 🙂 ", undefined, wanted)).toHaveLength(0);
  });

  test("what reads like an option or a file is spoken", async () => {
    const mouth = await mouthWith();
    for (const text of ["-voice", "--help", "/etc/passwd", "null\0byte"])
      expect(audible(await mouth.speak(text, undefined, wanted)), text).toBe(true);
  });

  test("an aborted clause leaves the queue, and those behind it move up", async () => {
    const mouth = await mouthWith();
    const abort = new AbortController();
    const running = mouth.speak("This one is being spoken just now.", undefined, abort.signal);
    const queued = mouth.speak("This one waits.", undefined, abort.signal);
    const kept = mouth.speak("Hello.", undefined, wanted);
    expect(mouth.status()).toMatchObject({ waitingClauses: 2 });
    abort.abort();
    expect(mouth.status()).toMatchObject({ waitingClauses: 1 });
    await expect(running).rejects.toMatchObject({ name: "AbortError" });
    await expect(queued).rejects.toMatchObject({ name: "AbortError" });
    await expect(mouth.speak("Too late.", undefined, abort.signal)).rejects.toMatchObject({ name: "AbortError" });
    expect(audible(await kept)).toBe(true);
  });

  test("more than it can keep is refused, counted, and said so", async () => {
    const mouth = await mouthWith();
    const abort = new AbortController();
    const clauses = Array.from({ length: 80 }, () => mouth.speak("One more.", undefined, abort.signal).catch((error: unknown) => error));
    const refused = (await Promise.all(clauses.slice(70)))[0];
    expect(refused).toMatchObject({ code: "internal", message: expect.stringContaining("limit 64") });
    expect(mouth.status()).toMatchObject({ waitingClauses: 64, refusedClauses: 15 });
    abort.abort();
    expect(mouth.status()).toMatchObject({ waitingClauses: 0 });
  });

  test("closing ends what waits, and nothing is spoken after", async () => {
    const mouth = await mouthWith();
    const waiting = [mouth.speak("One.", undefined, wanted), mouth.speak("Two.", undefined, wanted)].map((clause) =>
      clause.catch((error: unknown) => error),
    );
    await mouth.close();
    for (const error of await Promise.all(waiting)) expect(error).toMatchObject({ code: "internal" });
    await expect(mouth.speak("Three.", undefined, wanted)).rejects.toMatchObject({ code: "internal" });
  });
});

describe("a voice that cannot be had", () => {
  test("for want of its file is a missing model", async () => {
    const made = createMouth({ modelPath: "/nowhere/flite.wasm", voice: undefined, clock: systemClock, log: silentLog });
    await expect(made).rejects.toMatchObject({ code: "model-missing", message: expect.stringContaining("/nowhere/flite.wasm") });
  });

  test("for want of such a voice is a wrong setting that names those there are", async () => {
    await expect(mouthWith({ voice: "marvin" })).rejects.toMatchObject({
      code: "setting-invalid",
      message: expect.stringContaining("rms, slt"),
    });
  });
});

describe("a thread that limps", () => {
  test("dies once: another takes its place and speaks the clause", async () => {
    const mouth = await mouthWith({ workerFile: limping("die", "no") });
    expect(audible(await mouth.speak("Still here.", undefined, wanted))).toBe(true);
    expect(mouth.status()).toMatchObject({ replacedWorkers: 1 });
  });

  test("hangs once: it is replaced at its limit and the clause is spoken", async () => {
    const clock = impatientClock();
    const mouth = await mouthWith({ workerFile: limping("hang", "no"), clock });
    const spoken = mouth.speak("Still here.", undefined, wanted);
    await vi.waitFor(() => expect(existsSync(process.env["LIMP_MARK"] ?? "")).toBe(true), 10_000);
    clock.strike();
    expect(audible(await spoken)).toBe(true);
    expect(mouth.status()).toMatchObject({ replacedWorkers: 1 });
  });

  test("dies twice over one clause: that one fails in words, and no third try is made", async () => {
    const mouth = await mouthWith({ workerFile: limping("die", "yes") });
    await expect(mouth.speak("Hello.", undefined, wanted)).rejects.toMatchObject({
      code: "internal",
      message: expect.stringContaining("try 2 of 2"),
    });
    expect(mouth.status()).toMatchObject({ replacedWorkers: 2, waitingClauses: 0 });
  });

  test("never starts: making the mouth fails", async () => {
    await expect(mouthWith({ workerFile: limping("stillborn", "yes") })).rejects.toMatchObject({ code: "model-missing" });
  });
});
