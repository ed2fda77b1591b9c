import { performance } from "node:perf_hooks";

const slots = 20;

export interface Beats {
  /** Calls the member once in 20 ms, in the beat of that number; numbers go round. */
  join(slot: number, member: (nowMs: number) => void): Disposable;
}

/** Runs each of its members once in 20 ms, at times that are counted from the start: who is late once is not late for ever. */
export class Pulse implements Beats, Disposable {
  readonly #members: Set<(nowMs: number) => void>[] = Array.from({ length: slots }, () => new Set());
  readonly #startMs = performance.now();
  #done = 0;
  #timer: NodeJS.Timeout | undefined;
  /** How late the last beats were, ms, while measured. */
  lateness: number[] = [];

  constructor() {
    this.#wait();
  }

  join(slot: number, member: (nowMs: number) => void): Disposable {
    const members = this.#members[slot % slots];
    members?.add(member);
    return { [Symbol.dispose]: () => void members?.delete(member) };
  }

  /** Every other beat alone: the even ones, or the odd. */
  half(first: 0 | 1): Beats {
    return { join: (slot, member) => this.join(2 * slot + first, member) };
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #wait(): void {
    this.#timer = setTimeout(() => {
      this.#beat();
      this.#wait();
    }, 1);
  }

  #beat(): void {
    for (;;) {
      const due = this.#startMs + this.#done + 1;
      const now = performance.now();
      if (due > now) return;
      this.#done += 1;
      this.lateness.push(now - due);
      for (const member of this.#members[this.#done % slots] ?? []) member(performance.now());
    }
  }
}
