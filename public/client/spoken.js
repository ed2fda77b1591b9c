const frameMs = 20;
/** Ten seconds. */
const keptFrames = 500;

/**
 * What the caller said, in frames of 20 ms: the last ten seconds, and from where on the server has not got it. A connection takes what
 * is waiting; when it breaks, the server says how much arrived, and the rest waits again.
 */
export class Spoken {
  /** Frame `n` lies in slot `n % keptFrames`. @type {ArrayBuffer[]} */
  #slots = [];
  #end = 0;
  #next = 0;
  /** Where frame 0 lies in the call's count of caller audio, ms; undefined before the server has told. @type {number | undefined} */
  #originMs;
  /** Frames before this one that were lost are counted. */
  #countedTo = 0;
  /** Frames that were pushed out before the server had them. */
  lostFrames = 0;

  /** @param {ArrayBuffer} frame */
  push(frame) {
    this.#slots[this.#end % keptFrames] = frame;
    this.#end += 1;
    this.#skipTo(this.#end - keptFrames);
  }

  /**
   * A new connection: all that comes after `receivedMs` of the call is waiting, as far as it is kept.
   * @param {number} receivedMs
   */
  rewind(receivedMs) {
    this.#originMs ??= receivedMs;
    this.#next = Math.max(0, Math.min(this.#end, Math.round((receivedMs - this.#originMs) / frameMs)));
    this.#skipTo(this.#end - keptFrames);
  }

  get waiting() {
    return this.#end - this.#next;
  }

  /** The oldest frame that waits; it is kept, so do not give it away. */
  take() {
    const frame = this.#slots[this.#next % keptFrames] ?? new ArrayBuffer(0);
    this.#next += 1;
    return frame;
  }

  /** @param {number} oldest */
  #skipTo(oldest) {
    if (this.#next >= oldest) return;
    this.lostFrames += oldest - Math.max(this.#next, this.#countedTo);
    this.#countedTo = oldest;
    this.#next = oldest;
  }
}
