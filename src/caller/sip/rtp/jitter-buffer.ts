/** What comes out of the buffer, in the sender's order and on the sender's clock. */
export interface JitterEar {
  /** A packet in its place. With `maySkip` it may be left out when nothing is heard in it: true when it was. */
  packet(payload: Uint8Array, maySkip: boolean): boolean;
  /** So much of the sender's time did not arrive and has to be made up. */
  lost(units: number): void;
  /** So long the sender itself sent nothing. */
  paused(units: number): void;
}

export interface JitterCounts {
  received: number;
  /** Never came, or after their turn. */
  lost: number;
  /** Of those: after their turn. */
  late: number;
  duplicates: number;
  reordered: number;
  /** Runs of lost packets. */
  bursts: number;
  restarts: number;
  /** Sender's time that had to be made up. */
  concealedUnits: number;
  /** Made up beyond that, because packets that were only slow were missed, and taken back in silence. */
  surplusUnits: number;
  skippedUnits: number;
}

interface Held {
  /** Undefined: a packet that carries no audio (telephone events share the numbers). */
  readonly payload: Uint8Array | undefined;
  readonly timestamp: number;
  readonly units: number;
  readonly arrivedMs: number;
}

/** A jump of the numbers beyond this is a sender that began anew. */
const longestJump = 1_000;
const heldLimit = 100;
/** A packet further before the first one is no part of this call's beginning: time made up for all between would be heard as a hole. */
const mostOvertaken = 10;
/** How long a missing packet is waited for: adapted to how late packets have come out of order, within these. */
const shortestWaitMs = 20;
const longestWaitMs = 120;
/** How long nothing at all may come until something is made up, likewise. */
const shortestStarveMs = 60;
const longestStarveMs = 240;
/** What was learnt of the line is forgotten by half in this time. */
const forgetHalfMs = 10_000;
/** A longer gap in the time stamps is a clock that jumped. */
const longestGapMs = 10_000;

/**
 * Puts packets in order and finds what is missing, for a listener that needs no playout clock (a recogniser takes audio as it comes):
 * what is there goes on at once, and only a missing packet is waited for, and by the first one those that it may have overtaken.
 * The sender's clock is the time base, so nothing drifts; while nothing comes, time is made up on our clock, and what turns out to be
 * too much is taken back in the next silence.
 */
export class JitterBuffer {
  readonly counts: JitterCounts = {
    received: 0,
    lost: 0,
    late: 0,
    duplicates: 0,
    reordered: 0,
    bursts: 0,
    restarts: 0,
    concealedUnits: 0,
    surplusUnits: 0,
    skippedUnits: 0,
  };
  readonly #clockHz: number;
  readonly #ear: JitterEar;
  readonly #held = new Map<number, Held>();
  #expected: { sequence: number; timestamp: number } | undefined;
  /** When the first packet came; undefined once it has gone on. */
  #beganMs: number | undefined;
  /** Highest sequence that came, to tell what comes out of order. */
  #highest = 0;
  #gapSinceMs: number | undefined;
  /** Until when (on our clock) the listener has audio; made up from here on. */
  #fedMs = 0;
  #frameUnits: number;
  /** Made up while nothing came: deducted from the gap that the next packet shows. */
  #debtUnits = 0;
  /** Debt that no gap has paid: the listener has heard so much too much. */
  #surplusUnits = 0;
  #waitMs = shortestWaitMs;
  #starveMs = shortestStarveMs;
  #forgotMs = 0;
  #heldForMs = 0;
  #jitterUnits = 0;
  #transit: number | undefined;

  constructor(clockHz: number, ear: JitterEar) {
    this.#clockHz = clockHz;
    this.#ear = ear;
    this.#frameUnits = clockHz / 50;
  }

