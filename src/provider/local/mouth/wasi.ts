// WASI preview 1, as much of it as one command needs that reads its arguments and writes one file.
// Source: "WASI preview 1 witx" of the WebAssembly System Interface project, read 2026-11.

const done = 0;
const badDescriptor = 8;
const notFound = 44;

const rootDirectory = 3;
const outputFile = 4;
const characterDevice = 2;
const directory = 3;
const regularFile = 4;
const mayEverything = 0xffff_ffff_ffff_ffffn;
const mayNotCreate = 0;

/** What a command left behind. `output`: the one file that it wrote; `complaint`: its standard error. */
export interface Run {
  readonly exitCode: number;
  readonly output: Uint8Array<ArrayBuffer>;
  readonly complaint: string;
}

class Exit extends Error {
  readonly code: number;
  constructor(code: number) {
    super(`exit ${code}`);
    this.code = code;
  }
}

/**
 * Runs a command in a fresh instance of `module`, whose whole world is an empty folder "/" in memory: no disk, no network, no environment.
 * @throws WebAssembly.RuntimeError when it traps.
 */
export function runCommand(module: WebAssembly.Module, args: readonly string[]): Run {
  const encoded = args.map((text) => new TextEncoder().encode(`${text}\0`));
  const complaint: string[] = [];
  const output = new MemoryFile();
  const view = (): DataView => new DataView(memory.buffer);
  const bytes = (at: number, length: number): Uint8Array => new Uint8Array(memory.buffer, at, length);

  const imports = {
    args_sizes_get(count: number, size: number): number {
      view().setUint32(count, encoded.length, true);
      view().setUint32(
        size,
        encoded.reduce((sum, arg) => sum + arg.length, 0),
        true,
      );
      return done;
    },
    args_get(pointers: number, buffer: number): number {
      let at = buffer;
      for (const [index, arg] of encoded.entries()) {
        view().setUint32(pointers + 4 * index, at, true);
        bytes(at, arg.length).set(arg);
        at += arg.length;
      }
      return done;
    },
    clock_time_get(_clock: number, _precision: bigint, result: number): number {
      view().setBigUint64(result, BigInt(Math.round(performance.now() * 1e6)), true);
      return done;
    },
    fd_prestat_get(fd: number, result: number): number {
      if (fd !== rootDirectory) return badDescriptor;
      view().setUint32(result, 0, true);
      view().setUint32(result + 4, 1, true);
      return done;
    },
    fd_prestat_dir_name(fd: number, path: number): number {
      if (fd !== rootDirectory) return badDescriptor;
      bytes(path, 1)[0] = 0x2f;
      return done;
    },
    fd_fdstat_get(fd: number, result: number): number {
      if (fd > outputFile) return badDescriptor;
      bytes(result, 24).fill(0);
      view().setUint8(result, fd < rootDirectory ? characterDevice : fd === rootDirectory ? directory : regularFile);
      view().setBigUint64(result + 8, mayEverything, true);
      view().setBigUint64(result + 16, mayEverything, true);
      return done;
    },
    fd_fdstat_set_flags: (): number => done,
    path_open(
      _folder: number,
      _lookup: number,
      _path: number,
      _length: number,
      create: number,
      _r: bigint,
      _i: bigint,
      _f: number,
      result: number,
    ): number {
      if (create === mayNotCreate) return notFound;
      view().setUint32(result, outputFile, true);
      return done;
    },
    fd_read(_fd: number, _vectors: number, _count: number, result: number): number {
      view().setUint32(result, 0, true);
      return done;
    },
    fd_write(fd: number, vectors: number, count: number, result: number): number {
      let written = 0;
      for (let index = 0; index < count; index += 1) {
        const piece = bytes(view().getUint32(vectors + 8 * index, true), view().getUint32(vectors + 8 * index + 4, true));
        if (fd === outputFile) output.write(piece);
        else complaint.push(new TextDecoder().decode(piece.slice()));
        written += piece.length;
      }
      view().setUint32(result, written, true);
      return done;
    },
    fd_seek(fd: number, offset: bigint, from: number, result: number): number {
      if (fd !== outputFile) return badDescriptor;
      view().setBigUint64(result, BigInt(output.seek(Number(offset), from)), true);
      return done;
    },
    fd_close: (): number => done,
    proc_exit(code: number): never {
      throw new Exit(code);
    },
  };

  const { exports } = new WebAssembly.Instance(module, { wasi_snapshot_preview1: imports });
  // Every WASI command exports these two, with these types.
  const memory = exports["memory"] as WebAssembly.Memory;
  const start = exports["_start"] as () => void;
  let exitCode = 0;
  try {
    start();
  } catch (error) {
    if (!(error instanceof Exit)) throw error;
    exitCode = error.code;
  }
  return { exitCode, output: output.content(), complaint: complaint.join("") };
}

class MemoryFile {
  #bytes = new Uint8Array(256 * 1024);
  #length = 0;
  #position = 0;

  write(piece: Uint8Array): void {
    const end = this.#position + piece.length;
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(end, 2 * this.#bytes.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(piece, this.#position);
    this.#position = end;
    this.#length = Math.max(this.#length, end);
  }

  /** `from`: 0 the beginning, 1 here, 2 the end. */
  seek(offset: number, from: number): number {
    const base = from === 0 ? 0 : from === 1 ? this.#position : this.#length;
    this.#position = Math.max(0, base + offset);
    return this.#position;
  }

  content(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }
}
