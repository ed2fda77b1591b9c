import { createActor, type Actor } from "xstate";
import type { CallStart, Leg, LegListener, Reception } from "../caller/leg.ts";
import { Fault } from "../kernel/fault.ts";
import type { AgentSpec, Provider } from "../provider/contract.ts";
import { Call } from "./call.ts";
import { cleanStart } from "./clean-input.ts";
import { callTools } from "./call-tools.ts";
import { viewOf } from "./call-view.ts";
import type { CallControl, CallView, CallWithTurns } from "./control.ts";
import { mannersFor, type Manners } from "./manners.ts";
import type { TurnRecord } from "./conversation.ts";
import { lineTools } from "./line-tools.ts";
import { listenTo } from "./leg-listener.ts";
import { sessionMachine } from "./machine.ts";
import type { CallSnapshot } from "./snapshot.ts";
import type { CallOrder, SessionHouse } from "./session-house.ts";
import { eachState, statesOf } from "./states.ts";
import { Switchboard, type SwitchboardShape } from "./switchboard.ts";
import { snapshotOf } from "./take-snapshot.ts";
import type { Tool } from "./tools.ts";
import type { CallEvent, CallOutcome, SessionWatch, SlaClass } from "./words.ts";

/** An agent as configured: what the provider is told, which providers may hold its calls, what it can do. */
export interface AgentPlan {
  readonly spec: Omit<AgentSpec, "tools">;
  /** Provider names, best first. */
  readonly tiers: readonly string[];
  readonly tools: readonly Tool[];
  readonly standby: SwitchboardShape["standby"];
  readonly switchBack: SwitchboardShape["switchBack"];
  readonly slaClass: SlaClass;
  readonly manners: Manners;
}

export interface RosterLimits {
  readonly calls: number;
  /** Why the load allows no new call just now. */
  readonly overload: () => Fault | undefined;
}

interface Entry {
  savedMs: number;
  readonly call: Call;
  readonly actor: Actor<typeof sessionMachine>;
}

/** The calls alive on this node: the door to them, and who may do what with them. */
export class Roster implements Reception, CallControl {
  readonly #house: SessionHouse;
  readonly #watch: SessionWatch;
  readonly #agents: readonly AgentPlan[];
  readonly #limits: RosterLimits;
  readonly #calls = new Map<string, Entry>();
  /** The calls that are looked at next for what is to be kept. */
  #unsaved = this.#calls.values();
  #state: "serving" | "draining" = "serving";
  readonly #drained = Promise.withResolvers<void>();
  readonly #followers = new Set<(event: CallEvent) => void>();

  constructor(house: SessionHouse, agents: readonly AgentPlan[], limits: RosterLimits) {
    this.#house = { ...house, watch: { tell: (event) => this.#tell(event) } };
    this.#watch = house.watch;
    this.#agents = agents;
    this.#limits = limits;
  }

  receive(leg: Leg, start: CallStart): LegListener {
    const back = this.#waiting(leg, start);
    if (back !== undefined) return this.#takeBack(back, leg, start);
    // Who asks for one call does not mean another.
    if (start.resume !== undefined && leg.traits.resume === "token") throw new Fault("call-unknown", "the call to come back to is over");
    const plan = this.#planFor(start.agent);
    const refusal = this.refusal(plan);
    if (refusal !== undefined) throw refusal;
    return this.#begin(leg, this.#withinBudget(plan), start);
  }

