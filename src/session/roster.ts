import { createActor, type Actor } from "xstate";
import type { CallStart, Leg, LegListener, LegSignal, Reception } from "../caller/leg.ts";
import { Fault } from "../kernel/fault.ts";
import type { AgentSpec } from "../provider/contract.ts";
import { Call, type SessionHouse } from "./call.ts";
import { callTools } from "./call-tools.ts";
import type { TurnRecord } from "./conversation.ts";
import { sessionMachine } from "./machine.ts";
import { providerLink } from "./provider-link.ts";
import type { Tool } from "./tools.ts";

/** An agent as configured: what the provider is told, which providers may hold its calls, what it can do. */
export interface AgentPlan {
  readonly spec: Omit<AgentSpec, "tools">;
  /** Provider names, best first. */
  readonly tiers: readonly string[];
  readonly tools: readonly Tool[];
}

export interface RosterLimits {
  readonly calls: number;
  readonly attempts: number;
}

const machine = sessionMachine.provide({ actors: { providerLink } });

interface Entry {
  readonly call: Call;
  readonly actor: Actor<typeof machine>;
}

/** The calls alive on this node, and the door to them. */
export class Roster implements Reception {
  readonly #house: SessionHouse;
  readonly #agents: readonly AgentPlan[];
  readonly #limits: RosterLimits;
  readonly #calls = new Map<string, Entry>();
  #state: "serving" | "draining" = "serving";
  readonly #drained = Promise.withResolvers<void>();

  constructor(house: SessionHouse, agents: readonly AgentPlan[], limits: RosterLimits) {
    this.#house = house;
    this.#agents = agents;
    this.#limits = limits;
  }

  receive(leg: Leg, start: CallStart): LegListener {
    const back = start.resume === undefined ? undefined : this.#waiting(start.resume);
    if (back !== undefined) return this.#takeBack(back, leg);
    const plan = this.#planFor(start.agent);
    const refusal = this.refusal(plan);
    if (refusal !== undefined) throw refusal;
    return this.#begin(leg, plan, start);
  }

  /** Why a new call would be refused just now; undefined: it would not. */
  refusal(plan: AgentPlan = this.#planFor(undefined)): Fault | undefined {
    if (this.#state === "draining") return new Fault("draining", "this server is restarting; call again in a moment");
    if (this.#calls.size >= this.#limits.calls) {
      return new Fault("busy", `all ${this.#limits.calls} lines are busy; call again in a moment`);
    }
    return this.#openTiers(plan).length === 0 ? this.#allBusy(plan) : undefined;
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

  records(callId: string): readonly TurnRecord[] {
    const call = this.#calls.get(callId)?.call;
    return call === undefined ? [] : call.conversation.records(call.ageMs);
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

  #begin(leg: Leg, plan: AgentPlan, start: CallStart): LegListener {
    const spec: AgentSpec = { ...plan.spec, language: start.language ?? plan.spec.language, tools: [] };
    const tools = (call: Call): readonly Tool[] => [...callTools(call), ...plan.tools];
    const call = new Call(this.#house, leg, spec, tools, () => this.#leave(call.id));
    const tiers = this.#openTiers(plan);
    const { holdMs, drainMs } = this.#house.limits;
    const actor = createActor(machine, {
      input: { call, tiers, attemptLimit: this.#limits.attempts, holdLimitMs: holdMs, drainLimitMs: drainMs },
      clock: this.#house.clock,
    });
    call.bind((event) => actor.send(event));
    this.#calls.set(call.id, { call, actor });
    call.tell({ type: "call.started", dialect: leg.dialect });
    this.#watchStates(call, actor);
    call.downlink.attach(leg);
    call.greetLeg(tiers[0]);
    actor.start();
    return listener(call, actor);
  }

  #takeBack(entry: Entry, leg: Leg): LegListener {
    const { call, actor } = entry;
    if (leg.uplink !== call.uplink.encoding || leg.downlink !== call.downlinkEncoding) {
      throw new Fault(
        "caller-unsupported",
        `this call speaks ${call.uplink.encoding} and hears ${call.downlinkEncoding}; come back with the same`,
      );
    }
    actor.send({ type: "leg.lost" });
    actor.send({ type: "leg.returned", leg });
    return listener(call, actor);
  }

  #waiting(token: string): Entry | undefined {
    for (const entry of this.#calls.values()) if (entry.call.resumeToken === token) return entry;
    return undefined;
  }

  #watchStates(call: Call, actor: Actor<typeof machine>): void {
    let before = flat(actor.getSnapshot().value);
    actor.subscribe({
      next(snapshot) {
        const after = flat(snapshot.value);
        for (const [region, to] of after) {
          const from = before.get(region) ?? "none";
          if (from !== to) call.tell({ type: "state.changed", region, from, to, reason: snapshot.context.fault?.code ?? "event" });
        }
        before = after;
      },
      error: (error) => call.abort(error),
    });
  }

  #leave(callId: string): void {
    this.#calls.delete(callId);
    if (this.#calls.size === 0 && this.#state === "draining") this.#drained.resolve();
  }
}

/** Signals of a leg as events of its call; a leg that was replaced says nothing any more. */
function listener(call: Call, actor: Actor<typeof machine>): LegListener {
  const { uplink, downlink, legNumber } = call;
  const replaced = (): boolean => call.legNumber !== legNumber;
  return {
    audio(frame) {
      try {
        if (!replaced()) uplink.push(frame);
      } catch (error) {
        call.broke(error);
      }
    },
    signal(signal: LegSignal) {
      if (replaced()) return;
      switch (signal.type) {
        case "played":
          return downlink.played(signal.turnId, signal.ms);
        case "mark":
          return downlink.marked(signal.name);
        case "text":
          return actor.send({ type: "caller.typed", text: signal.text });
        case "dtmf":
          return actor.send({ type: "caller.typed", text: signal.digit });
        case "transfer-failed":
          return call.log.warning("transfer_failed", { message: signal.why });
        case "transferred":
        case "hung-up":
          return actor.send({ type: "caller.hungUp" });
        case "lost":
          // Who breaks the rules of the wire has hung up; who vanished may come back.
          return actor.send({ type: signal.fault === undefined ? "leg.lost" : "caller.hungUp" });
      }
    },
  };
}

/** The chart's state, region by region, as text: { link: "linked.opening", turn: "listening", ... }. */
function flat(value: unknown, path = ""): Map<string, string> {
  const regions = new Map<string, string>();
  if (typeof value === "string") return regions.set("call", value);
  if (typeof value !== "object" || value === null) return regions;
  for (const [top, inner] of Object.entries(value)) {
    if (path === "" && top === "live" && typeof inner === "object") return flat(inner, "live");
    regions.set(top, words(inner));
  }
  return regions;
}

function words(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  return Object.entries(value)
    .map(([name, inner]) => `${name}.${words(inner)}`)
    .join(",");
}
