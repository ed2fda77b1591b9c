import { closeSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { parentPort } from "node:worker_threads";
import type { DiskTask, DiskTrouble } from "./disk.ts";

const port = parentPort;
if (port === null) throw new Error("disk-worker.ts runs in a worker thread");

port.on("message", (tasks: readonly DiskTask[]) => port.postMessage(tasks.flatMap(done)));

function done({ path, text }: DiskTask): readonly DiskTrouble[] {
  try {
    if (text === undefined) rmSync(path, { force: true });
    else replace(path, text);
    return [];
  } catch (error) {
    const met = error instanceof Error ? error : new Error(String(error));
    return [{ doing: text === undefined ? "removing" : "writing", error: met }];
  }
}

/** Written beside and renamed, so that a file is whole or the one before. */
function replace(path: string, text: string): void {
  const beside = `${path}.new`;
  const file = fresh(beside);
  try {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
  } finally {
    closeSync(file);
  }
  renameSync(beside, path);
}

/** The folder is there but for the first time, and when somebody has tidied up. */
function fresh(path: string): number {
  try {
    return openSync(path, "w", 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error; // The file system's errors have one.
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    return openSync(path, "w", 0o600);
  }
}
