import { Fault } from "../kernel/fault.ts";
import type { Provider } from "../provider/contract.ts";
import type { BreakerOrder } from "./breaker.ts";
import { Guarded, type CallNews, type GuardParts, type GuardSettings } from "./guarded.ts";
import type { HealthLevel } from "./health.ts";
import type { Pace } from "./pace.ts";
import type { GuardPeers } from "./peers.ts";
import type { GuardView } from "./view.ts";

/** The guards of all providers of one node, in the order of the tiers. */
export class Guards implements Pace {
  /** The providers as calls are to use them. */
  readonly providers: ReadonlyMap<string, Provider>;
  readonly #guarded: ReadonlyMap<string, Guarded>;
  readonly #followers = new Set<(provider: string, news: CallNews) => void>();

  constructor(bare: readonly Provider[], settingsOf: (provider: string) => GuardSettings, parts: GuardParts) {
    const guarded = (provider: Provider): Guarded =>
      new Guarded(provider, settingsOf(provider.name), parts, (news) => {
        for (const follower of [...this.#followers]) follower(provider.name, news);
      });
    this.#guarded = new Map(bare.map((provider) => [provider.name, guarded(provider)]));
    this.providers = new Map([...this.#guarded].map(([name, { provider }]) => [name, provider]));
  }

  openLimitMs(provider: string): number {
    return this.#named(provider).open.ms;
  }

  answerLimitMs(provider: string): number {
    return this.#named(provider).answer.ms;
  }

  levelOf(provider: string): HealthLevel {
    return this.#named(provider).level;
  }

  follow(listener: (provider: string, news: CallNews) => void): Disposable {
    // A listener of one's own, so that the same function may follow twice.
    const own = (provider: string, news: CallNews): void => listener(provider, news);
    this.#followers.add(own);
    return { [Symbol.dispose]: () => void this.#followers.delete(own) };
  }

  views(): readonly GuardView[] {
    return [...this.#guarded.values()].map((guarded) => guarded.view());
  }

  /**
   * Shuts a provider's breaker open, forces it closed, or leaves it to itself again.
   * @throws {Fault} setting-invalid when there is no such provider here
   */
  order(provider: string, order: BreakerOrder): void {
    this.#named(provider).order(order);
  }

  /** What is found out about a provider is shared with other processes, until disposed. */
  join(peers: GuardPeers): Disposable {
    for (const guarded of this.#guarded.values()) guarded.publishTo((news) => peers.publish(news));
    const following = peers.follow((news) => this.#guarded.get(news.provider)?.hear(news));
    return {
      [Symbol.dispose]: () => {
        following[Symbol.dispose]();
        for (const guarded of this.#guarded.values()) guarded.publishTo(() => {});
      },
    };
  }

  /** Probes run from here to `stop`. */
  start(): void {
    for (const guarded of this.#guarded.values()) guarded.start();
  }

  stop(): void {
    for (const guarded of this.#guarded.values()) guarded.stop();
  }

  #named(provider: string): Guarded {
    const guarded = this.#guarded.get(provider);
    if (guarded === undefined)
      throw new Fault("setting-invalid", `no provider is named "${provider}" here; known are ${[...this.#guarded.keys()].join(", ")}`);
    return guarded;
  }
}
