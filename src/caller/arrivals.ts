import type { LegQuality } from "./leg.ts";
import { unconcealedQuality } from "../audio/e-model.ts";

/** How evenly and how completely a caller's audio comes over a stream, where every byte that was sent arrives in the end. */
export class Arrivals {
  /** Nothing came yet: not a number. */
  #arrivedMs = Number.NaN;
  #spanMs = 0;
  #jitterMs = 0;
  #heardMs = 0;
  #filledMs = 0;
  #gaps = 0;
  /** Audio was filled in front of the next piece. */
  #isAfterGap = false;
  #knowsGaps = false;

  /** @param isClocked the wire tells the caller's media clock, so that gaps are known */
  took(nowMs: number, audioMs: number, isClocked: boolean): void {
    this.#knowsGaps ||= isClocked;
    // RFC 3550 6.4.1: how much later it came than the piece before it was long. What was never sent was not late.
    if (!Number.isNaN(this.#arrivedMs) && !this.#isAfterGap) {
      const late = Math.abs(nowMs - this.#arrivedMs - this.#spanMs);
      this.#jitterMs += (late - this.#jitterMs) / 16;
    }
    this.#isAfterGap = false;
    this.#arrivedMs = nowMs;
    this.#spanMs = audioMs;
    this.#heardMs += audioMs;
  }

  filled(ms: number): void {
    if (ms <= 0) return;
    this.#filledMs += ms;
    this.#gaps += 1;
    this.#isAfterGap = true;
  }

  quality(): LegQuality {
    const allMs = this.#heardMs + this.#filledMs;
    const lossShare = this.#knowsGaps && allMs > 0 ? this.#filledMs / allMs : undefined;
    const pieceMs = this.#spanMs > 0 ? this.#spanMs : 20;
    const run = this.#gaps === 0 ? 1 : this.#filledMs / this.#gaps / pieceMs;
    return {
      lossShare,
      burstRatio: Math.max(1, run * (1 - (lossShare ?? 0))),
      jitterMs: Number.isNaN(this.#arrivedMs) ? undefined : this.#jitterMs,
      gaps: this.#gaps,
      filledMs: this.#filledMs,
      delayMs: undefined,
      codec: unconcealedQuality,
    };
  }
}
