import type { Clock } from "../src/kernel/clock.ts";

interface Alarm {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** A clock that moves only when told; timers fire in order of time, then of arming. A heap, so that many calls stay cheap. */
export class SimulatedClock implements Clock {
  readonly #heap: Alarm[] = [];
  readonly #cancelled = new Set<Alarm>();
  #nowMs = 0;
  #order = 0;
  #wallOffsetMs = 0;

  now(): number {
    return this.#nowMs;
  }

  /** Timers that are armed and not cancelled. */
  get armed(): number {
    return this.#heap.filter((alarm) => !this.#cancelled.has(alarm)).length;
  }

  wallNow(): number {
    return Date.UTC(2026, 0, 5, 9) + this.#wallOffsetMs + this.#nowMs;
  }

  /** Somebody sets the wall clock; time itself does not notice. */
  jumpWall(ms: number): void {
    this.#wallOffsetMs += ms;
  }

  /** Time goes on and nothing runs, as while the event loop is blocked: timers that were due fire late. */
  stall(ms: number): void {
    this.#nowMs += ms;
  }

  setTimeout(run: () => void, delayMs: number): Alarm {
    const alarm = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order, run };
    this.#order += 1;
    this.#push(alarm);
    return alarm;
  }

  clearTimeout(timer: unknown): void {
    // Only alarms made above come back here.
    if (timer !== undefined) this.#cancelled.add(timer as Alarm);
  }

  /** Moves time on; between two alarms everything that promises have ready is run. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await settled();
    for (let next = this.#heap[0]; next !== undefined && next.atMs <= untilMs; next = this.#heap[0]) {
      this.#pop();
      if (this.#cancelled.delete(next)) continue;
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.run();
      await settled();
    }
    this.#nowMs = untilMs;
  }

  #push(alarm: Alarm): void {
    const heap = this.#heap;
    let at = heap.push(alarm) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (before(heap[parent], alarm)) break;
      heap[at] = heap[parent] ?? alarm;
      at = parent;
    }
    heap[at] = alarm;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      const right = heap[child + 1];
      if (right !== undefined && before(right, heap[child])) child += 1;
      const smaller = heap[child];
      if (smaller === undefined || before(last, smaller)) break;
      heap[at] = smaller;
      at = child;
    }
    heap[at] = last;
  }
}

function before(a: Alarm | undefined, b: Alarm | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/** Lets every promise that is ready run on; a handful of hops covers any chain of awaits in one step. */
async function settled(): Promise<void> {
  for (let hop = 0; hop < 12; hop += 1) await Promise.resolve();
}
