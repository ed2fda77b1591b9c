import type { Blocks } from "./blocks.ts";
import { Stretch } from "./stretch.ts";

const nothing = new Uint8Array(0);

/** The audio of one agent turn: what came, what was sent, what was heard. It is held until it was heard for sure. */
export class TurnAudio {
  readonly turnId: string;
  /** All of it was written. */
  complete = false;
  /** Some of it went out to the caller. */
  begun = false;
  sentBytes = 0;
  /** When its sent audio will have been played, on the pacing clock. */
  playsUntilMs = 0;
  markedMs = 0;
  /** Where in the turn the present leg began to play it, bytes; a player counts from there. */
  legFrom = 0;
  /** What the player said last, and when. */
  reported: { readonly ms: number; readonly atMs: number } | undefined;
  readonly #audio: Stretch;

  /** `from`: where in the turn its audio begins, bytes; what is before was heard on an earlier node. */
  constructor(turnId: string, memory: Blocks, from = 0) {
    this.turnId = turnId;
    this.#audio = new Stretch(memory, from);
    this.sentBytes = this.legFrom = from;
  }

  get writtenBytes(): number {
    return this.#audio.end;
  }

  get unsentBytes(): number {
    return this.writtenBytes - this.sentBytes;
  }

  /** The bytes are copied. */
  write(bytes: Uint8Array): void {
    this.#audio.write(bytes);
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
    const frame = length === unsent && length === fresh.length ? fresh : this.#audio.read(this.sentBytes, length);
    this.sentBytes += length;
    return frame;
  }

  /** The last `bytes` that were sent, as far as they are held. */
  sent(bytes: number): Uint8Array {
    const from = Math.max(this.#audio.start, this.sentBytes - bytes);
    return from < this.sentBytes ? this.#audio.read(from, this.sentBytes - from) : nothing;
  }

  /** Go back: what lies after `position` is to be sent again, as far as it is still held. */
  rewind(position: number): void {
    const whole = position - (position % 2);
    this.sentBytes = Math.min(this.sentBytes, Math.max(this.#audio.start, whole));
    this.playsUntilMs = 0;
    this.markedMs = 0;
    this.reported = undefined;
  }

  /** The next audio to send is what lies after `position`, as far as it is held. */
  seek(position: number): void {
    const whole = Math.min(position - (position % 2), this.writtenBytes);
    this.sentBytes = Math.max(this.#audio.start, whole);
  }

  /** What lies after `position`, as far as it is held, in views. */
  viewsFrom(position: number): readonly Uint8Array[] {
    return this.#audio.views(Math.max(this.#audio.start, position - (position % 2)), this.#audio.end);
  }

  /** Drops what it holds before `position`, as far as that frees memory. */
  forget(position: number): void {
    this.#audio.forget(position);
  }

  /** The turn is over: none of its audio is read any more. */
  close(): void {
    this.#audio.close();
  }
}
