/** The audio of one agent turn: what came, what was sent, what was heard. Pieces stay until they were heard for sure. */
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
  readonly #pieces: Uint8Array[] = [];
  /** Position of the first byte of the first piece. */
  #base = 0;
  /** The piece that was read last, and the position of its first byte: the next read begins there. */
  #lastRead = 0;
  #lastReadAt = 0;

  /** `from`: where in the turn its audio begins, bytes; what is before was heard on an earlier node. */
  constructor(turnId: string, from = 0) {
    this.turnId = turnId;
    this.#base = this.#lastReadAt = this.sentBytes = this.writtenBytes = this.legFrom = from;
  }

  get unsentBytes(): number {
    return this.writtenBytes - this.sentBytes;
  }

  write(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#pieces.push(bytes);
    this.writtenBytes += bytes.length;
  }

  report(ms: number, atMs: number): void {
    if (this.reported !== undefined && ms < this.reported.ms) return;
    this.reported = { ms, atMs };
  }

  /** The next `bytes` to send; fewer only at the end of a complete turn; undefined when there is not enough yet. */
  take(bytes: number): Uint8Array | undefined {
    const length = Math.min(bytes, this.unsentBytes);
    if (length === 0 || (length < bytes && !this.complete)) return undefined;
    const frame = this.#read(this.sentBytes, length);
    this.sentBytes += length;
    return frame;
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

  /** A copy of what lies after `position`, as far as it is held. */
  copyFrom(position: number): Uint8Array {
    const from = Math.max(this.#base, position - (position % 2));
    return this.#join(0, from - this.#base, Math.max(0, this.writtenBytes - from));
  }

  /** Drops pieces that end before `position`. */
  forget(position: number): void {
    for (let first = this.#pieces[0]; first !== undefined && this.#base + first.length <= position; first = this.#pieces[0]) {
      this.#base += first.length;
      this.#pieces.shift();
      this.#lastRead -= 1;
    }
  }

  #read(position: number, length: number): Uint8Array {
    if (this.#lastRead < 0 || position < this.#lastReadAt) [this.#lastRead, this.#lastReadAt] = [0, this.#base];
    for (let piece = this.#pieces[this.#lastRead]; piece !== undefined; piece = this.#pieces[this.#lastRead]) {
      const offset = position - this.#lastReadAt;
      if (offset + length <= piece.length) return offset === 0 && length === piece.length ? piece : piece.subarray(offset, offset + length);
      if (offset < piece.length) return this.#join(this.#lastRead, offset, length);
      this.#lastRead += 1;
      this.#lastReadAt += piece.length;
    }
    return new Uint8Array(0);
  }

  #join(index: number, offset: number, length: number): Uint8Array {
    const frame = new Uint8Array(length);
    let filled = 0;
    for (let next = index, from = offset; filled < length; next += 1) {
      const piece = this.#pieces[next];
      if (piece === undefined) break;
      if (from >= piece.length) {
        from -= piece.length;
        continue;
      }
      const part = piece.subarray(from, from + length - filled);
      frame.set(part, filled);
      filled += part.length;
      from = 0;
    }
    return frame;
  }
}
