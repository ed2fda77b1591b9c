import { bytesOf, type Encoding } from "./encodings.ts";
import { levelDb } from "./level.ts";

/** What the caller sent, by position. */
interface Heard {
  readonly encoding: Encoding;
  /** Of the oldest byte that is kept, and of the next to come. */
  readonly start: number;
  readonly end: number;
  view(from: number, limit: number): Uint8Array;
}

const windowMs = 20;
/** So much of the end says how loud the line is when nobody speaks, ms. */
const floorMs = 1_000;
/** No endpointing waits longer than this, ms. */
const longestPauseMs = 10_000;
/** A click is shorter. */
const shortestMs = 40;
const aboveFloorDb = 10;
/** What is never speech, and what always is, dBFS. */
const rangeDb = { least: -50, most: -30 };

/**
 * Where the caller fell silent, in a turn of theirs that is known to reach from `from` to `end` at most: most services end it only after
 * a pause, and count that in. An estimate by loudness above the line's own noise; `end` where all of it is quiet. Positions in bytes.
 */
export function speechEnd(heard: Heard, from: number, end: number): number {
  const step = bytesOf(windowMs, heard.encoding);
  const last = Math.min(end, heard.end);
  const count = Math.floor(Math.min(last - Math.max(from, heard.start), bytesOf(longestPauseMs, heard.encoding)) / step);
  const level = (window: number): number => levelDb(heard.view(last - (window + 1) * step, step), heard.encoding);
  let floorDb = 0;
  for (let window = 0; window < Math.min(count, floorMs / windowMs); window += 1) floorDb = Math.min(floorDb, level(window));
  const speechDb = Math.min(rangeDb.most, Math.max(rangeDb.least, floorDb + aboveFloorDb));
  for (let window = 0, loud = 0; window < count; window += 1) {
    loud = level(window) > speechDb ? loud + 1 : 0;
    if (loud === shortestMs / windowMs) return last - (window + 1 - loud) * step;
  }
  return end;
}
