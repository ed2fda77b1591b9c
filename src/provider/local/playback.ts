import type { Clock, Timer } from "../../kernel/clock.ts";

/**
 * An estimate of when the caller hears what was given out: audio is played in real time, one piece after the other.
 * Tells when playback begins and ends.
 */
export class Playback {
  readonly #clock: Clock;
  readonly #tell: (isPlaying: boolean) => void;
  #endsAtMs = 0;
  #timer: Timer | undefined;

  constructor(clock: Clock, tell: (isPlaying: boolean) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** What is still to be played, ms. */
  get aheadMs(): number {
    return Math.max(0, this.#endsAtMs - this.#clock.now());
  }

  add(durationMs: number): void {
    if (durationMs <= 0) return;
    this.#endsAtMs = this.#clock.now() + this.aheadMs + durationMs;
    if (this.#timer !== undefined) return;
    this.#tell(true);
    this.#arm();
  }

  /** The caller hears no more of it. */
  flush(): void {
    this.#endsAtMs = 0;
    if (this.#timer === undefined) return;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#tell(false);
  }

  #arm(): void {
    this.#timer = this.#clock.setTimeout(() => (this.aheadMs > 0 ? this.#arm() : this.flush()), this.aheadMs);
  }
}
