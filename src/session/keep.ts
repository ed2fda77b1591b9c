import type { Clock } from "../kernel/clock.ts";
import type { Roster } from "./roster.ts";

/** Each look is at a part of the calls, so that keeping many never holds up the audio of any; all are looked at within a second. */
const lookEveryMs = 20;
const looksForAll = 50;
/** A call in which nothing ends is kept so often. */
const keepEveryMs = 10_000;

/** Keeps the calls of a node: soon after each turn, and now and then. One timer for all of them. */
export function keepCalls(roster: Roster, clock: Clock): Disposable {
  const look = (): void => {
    roster.save(keepEveryMs, 1 / looksForAll);
    timer = clock.setTimeout(look, lookEveryMs);
  };
  let timer = clock.setTimeout(look, lookEveryMs);
  return { [Symbol.dispose]: () => clock.clearTimeout(timer) };
}
