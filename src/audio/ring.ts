import { bytesOf, type Encoding } from "./encodings.ts";

export interface RingShape {
  readonly encoding: Encoding;
  readonly chunkMs: number;
  /** Chunks that are always kept. */
  readonly chunks: number;
  /** To how much it may grow for audio that is still needed, ms. */
  readonly longestMs: number;
}

/**
 * The last stretch of uplink audio, addressed by absolute byte position since the call began.
 * It keeps `chunks` chunks, grows up to `longestMs` while older audio is needed, and shrinks again.
 */
export class Ring {
  readonly chunkBytes: number;
  readonly #baseBytes: number;
  readonly #longestBytes: number;
  #store: Uint8Array;
  #end = 0;
  #start = 0;

  constructor(shape: RingShape) {
    this.chunkBytes = bytesOf(shape.chunkMs, shape.encoding);
    this.#baseBytes = this.chunkBytes * shape.chunks;
    this.#longestBytes = Math.max(this.#baseBytes, bytesOf(shape.longestMs, shape.encoding));
    this.#store = new Uint8Array(this.#baseBytes);
  }

  /** Position of the oldest byte kept. */
  get start(): number {
    return this.#start;
  }

  /** Position of the next byte to come. */
  get end(): number {
    return this.#end;
  }

  get bytesHeld(): number {
    return this.#store.length;
  }

  /** Appends; audio from `neededFrom` on is kept as long as the ring may grow, older audio goes first. */
  push(bytes: Uint8Array, neededFrom: number): void {
    const needed = this.#end + bytes.length - Math.max(this.#start, Math.min(neededFrom, this.#end));
    if (needed > this.#store.length && this.#store.length < this.#longestBytes) this.#resize(needed);
    else if (this.#store.length > this.#baseBytes && needed <= this.#baseBytes / 2) this.#resize(this.#baseBytes);
    const size = this.#store.length;
    const kept = bytes.length > size ? bytes.subarray(bytes.length - size) : bytes;
    this.#end += bytes.length - kept.length;
    const at = this.#end % size;
    const first = Math.min(kept.length, size - at);
    if (first === kept.length) this.#store.set(kept, at);
    else {
      this.#store.set(kept.subarray(0, first), at);
      this.#store.set(kept.subarray(first), 0);
    }
    this.#end += kept.length;
    this.#start = Math.max(this.#start, this.#end - size);
  }

  /** The audio from `from`, at most `limit` bytes and not beyond a seam of the store: a view, valid until the next push. */
  view(from: number, limit: number): Uint8Array {
    const at = from % this.#store.length;
    return this.#store.subarray(at, Math.min(at + limit, at + this.#end - from, this.#store.length));
  }

  #resize(neededBytes: number): void {
    let size = this.#baseBytes;
    while (size < neededBytes && size < this.#longestBytes) size = Math.min(this.#longestBytes, size * 2);
    const from = Math.max(this.#start, this.#end - size);
    const next = new Uint8Array(size);
    for (let at = from; at < this.#end;) {
      const piece = this.view(at, Math.min(this.#end - at, size - (at % size)));
      next.set(piece, at % size);
      at += piece.length;
    }
    this.#store = next;
    this.#start = from;
  }
}
