import { hash } from "node:crypto";
import { readdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { isEncoding, type Encoding } from "../audio/encodings.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Log } from "../kernel/log.ts";
import type { CallSnapshot, SnapshotStore } from "../session/snapshot.ts";
import { Chapters } from "./chapters.ts";
import { Disk, versionsOf } from "./disk.ts";
import type { Text } from "./page.ts";

export interface FileSnapshotsParts {
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** More than a call of weeks has: a snapshot that tells of more is damaged. */
const mostChapters = 10_000;
/** A disk that fails is told of so often, not once a call and turn. */
const tellEveryMs = 10_000;

/** `<call>.<number>` of a chapter, `<call>` of a snapshot, both without what versions end in. */
const chapterName = /^(.+)\.(\d+)$/;

/**
 * Snapshots as files, the last two of each call, readable by this user only: of those one is whole, whenever the writing may have ended.
 * Beside them stand, in chapters, the turns that nothing changes any more. A disk that fails costs no call anything but the way back after a crash.
 */
export class FileSnapshots implements SnapshotStore {
  readonly #parts: FileSnapshotsParts;
  readonly #disk = new Disk(({ path, doing, error }) => {
    this.#chapters.get(chapterName.exec(path)?.[1] ?? "")?.forget();
    this.#failed(doing, error);
  });
  /** By the path of the call's snapshot. */
  readonly #chapters = new Map<string, Chapters>();
  /** Of the calls that were kept, by their ids. */
  readonly #paths = new Map<string, string>();
  #toldMs = -Infinity;
  /** Snapshots that could not be written or removed. */
  failures = 0;

  constructor(parts: FileSnapshotsParts) {
    this.#parts = parts;
  }

  save(snapshot: CallSnapshot): void {
    const path = this.#pathOf(snapshot.callId);
    const chapters = this.#chaptersOf(path);
    // First what the snapshot tells of.
    const turns = chapters.add(snapshot, (chapter, sealed) => this.#disk.put(`${path}.${chapter}`, [JSON.stringify(sealed)]));
    this.#disk.put(path, textOf(snapshot, turns, chapters.count));
  }

  remove(callId: string): void {
    const path = this.#pathOf(callId);
    this.#disk.put(path, undefined);
    for (const chapter of this.#chapters.get(path)?.files() ?? []) this.#disk.put(`${path}.${chapter}`, undefined);
    this.#chapters.delete(path);
    this.#paths.delete(callId);
  }

  /** Resolves when all that was asked so far is on the disk, or has failed. */
  flush(): Promise<void> {
    return this.#disk.flush();
  }

  #pathOf(callId: string): string {
    const known = this.#paths.get(callId);
    if (known !== undefined) return known;
    const path = join(this.#parts.folder, fileOf(callId));
    this.#paths.set(callId, path);
    return path;
  }

  #chaptersOf(path: string): Chapters {
    const known = this.#chapters.get(path);
    if (known !== undefined) return known;
    const chapters = new Chapters();
    this.#chapters.set(path, chapters);
    return chapters;
  }

  /** What was left by whoever ran here before. What cannot be read is put aside under another name, and told. */
  async load(): Promise<readonly CallSnapshot[]> {
    const names = await readdir(this.#parts.folder).catch((error: unknown) => {
      if (codeOf(error) !== "ENOENT") this.#failed("reading", error);
      return [];
    });
    const files = names.filter((name) => name.endsWith(".json"));
    const versions = Map.groupBy(files, (name) => name.replace(/(?:\.[ab])?\.json$/, ""));
    const chapters = Map.groupBy(versions.keys(), (name) => chapterName.exec(name)?.[1]);
    const loaded: CallSnapshot[] = [];
    // One after the other: all files of hundreds of long calls at once are more than a process may have open.
    for (const call of chapters.get(undefined) ?? []) {
      const snapshot = await this.#call(call, versions.get(call) ?? []);
      if (snapshot !== undefined) loaded.push(snapshot);
    }
    for (const [call, names] of chapters) if (call !== undefined) this.#tidy(join(this.#parts.folder, call), names);
    return loaded;
  }

  async #call(name: string, versions: readonly string[]): Promise<CallSnapshot | undefined> {
    const newest = await this.#newest(versions);
    if (newest === undefined) return undefined;
    const path = join(this.#parts.folder, name);
    const { chapters, turns, ...rest } = newest;
    const read = await Promise.all(Array.from({ length: chapters }, (_, chapter) => this.#chapter(`${path}.${chapter}`)));
    const sealed = read.flat();
    this.#chaptersOf(path).take(sealed.length, chapters);
    return { ...rest, turns: [...sealed, ...turns], sealedTurns: sealed.length, turnsBefore: 0 };
  }

  /** A call goes on also without what cannot be read of it. */
  async #chapter(path: string): Promise<CallSnapshot["turns"]> {
    let failure: unknown;
    for (const version of versionsOf(path)) {
      try {
        return z.array(turn).parse(JSON.parse(await readFile(version, "utf8")));
      } catch (error) {
        failure ??= error;
      }
    }
    this.#tellUnreadable(path, failure);
    return [];
  }

  /** Whoever died meanwhile leaves chapters that no snapshot tells of. */
  #tidy(path: string, names: readonly string[]): void {
    const told = this.#chapters.get(path)?.count ?? 0;
    for (const name of names) if (Number(chapterName.exec(name)?.[2]) >= told) this.#disk.put(join(this.#parts.folder, name), undefined);
  }

  /** A version that is damaged was being written at the end; without another one it is put aside. */
  async #newest(names: readonly string[]): Promise<KeptCall | undefined> {
    const paths = names.map((name) => join(this.#parts.folder, name));
    const read = await Promise.allSettled(paths.map(async (path) => shape.parse(JSON.parse(await readFile(path, "utf8")))));
    const whole = read.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    if (whole.length > 0) return whole.reduce((one, other) => (other.ageMs > one.ageMs ? other : one));
    await Promise.all(paths.map((path, at) => this.#putAside(path, read[at])));
    return undefined;
  }

  async #putAside(path: string, read: PromiseSettledResult<unknown> | undefined): Promise<void> {
    this.#tellUnreadable(path, read?.status === "rejected" ? read.reason : undefined);
    await rename(path, `${path}.bad`).catch((again: unknown) => this.#failed("putting aside", again));
  }

  #tellUnreadable(file: string, error: unknown): void {
    this.#parts.log.error("snapshot_unreadable", { file, message: error instanceof Error ? error.message.slice(0, 300) : String(error) });
  }

  #failed(doing: string, error: unknown): void {
    this.failures += 1;
    const nowMs = this.#parts.clock.now();
    if (nowMs - this.#toldMs < tellEveryMs) return;
    this.#toldMs = nowMs;
    this.#parts.log.error("snapshot_failed", {
      message: `${doing} a call's snapshot in ${this.#parts.folder} failed; calls go on, but would not survive a crash`,
      failures: this.failures,
      err: error,
    });
  }
}

