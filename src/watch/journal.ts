import { appendFile, mkdir, rename, stat, statfs } from "node:fs/promises";
import { dirname } from "node:path";

export interface JournalOptions {
  /** Such as "data/calls.jsonl"; older files beside it are "calls.jsonl.1" and up. */
  readonly path: string;
  /** The disk is full or read-only; told once, until it is well again. */
  readonly failed: (error: unknown) => void;
  /** Records that found no room while the disk would not take them. */
  readonly dropped: (records: number) => void;
  readonly fileBytes?: number;
  readonly files?: number;
  readonly retryMs?: number;
}

/** What waits for a disk at most. */
const mostWaiting = 1_000;
/** Room that is left to others: the journal is the first to go without. */
const spareBytes = 64 * 1024 * 1024;

/** Records in a file, a line of JSON each, the oldest files going first. Whoever adds one never waits and never fails. */
export class Journal {
  readonly #options: Required<JournalOptions>;
  #waiting: { readonly line: string; readonly sinceMs: number }[] = [];
  #writing: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #bytes: number | undefined;
  #state: "well" | "failing" | "closed" = "well";

  constructor(options: JournalOptions) {
    this.#options = { fileBytes: 32 * 1024 * 1024, files: 8, retryMs: 5_000, ...options };
  }

  add(record: unknown): void {
    if (this.#state === "closed") return this.#options.dropped(1);
    this.#waiting.push({ line: `${JSON.stringify(record)}\n`, sinceMs: performance.now() });
    const tooMany = this.#waiting.length - mostWaiting;
    if (tooMany > 0) this.#options.dropped(this.#waiting.splice(0, tooMany).length);
    this.#write();
  }

  /** How long the oldest record that is not on disk has waited, ms; 0: all are. */
  get lagMs(): number {
    const oldest = this.#waiting[0];
    return oldest === undefined ? 0 : performance.now() - oldest.sinceMs;
  }

  /** Writes what waits, once; what the disk does not take then is dropped. */
  async close(): Promise<void> {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    // One write may be followed by another, for what came meanwhile.
    while (this.#writing !== undefined) await this.#writing;
    clearTimeout(this.#retry);
    if (this.#waiting.length > 0) await this.#append();
    this.#state = "closed";
    clearTimeout(this.#retry);
    if (this.#waiting.length > 0) this.#options.dropped(this.#waiting.splice(0).length);
  }

  #write(): void {
    if (this.#writing !== undefined || this.#retry !== undefined) return;
    this.#writing = this.#append().finally(() => {
      this.#writing = undefined;
      // What came meanwhile.
      if (this.#waiting.length > 0 && this.#state === "well") this.#write();
    });
  }

  async #append(): Promise<void> {
    const batch = new Set(this.#waiting);
    const text = this.#waiting.map(({ line }) => line).join("");
    try {
      await this.#makeRoom(Buffer.byteLength(text));
      await appendFile(this.#options.path, text);
      this.#bytes = (this.#bytes ?? 0) + Buffer.byteLength(text);
      this.#waiting = this.#waiting.filter((each) => !batch.has(each));
      this.#state = "well";
    } catch (error) {
      // What was written of a batch is not known; a line twice is better than none.
      this.#bytes = undefined;
      if (this.#state === "well") this.#options.failed(error);
      this.#state = "failing";
      this.#retry = setTimeout(() => {
        this.#retry = undefined;
        this.#write();
      }, this.#options.retryMs).unref();
    }
  }

  async #makeRoom(bytes: number): Promise<void> {
    const { path, files, fileBytes } = this.#options;
    if (this.#bytes === undefined) {
      await mkdir(dirname(path), { recursive: true });
      this.#bytes = await sizeOf(path);
    }
    const { bavail, bsize } = await statfs(dirname(path));
    if (bavail * bsize < spareBytes) throw new Error(`${dirname(path)} has less than ${spareBytes >> 20} MiB left`);
    if (this.#bytes === 0 || this.#bytes + bytes <= fileBytes) return;
    for (let number = files - 1; number > 0; number -= 1) {
      const from = number === 1 ? path : `${path}.${number - 1}`;
      await rename(from, `${path}.${number}`).catch(ifMissing);
    }
    this.#bytes = 0;
  }
}

const sizeOf = async (path: string): Promise<number> => (await stat(path).catch(ifMissing))?.size ?? 0;

function ifMissing(error: unknown): undefined {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
  throw error;
}
