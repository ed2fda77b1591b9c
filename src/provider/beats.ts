import type { Clock, Timer } from "../kernel/clock.ts";

/** Each is called once in this time. */
export const beatMs = 500;
/** All of them at once would keep audio waiting; so many parts follow each other. */
const parts = 10;

/** One timer for what every link does now and then. It rests when there is no link. */
class Beats {
  readonly #clock: Clock;
  readonly #parts: readonly Set<() => void>[] = Array.from({ length: parts }, () => new Set<() => void>());
  #present = 0;
  #joins = 0;
  #size = 0;
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  join(beat: () => void): Disposable {
    // A function of one's own, so that the same one may join twice.
    const own = (): void => beat();
    const part = this.#parts[this.#joins % parts];
    this.#joins += 1;
    this.#size += 1;
    part?.add(own);
    if (this.#timer === undefined) this.#wait();
    return {
      [Symbol.dispose]: () => {
        if (part?.delete(own) === true) this.#size -= 1;
        if (this.#size > 0) return;
        this.#clock.clearTimeout(this.#timer);
        this.#timer = undefined;
      },
    };
  }

  #wait(): void {
    this.#timer = this.#clock.setTimeout(this.#run, beatMs / parts);
  }

  readonly #run = (): void => {
    this.#present = (this.#present + 1) % parts;
    this.#timer = undefined;
    try {
      for (const beat of this.#parts[this.#present] ?? []) beat();
    } finally {
      // Who joined meanwhile has armed the next one.
      if (this.#size > 0 && this.#timer === undefined) this.#wait();
    }
  };
}

const beatsOf = new WeakMap<Clock, Beats>();

/** Calls `beat` every half a second until disposed; the first time somewhat earlier. */
export function everyBeat(clock: Clock, beat: () => void): Disposable {
  let beats = beatsOf.get(clock);
  if (beats === undefined) beatsOf.set(clock, (beats = new Beats(clock)));
  return beats.join(beat);
}
