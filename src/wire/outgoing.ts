import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { headerBefore, longestShortHeader, mask, maskedTextFrame, textFrame } from "./frames.ts";

const poolBytes = 32_768;
/** Longer texts get memory of their own. */
const longestText = 4_096;
/** In UTF-8, of what JavaScript counts as one. */
const mostBytesOfCharacter = 3;

/**
 * Texts on their way out, of all connections: written as frames into one piece of memory, which is used again as soon as the system has
 * taken the frame. It almost always does so at once; a frame that waits keeps its place, and what would queue up behind it gets memory of
 * its own.
 */
export class OutgoingTexts {
  #pool = Buffer.allocUnsafeSlow(poolBytes);
  /** Where there is room for the longest of them. */
  #at = 0;
  /** The frames there may be, by where they begin and end: most are as long as one before. */
  #views: Buffer[][] = [];

  /** Sends `text` as one frame over a connection that was upgraded. */
  send(stream: Duplex, text: string, isMasked: boolean): void {
    if (text.length > longestText || stream.writableLength > 0) {
      stream.write(isMasked ? maskedTextFrame(text) : textFrame(text));
      return;
    }
    const frame = this.#frame(text, isMasked);
    stream.write(frame);
    // Only of the system's own sockets it is known that what does not wait was taken.
    if (stream.writableLength > 0 || !(stream instanceof Socket)) this.#moveOn(frame);
  }

  #frame(text: string, isMasked: boolean): Buffer {
    const payloadAt = this.#at + longestShortHeader;
    const end = payloadAt + this.#pool.write(text, payloadAt, "utf8");
    const from = headerBefore(this.#pool, payloadAt, end, isMasked);
    if (isMasked) mask(this.#pool, payloadAt, end);
    const views = (this.#views[from - this.#at] ??= []);
    return (views[end - payloadAt] ??= this.#pool.subarray(from, end));
  }

  #moveOn(frame: Buffer): void {
    this.#at = frame.byteOffset + frame.length;
    this.#views = [];
    if (this.#at + longestShortHeader + longestText * mostBytesOfCharacter <= poolBytes) return;
    this.#pool = Buffer.allocUnsafeSlow(poolBytes);
    this.#at = 0;
  }
}
