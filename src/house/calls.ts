import { Ticker } from "../audio/ticker.ts";
import type { AgentSettings } from "../config/file.ts";
import type { Settings } from "../config/settings.ts";
import type { CallOrder } from "../caller/outbound.ts";
import { crisisDetector } from "../crisis/detector.ts";
import { CrisisWatch } from "../crisis/watch.ts";
import type { Tool } from "../desk/tool.ts";
import type { Guards } from "../guard/guards.ts";
import type { LoadGate } from "../guard/load.ts";
import { RetryCredit } from "../guard/retry-credit.ts";
import { systemClock } from "../kernel/clock.ts";
import { Fault } from "../kernel/fault.ts";
import type { Log } from "../kernel/log.ts";
import { seededRandom, systemRandom } from "../kernel/random.ts";
import type { Prompts } from "../prompts/prompts.ts";
import type { HouseVoice } from "../provider/local/voice.ts";
import { Roster, type AgentPlan } from "../session/roster.ts";
import type { SessionHouse } from "../session/session-house.ts";
import type { FileSnapshots } from "../store/file-snapshots.ts";
import { type Books } from "./books.ts";

/** Openings in a row on the last tier before a call is given up: the first, one at once, and five on a ladder of 31 s. */
const attempts = 7;

export function openRoster(
  agents: readonly AgentPlan[],
  guards: Guards,
  settings: Settings,
  log: Log,
  { watch, costs }: Books,
  prompts: Prompts,
  voice: HouseVoice,
  snapshots: FileSnapshots,
  load: LoadGate,
): Roster {
  const seed = settings.get("LINEKEEPER_SEED");
  const stopgaps = [...guards.providers.values()].filter(({ traits }) => traits.stopgap).map(({ name }) => name);
  const house: SessionHouse = {
    clock: systemClock,
    random: seed === undefined ? systemRandom : seededRandom(seed),
    ticker: new Ticker(systemClock),
    log: log.with({ logger: "session" }),
    watch,
    providers: guards.providers,
    limits: {
      ringChunks: settings.get("LINEKEEPER_RING_CHUNKS"),
      chunkMs: settings.get("LINEKEEPER_CHUNK_MS"),
      holdMs: settings.get("LINEKEEPER_HOLD_MS"),
      drainMs: settings.get("LINEKEEPER_DRAIN_MS"),
      attempts,
    },
    pace: guards,
    credit: new RetryCredit(() => roster.size),
    // Who only bridges stays last: it answers when nobody else does.
    budget: { admit: (tiers) => costs.admit(tiers, { inCrisis: false, last: stopgaps }) },
    voice,
    personAt: settings.get("LINEKEEPER_PERSON"),
    prompts,
    crisis: new CrisisWatch(crisisDetector(settings.crisisPhrases)),
    snapshots,
  };
  const roster = new Roster(house, agents, { calls: settings.get("LINEKEEPER_MAX_CALLS"), overload: () => load.refusal() });
  return roster;
}

/** Calls that whoever ran here before has left wait for their callers. */
export async function takeUp(roster: Roster, snapshots: FileSnapshots, settings: Settings, log: Log): Promise<void> {
  const oldest = systemClock.wallNow() - settings.get("LINEKEEPER_RESUME_MS");
  for (const snapshot of await snapshots.load()) {
    if (snapshot.savedAtMs >= oldest && roster.restore(snapshot)) continue;
    log.info("call_too_old", { callId: snapshot.callId, saved_at: new Date(snapshot.savedAtMs).toISOString() });
    snapshots.remove(snapshot.callId);
  }
}

export function planOf(agent: AgentSettings, tiers: readonly string[], desk: readonly Tool[]): AgentPlan {
  const names = desk.map((tool) => tool.spec.name);
  const wanted = agent.tools === "all" ? names : agent.tools;
  const unknown = wanted.filter((name) => !names.includes(name));
  if (unknown.length > 0)
    throw new Fault("setting-invalid", `agent ${agent.name}: no tool is named ${unknown.join(", ")}; known are ${names.join(", ")}`);
  const { name, instructions, greeting, language, voice, providerSettings } = agent;
  return {
    spec: { name, instructions, greeting, language, voice, providerSettings },
    tiers,
    tools: desk.filter((tool) => wanted.includes(tool.spec.name)),
    standby: agent.standby,
    switchBack: agent.switchBack,
    slaClass: agent.slaClass,
    manners: { idle: { ...agent.idle, repromptAfterMs: agent.idle.repromptAfterMs }, machine: agent.machine, people: agent.people },
  };
}

/** What the agent does when a machine answers a call of ours, in the words of an order. */
export function machineRuleOf(agents: readonly AgentPlan[], name: string | undefined): NonNullable<CallOrder["machine"]> {
  const agent = name === undefined ? agents[0] : agents.find(({ spec }) => spec.name === name);
  const then = agent?.manners.machine.then ?? "go-on";
  return then === "go-on" ? "ignore" : then;
}
