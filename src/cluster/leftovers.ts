import { appendFile, mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";

/**
 * Calls and notices that were left by processes which there are no more, because fewer were started this time: the first takes them over.
 * @param data the folder of the machine
 * @param of so many processes are started
 * @returns how many calls were taken over
 */
export async function takeOver(data: string, of: number): Promise<number> {
  const names = await readdir(data).catch(() => []);
  const left = names.filter((name) => Number(/^process-(\d+)$/.exec(name)?.[1] ?? 0) > of);
  let calls = 0;
  for (const name of left) {
    calls += await moveCalls(join(data, name, "calls"), join(data, "calls"));
    await moveNotices(join(data, name, "outbox.jsonl"), join(data, "outbox.jsonl"));
  }
  return calls;
}

async function moveCalls(from: string, to: string): Promise<number> {
  const files = (await readdir(from).catch(() => [])).filter((name) => name.endsWith(".json"));
  if (files.length > 0) await mkdir(to, { recursive: true, mode: 0o700 });
  for (const name of files) await rename(join(from, name), join(to, name));
  return files.length;
}

/** A notice that was not sent yet stands there with what became of it since: a journal may follow a journal. */
async function moveNotices(from: string, to: string): Promise<void> {
  const text = await readFile(from, "utf8").catch(() => "");
  if (text !== "") await appendFile(to, text, { mode: 0o600 });
  await rm(from, { force: true });
}
