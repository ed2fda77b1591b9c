import { Worker } from "node:worker_threads";
import { Page, type PageTask, type Text } from "./page.ts";

/** What the thread is given; it reads the memory before it answers. */
export interface DiskOrder {
  readonly memory: SharedArrayBuffer;
  readonly tasks: readonly PageTask[];
}

/** Written in turn, so that whoever dies while writing leaves the one before. */
export const versionsOf = (path: string): readonly [string, string] => [`${path}.a.json`, `${path}.b.json`];

export interface DiskTrouble {
  readonly path: string;
  readonly doing: "writing" | "removing";
  readonly error: Error;
}

/** What is asked for within so long goes to the thread together: a message to it costs as much as half a text. */
const gatherMs = 100;

/**
 * Writes small texts to files in a thread of its own: there a file costs half the processor time that it does on the event loop, and a slow disk
 * holds up nobody. What is asked for while it writes waits, of each file the newest only. The thread begins with the first task and
 * keeps no process alive while it has none. Files are readable by this user only, their folder is made where it is not there.
 */
export class Disk {
  readonly #failed: (trouble: DiskTrouble) => void;
  #worker: Worker | undefined;
  /** What is written just now, and what comes next. */
  #present = new Page();
  #next = new Page();
  #state: "idle" | "gathering" | "writing" = "idle";
  #idle = Promise.withResolvers<void>();
  #gathering: NodeJS.Timeout | undefined;

  /** `failed`: told of each file with which something went wrong. */
  constructor(failed: (trouble: DiskTrouble) => void) {
    this.#failed = failed;
  }

  /** What is to stand at `path`, but for what the names of its versions end in: of its two versions the newer that is whole. */
  put(path: string, text: Text): void {
    this.#next.put(path, text);
    if (this.#state !== "idle") return;
    this.#state = "gathering";
    this.#gathering = setTimeout(() => this.#write(), gatherMs);
  }

  /** Resolves when all that was asked so far is on the disk, or has failed. */
  async flush(): Promise<void> {
    if (this.#state === "idle") return;
    const { promise } = this.#idle;
    if (this.#state === "gathering") this.#write();
    await promise;
  }

  #write(): void {
    this.#state = "writing";
    clearTimeout(this.#gathering);
    [this.#present, this.#next] = [this.#next, this.#present];
    const { memory, tasks } = this.#present;
    try {
      const worker = (this.#worker ??= this.#start());
      worker.ref();
      worker.postMessage({ memory, tasks } satisfies DiskOrder);
    } catch (error) {
      this.#failedAll(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #start(): Worker {
    // It makes hardly any garbage, and would keep room for what the event loop makes.
    const worker = new Worker(new URL("./disk-worker.ts", import.meta.url), {
      execArgv: [],
      resourceLimits: { maxYoungGenerationSizeMb: 1 },
    });
    const lost = (error: Error): void => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      if (this.#state === "writing") this.#failedAll(error);
    };
    worker.on("message", (troubles: readonly DiskTrouble[]) => {
      worker.unref();
      this.#done(troubles);
    });
    worker.on("error", lost);
    worker.on("exit", (code) => lost(new Error(`the thread that writes files ended with ${code}`)));
    return worker;
  }

  /** How much of it was done is not known. */
  #failedAll(error: Error): void {
    this.#done(this.#present.tasks.map(({ path, pieces }) => ({ path, doing: pieces === undefined ? "removing" : "writing", error })));
  }

  #done(troubles: readonly DiskTrouble[]): void {
    this.#present.clear();
    for (const trouble of troubles) this.#failed(trouble);
    if (!this.#next.isEmpty) return this.#write();
    this.#state = "idle";
    this.#idle.resolve();
    this.#idle = Promise.withResolvers();
  }
}