  /** Takes up a call where another node left it; its caller has as long to come back as one whose leg was lost. False: it cannot go on here. */
  restore(past: CallSnapshot): boolean {
    const plan = this.#agents.find((agent) => agent.spec.name === past.agent);
    if (plan === undefined || this.#calls.has(past.callId)) return false;
    // Who answered is known, or never will be.
    const { call, actor } = this.#open(plan, { ...past, user: past.user, isPlaced: false, past });
    const { dialect, agent, language, user } = past;
    const awayMs = Math.max(0, this.#house.clock.wallNow() - past.savedAtMs);
    call.tell({ type: "call.restored", dialect, agent, language, user, tiers: plan.tiers, slaClass: plan.slaClass, awayMs });
    actor.start();
    return true;
  }

  /** Keeps every call that has not been kept for `olderThanMs`, of such a share of all that comes next in turn. */
  save(olderThanMs: number, share = 1): void {
    const nowMs = this.#house.clock.now();
    for (let left = Math.ceil(this.#calls.size * share); left > 0; left -= 1) {
      const entry = this.#nextInTurn();
      if (entry === undefined || nowMs - entry.savedMs < olderThanMs) continue;
      entry.savedMs = nowMs;
      this.#house.snapshots.save(snapshotOf(entry.call));
    }
  }

  /** After the last call the first. */
  #nextInTurn(): Entry | undefined {
    const { done, value } = this.#unsaved.next();
    if (done !== true) return value;
    this.#unsaved = this.#calls.values();
    return this.#unsaved.next().value;
  }

  /** Why a new call would be refused just now; undefined: it would not. */
  refusal(plan: AgentPlan = this.#planFor(undefined)): Fault | undefined {
    if (this.#state === "draining") return new Fault("draining", "this server is restarting; call again in a moment");
    const overload = this.#limits.overload();
    if (overload !== undefined) return overload;
    if (this.#calls.size >= this.#limits.calls) {
      return new Fault("busy", `all ${this.#limits.calls} lines are busy; call again in a moment`);
    }
    const open = this.#openTiers(plan);
    if (open.length === 0) return this.#allBusy(plan);
    const tiers = this.#house.budget.admit(plan.tiers);
    if (tiers instanceof Fault) return tiers;
    // Who would only be told to wait is better told that the lines are busy: nothing is broken, and calling again helps.
    const provider = (name: string): Provider | undefined => this.#house.providers.get(name);
    const isBusy = plan.tiers.some((name) => provider(name)?.admit()?.code === "provider-busy");
    const canTalk = open.some((name) => provider(name)?.traits.stopgap === false && provider(name)?.admit() === undefined);
    return isBusy && !canTalk ? new Fault("busy", "all lines are busy; call again in a moment") : undefined;
  }

  /** The plan with its tiers in the order that what was spent leaves them. */
  #withinBudget(plan: AgentPlan): AgentPlan {
    const tiers = this.#house.budget.admit(plan.tiers);
    return tiers instanceof Fault ? plan : { ...plan, tiers };
  }

  get size(): number {
    return this.#calls.size;
  }

  /** Takes no new call; resolves when the last one has ended, at the latest when its drain limit is over. */
  drain(): Promise<void> {
    this.#state = "draining";
    for (const { actor } of this.#calls.values()) actor.send({ type: "node.drained" });
    if (this.#calls.size === 0) this.#drained.resolve();
    return this.#drained.promise;
  }

  /** Ends every call at once: this node is going. */
  endAll(): void {
    for (const { actor } of this.#calls.values()) actor.send({ type: "node.closed" });
  }

  calls(most = Infinity): readonly CallView[] {
    return [...this.#calls.values()].slice(0, most).map(view);
  }

  call(callId: string): CallWithTurns | undefined {
    const entry = this.#calls.get(callId);
    return entry && { ...view(entry), turns: this.records(callId) };
  }

  follow(listener: (event: CallEvent) => void): Disposable {
    // A listener of one's own, so that the same function may follow twice.
    const own = (event: CallEvent): void => listener(event);
    this.#followers.add(own);
    return { [Symbol.dispose]: () => void this.#followers.delete(own) };
  }

  hangUp(callId: string): void {
    this.#find(callId).call.send({ type: "operator.hungUp" });
  }

  switchProvider(callId: string, provider: string | undefined): void {
    const { call } = this.#find(callId);
    const { tiers } = call.board;
    const present = call.lastProvider;
    const admits = (name: string): boolean => call.provider(name).admit() === undefined;
    const after = [...tiers.slice(tiers.indexOf(present) + 1), ...tiers];
    const next = provider ?? after.find((name) => name !== present && admits(name));
    if (next === undefined) throw new Fault("call-unable", "no other provider takes this call just now");
    if (!tiers.includes(next)) throw new Fault("call-unable", `${next} is none of this call's tiers: ${tiers.join(", ")}`);
    if (next === present) throw new Fault("call-unable", `the call is on ${next} already`);
    const refusal = call.provider(next).admit();
    if (refusal !== undefined) throw new Fault("call-unable", refusal.message, { cause: refusal });
    call.send({ type: "operator.askedSwitch", provider: next });
  }

  transfer(callId: string, target: string, briefing = ""): void {
    const { call } = this.#find(callId);
    call.leg.mustTransfer();
    call.send({ type: "operator.askedTransfer", target, briefing });
  }

  /** Somebody beside the call knows who answered it. `isReady`: a machine takes a message now. */
  answeredBy(callId: string, who: "person" | "machine", isReady: boolean): void {
    const call = this.#calls.get(callId)?.call;
    call?.send({ type: "answerer.wasKnown", who, by: "carrier" });
    if (isReady) call?.send({ type: "answerer.isReady" });
  }

  mute(callId: string, on: boolean): void {
    this.#find(callId).call.send({ type: on ? "operator.muted" : "operator.unmuted" });
  }

  hold(callId: string, on: boolean): void {
    this.#find(callId).call.send({ type: on ? "operator.held" : "operator.resumed" });
  }

  say(callId: string, text: string): void {
    this.#find(callId).call.voice.say(text);
  }

  sendDtmf(callId: string, digits: string): void {
    this.#find(callId).call.leg.sendDtmf(digits);
  }

  /** Chunks of caller audio that are kept for a replay, by the provider that holds the call. */
  get ringChunks(): ReadonlyMap<string, number> {
    const chunks = new Map<string, number>();
    for (const { call } of this.#calls.values())
      chunks.set(call.lastProvider, (chunks.get(call.lastProvider) ?? 0) + call.uplink.unsettledChunks);
    return chunks;
  }

  records(callId: string): readonly TurnRecord[] {
    const call = this.#calls.get(callId)?.call;
    return call === undefined ? [] : call.conversation.records(call.ageMs);
  }

  /** By what others may ask for a call; undefined: it is not here. */
  namesOf(callId: string): { readonly resumeToken: string; readonly carrierCallId: string | undefined } | undefined {
    const call = this.#calls.get(callId)?.call;
    return call && { resumeToken: call.leg.resumeToken, carrierCallId: call.carrierCallId };
  }

  /** Whether a call here is the one that a caller with this token wants to come back into. */
  awaits(resumeToken: string): boolean {
    return [...this.#calls.values()].some(({ call }) => call.leg.resumeToken === resumeToken);
  }

  /** Some call here waits for its caller, who may be the next one at the door. */
  get isAwaiting(): boolean {
    return [...this.#calls.values()].some(({ call }) => call.leg.isEmpty);
  }

  /** Somebody else has the word: a call that dies from now on is to go on from here. */
  #saveSoon(callId: string): void {
    const entry = this.#calls.get(callId);
    // The next look saves it: what the change brings about has happened by then.
    if (entry !== undefined) entry.savedMs = -Infinity;
  }

  #find(callId: string): Entry {
    const entry = this.#calls.get(callId);
    if (entry === undefined) throw new Fault("call-unknown", `no call ${callId.slice(0, 80)} is in progress here`);
    return entry;
  }

  #tell(event: CallEvent): void {
    this.#watch.tell(event);
    // A caller who begins to speak has said nothing yet.
    const isTurned = event.type === "state.changed" && event.region === "turn" && !(event.from === "listening" && event.to === "hearing");
    // What is typed while an answer is owed changes no state.
    if (isTurned || event.type === "turn.committed" || event.type === "tool.ended") this.#saveSoon(event.callId);
    for (const follower of this.#followers) follower(event);
  }

  #planFor(name: string | undefined): AgentPlan {
    const plan = name === undefined ? this.#agents[0] : this.#agents.find((agent) => agent.spec.name === name);
    if (plan === undefined) throw new Fault("caller-refused", `there is no agent named "${name ?? ""}"`);
    return plan;
  }

  #openTiers(plan: AgentPlan): readonly string[] {
    const first = plan.tiers.findIndex((name) => this.#house.providers.get(name)?.admit() === undefined);
    return first < 0 ? [] : plan.tiers.slice(first);
  }

  #allBusy(plan: AgentPlan): Fault {
    const last = plan.tiers.at(-1) ?? "";
    const why = this.#house.providers.get(last)?.admit()?.message ?? "no provider is configured";
    return new Fault("busy", why);
  }

  #begin(leg: Leg, plan: AgentPlan, given: CallStart): LegListener {
    const { input: start, rules } = cleanStart(given);
    const { dialect, uplink, downlink } = leg;
    const { carrierCallId, from } = start;
    const language = start.language ?? plan.spec.language;
    const isPlaced = start.parameters["direction"] === "outbound";
    const mannered = { ...plan, manners: mannersFor(plan.manners, start.parameters) };
    const user = start.parameters["user"];
    const order = { dialect, uplink, downlink, carrierCallId, from, user, language, isPlaced, past: undefined };
    const { call, actor } = this.#open(mannered, order);
    call.tell({ type: "call.started", dialect, agent: plan.spec.name, language, user, tiers: plan.tiers, slaClass: plan.slaClass });
    call.tellCleaned("start", rules);
    call.leg.take(leg, this.#openTiers(plan)[0]);
    actor.start();
    return listenTo(call);
  }

  #open(plan: AgentPlan, { language, ...order }: Omit<CallOrder, "agent"> & { readonly language: string }): Entry {
    const agent: AgentSpec = { ...plan.spec, language, tools: [] };
    const tools = (call: Call): readonly Tool[] => [...callTools(call), ...lineTools(call, plan.manners.people), ...plan.tools];
    const call = new Call(this.#house, { ...order, agent }, tools, (_, outcome) => this.#leave(call, outcome));
    const { attempts, holdMs, drainMs } = this.#house.limits;
    const input = {
      call,
      attemptLimit: attempts,
      holdLimitMs: holdMs,
      drainLimitMs: drainMs,
      manners: plan.manners,
      isPlaced: order.isPlaced,
      isRestored: order.past !== undefined,
    };
    const actor = createActor(sessionMachine, { input, clock: this.#house.clock });
    const { standby, switchBack, tiers } = plan;
    call.bind((event) => actor.send(event), new Switchboard(call, { tiers, standby, switchBack }));
    const entry = { call, actor, savedMs: this.#house.clock.now() };
    this.#calls.set(call.id, entry);
    this.#watchStates(call, actor);
    return entry;
  }

  #takeBack(entry: Entry, leg: Leg, { arrived }: CallStart): LegListener {
    const { call, actor } = entry;
    if (leg.uplink !== call.uplink.encoding || leg.downlink !== call.downlinkEncoding) {
      throw new Fault(
        "caller-unsupported",
        `this call speaks ${call.uplink.encoding} and hears ${call.downlinkEncoding}; come back with the same`,
      );
    }
    actor.send({ type: "leg.lost" });
    if (arrived !== undefined) call.downlink.takeUpAt(arrived.turnId, arrived.ms);
    actor.send({ type: "leg.returned", leg });
    // The token by which the caller comes back is a new one: a node that dies now must know it.
    this.#house.snapshots.save(snapshotOf(call));
    return listenTo(call);
  }

  /** A token names its call; a carrier names it by its own id, and is believed while nobody else has that call. */
  #waiting(leg: Leg, { resume, carrierCallId }: CallStart): Entry | undefined {
    for (const entry of this.#calls.values()) {
      const { call } = entry;
      if (resume !== undefined && call.leg.resumeToken === resume) return entry;
      const byCarrier = leg.traits.resume === "call-id" && call.dialect === leg.dialect && call.leg.isEmpty;
      const named = [carrierCallId, resume].filter((id) => id !== undefined);
      if (byCarrier && call.carrierCallId !== undefined && named.includes(call.carrierCallId)) return entry;
    }
    return undefined;
  }

  #watchStates(call: Call, actor: Actor<typeof sessionMachine>): void {
    const states = statesOf(actor.getSnapshot().value);
    actor.subscribe({
      next(snapshot) {
        eachState(snapshot.value, (region, to) => {
          const from = states.get(region) ?? "none";
          if (from === to) return;
          states.set(region, to);
          const reason = snapshot.context.fault?.code ?? "event";
          call.tell({ type: "state.changed", region, from, to, reason, provider: call.lastProvider });
        });
      },
      error: (error) => call.abort(error),
    });
  }

  #leave(call: Call, outcome: CallOutcome): void {
    this.#calls.delete(call.id);
    if (outcome === "moved") this.#house.snapshots.save(snapshotOf(call));
    else this.#house.snapshots.remove(call.id);
    if (this.#calls.size === 0 && this.#state === "draining") this.#drained.resolve();
  }
}

const view = ({ call, actor }: Entry): CallView => viewOf(call, statesOf(actor.getSnapshot().value));
