/** An armed timer; meaningful only to the clock that made it. */
export type Timer = unknown;

/**
 * Time as the session sees it. Durations come from `now`, stamps for people from `wallNow`.
 * Everything that waits takes a clock, so that whole calls can be simulated.
 */
export interface Clock {
  /** Monotonic, ms, with fractions. */
  now(): number;
  /** Unix time, ms. */
  wallNow(): number;
  setTimeout(run: () => void, delayMs: number): Timer;
  clearTimeout(timer: Timer): void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wallNow: () => Date.now(),
  setTimeout: (run, delayMs) => setTimeout(run, delayMs),
  // Only timers made by the line above come back here.
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
};
