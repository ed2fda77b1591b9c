/**
 * Memory for audio in blocks of one length, used again: what is held for seconds and then dropped is dear to collect. One for all calls
 * with blocks of that length, because while one agent speaks another listens; what an earlier turn left in a block is never read, but
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
/** Blocks that are kept while nobody speaks. */
const mostSpare = 2_048;

export function blocksOf(bytes: number): Blocks {
  const known = shared.get(bytes);
  if (known !== undefined) return known;
  const blocks = new Blocks(bytes, mostSpare);
  shared.set(bytes, blocks);
  return blocks;
}

const nothing = new Uint8Array(0);

/** The audio of one agent turn: what came, what was sent, what was heard. It is held until it was heard for sure. */
export class TurnAudio {
  readonly turnId: string;
  /** All of it was written. */
  complete = false;
  /** Some of it went out to the caller. */
  begun = false;
  sentBytes = 0;
  writtenBytes = 0;
  /** When its sent audio will have been played, on the pacing clock. */
  playsUntilMs = 0;
  markedMs = 0;
  /** Where in the turn the present leg began to play it, bytes; a player counts from there. */
  legFrom = 0;
  /** What the player said last, and when. */
  reported: { readonly ms: number; readonly atMs: number } | undefined;
  readonly #memory: Blocks;
  /** Filled one after the other. */
  readonly #blocks: Uint8Array[] = [];
  /** Position of the first byte of the first block. */
  #base: number;
  /** The block that is written to, and its first byte's position. */
  #tail: Uint8Array = nothing;
  #tailFrom = 0;
  readonly #blockBytes: number;

  /** `from`: where in the turn its audio begins, bytes; what is before was heard on an earlier node. */
  constructor(turnId: string, memory: Blocks, from = 0) {
    this.turnId = turnId;
    this.#memory = memory;
    this.#blockBytes = memory.bytes;
    this.#base = this.sentBytes = this.writtenBytes = this.legFrom = from;
  }

  get unsentBytes(): number {
    return this.writtenBytes - this.sentBytes;
  }

  /** Copies: audio that comes in pieces of a few bytes would keep alive whatever shares their memory, for as long as it is held. */
  write(bytes: Uint8Array): void {
    const at = this.writtenBytes - this.#tailFrom;
    if (at + bytes.length <= this.#tail.length) {
      this.#tail.set(bytes, at);
      this.writtenBytes += bytes.length;
      return;
    }
    this.#writeOver(bytes);
  }

  /** Into the next block. */
  #writeOver(bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length;) {
      const at = this.writtenBytes - this.#base;
      const offset = at % this.#memory.bytes;
      const length = Math.min(bytes.length - from, this.#memory.bytes - offset);
      const isAll = from === 0 && length === bytes.length;
      this.#tail = this.#block(Math.floor(at / this.#memory.bytes));
      this.#tailFrom = this.writtenBytes - offset;
      this.#tail.set(isAll ? bytes : bytes.subarray(from, from + length), offset);
      this.writtenBytes += length;
      from += length;
    }
  }

  report(ms: number, atMs: number): void {
    if (this.reported !== undefined && ms < this.reported.ms) return;
    this.reported = { ms, atMs };
  }

  /**
   * The next `bytes` to send; fewer only at the end of a complete turn; undefined when there is not enough yet. `fresh`: what was written
   * last; where it is all that is to be sent it is taken itself, and no view of it is made. Valid until they are forgotten, or `fresh` is.
   */
  take(bytes: number, fresh: Uint8Array): Uint8Array | undefined {
    const unsent = this.unsentBytes;
    const length = Math.min(bytes, unsent);
    if (length === 0 || (length < bytes && !this.complete)) return undefined;
    const frame = length === unsent && length === fresh.length ? fresh : this.#read(this.sentBytes, length);
    this.sentBytes += length;
    return frame;
  }

  /** The last `bytes` that were sent, as far as they are held. */
  sent(bytes: number): Uint8Array {
    const from = Math.max(this.#base, this.sentBytes - bytes);
    return this.#blocks.length === 0 ? nothing : this.#read(from, this.sentBytes - from);
  }

  /** Go back: what lies after `position` is to be sent again, as far as it is still held. */
  rewind(position: number): void {
    const whole = position - (position % 2);
    this.sentBytes = Math.min(this.sentBytes, Math.max(this.#base, whole));
    this.playsUntilMs = 0;
    this.markedMs = 0;
    this.reported = undefined;
  }

  /** The next audio to send is what lies after `position`, as far as it is held. */
  seek(position: number): void {
    const whole = Math.min(position - (position % 2), this.writtenBytes);
    this.sentBytes = Math.max(this.#base, whole);
  }

  /** What lies after `position`, as far as it is held, in views. */
  viewsFrom(position: number): readonly Uint8Array[] {
    const views: Uint8Array[] = [];
    for (let at = Math.max(this.#base, position - (position % 2)); at < this.writtenBytes;) {
      const offset = (at - this.#base) % this.#blockBytes;
      const length = Math.min(this.#blockBytes - offset, this.writtenBytes - at);
      views.push(this.#read(at, length));
      at += length;
    }
    return views;
  }

  /** Drops blocks that end before `position`. */
  forget(position: number): void {
    while (this.#base + this.#blockBytes <= position) {
      const first = this.#blocks.shift();
      if (first === undefined) return;
      this.#base += this.#memory.bytes;
      this.#memory.give(first);
    }
  }

  /** The turn is over: none of its audio is read any more. */
  close(): void {
    this.#tail = nothing;
    for (const block of this.#blocks.splice(0)) this.#memory.give(block);
  }

  #read(position: number, length: number): Uint8Array {
    const offset = (position - this.#base) % this.#memory.bytes;
    if (offset + length > this.#memory.bytes) return this.#join(position, length);
    return this.#block(Math.floor((position - this.#base) / this.#memory.bytes)).subarray(offset, offset + length);
  }

  #join(position: number, length: number): Uint8Array {
    const joined = new Uint8Array(length);
    for (let filled = 0; filled < length;) {
      const at = position + filled - this.#base;
      const offset = at % this.#memory.bytes;
      const part = this.#block(Math.floor(at / this.#memory.bytes)).subarray(offset, offset + length - filled);
      joined.set(part, filled);
      filled += part.length;
    }
    return joined;
  }

  #block(index: number): Uint8Array {
    return (this.#blocks[index] ??= this.#memory.take());
  }
}
