import { msOf, type Encoding } from "./encodings.ts";

export type LossCause = "overflow" | "slow-caller";

const tellEveryMs = 1_000;

/** Agent audio that its caller never hears, by cause. Told when it begins, then summed up, at most once a second, and whenever asked. */
export class Losses {
  readonly #encoding: Encoding;
  readonly #told: (cause: LossCause, ms: number) => void;
  readonly #lost: Record<LossCause, { ms: number; toldMs: number }> = {
    overflow: { ms: 0, toldMs: -Infinity },
    "slow-caller": { ms: 0, toldMs: -Infinity },
  };

  constructor(encoding: Encoding, told: (cause: LossCause, ms: number) => void) {
    this.#encoding = encoding;
    this.#told = told;
  }

  add(cause: LossCause, bytes: number, nowMs: number): void {
    const lost = this.#lost[cause];
    lost.ms += msOf(bytes, this.#encoding);
    if (nowMs - lost.toldMs >= tellEveryMs) this.#tell(cause, nowMs);
  }

  /** All that was not told yet. */
  tell(nowMs: number): void {
    this.#tell("overflow", nowMs);
    this.#tell("slow-caller", nowMs);
  }

  #tell(cause: LossCause, nowMs: number): void {
    const lost = this.#lost[cause];
    if (lost.ms === 0) return;
    this.#told(cause, lost.ms);
    lost.ms = 0;
    lost.toldMs = nowMs;
  }
}
