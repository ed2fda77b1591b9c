import { levelDb } from "../audio/level.ts";
import type { Call } from "./call.ts";
import type { CallView } from "./control.ts";

const levelOverMs = 100;

/** A call as people see it, of this moment. */
export function viewOf(call: Call, states: ReadonlyMap<string, string>): CallView {
  const { agent, downlink, house, uplink } = call;
  const { overflowedMs, forgottenMs, replayedMs } = uplink.account;
  return {
    callId: call.id,
    agent: agent.name,
    dialect: call.dialect,
    language: agent.language,
    from: call.from,
    startedAt: new Date(house.clock.wallNow() - call.ageMs).toISOString(),
    ageMs: Math.round(call.ageMs),
    provider: call.lastProvider,
    tiers: call.board.tiers,
    phase: call.phase,
    states: Object.fromEntries(states),
    levels: {
      caller: share(levelDb(uplink.latest(levelOverMs), uplink.encoding)),
      agent: share(levelDb(downlink.latest(levelOverMs), downlink.encoding)),
    },
    quality: call.leg.quality,
    held: call.isMuffled("held"),
    muted: call.isMuffled("muted"),
    replayedMs: Math.round(replayedMs),
    lostMs: Math.round(overflowedMs + forgottenMs),
  };
}

const share = (db: number): number => Math.round(10 ** (db / 20) * 1_000) / 1_000;