  /** RFC 3550 section 6.4.1, ms. */
  get jitterMs(): number {
    return (this.#jitterUnits * 1000) / this.#clockHz;
  }

  get jitterUnits(): number {
    return this.#jitterUnits;
  }

  /** How long packets wait here on average, ms. */
  get delayMs(): number {
    return this.counts.received === 0 ? 0 : this.#heldForMs / this.counts.received;
  }

  /** How much later than the sender's clock says the listener is, ms. */
  get surplusMs(): number {
    return (this.#surplusUnits * 1000) / this.#clockHz;
  }

  /** @param units of the RTP clock that the payload lasts; undefined payload: it takes a number and no time */
  push(sequence: number, timestamp: number, payload: Uint8Array | undefined, units: number, nowMs: number): void {
    const first = this.#expected === undefined;
    this.#expected ??= { sequence, timestamp };
    if (first) [this.#highest, this.#fedMs, this.#forgotMs, this.#beganMs] = [sequence, nowMs, nowMs, nowMs];
    const ahead = int16(sequence - this.#expected.sequence);
    if (Math.abs(ahead) > longestJump) return this.#beginAnew(sequence, timestamp, payload, units, nowMs);
    this.counts.received += 1;
    this.#measure(timestamp, nowMs);
    if (ahead < 0) {
      if (this.#beganMs === undefined || -ahead > mostOvertaken) return this.#missed(sequence, nowMs);
      this.#expected = { sequence, timestamp };
    }
    if (this.#held.has(sequence)) return void (this.counts.duplicates += 1);
    if (int16(sequence - this.#highest) > 0) this.#highest = sequence;
    else if (!first) this.#learnOrder(nowMs);
    this.#held.set(sequence, { payload, timestamp, units, arrivedMs: nowMs });
    this.#release(nowMs);
  }

  /** To be called every 20 ms or so: gives up what is missing for too long, and makes up time while nothing comes. */
  tick(nowMs: number): void {
    if (this.#expected === undefined) return;
    this.#forget(nowMs);
    this.#release(nowMs);
    const frameMs = (this.#frameUnits * 1000) / this.#clockHz;
    while (this.#held.size === 0 && nowMs - this.#fedMs >= this.#starveMs + frameMs) {
      this.#fedMs += frameMs;
      this.#debtUnits += this.#frameUnits;
      this.#ear.lost(this.#frameUnits);
    }
  }

  /** The sender stops for a while (hold): what comes next is a beginning. */
  restart(): void {
    this.#held.clear();
    this.#expected = undefined;
    this.#beganMs = undefined;
    this.#gapSinceMs = undefined;
    this.#transit = undefined;
    this.#debtUnits = 0;
  }

  #beginAnew(sequence: number, timestamp: number, payload: Uint8Array | undefined, units: number, nowMs: number): void {
    this.#giveUpAll(nowMs);
    this.restart();
    this.counts.restarts += 1;
    this.push(sequence, timestamp, payload, units, nowMs);
  }

  /** Its place was made up, or it is a copy. */
  #missed(sequence: number, nowMs: number): void {
    // A copy of what was taken looks the same as one that came too late; only the latter was counted as lost and is rare.
    if (!this.#gaveUp.delete(sequence)) return void (this.counts.duplicates += 1);
    this.counts.late += 1;
    this.counts.reordered += 1;
    this.#waitMs = Math.min(longestWaitMs, Math.max(this.#waitMs * 1.5, nowMs - this.#gaveUpMs + this.#waitMs));
  }

  readonly #gaveUp = new Set<number>();
  #gaveUpMs = 0;

  /** It came after one that was sent later, and in time. */
  #learnOrder(nowMs: number): void {
    this.counts.reordered += 1;
    const waitedMs = nowMs - (this.#gapSinceMs ?? nowMs);
    this.#waitMs = Math.min(longestWaitMs, Math.max(this.#waitMs, waitedMs * 1.25 + 10));
  }

  #forget(nowMs: number): void {
    const keep = 0.5 ** ((nowMs - this.#forgotMs) / forgetHalfMs);
    this.#forgotMs = nowMs;
    this.#waitMs = shortestWaitMs + (this.#waitMs - shortestWaitMs) * keep;
    this.#starveMs = shortestStarveMs + (this.#starveMs - shortestStarveMs) * keep;
  }

  #release(nowMs: number): void {
    if (this.#beganMs !== undefined && nowMs - this.#beganMs < shortestWaitMs) return;
    this.#beganMs = undefined;
    for (;;) {
      const expected = this.#expected;
      if (expected === undefined) return;
      const next = this.#held.get(expected.sequence);
      if (next !== undefined) {
        this.#held.delete(expected.sequence);
        this.#gapSinceMs = undefined;
        this.#emit(next, nowMs);
      } else if (this.#held.size === 0) {
        return;
      } else {
        this.#gapSinceMs ??= nowMs;
        if (nowMs - this.#gapSinceMs < this.#waitMs && this.#held.size < heldLimit) return;
        this.#giveUp(expected, nowMs);
      }
    }
  }

  /** Waits no more for what is missing before the first packet that is there. */
  #giveUp(expected: { sequence: number; timestamp: number }, nowMs: number): void {
    let ahead = Infinity;
    for (const sequence of this.#held.keys()) ahead = Math.min(ahead, int16(sequence - expected.sequence));
    const next = this.#held.get((expected.sequence + ahead) & 0xffff);
    if (next === undefined) return;
    this.#gaveUp.clear();
    this.#gaveUpMs = nowMs;
    for (let at = 0; at < ahead; at += 1) this.#gaveUp.add((expected.sequence + at) & 0xffff);
    this.counts.lost += ahead;
    this.counts.bursts += 1;
    this.#gapSinceMs = undefined;
    const missing = this.#owed(next.timestamp - expected.timestamp, "lost");
    if (missing > 0) this.#ear.lost(missing);
    this.#expected = { sequence: (expected.sequence + ahead) & 0xffff, timestamp: next.timestamp };
  }

  #giveUpAll(nowMs: number): void {
    this.#beganMs = undefined;
    for (let expected = this.#expected; expected !== undefined && this.#held.size > 0; expected = this.#expected) {
      if (!this.#held.has(expected.sequence)) this.#giveUp(expected, nowMs);
      this.#release(nowMs);
    }
  }

  #emit(next: Held, nowMs: number): void {
    const expected = this.#expected;
    if (expected === undefined) return;
    const sequence = (expected.sequence + 1) & 0xffff;
    this.#heldForMs += nowMs - next.arrivedMs;
    if (next.payload === undefined) {
      this.#expected = { sequence, timestamp: expected.timestamp };
      return;
    }
    const pause = this.#owed(next.timestamp - expected.timestamp, "paused");
    if (pause > 0) this.#ear.paused(pause);
    this.#settleDebt(nowMs);
    this.#expected = { sequence, timestamp: (next.timestamp + next.units) >>> 0 };
    this.#frameUnits = next.units > 0 ? next.units : this.#frameUnits;
    this.#fedMs = nowMs;
    const maySkip = this.#surplusUnits >= next.units;
    if (!this.#ear.packet(next.payload, maySkip)) return;
    this.#surplusUnits -= next.units;
    this.counts.skippedUnits += next.units;
  }

  /** How much of a gap in the time stamps has not been made up yet. */
  #owed(difference: number, why: "lost" | "paused"): number {
    const gap = difference | 0;
    if (gap <= 0 || gap > (longestGapMs * this.#clockHz) / 1000) return 0;
    const paid = Math.min(gap, this.#debtUnits);
    this.#debtUnits -= paid;
    if (why === "lost") this.counts.concealedUnits += gap;
    return gap - paid;
  }

  /** The next packet is here and its gap is paid: what is left of the debt was made up for packets that were only slow. */
  #settleDebt(nowMs: number): void {
    if (this.#debtUnits === 0) return;
    this.#surplusUnits += this.#debtUnits;
    this.counts.surplusUnits += this.#debtUnits;
    this.#starveMs = Math.min(longestStarveMs, Math.max(this.#starveMs * 1.5, nowMs - this.#fedMs + this.#starveMs));
    this.#debtUnits = 0;
  }

  #measure(timestamp: number, nowMs: number): void {
    const transit = ((nowMs * this.#clockHz) / 1000 - timestamp) % 2 ** 32;
    if (this.#transit !== undefined) {
      const change = Math.abs(transit - this.#transit);
      // A wrap of the 32 bits is no jitter.
      if (change < longestGapMs * this.#clockHz) this.#jitterUnits += (change - this.#jitterUnits) / 16;
    }
    this.#transit = transit;
  }
}

const int16 = (value: number): number => (value << 16) >> 16;
