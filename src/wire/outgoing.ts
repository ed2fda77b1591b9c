import { base64LengthOf, writeBase64 } from "./base64.ts";
import type { Envelope } from "./envelope.ts";
import { headerBefore, longestShortHeader, mask, maskedTextFrame, textFrame } from "./frames.ts";

const poolBytes = 32_768;
/** Longer texts get memory of their own, bytes. */
const longestText = 12_288;
/** In UTF-8, of what JavaScript counts as one. */
const mostBytesOfCharacter = 3;

/**
 * The frames of texts on their way out, of all connections: written into one piece of memory, which is used again for the next, as the system
 * almost always takes a frame at once. One that it does not take keeps its place.
 */
export class OutgoingTexts {
  #pool = Buffer.allocUnsafeSlow(poolBytes);
  /** Where there is room for the longest of them. */
  #at = 0;
  /** Where the last one ends. */
  #end = 0;
  /** The frames there may be, by where they begin and end: most are as long as one before. */
  #views: Buffer[][] = [];

  /** `text` as one frame; valid until the next, unless it is moved on before that. */
  frameOf(text: string, isMasked: boolean): Buffer {
    if (text.length * mostBytesOfCharacter > longestText) return isMasked ? maskedTextFrame(text) : textFrame(text);
    const payloadAt = this.#at + longestShortHeader;
    return this.#frame(payloadAt, payloadAt + this.#pool.write(text, payloadAt, "utf8"), isMasked);
  }

  /** The same of `audio` in its envelope; no string is made of it. */
  frameAround(envelope: Envelope, audio: Uint8Array, isMasked: boolean): Buffer {
    const base64Bytes = base64LengthOf(audio.length);
    const { head, tail } = envelope;
    if (head.length + base64Bytes + tail.length > longestText) return this.frameOf(envelope.around(audio), isMasked);
    const payloadAt = this.#at + longestShortHeader;
    const base64At = payloadAt + head.length;
    const tailAt = base64At + base64Bytes;
    this.#pool.set(head, payloadAt);
    writeBase64(audio, this.#pool, base64At);
    this.#pool.set(tail, tailAt);
    return this.#frame(payloadAt, tailAt + tail.length, isMasked);
  }

  /** The last frame waits: it keeps its place. */
  moveOn(): void {
    this.#at = this.#end + (-this.#end & 3);
    this.#views = [];
    if (this.#at + longestShortHeader + longestText <= poolBytes) return;
    this.#pool = Buffer.allocUnsafeSlow(poolBytes);
    this.#at = this.#end = 0;
  }

  /** What stands in the pool from `payloadAt` to `end`. */
  #frame(payloadAt: number, end: number, isMasked: boolean): Buffer {
    const from = headerBefore(this.#pool, payloadAt, end, isMasked);
    if (isMasked) mask(this.#pool, payloadAt, end);
    this.#end = end;
    const views = (this.#views[from - this.#at] ??= []);
    return (views[end - payloadAt] ??= this.#pool.subarray(from, end));
  }
}
