import { encodings, type Encoding } from "../audio/encodings.ts";

const highWaterBytes = 256 * 1024;
const highWaterMs = 2_000;
const slowLimitMs = 10_000;
/** Text dialects wrap their audio in base64 and JSON. */
const wireOverhead = 1.5;
/** At so much the caller is given up, whatever it is that waits. */
export const overflowBytes = 1024 * 1024;

/** How far a peer may fall behind in reading, and since when it is too far. */
export class Backlog {
  /** Above this nothing new is sent. */
  highWaterBytes = highWaterBytes;
  /** The peer has said that its own buffer is full. */
  isPeerFull = false;
  #slowSinceMs: number | undefined;

  /** What waits is `downlink` from now on, of which no more than two seconds may. */
  carry(downlink: Encoding): void {
    this.highWaterBytes = Math.min(highWaterBytes, highWaterMs * encodings[downlink].bytesPerMs * wireOverhead);
  }

  /** Why the caller is to be given up; undefined as long as there is hope. */
  verdict(waitingBytes: number, nowMs: number): string | undefined {
    if (waitingBytes <= this.highWaterBytes) this.#slowSinceMs = undefined;
    else if (this.#slowSinceMs === undefined) this.#slowSinceMs = nowMs;
    else if (nowMs - this.#slowSinceMs >= slowLimitMs) return `nothing was read for ${slowLimitMs} ms`;
    return undefined;
  }
}
