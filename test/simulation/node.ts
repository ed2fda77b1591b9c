import { Ticker } from "../../src/audio/ticker.ts";
import { crisisDetector } from "../../src/crisis/detector.ts";
import { CrisisWatch } from "../../src/crisis/watch.ts";
import { defaultBreaker, type BreakerChange } from "../../src/guard/breaker.ts";
import { Guards } from "../../src/guard/guards.ts";
import { noLimits } from "../../src/guard/limits.ts";
import { RetryCredit } from "../../src/guard/retry-credit.ts";
import type { Clock, Timer } from "../../src/kernel/clock.ts";
import { silentLog } from "../../src/kernel/log.ts";
import type { Random } from "../../src/kernel/random.ts";
import { keepCalls } from "../../src/session/keep.ts";
import { Roster, type AgentPlan } from "../../src/session/roster.ts";
import type { SnapshotStore } from "../../src/session/snapshot.ts";
import type { CallEvent } from "../../src/session/words.ts";
import { bridgeLine } from "./sim-leg.ts";
import type { SimProvider } from "./sim-provider.ts";

export interface NodeParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly providers: readonly SimProvider[];
  readonly plan: AgentPlan;
  readonly store: SnapshotStore;
  tell(event: CallEvent): void;
  breakerChanged(change: BreakerChange): void;
}

/** The process of one node: the roster with its real guards and keeper. Killed, nothing of it ever happens again. */
export class SimNode {
  readonly roster: Roster;
  readonly guards: Guards;
  readonly credit: RetryCredit;
  readonly #clock: MortalClock;
  readonly #keeper: Disposable;
  isUp = true;

  constructor(parts: NodeParts) {
    const { random, providers, plan } = parts;
    const clock = new MortalClock(parts.clock);
    this.#clock = clock;
    const settings = {
      breaker: defaultBreaker,
      openLimitMs: 5_000,
      answerLimitMs: 10_000,
      shortestLimitMs: 1_000,
      limits: noLimits,
      probes: "on",
    } as const;
    const deaf = { called() {}, ordered() {}, healthChanged() {}, paced() {}, limited() {} };
    const live =
      <Rest extends readonly unknown[]>(tell: (...rest: Rest) => void) =>
      (...rest: Rest): void =>
        this.isUp ? tell(...rest) : undefined;
    const watch = { ...deaf, changed: live((change: BreakerChange) => parts.breakerChanged(change)) };
    this.guards = new Guards(
      providers.map(({ provider }) => provider),
      () => settings,
      { clock, random, log: silentLog, watch, redact: (message) => message },
    );
    this.credit = new RetryCredit(() => this.roster.size);
    const house = {
      clock,
      random,
      ticker: new Ticker(clock),
      log: silentLog,
      watch: { tell: live((event: CallEvent) => parts.tell(event)) },
      providers: this.guards.providers,
      limits: { ringChunks: 100, chunkMs: 100, holdMs: 30_000, drainMs: 20_000, attempts: 7 },
      pace: this.guards,
      credit: this.credit,
      voice: undefined,
      budget: { admit: (tiers: readonly string[]) => tiers },
      personAt: undefined,
      prompts: { line: (id: string) => ({ text: id, audio: bridgeLine }) },
      crisis: new CrisisWatch(crisisDetector()),
      snapshots: { save: live(parts.store.save.bind(parts.store)), remove: live(parts.store.remove.bind(parts.store)) },
    };
    this.roster = new Roster(house, [plan], { calls: 100, overload: () => undefined });
    this.#keeper = keepCalls(this.roster, clock);
    this.guards.start();
  }

  /** Timers that are armed. */
  get armed(): number {
    return this.#clock.armed;
  }

  /** In order, once its calls are over. */
  stop(): void {
    this.#keeper[Symbol.dispose]();
    this.guards.stop();
  }

  /** As by `kill -9`. */
  kill(): void {
    this.isUp = false;
    this.#clock.kill();
  }
}

/** A clock that dies with its process. */
class MortalClock implements Clock {
  readonly #clock: Clock;
  readonly #armed = new Set<Timer>();
  #isAlive = true;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get armed(): number {
    return this.#armed.size;
  }

  now(): number {
    return this.#clock.now();
  }

  wallNow(): number {
    return this.#clock.wallNow();
  }

  setTimeout(run: () => void, delayMs: number): Timer {
    if (!this.#isAlive) return undefined;
    const timer = this.#clock.setTimeout(() => {
      this.#armed.delete(timer);
      run();
    }, delayMs);
    this.#armed.add(timer);
    return timer;
  }

  clearTimeout(timer: Timer): void {
    this.#armed.delete(timer);
    this.#clock.clearTimeout(timer);
  }

  kill(): void {
    this.#isAlive = false;
    for (const timer of this.#armed) this.#clock.clearTimeout(timer);
    this.#armed.clear();
  }
}
