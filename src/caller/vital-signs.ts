const pingEveryMs = 15_000;
const pingsMissedLimit = 2;
/** A leg over which a caller sends nothing at all for so long is gone, whatever its socket says: silence comes as frames, too. */
export const muteLimitMs = 60_000;

/**
 * When a socket's peer, and the caller behind it, were last heard of: noted with each message, looked at on the beat. In whole ms: a
 * number with fractions has memory of its own.
 */
export class VitalSigns {
  /** When anything came. */
  heardMs: number;
  /** When the caller last sent audio, a key, words. */
  activeMs: number;
  #pingedMs: number;
  #pingsMissed = 0;

  constructor(nowMs: number) {
    this.heardMs = this.activeMs = this.#pingedMs = Math.trunc(nowMs);
  }

  heard(nowMs: number): void {
    this.heardMs = Math.trunc(nowMs);
    this.#pingsMissed = 0;
  }

  /** What is to be done about the peer now. A ping counts as missed until something is heard. */
  due(nowMs: number): "nothing" | "ping" | "give-up" {
    if (nowMs - Math.max(this.#pingedMs, this.heardMs) < pingEveryMs) return "nothing";
    if (this.#pingsMissed >= pingsMissedLimit) return "give-up";
    this.#pingsMissed += 1;
    this.#pingedMs = nowMs;
    return "ping";
  }

  isMute(nowMs: number): boolean {
    return nowMs - this.activeMs >= muteLimitMs;
  }
}
