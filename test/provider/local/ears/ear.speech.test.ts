import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { systemClock } from "../../../../src/kernel/clock.ts";
import { silentLog } from "../../../../src/kernel/log.ts";
import { seededRandom } from "../../../../src/kernel/random.ts";
import { CallEar } from "../../../../src/provider/local/ears/ear.ts";
import { createEars } from "../../../../src/provider/local/ears/ears.ts";
import { usualEndpointing } from "../../../../src/provider/local/ears/endpointer.ts";
import { RecogniserPool } from "../../../../src/provider/local/ears/pool.ts";
import { Vad } from "../../../../src/provider/local/ears/vad.ts";
import { modelFile } from "../../../../src/provider/local/models.ts";
import type { EarNotice, Ears } from "../../../../src/provider/local/parts.ts";
import { wordErrors } from "../../../wer.ts";
import { byTelephone, concatenated, heardIn, recordings, samplesOf, silence, speechFolder, turnsIn } from "./recordings.ts";

let ears: Ears;
beforeAll(async () => {
  ears = await createEars({ clock: systemClock, log: silentLog, modelFile });
}, 60_000);
afterAll(() => ears.close());

const clip = (file: string): Int16Array => samplesOf(join(speechFolder, file));
const bytesOf = (samples: Int16Array): Uint8Array => new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
const aCall = (samples: Int16Array): Int16Array => concatenated(silence(500), samples, silence(2_500));
const withoutPartials = (notices: readonly EarNotice[]): EarNotice[] =>
  notices.filter((notice) => notice.type !== "caller.transcribed" || notice.final);

describe("recorded speech", () => {
  const files = ["jfk.wav", "ps_goforward.wav", "ast_privacy-prompt.wav", "ast_vm-opts.wav"];
  const bands = [
    { band: "as recorded", heardAs: (samples: Int16Array) => samples },
    { band: "by telephone", heardAs: byTelephone },
  ];
  const cases = recordings().filter(({ file }) => files.includes(basename(file)));

  test.each(cases.flatMap((recording) => bands.map((band) => ({ ...recording, ...band, name: basename(recording.file) }))))(
    "$name $band is heard with at most one wrong word",
    async ({ file, text, heardAs }) => {
      const turns = turnsIn(await heardIn(ears, aCall(heardAs(samplesOf(file)))));
      expect(wordErrors(text, turns.join(" ")).errors, turns.join(" | ")).toBeLessThanOrEqual(1);
    },
  );

  test("a speaker who pauses within a sentence has one turn, which holds all of it", async () => {
    const notices = await heardIn(ears, aCall(clip("jfk.wav")));
    expect(turnsIn(notices)).toHaveLength(1);
    expect(notices.filter(({ type }) => type === "caller.spoke")).toHaveLength(1);
    expect(notices.filter(({ type }) => type === "caller.resumed").length).toBeGreaterThan(0);
  });

  test("words are told while they are still spoken, and the final ones right before the end of the turn", async () => {
    const notices = await heardIn(ears, aCall(clip("ast_queue-youarenext.wav")));
    const types = notices.map((notice) =>
      notice.type === "caller.transcribed" ? `${notice.type} ${notice.final ? "finally" : "so far"}` : notice.type,
    );
    expect(types[0]).toBe("caller.spoke");
    expect(types.slice(1, -2)).toContain("caller.transcribed so far");
    expect(types.slice(-2)).toEqual(["caller.transcribed finally", "caller.finished"]);
    expect(new Set(notices.map((notice) => "turnId" in notice && notice.turnId))).toEqual(new Set(["c1"]));
  });

  test("the same audio gives the same turns at the same positions", async () => {
    const samples = aCall(clip("jfk.wav"));
    const once = withoutPartials(await heardIn(ears, samples));
    expect(withoutPartials(await heardIn(ears, samples))).toEqual(once);
  });

  test("a turn's positions hold its speech and little else", async () => {
    const speech = clip("ast_privacy-prompt.wav");
    const endMs = 5_000 + speech.length / 16;
    const notices = await heardIn(ears, concatenated(silence(5_000), speech, silence(2_500)));
    const [spoke, finished] = [notices[0], notices.at(-1)];
    // The recording begins and ends with a moment of room.
    expect(spoke).toEqual({
      type: "caller.spoke",
      turnId: "c1",
      uplinkMs: expect.closeTo(4_900, -3),
    });
    expect(finished).toEqual({
      type: "caller.finished",
      turnId: "c1",
      uplinkMs: expect.closeTo(endMs, -3),
    });
  });

  test("two calls at once hear each their own caller", async () => {
    const files = ["ps_goforward.wav", "ast_hello-world.wav"];
    const heard = files.map(() => [] as EarNotice[]);
    const open = files.map((_, at) => ears.open({ report: (notice) => heard[at]?.push(notice), log: silentLog }));
    for (const [at, file] of files.entries()) open[at]?.hear(bytesOf(aCall(clip(file))));
    await vi.waitFor(() => expect(heard.map((notices) => notices.at(-1)?.type)).toEqual(["caller.finished", "caller.finished"]), {
      timeout: 30_000,
    });
    expect(heard.map((notices) => turnsIn(notices))).toEqual([["Go forward ten meters."], [expect.stringMatching(/^Hello,? world[.!]$/)]]);
    for (const ear of open) ear.close();
  });
});

