import { Worker } from "node:worker_threads";

/** One text as it is to be: of its two versions the newer that is whole. */
export interface DiskTask {
  /** Without what the names of its versions end in. */
  readonly path: string;
  /** In pieces, of which bytes are written in base64. Undefined: it is to be gone. */
  readonly text: readonly (string | Uint8Array)[] | undefined;
}

/** Written in turn, so that whoever dies while writing leaves the one before. */
export const versionsOf = (path: string): readonly [string, string] => [`${path}.a.json`, `${path}.b.json`];

export interface DiskTrouble {
  readonly doing: "writing" | "removing";
  readonly error: Error;
}

/**
 * Writes small texts to files in a thread of its own: there a file costs half the processor time that it does on the event loop, and a slow disk
 * holds up nobody. The thread begins with the first task and keeps no process alive while it has none.
 */
export class Disk {
  #worker: Worker | undefined;
  #doing: PromiseWithResolvers<readonly DiskTrouble[]> | undefined;

  /**
   * One set of tasks at a time. Files are readable by this user only, their folder is made where it is not there.
   * @returns what went wrong with single files
   * @throws when the thread itself failed; how much was done is not known then
   */
  async do(tasks: readonly DiskTask[]): Promise<readonly DiskTrouble[]> {
    if (this.#doing !== undefined) throw new Error("the disk has other tasks");
    const doing = Promise.withResolvers<readonly DiskTrouble[]>();
    this.#doing = doing;
    const worker = (this.#worker ??= this.#start());
    worker.ref();
    worker.postMessage(tasks);
    return doing.promise;
  }

  #start(): Worker {
    const worker = new Worker(new URL("./disk-worker.ts", import.meta.url), { execArgv: [] });
    const lost = (error: Error): void => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      this.#end()?.reject(error);
    };
    worker.on("message", (troubles: readonly DiskTrouble[]) => {
      worker.unref();
      this.#end()?.resolve(troubles);
    });
    worker.on("error", lost);
    worker.on("exit", (code) => lost(new Error(`the thread that writes files ended with ${code}`)));
    return worker;
  }

  #end(): PromiseWithResolvers<readonly DiskTrouble[]> | undefined {
    const doing = this.#doing;
    this.#doing = undefined;
    return doing;
  }
}
