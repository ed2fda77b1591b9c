import type { Random } from "./random.ts";

const firstMs = 1_000;
const longestMs = 16_000;
const jitter = 0.1;

/**
 * How long to wait before the next attempt, ms: nothing after the first failure, then 1, 2, 4, 8, 16 s, each ±10 %,
 * and never less than the other side asked for.
 * @param failed how many attempts in a row have failed so far
 */
export function backoffMs(failed: number, random: Random, askedMs = 0): number {
  const planned = failed <= 1 ? 0 : Math.min(longestMs, firstMs * 2 ** (failed - 2));
  return Math.max(askedMs, planned * (1 + jitter * (2 * random.next() - 1)));
}
