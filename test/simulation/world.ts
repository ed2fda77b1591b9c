import { isDeepStrictEqual } from "node:util";
import type { Encoding } from "../../src/audio/encodings.ts";
import { seededRandom, type Random } from "../../src/kernel/random.ts";
import type { ProviderTraits } from "../../src/provider/contract.ts";
import type { AgentPlan } from "../../src/session/roster.ts";
import { plainManners } from "../../src/session/manners.ts";
import type { CallSnapshot } from "../../src/session/snapshot.ts";
import type { Tool } from "../../src/session/tools.ts";
import type { CallEvent } from "../../src/session/words.ts";
import { copyOf } from "../session/copy-of.ts";
import { SimulatedClock } from "../simulated-clock.ts";
import { failoverLimitMs, Ledger, plannedLimitMs } from "./ledger.ts";
import { SimNode } from "./node.ts";
import { SimCaller, stepMs } from "./sim-caller.ts";
import type { Place, SimLink } from "./sim-link.ts";
import { SimProvider } from "./sim-provider.ts";

/** A call without a link, since when, and within what time each provider that was well all the while should have held it. */
interface Gap {
  readonly sinceMs: number;
  readonly well: Map<string, number>;
}

/** What opening the link that wins may take on top of a limit, with the step in which it is noticed. */
const openingMs = 700;
/** Who has failed a call so often since a link of it last worked is asked again when its turn on the ladder comes: that is at most so far off. */
const dialsAtOnce = 2;
const rungMs = 17_600;
/** A link that has lived so long works. */
const provenMs = 5_000;
/** In 20 s a provider that fails is not asked more often than this, and once more by each call. */
const mostKnocks = 30;
/** So many are told; the first says most. */
const mostViolations = 10;

/** One node, its providers and its callers on simulated time, all from one seed. */
export class World {
  readonly seed: number;
  readonly clock = new SimulatedClock();
  readonly lot: Random;
  readonly providers: readonly SimProvider[];
  readonly callers: SimCaller[] = [];
  readonly ledger: Ledger;
  readonly met = new Map<string, number>();
  readonly violations: string[] = [];
  readonly toolRuns = new Map<string, number>();
  readonly plan: AgentPlan;
  readonly #kept = new Map<string, CallSnapshot>();
  readonly #random: Random;
  readonly #gaps = new Map<string, Gap>();
  readonly #over = new Set<string>();
  /** What was told last of a link of each call that was lost. */
  readonly #lost = new Map<string, Extract<CallEvent, { type: "link.lost" }>>();
  /** How often each provider failed a call since any link of that call last worked. */
  readonly #failed = new Map<string, Map<string, number>>();
  kills = 0;
  /** Nothing new can be kept of any call. */
  isDiskFull = false;
  worstGapMs = 0;
  node: SimNode;
  /** The node before, until it was seen that it left nothing. */
  #retired: SimNode | undefined;

