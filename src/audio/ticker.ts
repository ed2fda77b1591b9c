import type { Clock, Timer } from "../kernel/clock.ts";

/** What wants to be woken at every tick while it has something to do. */
export interface Ticked {
  /** False: nothing left to do, do not wake me again. */
  tick(nowMs: number): boolean;
}

/** Who wakes what has something to do. */
export interface Beat {
  wake(ticked: Ticked): void;
  /** Once, about then, however often it is asked for until then; it may be woken before. */
  wakeAfter(ticked: Ticked, ms: number): void;
}

/** One beat for all calls: pacing and replay hang on it, so that a thousand calls cost one timer. Rests when nobody wants it. */
export class Ticker implements Beat {
  readonly #clock: Clock;
  readonly #periodMs: number;
  readonly #awake = new Set<Ticked>();
  readonly #asleep = new Map<Ticked, Timer>();
  #timer: Timer | undefined;
  #dueMs = 0;

  constructor(clock: Clock, periodMs = 20) {
    this.#clock = clock;
    this.#periodMs = periodMs;
  }

  wake(ticked: Ticked): void {
    this.#awake.add(ticked);
    if (this.#timer !== undefined) return;
    this.#dueMs = this.#clock.now() + this.#periodMs;
    this.#arm();
  }

  wakeAfter(ticked: Ticked, ms: number): void {
    if (this.#asleep.has(ticked)) return;
    const wake = (): void => {
      this.#asleep.delete(ticked);
      this.wake(ticked);
    };
    this.#asleep.set(ticked, this.#clock.setTimeout(wake, ms));
  }

  forget(ticked: Ticked): void {
    this.#awake.delete(ticked);
    this.#clock.clearTimeout(this.#asleep.get(ticked));
    this.#asleep.delete(ticked);
  }

  #arm(): void {
    this.#timer = this.#clock.setTimeout(() => this.#beat(), Math.max(0, this.#dueMs - this.#clock.now()));
  }

  #beat(): void {
    this.#timer = undefined;
    const now = this.#clock.now();
    let running: Ticked | undefined;
    try {
      for (const ticked of this.#awake) {
        running = ticked;
        if (!ticked.tick(now)) this.#awake.delete(ticked);
        running = undefined;
      }
    } finally {
      // One that threw is woken no more; the error goes on its way, and the beat on its own.
      if (running !== undefined) this.#awake.delete(running);
      if (this.#awake.size > 0) this.#armNext(now);
    }
  }

  #armNext(nowMs: number): void {
    // Who was woken during the beat has armed the next one.
    if (this.#timer !== undefined) return;
    // Absolute beats do not drift; after a long stall the missed ones are skipped, not caught up.
    this.#dueMs = Math.max(this.#dueMs + this.#periodMs, nowMs);
    this.#arm();
  }
}
