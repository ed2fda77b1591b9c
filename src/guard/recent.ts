import type { Clock } from "../kernel/clock.ts";

/** The newest values of one measurement: as many as `size`, none older than `spanMs`. */
export class Recent {
  readonly #clock: Clock;
  readonly #spanMs: number;
  readonly #size: number;
  #values: { readonly atMs: number; readonly value: number }[] = [];

  constructor(clock: Clock, { spanMs, size }: { readonly spanMs: number; readonly size: number }) {
    this.#clock = clock;
    this.#spanMs = spanMs;
    this.#size = size;
  }

  add(value: number): void {
    this.#values.push({ atMs: this.#clock.now(), value });
    if (this.#values.length > this.#size) this.#values.shift();
  }

  /** Oldest first. */
  get values(): readonly number[] {
    const fromMs = this.#clock.now() - this.#spanMs;
    const first = this.#values.findIndex(({ atMs }) => atMs > fromMs);
    if (first !== 0) this.#values = first < 0 ? [] : this.#values.slice(first);
    return this.#values.map(({ value }) => value);
  }

  /** The least value that a share of `q` does not exceed; undefined without values. */
  quantile(q: number): number | undefined {
    const sorted = this.values.toSorted((a, b) => a - b);
    return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)];
  }

  forget(): void {
    this.#values = [];
  }
}
