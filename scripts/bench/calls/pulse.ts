import { performance } from "node:perf_hooks";

/** Beats, one a millisecond; each call has its own of them. */
export const slots = 20;

/** Runs each of its members once in 20 ms, at times that are counted from the start: who is late once is not late for ever. */
export class Pulse implements Disposable {
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
