import { performance } from "node:perf_hooks";
import { setTimeout as wait } from "node:timers/promises";
import type { Books } from "./books.ts";
import { Phone } from "./phone.ts";
import type { Beats, Pulse } from "./pulse.ts";
import type { Subject } from "./subjects.ts";

/** Fewer than a server takes of one carrier at most, 50: more would measure that limit. */
const callsPerSecond = 40;

/** The calls that a subject has just now. */
export class Load {
  readonly subject: Subject;
  readonly books: Books;
  readonly pulse: Pulse;
  readonly #beats: Beats;
  readonly #phones: Phone[] = [];
  #grownMs = 0;

  /** `beats`: those of the pulse in which its callers speak. */
  constructor(subject: Subject, books: Books, pulse: Pulse, beats: Beats = pulse) {
    [this.subject, this.books, this.pulse, this.#beats] = [subject, books, pulse, beats];
  }

  get calls(): number {
    return this.#phones.length;
  }

  get lostCalls(): number {
    return this.#phones.filter((phone) => phone.lost).length;
  }

  /** For how long nobody has called any more, ms. */
  get settledMs(): number {
    return performance.now() - this.#grownMs;
  }

  /**
   * Ends when so many calls are there; they come at an even pace.
   * @throws {Error} the subject refuses one; those before it stay.
   */
  async grow(calls: number): Promise<void> {
    const [startMs, from] = [performance.now(), this.calls];
    while (this.calls < calls) {
      this.#phones.push(await Phone.call(this.subject, this.books.add(), this.books, this.#beats));
      const dueMs = startMs + ((this.calls - from) * 1_000) / callsPerSecond;
      await wait(Math.max(0, dueMs - performance.now()));
      this.#grownMs = performance.now();
    }
  }

  /** The last that came go, until so many are left. */
  shrink(calls: number): void {
    for (const phone of this.#phones.splice(calls)) phone.leave();
  }

  hangUp(): void {
    for (const phone of this.#phones) phone.hangUp();
  }
}
