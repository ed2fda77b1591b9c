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

/** What the thread is given: each text stands in `memory` after the one before, and is read before anything is answered. */
export interface DiskOrder {
  readonly memory: SharedArrayBuffer;
  readonly tasks: readonly { readonly path: string; readonly pieces: readonly Piece[] | undefined }[];
}

interface Piece {
  readonly bytes: number;
  /** To be written in base64. */
  readonly isAudio: boolean;
}

export interface DiskTrouble {
  readonly doing: "writing" | "removing";
  readonly error: Error;
}

/** Memory that both threads see is kept for the next tasks; more is asked for as it is needed, and given back. */
const keptBytes = 1_048_576;
/** In UTF-8, of what JavaScript counts as one. */
const mostBytesOfCharacter = 3;

/**
 * Writes small texts to files in a thread of its own: there a file costs half the processor time that it does on the event loop, and a slow disk
 * holds up nobody. The texts go there through memory of both: a copy of each would be garbage of tens of kilobytes here and there. The thread
 * begins with the first task and keeps no process alive while it has none.
 */
export class Disk {
  #worker: Worker | undefined;
  readonly #memory = new SharedArrayBuffer(keptBytes);
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
    worker.postMessage(this.#orderOf(tasks));
    return doing.promise;
  }

  #orderOf(tasks: readonly DiskTask[]): DiskOrder {
    const needed = tasks.reduce((sum, { text = [] }) => text.reduce((bytes, piece) => bytes + mostBytesOf(piece), sum), 0);
    const shared = needed > keptBytes ? new SharedArrayBuffer(needed) : this.#memory;
    const memory = Buffer.from(shared);
    let at = 0;
    const put = (piece: string | Uint8Array): Piece => {
      const isAudio = typeof piece !== "string";
      if (isAudio) memory.set(piece, at);
      const bytes = isAudio ? piece.length : memory.write(piece, at, "utf8");
      at += bytes;
      return { bytes, isAudio };
    };
    return { memory: shared, tasks: tasks.map(({ path, text }) => ({ path, pieces: text?.map(put) })) };
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

const mostBytesOf = (piece: string | Uint8Array): number => piece.length * (typeof piece === "string" ? mostBytesOfCharacter : 1);
