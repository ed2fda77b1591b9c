import type { Clock } from "../kernel/clock.ts";

/** The newest values of one measurement: as many as `size`, none older than `spanMs`. Kept sorted, for it is asked more often than told. */
export class Recent {
  readonly #clock: Clock;
  readonly #spanMs: number;
  readonly #size: number;
  /** Oldest first. */
  #values: { readonly atMs: number; readonly value: number }[] = [];
  /** The same values, smallest first. */
  #sorted: number[] = [];
  #sum = 0;

  constructor(clock: Clock, { spanMs, size }: { readonly spanMs: number; readonly size: number }) {
    this.#clock = clock;
    this.#spanMs = spanMs;
    this.#size = size;
  }

  add(value: number): void {
    this.#values.push({ atMs: this.#clock.now(), value });
    this.#sorted.splice(this.#placeOf(value), 0, value);
    this.#sum += value;
    if (this.#values.length > this.#size) this.#dropOldest();
  }

  get count(): number {
    this.#expire();
    return this.#values.length;
  }

  /** Of all values; 0 without any. */
  get sum(): number {
    this.#expire();
    return this.#sum;
  }

  /** The least value that a share of `q` does not exceed; undefined without values. */
  quantile(q: number): number | undefined {
    this.#expire();
    return this.#sorted[Math.max(0, Math.ceil(q * this.#sorted.length) - 1)];
  }

  forget(): void {
    this.#values = [];
    this.#sorted = [];
    this.#sum = 0;
  }

  #expire(): void {
    const fromMs = this.#clock.now() - this.#spanMs;
    while (this.#values[0] !== undefined && this.#values[0].atMs <= fromMs) this.#dropOldest();
  }

  #dropOldest(): void {
    const oldest = this.#values.shift();
    if (oldest === undefined) return;
    this.#sorted.splice(this.#placeOf(oldest.value), 1);
    this.#sum = this.#values.length === 0 ? 0 : this.#sum - oldest.value;
  }

  /** Where the first value stands that is not smaller. */
  #placeOf(value: number): number {
    let [from, to] = [0, this.#sorted.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((this.#sorted[middle] ?? 0) < value) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}
