import { closeSync, constants, ftruncateSync, mkdirSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { parentPort } from "node:worker_threads";
import { yieldThread } from "../kernel/priority.ts";
import { base64LengthOf, writeBase64 } from "../wire/base64.ts";
import { versionsOf, type DiskOrder, type DiskTrouble } from "./disk.ts";
import type { Piece } from "./page.ts";

const port = parentPort;
if (port === null) throw new Error("disk-worker.ts runs in a worker thread");
yieldThread();

port.on("message", (order: DiskOrder) => port.postMessage(troublesIn(order)));

/** Which version of each was written last, by its path. */
const newest = new Map<string, 0 | 1>();
/** What is written stands here first, but for what is longer: that gets memory of its own, and gives it back. */
const kept = Buffer.allocUnsafeSlow(1_048_576);

function troublesIn({ memory, tasks }: DiskOrder): readonly DiskTrouble[] {
  const troubles: DiskTrouble[] = [];
  for (const { path, from, pieces } of tasks) {
    try {
      if (pieces === undefined) remove(path);
      else write(path, lettersOf(new Uint8Array(memory, from), pieces));
    } catch (error) {
      troubles.push({
        path,
        doing: pieces === undefined ? "removing" : "writing",
        error: error instanceof Error ? error : new Error(String(error)),
      });
    }
  }
  return troubles;
}

/** Valid until the next. */
function lettersOf(memory: Uint8Array, pieces: readonly Piece[]): Buffer {
  const length = pieces.reduce((sum, piece) => sum + lettersIn(piece), 0);
  const letters = length > kept.length ? Buffer.allocUnsafeSlow(length) : kept;
  let [at, to] = [0, 0];
  for (const piece of pieces) {
    const bytes = memory.subarray(at, at + piece.bytes);
    if (piece.isAudio) writeBase64(bytes, letters, to);
    else letters.set(bytes, to);
    at += piece.bytes;
    to += lettersIn(piece);
  }
  return letters.subarray(0, length);
}

const lettersIn = ({ bytes, isAudio }: Piece): number => (isAudio ? base64LengthOf(bytes) : bytes);

/** Over the older version, in its place: a new file, and one more to be forgotten, would cost ten times as much. */
function write(path: string, bytes: Buffer): void {
  const older = (newest.get(path) ?? newestOf(path)) === 0 ? 1 : 0;
  const file = opened(versionsOf(path)[older]);
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at, bytes.length - at, at);
    ftruncateSync(file, bytes.length);
  } finally {
    closeSync(file);
  }
  newest.set(path, older);
}

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
