// Telephone events: RFC 4733 section 2.

const digits = "0123456789*#ABCD";
const endedAfterMs = 100;
const volumeDbm0 = 10;
/** A tone of 100 ms in packets of 20 ms, its end told three times, then a pause of 60 ms. */
const tonePackets = 5;
const endPackets = 3;
const pausePackets = 3;
/** More waiting digits than any number has. */
const queueLimit = 64;

/** Digits from a caller: each told once, at its first end packet, or when its packets stop. */
export class DtmfReceiver {
  #event: { readonly timestamp: number; readonly digit: string; seenMs: number; told: boolean } | undefined;

  /** The digit that this payload completes. */
  packet(payload: Uint8Array, timestamp: number, nowMs: number): string | undefined {
    if (payload.length < 4) return undefined;
    const digit = digits[payload[0] ?? 255];
    const isEnd = ((payload[1] ?? 0) & 0x80) !== 0;
    if (digit === undefined) return undefined;
    const before = this.#event?.timestamp === timestamp ? undefined : this.#complete();
    if (this.#event?.timestamp !== timestamp) this.#event = { timestamp, digit, seenMs: nowMs, told: false };
    this.#event.seenMs = nowMs;
    // Two digits can be due at once only if the first lost all its ends; it is told, and this one by its next packet or the clock.
    return before ?? (isEnd ? this.#complete() : undefined);
  }

  /** The digit whose packets have stopped. */
  tick(nowMs: number): string | undefined {
    return this.#event !== undefined && nowMs - this.#event.seenMs >= endedAfterMs ? this.#complete() : undefined;
  }

  #complete(): string | undefined {
    if (this.#event === undefined || this.#event.told) return undefined;
    this.#event.told = true;
    return this.#event.digit;
  }
}

export interface DtmfPacket {
  readonly payload: Uint8Array;
  /** The first packet of an event. */
  readonly begins: boolean;
}

/** Digits to a caller, a packet every 20 ms. */
export class DtmfSender {
  readonly #unitsPerPacket: number;
  #queue = "";
  #at = 0;

  /** @param clockHz of the event payload */
  constructor(clockHz: number) {
    this.#unitsPerPacket = clockHz / 50;
  }

  /** Digits beyond what any number has are dropped; whatever is no digit is left out. */
  add(text: string): void {
    const known = text.toUpperCase().replace(/[^0-9*#A-D]/g, "");
    this.#queue = (this.#queue + known).slice(0, queueLimit);
  }

  /** A tone is being sent, or one is to come. */
  get active(): boolean {
    return this.#queue !== "";
  }

  /** What to send now. Undefined: a pause between two digits. */
  next(): DtmfPacket | undefined {
    const at = this.#at;
    const event = digits.indexOf(this.#queue[0] ?? "");
    this.#at += 1;
    if (at >= tonePackets + endPackets) {
      if (this.#at >= tonePackets + endPackets + pausePackets) [this.#queue, this.#at] = [this.#queue.slice(1), 0];
      return undefined;
    }
    const duration = Math.min(at + 1, tonePackets) * this.#unitsPerPacket;
    const isEnd = at >= tonePackets;
    const payload = Uint8Array.of(event, (isEnd ? 0x80 : 0) | volumeDbm0, duration >> 8, duration & 0xff);
    return { payload, begins: at === 0 };
  }
}
