import { closeSync, constants, ftruncateSync, mkdirSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { parentPort } from "node:worker_threads";
import { yieldThread } from "../kernel/priority.ts";
import { versionsOf, type DiskTask, type DiskTrouble } from "./disk.ts";

const port = parentPort;
if (port === null) throw new Error("disk-worker.ts runs in a worker thread");
yieldThread();

port.on("message", (tasks: readonly DiskTask[]) => port.postMessage(tasks.flatMap(done)));

/** Which version of each was written last, by its path. */
const newest = new Map<string, 0 | 1>();

function done({ path, text }: DiskTask): readonly DiskTrouble[] {
  try {
    if (text === undefined) remove(path);
    else write(path, text);
    return [];
  } catch (error) {
    const met = error instanceof Error ? error : new Error(String(error));
    return [{ doing: text === undefined ? "removing" : "writing", error: met }];
  }
}

/** Over the older version, in its place: a new file, and one more to be forgotten, would cost ten times as much. */
function write(path: string, text: NonNullable<DiskTask["text"]>): void {
  const older = (newest.get(path) ?? newestOf(path)) === 0 ? 1 : 0;
  const file = opened(versionsOf(path)[older]);
  try {
    const bytes = Buffer.from(text.map(lettersOf).join(""));
    for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at, bytes.length - at, at);
    ftruncateSync(file, bytes.length);
  } finally {
    closeSync(file);
  }
  newest.set(path, older);
}

const lettersOf = (piece: string | Uint8Array): string =>
  typeof piece === "string" ? piece : Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength).toString("base64");

/** Of what somebody wrote who was here before. */
function newestOf(path: string): 0 | 1 {
  const [first, second] = versionsOf(path).map((version) => statSync(version, { throwIfNoEntry: false })?.mtimeMs ?? 0);
  return (first ?? 0) > (second ?? 0) ? 0 : 1;
}

function remove(path: string): void {
  newest.delete(path);
  for (const version of versionsOf(path)) rmSync(version, { force: true });
}

/** To be written over. The folder is there but for the first time, and when somebody has tidied up. */
function opened(path: string): number {
  const flags = constants.O_WRONLY | constants.O_CREAT;
  try {
    return openSync(path, flags, 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error; // The file system's errors have one.
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    return openSync(path, flags, 0o600);
  }
}
