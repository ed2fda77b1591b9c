import { blocksFor, type Blocks } from "./blocks.ts";
import { bytesOf, type Encoding } from "./encodings.ts";
import { Stretch } from "./stretch.ts";

export interface RingShape {
  readonly encoding: Encoding;
  readonly chunkMs: number;
  /** Chunks that are always kept. */
  readonly chunks: number;
  /** Up to how far back audio is kept that is still needed, ms. */
  readonly longestMs: number;
}

/**
 * The last stretch of uplink audio, addressed by absolute byte position since the call began. It keeps `chunks` chunks; older audio that
 * is still needed moves out of the ring into blocks, up to `longestMs` in all, until it is not.
 */
export class Ring {
  readonly chunkBytes: number;
  readonly #longestBytes: number;
  readonly #store: Uint8Array;
  readonly #memory: Blocks;
  /** What came before the store's oldest byte, and is needed. */
  #past: Stretch | undefined;
  #end = 0;
  #start = 0;

  constructor(shape: RingShape) {
    this.chunkBytes = bytesOf(shape.chunkMs, shape.encoding);
    this.#store = new Uint8Array(this.chunkBytes * shape.chunks);
    this.#longestBytes = Math.max(this.#store.length, bytesOf(shape.longestMs, shape.encoding));
    this.#memory = blocksFor(shape.encoding);
  }

  /** Position of the oldest byte kept. */
  get start(): number {
    return this.#start;
  }

  /** Position of the next byte to come. */
  get end(): number {
    return this.#end;
  }

  /** Appends; audio from `neededFrom` on is kept as long as there is room for it, older audio goes first. */
  push(bytes: Uint8Array, neededFrom: number): void {
    const size = this.#store.length;
    if (bytes.length > size) {
      for (let from = 0; from < bytes.length; from += size) this.push(bytes.subarray(from, from + size), neededFrom);
      return;
    }
    const end = this.#end + bytes.length;
    const keptFrom = Math.min(end - size, Math.max(neededFrom, end - this.#longestBytes));
    if (keptFrom < end - size || this.#past !== undefined) this.#move(end - size, keptFrom);
    const at = this.#end % size;
    const first = Math.min(bytes.length, size - at);
    if (first === bytes.length) this.#store.set(bytes, at);
    else {
      this.#store.set(bytes.subarray(0, first), at);
      this.#store.set(bytes.subarray(first), 0);
    }
    this.#end = end;
    this.#start = Math.max(this.#start, keptFrom);
  }

  /** The audio from `from`, at most `limit` bytes and not beyond a seam of the memory: a view, valid until the next push. */
  view(from: number, limit: number): Uint8Array {
    const past = this.#past;
    if (past !== undefined && from < past.end) return past.view(from, limit);
    const at = from % this.#store.length;
    return this.#store.subarray(at, Math.min(at + limit, at + this.#end - from, this.#store.length));
  }

  /** What lies before `to` is about to leave the store; from `keptFrom` on it is needed. */
  #move(to: number, keptFrom: number): void {
    if (keptFrom >= to) {
      this.#past?.close();
      this.#past = undefined;
      return;
    }
    this.#past ??= new Stretch(this.#memory, this.#start);
    const past = this.#past;
    while (past.end < to) past.write(this.view(past.end, to - past.end));
    past.forget(keptFrom);
  }
}
