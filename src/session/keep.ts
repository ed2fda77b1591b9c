import type { Clock } from "../kernel/clock.ts";
import type { Roster } from "./roster.ts";

const lookEveryMs = 500;
/** A call in which nothing ends is kept so often. */
const keepEveryMs = 10_000;

/** Keeps the calls of a node: soon after each turn, and now and then. One timer for all of them. */
export function keepCalls(roster: Roster, clock: Clock): Disposable {
  const look = (): void => {
    roster.save(keepEveryMs);
    timer = clock.setTimeout(look, lookEveryMs);
  };
  let timer = clock.setTimeout(look, lookEveryMs);
  return { [Symbol.dispose]: () => clock.clearTimeout(timer) };
}
