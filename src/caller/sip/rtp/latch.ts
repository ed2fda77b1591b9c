import { isIPv4 } from "node:net";

/** So many packets in a row from one place, where the description named another. */
const consistentPackets = 5;
/** A peer that was heard so recently is not replaced by another (RTP bleed). */
const holdsForMs = 1_000;

interface Place {
  readonly address: string;
  readonly port: number;
}

/**
 * Where the caller's packets really come from (symmetric RTP, RFC 4961): what a description says may lie behind a NAT.
 * Others' packets are not let through.
 */
export class Latch {
  #described: Place;
  #place: Place | undefined;
  #candidate: { place: Place; packets: number } | undefined;
  #heardMs = -Infinity;
  strangers = 0;

  constructor(described: Place) {
    this.#described = described;
  }

  /** Where our packets go. */
  get target(): Place {
    return this.#place ?? this.#described;
  }

  /** A new description: the old place is forgotten if it differs. */
  describe(described: Place): void {
    if (same(described, this.#described)) return;
    this.#described = described;
    this.#place = undefined;
  }

  /** Is this packet the caller's? `proven`: it carries a signature that only they can make. */
  lets(from: Place, proven: boolean, nowMs: number): boolean {
    if (this.#place !== undefined && same(this.#place, from)) {
      this.#heardMs = nowMs;
      return true;
    }
    if (this.#place !== undefined && nowMs - this.#heardMs < holdsForMs && !proven) return this.#refuse();
    const plausible =
      proven || same(from, this.#described) || from.address === this.#described.address || isPrivate(this.#described.address);
    if (!plausible && !this.#isConsistent(from)) return this.#refuse();
    this.#place = { address: from.address, port: from.port };
    this.#candidate = undefined;
    this.#heardMs = nowMs;
    return true;
  }

  #isConsistent(from: Place): boolean {
    const known = this.#candidate !== undefined && same(this.#candidate.place, from) ? this.#candidate : undefined;
    this.#candidate = known ?? { place: { address: from.address, port: from.port }, packets: 0 };
    this.#candidate.packets += 1;
    return this.#candidate.packets >= consistentPackets;
  }

  #refuse(): false {
    this.strangers += 1;
    return false;
  }
}

const same = (a: Place, b: Place): boolean => a.port === b.port && a.address === b.address;

/** Addresses of RFC 1918 and RFC 6598: behind a NAT, unless we are behind the same. */
const isPrivate = (address: string): boolean =>
  isIPv4(address) && /^(?:10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.)/.test(address);
