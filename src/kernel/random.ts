import { randomInt } from "node:crypto";

/** A source of randomness: the same seed gives the same calls. */
export interface Random {
  /** In [0, 1). */
  next(): number;
  /** 32 lower-case hexadecimal digits less those that `digits` leaves out; unique for practical purposes. */
  id(prefix: string, digits?: number): string;
}

/** sfc32 by Chris Doty-Humphrey: small, fast, passes PractRand; not for secrets. */
export function seededRandom(seed: number): Random {
  let a = 0x9e3779b9 ^ seed;
  let b = 0x243f6a88 ^ (seed * 0x85ebca6b);
  let c = 0xb7e15162 ^ (seed * 0xc2b2ae35);
  let counter = 1;
  const word = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return sum >>> 0;
  };
  for (let warm = 0; warm < 12; warm += 1) word();
  return fromWords(word);
}

/** From the operating system; for everything outside tests and replays. */
export const systemRandom: Random = fromWords(() => randomInt(0, 2 ** 32));

function fromWords(word: () => number): Random {
  return {
    next: () => word() / 2 ** 32,
    id(prefix, digits = 16) {
      let hex = "";
      while (hex.length < digits) hex += word().toString(16).padStart(8, "0");
      return `${prefix}${hex.slice(0, digits)}`;
    },
  };
}
