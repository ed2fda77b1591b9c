import { appendFile, mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";

/** The folders of processes that there are no more, because fewer were started this time. */
export async function leftFolders(data: string, of: number): Promise<readonly string[]> {
  const names = await readdir(data).catch(() => []);
  return names.filter((name) => Number(/^process-(\d+)$/.exec(name)?.[1] ?? 0) > of).map((name) => join(data, name));
}

/**
 * Calls and notices that were left in such folders: the first process takes them over.
 * @param data the folder of the machine
 * @returns how many calls were taken over
 */
export async function takeOver(data: string, left: readonly string[]): Promise<number> {
  let calls = 0;
  for (const folder of left) {
    calls += await moveCalls(join(folder, "calls"), join(data, "calls"));
    await moveNotices(join(folder, "outbox.jsonl"), join(data, "outbox.jsonl"));
  }
  return calls;
}

async function moveCalls(from: string, to: string): Promise<number> {
  const files = (await readdir(from).catch(() => [])).filter((name) => name.endsWith(".json"));
  if (files.length > 0) await mkdir(to, { recursive: true, mode: 0o700 });
  for (const name of files) await rename(join(from, name), join(to, name));
  // A call has up to two versions of it there.
  return new Set(files.map((name) => name.split(".", 1)[0])).size;
}

/** A notice that was not sent yet stands there with what became of it since: a journal may follow a journal. */
async function moveNotices(from: string, to: string): Promise<void> {
  const text = await readFile(from, "utf8").catch(() => "");
  if (text !== "") await appendFile(to, text, { mode: 0o600 });
  await rm(from, { force: true });
}
