import { defaultBreaker } from "../../src/guard/breaker.ts";
import { Guarded, type CallNews, type GuardParts, type GuardSettings } from "../../src/guard/guarded.ts";
import { noLimits } from "../../src/guard/limits.ts";
import { silentLog } from "../../src/kernel/log.ts";
import { seededRandom } from "../../src/kernel/random.ts";
import type { Provider } from "../../src/provider/contract.ts";
import { SimulatedClock } from "../simulated-clock.ts";

export const usualGuards: GuardSettings = {
  breaker: defaultBreaker,
  openLimitMs: 5_000,
  answerLimitMs: 10_000,
  shortestLimitMs: 1_000,
  limits: noLimits,
  probes: "on",
};

interface Alone {
  readonly clock?: SimulatedClock;
  readonly settings?: Partial<GuardSettings>;
  readonly watch?: Partial<GuardParts["watch"]>;
  readonly told?: (news: CallNews) => void;
}

/** What guards are given, without a house to tell. */
export const partsOn = (clock: SimulatedClock, watch: Partial<GuardParts["watch"]> = {}): GuardParts => ({
  clock,
  random: seededRandom(5),
  log: silentLog,
  watch: { changed() {}, called() {}, ordered() {}, healthChanged() {}, paced() {}, limited() {}, ...watch },
  redact: (message) => message.replaceAll("hunter2", "[hidden]"),
});

/** One guarded provider without a house. Probes run once it is started. */
export const guardedAlone = (provider: Provider, { clock = new SimulatedClock(), settings, watch, told }: Alone = {}): Guarded =>
  new Guarded(provider, { ...usualGuards, ...settings }, partsOn(clock, watch), told);
