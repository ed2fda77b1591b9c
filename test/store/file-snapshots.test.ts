import { execFile } from "node:child_process";
import { chmod, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../src/kernel/clock.ts";
import type { Log } from "../../src/kernel/log.ts";
import type { CallSnapshot } from "../../src/session/snapshot.ts";
import { FileSnapshots } from "../../src/store/file-snapshots.ts";

const snapshot: CallSnapshot = {
  version: 1,
  callId: "call_1",
  savedAtMs: 1_700_000_000_000,
  ageMs: 12_345.5,
  agent: "desk",
  dialect: "browser",
  language: "en",
  from: undefined,
  user: "u7",
  carrierCallId: "CA1",
  resumeToken: "back_1",
  uplink: "pcmu@8000",
  downlink: "pcm16@16000",
  provider: "local",
  turnsCounted: 3,
  turns: [
    { type: "caller", id: "t1", startMs: 1, endMs: undefined, text: "Grüße", state: "settled" },
    {
      type: "agent",
      id: "t2",
      number: 1,
      startMs: 2,
      endMs: 3,
      sayings: [{ text: "Hello.", audioMs: undefined }],
      characters: 6,
      audioMs: 400,
      audio: "whole",
      heard: { state: "cut", ms: 100, by: "caller" },
    },
    { type: "tool", id: "t3", name: "look_up", arguments: "{}", result: { output: "1", answers: 1 } },
  ],
  sealedTurns: 0,
  turnsBefore: 0,
  receivedMs: 61_000,
  unsettled: [Uint8Array.from({ length: 1_000 }, (_, at) => at % 256)],
  waitingBytes: 200,
  unheard: [{ turnId: "t2", fromMs: 100, audio: [Uint8Array.of(1, 2), Uint8Array.of(3), Uint8Array.of(4)] }],
};

let folder: string;
let lines: { event: string; fields: object }[];
let log: Log;
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), "linekeeper-")), "calls");
  lines = [];
  const note = (event: string, fields: object = {}): void => void lines.push({ event, fields });
  log = { debug: note, info: note, warning: note, error: note, with: () => log };
});
afterEach(() => rm(join(folder, ".."), { recursive: true, force: true }));

const bytesOf = (pieces: readonly Uint8Array[] = []): Buffer => Buffer.concat(pieces);
const store = (): FileSnapshots => new FileSnapshots({ folder, clock: systemClock, log });

test("what was kept is read again as it was, by whoever comes next", async () => {
  const first = store();
  first.save(snapshot);
  await first.flush();
  const [again] = await store().load();
  expect({ ...again, unsettled: undefined, unheard: undefined }).toEqual({ ...snapshot, unsettled: undefined, unheard: undefined });
  expect(bytesOf(again?.unsettled)).toEqual(bytesOf(snapshot.unsettled));
  expect([...bytesOf(again?.unheard[0]?.audio)]).toEqual([1, 2, 3, 4]);
});

test("many at once, and one that is longer than all that is kept ready, are each read again as they were", async () => {
  const first = store();
  const audioOf = (call: number): Uint8Array =>
    Uint8Array.from({ length: call === 5 ? 2_000_000 : 1_000 + call }, (_, at) => (at * 7 + call) % 256);
  const calls = Array.from({ length: 12 }, (_, call) => ({
    ...snapshot,
    callId: `call_${call}`,
    agent: "é".repeat(call),
    unsettled: [audioOf(call), audioOf(call + 40)],
    unheard: [
      { turnId: "t2", fromMs: 0, audio: [audioOf(call).subarray(call)] },
      { turnId: "t4", fromMs: 0, audio: [audioOf(call + 20)] },
    ],
  }));
  for (const each of calls) first.save(each);
  await first.flush();
  expect(first.failures).toBe(0);
  const again = new Map((await store().load()).map((each) => [each.callId, each]));
  for (const call of calls) {
    const read = again.get(call.callId);
    expect(read?.agent).toBe(call.agent);
    const pairs = [[read?.unsettled, call.unsettled], ...call.unheard.map(({ audio }, at) => [read?.unheard[at]?.audio, audio])];
    for (const [one, other] of pairs) expect(bytesOf(one).equals(bytesOf(other))).toBe(true);
  }
});

