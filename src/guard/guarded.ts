import type { Clock } from "../kernel/clock.ts";
import type { Log } from "../kernel/log.ts";
import type { Random } from "../kernel/random.ts";
import type { Provider } from "../provider/contract.ts";
import { Breaker, type BreakerChange, type BreakerOrder, type BreakerSettings, type BreakerWatch, type Trial } from "./breaker.ts";
import { Health, type HealthFigures, type HealthLevel } from "./health.ts";
import { Limits, type LimitSettings } from "./limits.ts";
import { observed, type SessionEnd, type Witness } from "./observed.ts";
import { AdaptiveLimit } from "./pace.ts";
import type { PeerNews } from "./peers.ts";
import { probe, type ProbeResult, type ProbeStay } from "./probe.ts";
import { Prober, type ProbeMode } from "./prober.ts";
import type { GuardView } from "./view.ts";

/** How one provider is guarded. */
export interface GuardSettings {
  readonly breaker: BreakerSettings;
  /** The longest that opening and answering may take; less once it is known how long they do. */
  readonly openLimitMs: number;
  readonly answerLimitMs: number;
  /** And the least that either is given, however fast it usually is. */
  readonly shortestLimitMs: number;
  readonly limits: LimitSettings;
  readonly probes: ProbeMode;
}

/** So long one opening that came to nothing speaks against a provider, unless another one shows better. */
const stalledMs = 30_000;

/**
 * What calls that wait are told of a provider. `recovered`: who turned away from it may come back: its breaker lets calls in, or it was
 * seen to work again. `stalled`: it let an opening wait in vain, and whoever waits for it alone should not.
 */
export type CallNews = "recovered" | "stalled";

interface HealthChange extends HealthFigures {
  readonly provider: string;
  readonly from: HealthLevel;
  readonly to: HealthLevel;
}

/** Is told each change once. */
interface GuardWatch extends BreakerWatch {
  ordered(provider: string, order: BreakerOrder, state: Breaker["state"]): void;
  healthChanged(change: HealthChange): void;
  /** How long its answers may take now. */
  paced(provider: string, answerLimitMs: number): void;
  /** A rate limit was reached; nothing is asked of it for so long. 0: until a session ends. */
  limited(provider: string, waitMs: number): void;
}

export interface GuardParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly watch: GuardWatch;
  /** A fault's message as people may see it: without secrets. */
  readonly redact: (message: string) => string;
}

/**
 * One provider with all its guards: rate limits, breaker, health, adaptive time-outs and probes, all fed by what is seen of each
 * session from outside. What can only bridge has none that would keep a call from it: when all else fails, it is what is left.
 */
export class Guarded {
  /** The provider as calls are to use it. */
  readonly provider: Provider;
  readonly open: AdaptiveLimit;
  readonly answer: AdaptiveLimit;
  readonly #bare: Provider;
  readonly #parts: GuardParts;
  readonly #breaker: Breaker;
  readonly #limits: Limits;
  readonly #health: Health;
  readonly #prober: Prober;
  #level: HealthLevel = "healthy";
  /** When a call last showed that it works. */
  #provedMs = -Infinity;
  /** When it last let an opening wait in vain, with none that opened since. */
  #stalledAtMs = -Infinity;
  /** Sessions of calls that have not yet shown anything. */
  #unproven = 0;
  #lastFault: GuardView["lastFault"];
  #publish: (news: PeerNews) => void = () => {};
  readonly #told: (news: CallNews) => void;
  /** Why whoever waits for it waits; undefined: it is not known to be in trouble. */
  #trouble: "shut" | "operator's" | "passing" | undefined;

