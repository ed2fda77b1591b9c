import type { Blocks } from "./blocks.ts";

const nothing = new Uint8Array(0);

/** Audio addressed by position in bytes: written at its end, forgotten from its beginning, held in blocks. */
export class Stretch {
  readonly #memory: Blocks;
  readonly #blockBytes: number;
  /** Filled one after the other. */
  readonly #blocks: Uint8Array[] = [];
  /** Position of the first byte of the first block. */
  #start: number;
  #end: number;
  /** The block that is written to, and its first byte's position. */
  #tail: Uint8Array = nothing;
  #tailFrom = 0;

  /** `from`: the position of the first byte that comes. */
  constructor(memory: Blocks, from: number) {
    this.#memory = memory;
    this.#blockBytes = memory.bytes;
    this.#start = this.#end = from;
  }

  /** Position of the oldest byte held. */
  get start(): number {
    return this.#start;
  }

  /** Position of the next byte to come. */
  get end(): number {
    return this.#end;
  }

  /** Copies: audio that comes in pieces of a few bytes would keep alive whatever shares their memory, for as long as it is held. */
  write(bytes: Uint8Array): void {
    const at = this.#end - this.#tailFrom;
    if (at + bytes.length > this.#tail.length) return this.#writeOver(bytes);
    this.#tail.set(bytes, at);
    this.#end += bytes.length;
  }

  /** Into the next block. */
  #writeOver(bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length;) {
      const at = this.#end - this.#start;
      const offset = at % this.#blockBytes;
      const length = Math.min(bytes.length - from, this.#blockBytes - offset);
      const isAll = from === 0 && length === bytes.length;
      this.#tail = this.#blocks[Math.floor(at / this.#blockBytes)] ?? this.#another();
      this.#tailFrom = this.#end - offset;
      this.#tail.set(isAll ? bytes : bytes.subarray(from, from + length), offset);
      this.#end += length;
      from += length;
    }
  }

  /** The `length` bytes from `position` on, all of them held; a view where they lie in one block. */
  read(position: number, length: number): Uint8Array {
    const offset = (position - this.#start) % this.#blockBytes;
    if (offset + length > this.#blockBytes) return this.#join(position, length);
    const block = this.#blocks[Math.floor((position - this.#start) / this.#blockBytes)] ?? nothing;
    return block.subarray(offset, offset + length);
  }

  /** The bytes from `position` on, at most `limit` and not beyond the end of a block: a view. */
  view(position: number, limit: number): Uint8Array {
    const offset = (position - this.#start) % this.#blockBytes;
    return this.read(position, Math.min(this.#blockBytes - offset, limit, this.#end - position));
  }

  /** What lies between two positions that are held, in views. */
  views(position: number, end: number): readonly Uint8Array[] {
    const views: Uint8Array[] = [];
    for (let at = position; at < end;) {
      const view = this.view(at, end - at);
      views.push(view);
      at += view.length;
    }
    return views;
  }

  /** Drops blocks that end before `position`. */
  forget(position: number): void {
    while (this.#start + this.#blockBytes <= position) {
      const first = this.#blocks.shift();
      if (first === undefined) return;
      this.#start += this.#blockBytes;
      this.#memory.give(first);
    }
  }

  /** Holds nothing any more; what was read of it is no longer valid. */
  close(): void {
    this.#tail = nothing;
    this.#start = this.#end;
    for (const block of this.#blocks.splice(0)) this.#memory.give(block);
  }

  #join(position: number, length: number): Uint8Array {
    const joined = new Uint8Array(length);
    for (let filled = 0; filled < length;) {
      const part = this.view(position + filled, length - filled);
      joined.set(part, filled);
      filled += part.length;
    }
    return joined;
  }

  #another(): Uint8Array {
    const block = this.#memory.take();
    this.#blocks.push(block);
    return block;
  }
}