  constructor(seed: number, talksMs: number, follow: (line: string) => void) {
    this.seed = seed;
    const shape = seededRandom(seed);
    this.lot = seededRandom(seed + 1_000_003);
    this.#random = seededRandom(seed + 2_000_003);
    const meet = (what: string): void => this.meet(what);
    this.ledger = new Ledger(
      () => this.clock.now(),
      (what) => this.violation(what),
      meet,
      follow,
    );
    const host = { random: seededRandom(seed + 3_000_003), callerOf: (callId: string) => this.callerOf(callId), meet };
    const names = ["alpha", "beta", "gamma", "delta"].slice(0, shape.next() < 0.15 ? 1 : 2 + Math.floor(shape.next() * 3));
    const traits = (): Partial<ProviderTraits> => ({
      standby: shape.next() < 0.8,
      resumable: shape.next() < 0.3,
      replayPace: shape.next() < 0.2 ? 1.25 : Infinity,
      trailingSilenceMs: shape.next() < 0.5 ? 800 : 0,
    });
    this.providers = names.map((name) => new SimProvider(name, traits(), host));
    if (shape.next() < 0.5) {
      const bridging: Partial<ProviderTraits> = { stopgap: true, callerTranscript: "none", tools: "none", trailingSilenceMs: 700 };
      this.providers = [...this.providers, new SimProvider("stopgap", bridging, host)];
    }
    this.plan = {
      spec: { name: "desk", instructions: "", greeting: "Hello.", language: "en", voice: undefined, providerSettings: {} },
      tiers: this.providers.map(({ name }) => name),
      tools: [this.#tool()],
      standby: shape.next() < 0.5 ? "warm" : "cold",
      manners: plainManners,
      slaClass: "standard",
      switchBack: shape.next() < 0.5 ? "when-well" : "never",
    };
    this.node = this.#start();
    const callers = shape.next() < 0.8 ? 1 : 2 + Math.floor(shape.next() * 2);
    for (let number = 1; number <= callers; number += 1) {
      const uplink: Encoding = shape.next() < 0.6 ? "pcmu@8000" : "pcm16@16000";
      const playback = (["clock", "marks", "reports"] as const)[Math.floor(shape.next() * 3)] ?? "clock";
      this.callers.push(new SimCaller(this, number, seededRandom(seed * 64 + number), uplink, playback, talksMs));
    }
  }

  get hasStopgap(): boolean {
    return this.providers.some(({ traits }) => traits.stopgap);
  }

  /** Providers that faults may meet: what bridges is there whatever happens. */
  get mortals(): readonly SimProvider[] {
    return this.providers.filter(({ traits }) => !traits.stopgap);
  }

  meet(what: string): void {
    this.met.set(what, (this.met.get(what) ?? 0) + 1);
  }

  violation(what: string): void {
    this.ledger.note(`violation: ${what}`);
    if (this.violations.length < mostViolations) this.violations.push(`at ${(this.clock.now() / 1000).toFixed(1)} s: ${what}`);
  }

  callerOf(callId: string): SimCaller | undefined {
    return this.callers.find((caller) => caller.callId === callId);
  }

  isOver(callId: string): boolean {
    return this.#over.has(callId);
  }

  /** Links that have a call, or wait for one, in a place; in order of opening. */
  linksAt(place: Place): readonly SimLink[] {
    return this.providers.flatMap(({ links }) => [...links].filter((link) => link.caller !== undefined && link.place === place));
  }

  /** The link that has the call. */
  linkOf(caller: SimCaller): SimLink | undefined {
    if (caller.link?.isActive === true) return caller.link;
    for (const { links } of this.providers) for (const link of links) if (link.caller === caller && link.isActive) return link;
    return undefined;
  }

  /** A tenth of a second of everybody. */
  async step(): Promise<void> {
    for (const caller of this.callers) caller.step();
    await this.clock.advance(stepMs);
    for (const { links } of this.providers) for (const link of links) link.step();
    this.#check();
  }

  /** As by kill -9: what was not kept is gone. */
  kill(downMs: number): void {
    if (this.isDiskFull) this.meet("node killed with a full disk");
    this.node.kill();
    this.kills += 1;
    this.#loseLinks();
    this.ledger.note("node killed");
    this.#gaps.clear();
    for (const caller of this.callers) {
      if (caller.isGone || this.isOver(caller.callId)) continue;
      caller.nodeGone(downMs + 500);
      if (this.#kept.has(caller.callId)) caller.forgetAfter(caller.kept.sent);
      else this.#over.add(caller.callId);
      for (const typed of caller.said.slice(caller.kept.turns))
        if (typed.kind === "typed") typed.excuse ??= "typed just before its node died";
      // As with a link that dies: nobody is asked again what the agent was heard answering.
      const { lateWords } = caller.kept;
      if (lateWords !== undefined) lateWords.excuse ??= "words that died with their node";
    }
    this.ledger.nodeKilled();
  }

  /** The next process takes up what was kept. */
  restart(): void {
    this.ledger.forgetBreakers();
    this.node = this.#start();
    for (const snapshot of this.#kept.values())
      if (!this.node.roster.restore(snapshot)) this.violation(`I13: call ${snapshot.callId} could not be restored`);
  }

  /** Takes no more calls, gives those that there are so long, and hands them on. */
  drain(): void {
    this.ledger.note("node drained");
    // What becomes of calls that can be handed on to nobody is seen where a node is killed.
    this.isDiskFull = false;
    this.node.roster.drain().catch(() => {});
    if (this.node.roster.refusal()?.code !== "draining") this.violation("I12: a draining node takes calls");
  }

  /** The drained node goes, whoever is still there is told to come back. */
  replace(): void {
    this.node.roster.endAll();
    if (this.node.roster.size > 0) this.violation("I12: calls are left on a node that was closed");
    this.node.stop();
    this.#retired = this.node;
    this.#loseLinks();
    this.#gaps.clear();
    for (const caller of this.callers) {
      if (caller.isGone || this.isOver(caller.callId) || !this.#kept.has(caller.callId)) continue;
      if (!caller.isAway && caller.leg.ended?.reason !== "drained") this.violation("I12: a caller was not told to come back");
      caller.nodeGone(500);
    }
    this.restart();
  }

  #start(): SimNode {
    return new SimNode({
      clock: this.clock,
      random: this.#random,
      providers: this.providers,
      plan: this.plan,
      store: {
        save: (snapshot) => {
          if (this.isDiskFull) return;
          this.#compareSealed(this.#kept.get(snapshot.callId), snapshot);
          this.#kept.set(snapshot.callId, copyOf(snapshot));
          const caller = this.callerOf(snapshot.callId);
          if (caller !== undefined)
            caller.kept = { sent: caller.arrived, turns: caller.said.length, lateWords: this.linkOf(caller)?.lateWords };
          this.#limitSize(snapshot);
        },
        remove: (callId) => void this.#kept.delete(callId),
      },
      tell: (event) => this.#tell(event),
      breakerChanged: (change) => this.ledger.breakerChanged(change),
    });
  }

  #loseLinks(): void {
    for (const provider of this.providers) {
      for (const link of provider.links) link.state = "closed";
      provider.links.clear();
      provider.openings.clear();
    }
  }

  #tell(event: CallEvent): void {
    this.ledger.tell(event);
    this.#countFailures(event);
    if (event.type === "link.lost") this.#lost.set(event.callId, event);
    if (event.type === "call.ended") {
      const gap = this.#gaps.get(event.callId);
      if (event.outcome === "failed" && gap !== undefined && gap.well.size > 0)
        this.violation(`a call was given up (${event.cause}) though ${[...gap.well.keys()].join(" and ")} would have taken it`);
      this.#gaps.delete(event.callId);
      if (event.outcome !== "moved") this.#over.add(event.callId);
    }
    if (event.type === "call.handed-over" && this.#isStandby(event.callId, event.to) && event.mode === "failover")
      this.meet("standby taken");
    if (event.type === "call.handed-over" && event.mode === "failover" && event.durationMs > 0) this.meet("race won by the next tier");
    if (event.type === "link.recovered" && this.providers.length > 1) this.meet("race won by the reconnect");
    if (
      event.type === "call.handed-over" &&
      event.mode === "planned" &&
      event.durationMs > plannedLimitMs + openingMs &&
      this.#isWell(event.to)
    )
      this.violation(`I8: a planned move to ${event.to} took ${Math.round(event.durationMs)} ms`);
  }

  /** What a call has had from a provider since any link of it last worked. */
  #countFailures(event: CallEvent): void {
    const isProof =
      event.type === "turn.answered" || event.type === "call.restored" || (event.type === "link.lost" && event.livedMs >= provenMs);
    if (isProof) this.#failed.delete(event.callId);
    if (event.type !== "link.failed" && event.type !== "link.lost") return;
    // Who turned the call away is not asked again at once.
    if (!retried.has(event.code)) this.#gaps.get(event.callId)?.well.delete(event.provider);
    const failed = this.#failed.get(event.callId) ?? new Map<string, number>();
    this.#failed.set(event.callId, failed.set(event.provider, (failed.get(event.provider) ?? 0) + 1));
  }

  #failures(callId: string, provider: string): number {
    return this.#failed.get(callId)?.get(provider) ?? 0;
  }

