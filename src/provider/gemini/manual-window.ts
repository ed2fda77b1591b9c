import { bytesOf, msOf } from "../../audio/encodings.ts";

const encoding = "pcm16@16000";
/** Audio kept while nobody seems to speak: a turn may have been too quiet to be noticed. */
const keptMs = 10_000;
/** So much from before the first loud sound goes along with it. */
const leadMs = 500;

/**
 * The window in which the service listens when turns are ended by hand. What lies outside is thrown away there, and opening it cuts
 * the model short; so it opens when somebody speaks, and is given what was said just before.
 */
export class ManualWindow {
  readonly #send: (frame: Uint8Array) => void;
  readonly #mark: (edge: "start" | "end") => void;
  #open = false;
  #kept: Uint8Array[] = [];
  #keptBytes = 0;

  constructor(send: (frame: Uint8Array) => void, mark: (edge: "start" | "end") => void) {
    [this.#send, this.#mark] = [send, mark];
  }

  get isOpen(): boolean {
    return this.#open;
  }

  hear(frame: Uint8Array): void {
    if (this.#open) return this.#send(frame);
    this.#kept.push(frame.slice());
    this.#keptBytes += frame.length;
    for (let oldest = this.#kept[0]; oldest !== undefined && this.#keptBytes > bytesOf(keptMs, encoding); oldest = this.#kept[0]) {
      this.#kept.shift();
      this.#keptBytes -= oldest.length;
    }
  }

  /** Somebody has been speaking for the last `sinceMs`. */
  spoke(sinceMs: number): void {
    if (!this.#open) this.#openFrom(bytesOf(sinceMs + leadMs, encoding));
  }

  /** Ends the turn; false when nothing at all was heard for it. */
  commit(): boolean {
    if (!this.#open && this.#keptBytes === 0) return false;
    if (!this.#open) this.#openFrom(this.#keptBytes);
    this.#open = false;
    this.#mark("end");
    return true;
  }

  /** How much is kept and not sent, ms. */
  get keptMs(): number {
    return msOf(this.#keptBytes, encoding);
  }

  #openFrom(lastBytes: number): void {
    this.#open = true;
    this.#mark("start");
    let skip = Math.max(0, this.#keptBytes - lastBytes);
    for (const frame of this.#kept) {
      const from = Math.min(skip, frame.length);
      skip -= from;
      if (from < frame.length) this.#send(frame.subarray(from));
    }
    this.#kept = [];
    this.#keptBytes = 0;
  }
}