test("only this user may read it, and of many versions the last one stands", async () => {
  const subject = store();
  for (let turn = 1; turn <= 200; turn += 1) subject.save({ ...snapshot, turnsCounted: turn, ageMs: turn });
  await subject.flush();
  const [name = ""] = await readdir(folder);
  expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
  expect((await subject.load()).map(({ turnsCounted }) => turnsCounted)).toEqual([200]);
});

test("a call that is over leaves no file, also when it ends while it is being written", async () => {
  const subject = store();
  subject.save(snapshot);
  subject.remove(snapshot.callId);
  await subject.flush();
  expect(await readdir(folder).catch(() => [])).toEqual([]);
});

test("an id that is a path writes nothing elsewhere", async () => {
  const subject = store();
  subject.save({ ...snapshot, callId: "../../escaped" });
  await subject.flush();
  expect(await readdir(join(folder, ".."))).toEqual(["calls"]);
});

test.each([
  { name: "half a file", text: '{"version":1,"callId":"call_' },
  { name: "another version", text: JSON.stringify({ version: 2 }) },
  { name: "no object", text: "null" },
])("$name is put aside and told, and the others are read", async ({ text }) => {
  const first = store();
  first.save(snapshot);
  await first.flush();
  await writeFile(join(folder, "broken.json"), text);
  expect(await store().load()).toHaveLength(1);
  expect(await readdir(folder)).toContain("broken.json.bad");
  expect(lines.map(({ event }) => event)).toEqual(["snapshot_unreadable"]);
});

test("whoever dies while writing leaves the version before, also after those of an earlier run", async () => {
  const keep = async (subject: FileSnapshots, turns: number): Promise<void> => {
    subject.save({ ...snapshot, turnsCounted: turns, ageMs: 1_000 * turns });
    await subject.flush();
  };
  const first = store();
  for (const turns of [1, 2, 3]) await keep(first, turns);
  // They are seconds apart as a rule, and the clock of a file system is coarse.
  for (const file of (await readdir(folder)).map((name) => join(folder, name))) {
    const turns = Number(/"turnsCounted":(\d)/.exec(await readFile(file, "utf8"))?.[1]);
    await utimes(file, turns, turns);
  }
  await keep(store(), 4);
  const newest = async (): Promise<string> => {
    const files = (await readdir(folder)).map((name) => join(folder, name));
    const texts = await Promise.all(files.map((file) => readFile(file, "utf8")));
    const at = texts.findIndex((text) => text.includes('"turnsCounted":4'));
    return files[at] ?? "";
  };
  expect((await store().load()).map(({ turnsCounted }) => turnsCounted)).toEqual([4]);
  const path = await newest();
  const whole = await readFile(path, "utf8");
  for (const torn of ["", whole.slice(0, 100), `${whole}0"}`]) {
    await writeFile(path, torn);
    expect((await store().load()).map(({ turnsCounted }) => turnsCounted)).toEqual([3]);
  }
  expect(await readdir(folder)).toHaveLength(2);
  expect(lines).toEqual([]);
});

/** A call in which so many turns were said, of which the newest may still change and the oldest are forgotten. */
const after = (turns: number): CallSnapshot => {
  const turnsBefore = Math.max(0, turns - 300);
  const said = Array.from({ length: turns - turnsBefore }, (_, at) => `turn ${turnsBefore + at}`);
  return {
    ...snapshot,
    ageMs: turns * 1_000,
    turns: said.map((text, at) => ({ type: "caller", id: `t${turnsBefore + at}`, startMs: at, endMs: at + 1, text, state: "settled" })),
    sealedTurns: Math.max(0, said.length - 16),
    turnsBefore,
  };
};
const idsIn = ({ turns }: CallSnapshot): readonly string[] => turns.map(({ id }) => id);
const idsFrom = (from: number, to: number): readonly string[] => Array.from({ length: to - from }, (_, at) => `t${from + at}`);

test("a long call is written anew only in its newest turns, and read again whole, also after several starts", async () => {
  let subject = store();
  for (let turns = 1; turns <= 280; turns += 1) {
    subject.save(after(turns));
    await subject.flush();
    if (turns % 70 !== 0) continue;
    subject = store();
    const [again] = await subject.load();
    expect(again && idsIn(again)).toEqual(idsFrom(0, turns));
    expect({ sealed: again?.sealedTurns, before: again?.turnsBefore }).toEqual({ sealed: Math.floor((turns - 16) / 32) * 32, before: 0 });
  }
  const names = await readdir(folder);
  // Two versions of the snapshot, and one of each chapter.
  expect(names).toHaveLength(2 + Math.floor((280 - 16) / 32));
  for (const name of names) {
    const written = await readFile(join(folder, name), "utf8");
    expect(written.match(/"id":/g)?.length).toBeLessThan(32 + 16);
  }
  subject.remove(snapshot.callId);
  await subject.flush();
  expect(await readdir(folder)).toEqual([]);
  expect(lines).toEqual([]);
});