  linkOfCall(callId: string): SimLink | undefined {
    const caller = this.callerOf(callId);
    return caller === undefined ? undefined : this.linkOf(caller);
  }

  #isStandby(callId: string, provider: string): boolean {
    const link = this.linkOfCall(callId);
    return link?.provider.name === provider && link.wasStandby;
  }

  #isWell(name: string): boolean {
    const provider = this.providers.find((each) => each.name === name);
    return provider?.isWell === true && this.node.guards.providers.get(name)?.admit() === undefined;
  }

  #wellNow(): readonly string[] {
    return this.providers.flatMap(({ name }) => (this.#isWell(name) ? [name] : []));
  }

  #check(): void {
    const nowMs = this.clock.now();
    if (this.#retired !== undefined && this.#retired.armed > 0)
      this.violation(`I9: ${this.#retired.armed} timers are left on a drained node`);
    this.#retired?.kill();
    this.#retired = undefined;
    for (const caller of this.callers) this.#checkGap(caller, nowMs);
    for (const provider of this.providers) {
      const { knocks } = provider;
      while (knocks[0] !== undefined && knocks[0] < nowMs - 20_000) knocks.shift();
      if (knocks.length > mostKnocks * this.callers.length) this.violation(`${provider.name} was dialled ${knocks.length} times in 20 s`);
      if (this.ledger.stateOf(provider.name) === "half_open" && provider.openings.size > 4)
        this.violation(`I6: ${provider.openings.size} trials of ${provider.name} at once`);
    }
    const { credit, roster } = this.node;
    if (credit.taken > 0.2 * roster.size + 3) this.violation(`I15: ${credit.taken} retries at once for ${roster.size} calls`);
    for (const chunks of roster.ringChunks.values())
      if (chunks > 600 * this.callers.length + 1) this.violation(`I11: ${chunks} chunks are kept`);
  }

  /** I8: who has no link has one within the limit, where there was somebody well all that time. */
  #checkGap(caller: SimCaller, nowMs: number): void {
    const { callId } = caller;
    const needsNone = caller.isGone || this.isOver(callId) || this.linkOf(caller) !== undefined;
    const gap = this.#gaps.get(callId);
    const isPrompt = gap !== undefined && [...gap.well.values()].includes(failoverLimitMs);
    if (isPrompt) this.worstGapMs = Math.max(this.worstGapMs, nowMs - gap.sinceMs);
    if (needsNone) return void this.#gaps.delete(callId);
    // A call that was restored needs no link before its caller is back.
    if (gap === undefined && caller.isAway) return;
    if (gap === undefined) {
      const well = new Map(this.#wellNow().map((name) => [name, this.#failures(callId, name) < dialsAtOnce ? failoverLimitMs : rungMs]));
      const lost = this.#lost.get(callId);
      // Who asks to be left alone, or turned the call away, is not asked again at once.
      if (lost !== undefined && (lost.retryAfterMs !== undefined || !retried.has(lost.code))) well.delete(lost.provider);
      this.#gaps.set(callId, { sinceMs: nowMs, well });
      return;
    }
    for (const name of gap.well.keys()) {
      if (!this.#isWell(name)) gap.well.delete(name);
      else if (this.#failures(callId, name) >= dialsAtOnce) gap.well.set(name, rungMs);
    }
    const late = [...gap.well].filter(([, limitMs]) => nowMs - gap.sinceMs > limitMs + openingMs).map(([name]) => name);
    if (late.length === 0) return;
    this.violation(`I8: no link for ${Math.round(nowMs - gap.sinceMs)} ms though ${late.join(" and ")} is well`);
    gap.well.clear();
  }

  /** They are written once, so none may ever read otherwise. */
  #compareSealed(before: CallSnapshot | undefined, { turns, turnsBefore }: CallSnapshot): void {
    if (before === undefined || before.sealedTurns === 0) return;
    this.meet("snapshot with sealed turns");
    const sealed = before.turns.slice(Math.max(0, turnsBefore - before.turnsBefore), before.sealedTurns);
    if (!isDeepStrictEqual(sealed, turns.slice(0, sealed.length))) this.violation("I13: a turn that was kept for good has changed");
  }

  #limitSize(snapshot: CallSnapshot): void {
    const bytesOf = (pieces: readonly Uint8Array[]): number => pieces.reduce((sum, { length }) => sum + length, 0);
    const unheard = snapshot.unheard.reduce((sum, { audio }) => sum + bytesOf(audio), 0);
    if (unheard > 184_000 * 32 || bytesOf(snapshot.unsettled) > 60_000 * 32)
      this.violation("I11: a snapshot is larger than the queues may be");
  }

  #tool(): Tool {
    return {
      spec: { name: "look_up", description: "", parameters: {} },
      run: (args, { clock, signal }) =>
        new Promise((resolve, reject) => {
          const call = JSON.stringify(args);
          this.toolRuns.set(call, (this.toolRuns.get(call) ?? 0) + 1);
          const lot = this.#random.next();
          const timer = clock.setTimeout(
            () => {
              if (lot < 0.1) this.meet("tool throws");
              if (lot < 0.1) reject(new Error("no such table"));
              else resolve({ found: args });
            },
            lot > 0.95 ? 60_000 : 100 + 3_000 * this.#random.next(),
          );
          if (lot > 0.95) this.meet("tool hangs");
          signal.addEventListener("abort", () => clock.clearTimeout(timer), { once: true });
        }),
    };
  }
}

/** Losses after which the same provider is asked again. */
const retried: ReadonlySet<string> = new Set([
  "provider-unreachable",
  "provider-dropped",
  "provider-silent",
  "provider-overloaded",
  "provider-limited",
  "provider-expired",
  "provider-malformed",
]);
