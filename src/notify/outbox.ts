import { mkdir, open, readFile, rename, writeFile, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { channels, type Channel, type Notice } from "./notice.ts";

const notice = z.object({
  id: z.string().min(1).max(64),
  reason: z.enum(["crisis", "caller", "outage", "alert", "briefing"]),
  title: z.string(),
  text: z.string(),
  facts: z.array(z.object({ name: z.string(), value: z.string() }).readonly()).readonly(),
  atMs: z.number(),
  callId: z.string().exactOptional(),
  incidentId: z.string().exactOptional(),
});
const line = z.union([z.object({ put: notice, channel: z.enum(channels) }), z.object({ done: z.string(), channel: z.enum(channels) })]);

/** A notice that one channel has not taken yet. */
export interface Pending {
  readonly notice: Notice;
  readonly channel: Channel;
}

/** Longer journals are written anew with what is still to be sent, bytes. */
const rewriteAtBytes = 1_000_000;

/**
 * What is to be sent, kept in an append-only file of JSON lines, so that a restart sends what was pending. A line that cannot be read
 * is skipped: it was being written when the process died. Disk trouble stops no notice; it is told once, and sending goes on.
 */
export class Outbox {
  readonly #path: string;
  readonly #troubled: (error: unknown) => void;
  #file: FileHandle | undefined;
  #writing: Promise<void> = Promise.resolve();
  #bytes = 0;
  #isTroubled = false;
  readonly #pending = new Map<string, Pending>();

  private constructor(path: string, troubled: (error: unknown) => void) {
    this.#path = path;
    this.#troubled = troubled;
  }

  /** Opens it with what an earlier process left. */
  static async open(path: string, troubled: (error: unknown) => void): Promise<Outbox> {
    const outbox = new Outbox(path, troubled);
    outbox.#do(() => outbox.#load());
    await outbox.#writing;
    return outbox;
  }

  /** Oldest first. */
  get pending(): readonly Pending[] {
    return [...this.#pending.values()];
  }

  /** False: it is known already and not yet sent. */
  put(entry: Pending): boolean {
    const key = keyOf(entry.notice.id, entry.channel);
    if (this.#pending.has(key)) return false;
    this.#pending.set(key, entry);
    this.#append({ put: entry.notice, channel: entry.channel });
    return true;
  }

  done({ notice: { id }, channel }: Pending): void {
    if (this.#pending.delete(keyOf(id, channel))) this.#append({ done: id, channel });
  }

  /** Resolves when all is on the disk. */
  async close(): Promise<void> {
    await this.#writing;
    await this.#file?.close();
    this.#file = undefined;
  }

  #append(entry: z.infer<typeof line>): void {
    this.#do(async () => {
      const text = `${JSON.stringify(entry)}\n`;
      await this.#file?.appendFile(text);
      await this.#file?.datasync();
      this.#bytes += text.length;
      if (this.#bytes > rewriteAtBytes) await this.#rewrite();
    });
  }

  async #load(): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true });
    const text = await readFile(this.#path, "utf8").catch((error: unknown) => {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
      throw error;
    });
    for (const each of text.split("\n")) {
      const entry = lineOf(each);
      if (entry === undefined) continue;
      if ("done" in entry) this.#pending.delete(keyOf(entry.done, entry.channel));
      else this.#pending.set(keyOf(entry.put.id, entry.channel), { notice: entry.put, channel: entry.channel });
    }
    await this.#rewrite();
  }

  async #rewrite(): Promise<void> {
    const lines = this.pending.map(({ notice: put, channel }) => `${JSON.stringify({ put, channel })}\n`).join("");
    await writeFile(`${this.#path}.new`, lines, { mode: 0o600, flush: true });
    await rename(`${this.#path}.new`, this.#path);
    await this.#file?.close();
    this.#file = await open(this.#path, "a", 0o600);
    this.#bytes = lines.length;
  }

  /** One write after the other; trouble is told when it begins. */
  #do(write: () => Promise<void>): void {
    this.#writing = this.#writing.then(write).then(
      () => {
        this.#isTroubled = false;
      },
      (error: unknown) => {
        if (!this.#isTroubled) this.#troubled(error);
        this.#isTroubled = true;
      },
    );
  }
}

const keyOf = (id: string, channel: Channel): string => `${channel} ${id}`;

function lineOf(text: string): z.infer<typeof line> | undefined {
  try {
    return line.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