test("what a call has forgotten of its beginning stands in its chapters all the same", async () => {
  const subject = store();
  for (let turns = 1; turns <= 500; turns += 1) subject.save(after(turns));
  await subject.flush();
  const [again] = await store().load();
  expect(again && idsIn(again)).toEqual(idsFrom(0, 500));
});

test("a call whose first snapshot is a long one has its chapters at once", async () => {
  const subject = store();
  subject.save(after(500));
  await subject.flush();
  const [again] = await store().load();
  expect(again && idsIn(again)).toEqual(idsFrom(200, 500));
});

test("a chapter that is damaged costs its own turns, is told, and the call goes on", async () => {
  const first = store();
  first.save(after(100));
  await first.flush();
  const chapter = (await readdir(folder)).find((name) => name.includes(".1.")) ?? "";
  await writeFile(join(folder, chapter), '[{"type":"caller"');
  const second = store();
  const [again] = await second.load();
  const left = [...idsFrom(0, 32), ...idsFrom(64, 100)];
  expect(again && idsIn(again)).toEqual(left);
  expect(lines.map(({ event }) => event)).toEqual(["snapshot_unreadable"]);
  // The call counts its turns anew from here.
  if (again !== undefined) second.save({ ...again, ageMs: 200_000, sealedTurns: 52 });
  await second.flush();
  const [third] = await store().load();
  expect(third && idsIn(third)).toEqual(left);
});

test("chapters of which no snapshot tells are tidied away", async () => {
  const first = store();
  first.save(after(100));
  await first.flush();
  for (const name of await readdir(folder)) if (!/\.\d\./.test(name)) await rm(join(folder, name));
  expect(await readdir(folder)).toHaveLength(2);
  const second = store();
  expect(await second.load()).toEqual([]);
  await second.flush();
  expect(await readdir(folder)).toEqual([]);
});

test("chapters that a full disk refused are written when it takes them", async () => {
  await writeFile(folder, "a file where the folder should be");
  const subject = store();
  subject.save(after(100));
  await subject.flush();
  expect(subject.failures).toBe(3);
  await rm(folder);
  subject.save(after(101));
  await subject.flush();
  const [again] = await store().load();
  expect(again && idsIn(again)).toEqual(idsFrom(0, 101));
});

test("the calls of a busy night are read again also where few files may be open at once", async () => {
  const first = store();
  for (let call = 0; call < 60; call += 1) first.save({ ...after(280), callId: `call_${call}` });
  await first.flush();
  const program = join(import.meta.dirname, "load-snapshots.ts");
  const { stdout } = await promisify(execFile)("bash", ["-c", 'ulimit -n 96; exec "$@"', "bash", process.execPath, program, folder]);
  expect(JSON.parse(stdout)).toEqual({ turns: Array(60).fill(280), unreadable: 0 });
});

test("a snapshot that tells of more chapters than any call has is damaged", async () => {
  const first = store();
  first.save(snapshot);
  await first.flush();
  const [name = ""] = await readdir(folder);
  const whole = await readFile(join(folder, name), "utf8");
  await writeFile(join(folder, name), whole.replace('"chapters":0', '"chapters":900000000'));
  expect(await store().load()).toEqual([]);
  expect(lines.map(({ event }) => event)).toEqual(["snapshot_unreadable"]);
});

test("no folder yet is no error", async () => {
  expect(await store().load()).toEqual([]);
  expect(lines).toEqual([]);
});

test("a place that cannot be written to costs the calls nothing, and is told once", async () => {
  await writeFile(folder, "a file where the folder should be");
  await chmod(folder, 0o600);
  const subject = store();
  for (let call = 0; call < 20; call += 1) subject.save({ ...snapshot, callId: `call_${call}` });
  await subject.flush();
  expect(subject.failures).toBe(20);
  expect(lines.map(({ event }) => event)).toEqual(["snapshot_failed"]);
});
