/** One text as it is to be: in pieces, of which bytes are written in base64, those that follow each other as one. Undefined: it is to be gone. */
export type Text = readonly (string | Uint8Array)[] | undefined;

/** What is to be done about one file: `pieces` stand in the page's memory from `from` on. Undefined: it is to be gone. */
export interface PageTask {
  readonly path: string;
  readonly from: number;
  readonly pieces: readonly Piece[] | undefined;
}

export interface Piece {
  bytes: number;
  /** To be written in base64. */
  readonly isAudio: boolean;
}

/** A page begins with so much memory, grows to what is asked of it, and keeps no more. */
const keptBytes = 1_048_576;
/** In UTF-8, of what JavaScript counts as one. */
const mostBytesOfCharacter = 3;

/** Texts for files, in memory that two threads see: a copy of each would be garbage of tens of kilobytes in both. */
export class Page {
  #memory = Buffer.from(new SharedArrayBuffer(keptBytes));
  #end = 0;
  readonly #tasks = new Map<string, PageTask>();

  get isEmpty(): boolean {
    return this.#tasks.size === 0;
  }

  get memory(): SharedArrayBuffer {
    return this.#memory.buffer;
  }

  /** One for each file. */
  get tasks(): readonly PageTask[] {
    return [...this.#tasks.values()];
  }

  /** Copies what is to stand at `path`; what was to stand there before is not wanted any more. */
  put(path: string, text: Text): void {
    this.#tasks.delete(path);
    this.#makeRoom((text ?? []).reduce((sum, piece) => sum + mostBytesOf(piece), 0));
    const from = this.#end;
    this.#tasks.set(path, { path, from, pieces: text && this.#copied(text) });
  }

  /** Everything on it was done. */
  clear(): void {
    this.#tasks.clear();
    this.#end = 0;
    if (this.#memory.length > keptBytes) this.#memory = Buffer.from(new SharedArrayBuffer(keptBytes));
  }

  #copied(text: NonNullable<Text>): readonly Piece[] {
    const pieces: Piece[] = [];
    for (const piece of text) {
      const isAudio = typeof piece !== "string";
      if (isAudio) this.#memory.set(piece, this.#end);
      const bytes = isAudio ? piece.length : this.#memory.write(piece, this.#end, "utf8");
      this.#end += bytes;
      const last = pieces.at(-1);
      if (last?.isAudio === isAudio) last.bytes += bytes;
      else pieces.push({ bytes, isAudio });
    }
    return pieces;
  }

  /** What is not wanted any more goes first: while a disk hangs, each file's text takes its place once. */
  #makeRoom(bytes: number): void {
    if (this.#end + bytes <= this.#memory.length) return;
    const wanted = this.tasks.reduce((sum, task) => sum + bytesOf(task), bytes);
    const next = Buffer.from(new SharedArrayBuffer(Math.max(keptBytes, 2 * wanted)));
    let end = 0;
    for (const task of this.tasks) {
      this.#memory.copy(next, end, task.from, task.from + bytesOf(task));
      this.#tasks.set(task.path, { ...task, from: end });
      end += bytesOf(task);
    }
    this.#memory = next;
    this.#end = end;
  }
}

const bytesOf = ({ pieces = [] }: PageTask): number => pieces.reduce((sum, { bytes }) => sum + bytes, 0);

const mostBytesOf = (piece: string | Uint8Array): number => piece.length * (typeof piece === "string" ? mostBytesOfCharacter : 1);
