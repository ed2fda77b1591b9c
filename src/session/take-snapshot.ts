import type { Call } from "./call.ts";
import type { CallSnapshot } from "./snapshot.ts";

/** The call as it stands, for whoever may have to go on with it. */
export function snapshotOf(call: Call): CallSnapshot {
  const { agent, conversation, downlink, house, uplink } = call;
  const { turnIds, end } = call.seat?.wouldSettle() ?? { turnIds: [], end: uplink.settled };
  const { turns, sealed, before } = conversation.left(turnIds);
  return {
    version: 1,
    callId: call.id,
    savedAtMs: house.clock.wallNow(),
    ageMs: call.ageMs,
    agent: agent.name,
    dialect: call.dialect,
    language: agent.language,
    from: call.from,
    user: call.user,
    carrierCallId: call.carrierCallId,
    resumeToken: call.leg.resumeToken,
    uplink: uplink.encoding,
    downlink: downlink.encoding,
    provider: call.lastProvider,
    turnsCounted: call.turnsCounted,
    turns,
    sealedTurns: sealed,
    turnsBefore: before,
    receivedMs: call.receivedMs,
    unsettled: uplink.unsettled(end),
    waitingBytes: uplink.waitingBytes,
    unheard: downlink.unheard().filter(({ audio }) => audio.length > 0),
  };
}