/** Ids come from outside where a snapshot does; a file's name must not. */
const fileOf = (callId: string): string => hash("sha256", callId).slice(0, 32);

const codeOf = (error: unknown): unknown => (error instanceof Error && "code" in error ? error.code : undefined);

/** JSON, in which the audio is in base64: that is left to whoever writes it. Of the turns it has those that stand in no chapter. */
function textOf(snapshot: CallSnapshot, turns: CallSnapshot["turns"], chapters: number): Text {
  const { unsettled, unheard, sealedTurns: _sealed, turnsBefore: _before, ...rest } = snapshot;
  const waiting = unheard.flatMap(({ audio, ...turn }, at) => [`${at === 0 ? "" : ","}${openedBy(turn)}"audio":"`, ...audio, '"}']);
  return [`${openedBy({ ...rest, chapters, turns })}"unsettled":"`, ...unsettled, '","unheard":[', ...waiting, "]}"];
}

/** An object to which more is added. */
const openedBy = (object: object): string => `${JSON.stringify(object).slice(0, -1)},`;

const encoding = z.custom<Encoding>((value) => typeof value === "string" && isEncoding(value), "no encoding that this version knows");
const audio = z.base64().transform((text): readonly Uint8Array[] => [Buffer.from(text, "base64")]);
const text = z.string();
// JSON leaves out what is undefined; the transforms put it back.
const turn = z.union([
  z
    .object({
      type: z.literal("caller"),
      id: text,
      startMs: z.number(),
      endMs: z.number().optional(),
      text,
      state: z.enum(["open", "committed", "settled"]),
    })
    .transform(({ endMs, ...rest }) => ({ ...rest, endMs })),
  z
    .object({
      type: z.literal("agent"),
      id: text,
      number: z.int(),
      startMs: z.number().optional(),
      endMs: z.number().optional(),
      sayings: z.array(z.object({ text, audioMs: z.number().optional() }).transform(({ audioMs, ...rest }) => ({ ...rest, audioMs }))),
      characters: z.number(),
      audioMs: z.number(),
      audio: z.enum(["coming", "whole"]),
      heard: z.discriminatedUnion("state", [
        z.object({ state: z.literal("playing") }),
        z.object({ state: z.literal("whole") }),
        z.object({ state: z.literal("cut"), ms: z.number(), by: z.enum(["caller", "fault"]) }),
      ]),
    })
    .transform(({ startMs, endMs, ...rest }) => ({ ...rest, startMs, endMs })),
  z
    .object({
      type: z.literal("tool"),
      id: text,
      name: text,
      arguments: text,
      result: z.object({ output: text, answers: z.number() }).optional(),
    })
    .transform(({ result, ...rest }) => ({ ...rest, result })),
]);

const shape = z
  .object({
    version: z.literal(1),
    callId: text,
    savedAtMs: z.number(),
    ageMs: z.number(),
    agent: text,
    dialect: text,
    language: text,
    from: text.optional(),
    user: text.optional(),
    carrierCallId: text.optional(),
    resumeToken: text,
    uplink: encoding,
    downlink: encoding,
    provider: text,
    turnsCounted: z.int(),
    chapters: z.int().min(0).max(mostChapters).default(0),
    turns: z.array(turn),
    receivedMs: z.number(),
    unsettled: audio,
    waitingBytes: z.int().default(0),
    unheard: z.array(z.object({ turnId: text, fromMs: z.number(), audio })),
  })
  .transform(({ from, user, carrierCallId, ...rest }) => ({ ...rest, from, user, carrierCallId }));

type KeptCall = z.infer<typeof shape>;
