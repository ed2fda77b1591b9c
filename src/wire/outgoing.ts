import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { base64LengthOf, writeBase64 } from "./base64.ts";
import type { Envelope } from "./envelope.ts";
import { headerBefore, longestShortHeader, mask, maskedTextFrame, textFrame } from "./frames.ts";

const poolBytes = 32_768;
/** Longer texts get memory of their own, bytes. */
const longestText = 12_288;
/** In UTF-8, of what JavaScript counts as one. */
const mostBytesOfCharacter = 3;

/**
 * Texts on their way out, of all connections: written as frames into one piece of memory, which is used again as soon as the system has
 * taken the frame. It almost always does so at once; a frame that waits keeps its place, until it is gone.
 */
export class OutgoingTexts {
  #pool = Buffer.allocUnsafeSlow(poolBytes);
  /** Where there is room for the longest of them. */
  #at = 0;
  /** The frames there may be, by where they begin and end: most are as long as one before. */
  #views: Buffer[][] = [];

  /** Sends `text` as one frame over a connection that was upgraded. */
  send(stream: Duplex, text: string, isMasked: boolean): void {
    if (text.length * mostBytesOfCharacter > longestText) {
      stream.write(isMasked ? maskedTextFrame(text) : textFrame(text));
      return;
    }
    const payloadAt = this.#at + longestShortHeader;
    this.#send(stream, payloadAt, payloadAt + this.#pool.write(text, payloadAt, "utf8"), isMasked);
  }

  /** The same of `audio` in its envelope; no string is made of it. */
  sendEnveloped(stream: Duplex, envelope: Envelope, audio: Uint8Array, isMasked: boolean): void {
    const base64Bytes = base64LengthOf(audio.length);
    const { head, tail } = envelope;
    if (head.length + base64Bytes + tail.length > longestText) return this.send(stream, envelope.around(audio), isMasked);
    const payloadAt = this.#at + longestShortHeader;
    const base64At = payloadAt + head.length;
    const tailAt = base64At + base64Bytes;
    this.#pool.set(head, payloadAt);
    writeBase64(audio, this.#pool, base64At);
    this.#pool.set(tail, tailAt);
    this.#send(stream, payloadAt, tailAt + tail.length, isMasked);
  }

  /** What stands in the pool from `payloadAt` to `end`. */
  #send(stream: Duplex, payloadAt: number, end: number, isMasked: boolean): void {
    const from = headerBefore(this.#pool, payloadAt, end, isMasked);
    if (isMasked) mask(this.#pool, payloadAt, end);
    const views = (this.#views[from - this.#at] ??= []);
    const frame = (views[end - payloadAt] ??= this.#pool.subarray(from, end));
    stream.write(frame);
    // Only of the system's own sockets it is known that what does not wait was taken.
    if (stream.writableLength > 0 || !(stream instanceof Socket)) this.#moveOn(end);
  }

  #moveOn(end: number): void {
    this.#at = end + (-end & 3);
    this.#views = [];
    if (this.#at + longestShortHeader + longestText <= poolBytes) return;
    this.#pool = Buffer.allocUnsafeSlow(poolBytes);
    this.#at = 0;
  }
}
