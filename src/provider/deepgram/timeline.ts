/** Stretches of filling that are remembered; positions before the oldest are no longer asked for. */
const rememberedFillings = 64;

/**
 * Where audio stands on two time lines: that of the link (ms of caller audio) and that of the recogniser's socket, which also counts
 * the silence that we filled in where the caller sent nothing.
 */
export class Timeline {
  /** Oldest first. */
  readonly #fillings: { readonly atMs: number; lastsMs: number }[] = [];
  #forgottenMs = 0;
  #heardMs = 0;
  #filledMs = 0;

  /** Caller audio sent so far. */
  get heardMs(): number {
    return this.#heardMs;
  }

  /** All audio sent so far. */
  get sentMs(): number {
    return this.#heardMs + this.#filledMs;
  }

  hear(ms: number): void {
    this.#heardMs += ms;
  }

  fill(ms: number): void {
    const last = this.#fillings.at(-1);
    if (last !== undefined && last.atMs + last.lastsMs === this.sentMs) last.lastsMs += ms;
    else this.#fillings.push({ atMs: this.sentMs, lastsMs: ms });
    this.#filledMs += ms;
    if (this.#fillings.length > rememberedFillings) this.#forgottenMs += this.#fillings.shift()?.lastsMs ?? 0;
  }

  /** The link's position for one of the socket's. */
  linkMs(socketMs: number): number {
    let filledMs = this.#forgottenMs;
    for (const { atMs, lastsMs } of this.#fillings) {
      if (atMs >= socketMs) break;
      filledMs += Math.min(lastsMs, socketMs - atMs);
    }
    return Math.min(this.#heardMs, Math.max(0, socketMs - filledMs));
  }
}
