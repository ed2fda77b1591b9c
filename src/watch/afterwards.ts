import type { Clock, Timer } from "../kernel/clock.ts";
import type { CallEvent, SessionWatch } from "../session/words.ts";

/**
 * What every turn of a call brings is told so long after it at the latest, much of it together: one after the other each costs less than
 * one alone. Whatever else happens is told at once, after what waits.
 */
const togetherMs = 50;
const ofEveryTurn: ReadonlySet<CallEvent["type"]> = new Set([
  "audio.flowed",
  "audio.hopped",
  "link.used",
  "state.changed",
  "turn.answered",
  "turn.committed",
  "turn.ended",
  "turn.timed",
]);
/** More than this never wait: whoever tells the next event waits until they are told. */
const mostWaiting = 10_000;
/**
 * So long is told in one go, and so much longer for each that waits, up to the most; what has come in meanwhile is looked after first. The
 * busier the loop, the longer are its turns, and the more has to be told after each: else what waits would grow without end.
 */
const inOneGoMs = { least: 0.2, forEach: 0.005, most: 5 };

interface Moment {
  readonly nowMs: number;
  readonly wallMs: number;
}

/** For those who look on: while an event is told it shows when that happened. */
export class PastClock implements Clock {
  readonly real: Clock;
  /** What it shows; undefined: the present. */
  shows: Moment | undefined;

  constructor(real: Clock) {
    this.real = real;
  }

  now(): number {
    return this.shows?.nowMs ?? this.real.now();
  }

  wallNow(): number {
    return this.shows?.wallMs ?? this.real.wallNow();
  }

  setTimeout(run: () => void, delayMs: number): Timer {
    return this.real.setTimeout(run, delayMs);
  }

  clearTimeout(timer: Timer): void {
    this.real.clearTimeout(timer);
  }
}

export interface Afterwards extends SessionWatch {
  /** Tells all that waits. */
  flush(): void;
}

/**
 * Tells of events when the turn of the event loop in which they happened is over, in their order: whoever looks on keeps no caller's
 * sound and no provider's question waiting, not even when a hundred calls lose their provider in one instant.
 */
export function tellAfterwards(watch: SessionWatch, clock: PastClock): Afterwards {
  const waiting: (Moment & { readonly event: CallEvent })[] = [];
  let soon: NodeJS.Immediate | undefined;
  let later: Timer | undefined;
  const tellUntil = (limitMs: number): void => {
    clearImmediate(soon);
    clock.clearTimeout(later);
    soon = later = undefined;
    let told = 0;
    // Events that come of one that is told go to the end of the same list.
    for (let next = waiting[0]; next !== undefined && clock.real.now() < limitMs; next = waiting[told]) {
      told += 1;
      clock.shows = next;
      watch.tell(next.event);
    }
    clock.shows = undefined;
    waiting.splice(0, told);
    if (waiting.length > 0) soon ??= setImmediate(goOn);
  };
  const goOn = (): void => {
    const { least, forEach, most } = inOneGoMs;
    tellUntil(clock.real.now() + Math.min(most, least + waiting.length * forEach));
  };
  const flush = (): void => tellUntil(Infinity);
  return {
    tell(event) {
      if (waiting.length >= mostWaiting && clock.shows === undefined) flush();
      waiting.push({ event, nowMs: clock.now(), wallMs: clock.wallNow() });
      if (ofEveryTurn.has(event.type)) later ??= clock.setTimeout(goOn, togetherMs);
      else soon ??= setImmediate(goOn);
    },
    flush,
  };
}
