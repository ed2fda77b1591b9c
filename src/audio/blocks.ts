import { bytesOf, type Encoding } from "./encodings.ts";

/**
 * Memory for audio in blocks of one length, used again: what is held for seconds and then dropped is dear to collect. One for all calls
 * with blocks of that length, because while one agent speaks another listens; what an earlier user left in a block is never read, but
 * written over first.
 */
export class Blocks {
  readonly bytes: number;
  readonly #spare: Uint8Array[] = [];
  readonly #most: number;

  /** @param most blocks that are kept for later */
  constructor(bytes: number, most: number) {
    this.bytes = bytes;
    this.#most = most;
  }

  take(): Uint8Array {
    return this.#spare.pop() ?? new Uint8Array(this.bytes);
  }

  /** Nobody reads it any more. */
  give(block: Uint8Array): void {
    if (this.#spare.length < this.#most) this.#spare.push(block);
  }
}

const shared = new Map<number, Blocks>();
/** So much audio is in one. */
const blockMs = 500;
/** Blocks that are kept while nobody speaks. */
const mostSpare = 2_048;

export function blocksFor(encoding: Encoding): Blocks {
  const bytes = bytesOf(blockMs, encoding);
  const known = shared.get(bytes);
  if (known !== undefined) return known;
  const blocks = new Blocks(bytes, mostSpare);
  shared.set(bytes, blocks);
  return blocks;
}
