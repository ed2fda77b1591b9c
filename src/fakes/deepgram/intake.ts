import { bytesOf, encodings, msOf, type Encoding } from "../../audio/encodings.ts";

const stepMs = 20;
/** Taken at once, before the pace begins to count. */
const burstMs = 400;

/** Takes audio in no faster than the service does: what comes quicker waits, and with it everything that would be said of it. */
export class PacedIntake {
  readonly #encoding: Encoding;
  readonly #pace: number;
  readonly #process: (bytes: Uint8Array) => void;
  #waiting: Uint8Array = new Uint8Array(0);
  #firstAt: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  processedMs = 0;

  constructor(encoding: Encoding, pace: number, process: (bytes: Uint8Array) => void) {
    [this.#encoding, this.#pace, this.#process] = [encoding, pace, process];
  }

  /** Audio that was sent and not taken in yet, ms. */
  get behindMs(): number {
    return msOf(this.#waiting.length, this.#encoding);
  }

  /** Sound that came in half samples is no sound. */
  isWhole(bytes: Uint8Array): boolean {
    return bytes.length % encodings[this.#encoding].bytesPerSample === 0;
  }

  take(bytes: Uint8Array): void {
    this.#firstAt ??= performance.now();
    this.#waiting = Buffer.concat([this.#waiting, bytes]);
    this.#pump();
  }

  /** All that waits, at once. */
  drain(): void {
    const rest = this.#waiting;
    this.#waiting = new Uint8Array(0);
    this.#step(rest);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#waiting = new Uint8Array(0);
  }

  #pump(): void {
    clearTimeout(this.#timer);
    const stepBytes = bytesOf(stepMs, this.#encoding);
    const allowedMs = (performance.now() - (this.#firstAt ?? 0)) * this.#pace + burstMs;
    while (this.#waiting.length > 0 && this.processedMs < allowedMs) {
      const step = this.#waiting.subarray(0, stepBytes);
      this.#waiting = this.#waiting.subarray(stepBytes);
      this.#step(step);
    }
    if (this.#waiting.length > 0) this.#timer = setTimeout(() => this.#pump(), stepMs);
  }

  #step(bytes: Uint8Array): void {
    this.processedMs += msOf(bytes.length, this.#encoding);
    this.#process(bytes);
  }
}