describe("what is not speech", () => {
  const random = seededRandom(20);
  const made = (sampleAt: (at: number) => number): Int16Array => Int16Array.from({ length: 8 * 16_000 }, (_, at) => sampleAt(at));
  let pink = 0;

  test.each([
    { name: "silence", samples: silence(8_000) },
    { name: "hiss", samples: made(() => (random.next() - 0.5) * 20_000) },
    { name: "a rumble", samples: made(() => (pink = pink * 0.98 + (random.next() - 0.5) * 3_000)) },
    {
      name: "a key held down",
      samples: made((at) => 8_000 * (Math.sin(at * 0.302) + Math.sin(at * 0.525))),
    },
    {
      name: "claps",
      samples: made((at) => (random.next() - 0.5) * 50_000 * Math.exp(-(at % 12_000) / 600)),
    },
  ])("$name gives no turn", async ({ samples }) => {
    expect(await heardIn(ears, samples)).toEqual([]);
  });
});

describe("over the agent", () => {
  test("the first sounds of speech are reported as such", async () => {
    const speech = clip("ast_privacy-prompt.wav");
    const heard: EarNotice[] = [];
    const ear = ears.open({ report: (notice) => heard.push(notice), log: silentLog });
    ear.agentIsSpeaking(true);
    // The voice sets in 100 ms into the recording; what follows its first 120 ms is never given.
    ear.hear(bytesOf(concatenated(silence(1_000), speech.subarray(0, 220 * 16))));
    await vi.waitFor(() => expect(heard.map(({ type }) => type)).toEqual(["caller.spoke"]), {
      timeout: 10_000,
    });
    ear.close();
  });
});

test("audio beyond what may wait is refused and counted, and taken again later", async () => {
  const ear = ears.open({ report: () => {}, log: silentLog });
  const refusedBefore = Number(ears.status()["framesRefused"]);
  const second = bytesOf(silence(1_000));
  // Nothing is judged before this loop lets go of the thread.
  const taken = Array.from({ length: 10 }, () => ear.hear(second));
  expect(taken).toEqual([...Array.from({ length: 8 }, () => true), false, false]);
  expect(Number(ears.status()["framesRefused"]) - refusedBefore).toBe(2);
  await vi.waitFor(() => expect(ear.hear(second)).toBe(true), { timeout: 10_000 });
  ear.close();
  expect(ear.hear(second)).toBe(false);
});

test("a signal to the whole process group leaves the ears open, so that calls can be drained", async () => {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    // What `status` gives of them is their ids.
    for (const pid of ears.status()["childPids"] as number[]) process.kill(pid, signal);
  expect(turnsIn(await heardIn(ears, aCall(clip("ps_goforward.wav"))))).toEqual(["Go forward ten meters."]);
  expect(ears.status()).toMatchObject({ childrenLost: 0 });
});

test("a closed ear tells nothing of what it still held", async () => {
  const heard: EarNotice[] = [];
  const ear = ears.open({ report: (notice) => heard.push(notice), log: silentLog });
  ear.hear(bytesOf(aCall(clip("ps_goforward.wav"))));
  await vi.waitFor(() => expect(heard).not.toEqual([]), { timeout: 10_000 });
  ear.close();
  const told = heard.length;
  await heardIn(ears, aCall(clip("ps_goforward.wav")));
  expect(heard).toHaveLength(told);
});

test("speech that cannot be recognised ends in a turn without words, so that the caller is asked again", async () => {
  await using vad = await Vad.start({
    modelPath: await modelFile("silero-vad"),
    clock: systemClock,
    log: silentLog,
  });
  await using pool = await RecogniserPool.start({
    children: 1,
    settings: {
      weights: "tiny",
      runtime: "wasm",
      files: { encoder: "", decoder: "" },
      padding: { beforeMs: 0, afterMs: 0 },
    },
    clock: systemClock,
    log: silentLog,
    script: new URL("./children/deaf-child.ts", import.meta.url),
  });
  const counts = { framesRefused: 0, turnsFinished: 0, turnsDismissed: 0 };
  const heard: EarNotice[] = [];
  const ear = new CallEar(
    { report: (notice) => heard.push(notice), log: silentLog },
    { vad, pool, endpointing: usualEndpointing, counts, onClose: () => {} },
  );
  ear.hear(bytesOf(aCall(clip("ps_goforward.wav"))));
  await vi.waitFor(() => expect(heard.at(-1)?.type).toBe("caller.finished"), { timeout: 30_000 });
  expect(heard.map(({ type }) => type)).toEqual(["caller.spoke", "caller.transcribed", "caller.finished"]);
  expect(heard[1]).toMatchObject({ text: "", final: true });
  ear.close();
});