  constructor(bare: Provider, settings: GuardSettings, parts: GuardParts, told: (news: CallNews) => void = () => {}) {
    const { clock, random, watch } = parts;
    this.#bare = bare;
    this.#parts = parts;
    this.#told = told;
    this.open = new AdaptiveLimit(clock, settings.openLimitMs, settings.shortestLimitMs);
    this.answer = new AdaptiveLimit(clock, settings.answerLimitMs, settings.shortestLimitMs);
    this.#health = new Health(clock, [this.open, this.answer]);
    this.#limits = new Limits(bare.name, settings.limits, clock, (waitMs) => watch.limited(bare.name, waitMs));
    this.#breaker = new Breaker(bare.name, settings.breaker, clock, {
      changed: (change) => this.#breakerChanged(change),
      called: (provider, status, durationMs) => watch.called(provider, status, durationMs),
    });
    this.#prober = new Prober({
      breaker: this.#breaker,
      mode: bare.traits.stopgap ? "off" : settings.probes,
      clock,
      random,
      probe: (stay, signal) => this.#probe(stay, signal),
      provedWithin: (ms) => clock.now() - this.#provedMs < ms,
      isTried: () => this.#unproven > 0,
      ticked: () => this.#look(),
    });
    this.provider = bare.traits.stopgap ? observed(bare, () => this.#witness(undefined, "call")) : this.#guard(bare);
    watch.paced(bare.name, this.answer.ms);
  }

  /** One that hangs is unhealthy at once: each call that asked it all the same would wait for nothing. */
  get level(): HealthLevel {
    if (this.#parts.clock.now() - this.#stalledAtMs < stalledMs) return "unhealthy";
    return this.#health.level(this.#breaker.state);
  }

  /** Probes begin; without this, what calls show is all that is known. */
  start(): void {
    this.#prober.start();
  }

  stop(): void {
    this.#prober.stop();
  }

  /** What an operator orders of the breaker stands until it is taken back with "auto". */
  order(order: BreakerOrder): void {
    this.#obey(order);
    this.#publish({ provider: this.#bare.name, kind: "ordered", order });
  }

  /** What is found out here from now on is told to the other processes. */
  publishTo(publish: (news: PeerNews) => void): void {
    this.#publish = publish;
  }

  /** Another process found out, or was ordered. */
  hear(news: PeerNews): void {
    if (news.kind === "breaker") return this.#breaker.hear(news.report);
    if (news.kind === "ordered") return this.#obey(news.order);
    this.#stalled();
  }

  view(): GuardView {
    const { open, answer } = this;
    const { errorRate } = this.#health.figures();
    const opening = this.#breaker.opening;
    return {
      provider: this.#bare.name,
      health: this.level,
      breaker: {
        state: this.#breaker.state,
        order: this.#breaker.ordered,
        openForMs: opening?.openForMs,
        retryInMs: opening?.retryInMs,
      },
      latencyMs: { open: { p50: open.p50, p95: open.p95 }, answer: { p50: answer.p50, p95: answer.p95 } },
      errorRate,
      limits: this.#limits.views(),
      limitedForMs: this.#limits.refusal()?.retryAfterMs ?? 0,
      timeouts: { openMs: open.ms, answerMs: answer.ms },
      activeSessions: this.#limits.sessions,
      lastFault: this.#lastFault,
    };
  }

  #obey(order: BreakerOrder): void {
    this.#breaker.order(order);
    this.#parts.watch.ordered(this.#bare.name, order, this.#breaker.state);
    this.#prober.lookAgain();
    this.#look();
  }

  #guard(bare: Provider): Provider {
    const watched = observed(bare, ({ urgent }) => {
      if (urgent) return this.#witness(undefined, "call");
      const limited = this.#limits.refusal();
      if (limited !== undefined) throw limited;
      const trial = this.#breaker.begin();
      this.#lookAtTrouble();
      return this.#witness(trial, "call");
    });
    return { ...watched, admit: () => this.#limits.refusal() ?? this.#breaker.refusal() ?? bare.admit() };
  }

  #witness(trial: Trial | undefined, by: "call" | "probe"): Witness {
    this.#limits.sessionBegan();
    let isUnproven = by === "call";
    if (isUnproven) this.#unproven += 1;
    const known = (): void => {
      if (isUnproven) this.#unproven -= 1;
      isUnproven = false;
    };
    return {
      opened: (setupMs) => {
        this.open.took(setupMs);
        this.#stalledAtMs = -Infinity;
        // A key or a quota is at fault before a session is ready, or not at all.
        if (this.#trouble === "operator's") this.#lookAtTrouble(true);
        this.#wentWell(by);
      },
      answered: (afterMs) => {
        this.answer.took(afterMs);
        this.#wentWell(by);
      },
      proved: (proof) => {
        known();
        trial?.succeeded(proof);
        this.#prober.relieve();
        this.#lookAtTrouble(true);
      },
      noticed: (notice) => this.#limits.noticed(notice),
      ended: (end) => {
        known();
        this.#ended(end, trial, by);
      },
    };
  }

  #wentWell(by: "call" | "probe"): void {
    if (by === "call") this.#provedMs = this.#parts.clock.now();
    this.#health.went(true);
    this.#look();
  }

  #ended({ fault, failing, while: stage, waitedMs }: SessionEnd, trial: Trial | undefined, by: "call" | "probe"): void {
    this.#limits.sessionEnded(fault);
    if (fault !== undefined) {
      const at = new Date(this.#parts.clock.wallNow()).toISOString();
      this.#lastFault = { code: fault.code, message: this.#parts.redact(fault.message), at };
    }
    if (fault === undefined || failing === undefined) {
      trial?.abandoned();
      return this.#lookAtTrouble();
    }
    this.#trouble ??= fault.row.blame === "operator" ? "operator's" : "passing";
    if (fault.code === "provider-silent" && waitedMs !== undefined) (stage === "opening" ? this.open : this.answer).ranOut(waitedMs);
    if (fault.code === "provider-silent" && stage === "opening") {
      this.#stalled();
      this.#publish({ provider: this.#bare.name, kind: "stalled" });
    }
    this.#health.went(false);
    if (by === "probe") this.#prober.putOff(fault);
    else if (fault.row.remedy === "retry") this.#prober.suspect(fault);
    trial?.failed(failing);
    this.#look();
  }

  #breakerChanged(change: BreakerChange): void {
    this.#parts.watch.changed(change);
    if (!change.byPeer) this.#publish({ provider: this.#bare.name, kind: "breaker", report: this.#breaker.report });
    if (change.to === "closed") this.#health.restart();
    this.#prober.lookAgain();
    this.#look();
  }

  #stalled(): void {
    this.#stalledAtMs = this.#parts.clock.now();
    this.#look();
    this.#told("stalled");
  }

  /** Tells when it is over. `works`: a session has just shown so. */
  #lookAtTrouble(works = false): void {
    if (this.#breaker.refusal() !== undefined) this.#trouble = "shut";
    else if (this.#trouble === "shut" || (works && this.#trouble !== undefined)) {
      this.#trouble = undefined;
      this.#told("recovered");
    }
  }

  /** Tells what is different from when it was looked at last. */
  #look(): void {
    this.#lookAtTrouble();
    const { watch } = this.#parts;
    const [from, to] = [this.#level, this.level];
    this.#level = to;
    if (from !== to) watch.healthChanged({ provider: this.#bare.name, from, to, ...this.#health.figures() });
    watch.paced(this.#bare.name, this.answer.ms);
  }

  /** While the breaker is shut a probe goes past it. */
  async #probe(stay: ProbeStay, signal: AbortSignal): Promise<ProbeResult> {
    const { clock, random, log } = this.#parts;
    const wasShut = this.#breaker.state === "open";
    if (this.#limits.refusal() !== undefined || this.#bare.admit() !== undefined) return "unknown";
    if (!wasShut && this.#breaker.refusal() !== undefined) return "unknown";
    const witness = this.#witness(wasShut ? undefined : this.#breaker.begin("probe"), "probe");
    const result = await probe(this.#bare, witness, { stay, openLimitMs: this.open.ms, signal, clock, random, log });
    if (wasShut && result !== "unknown") this.#breaker.probed(result === "good");
    log.debug("health_probe", { provider: this.#bare.name, result, stay });
    return result;
  }
}
