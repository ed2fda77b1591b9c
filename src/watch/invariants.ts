import type { Log } from "../kernel/log.ts";
import type { CallEvent, SessionWatch } from "../session/words.ts";
import type { Metrics } from "./metrics.ts";

/** What must hold of every call; a violation is a defect of this server. */
const invariants = ["audio_accounted", "call_ends_once", "links_closed", "stages_add_up", "tools_ended"] as const;
type Invariant = (typeof invariants)[number];

/** Audio is counted in whole samples, and the sum of rounded milliseconds may differ by less than this. */
const slackMs = 1;

interface Open {
  links: number;
  tools: number;
}

/** Keeps its own account of each call from what is told of it, and says where the two differ: one count and one line a violation. */
export function watchInvariants(log: Log, metrics: Metrics): SessionWatch {
  for (const invariant of invariants) metrics.invariants.inc({ invariant }, 0);
  const calls = new Map<string, Open>();
  const violated = (callId: string, invariant: Invariant, message: string): void => {
    metrics.invariants.inc({ invariant });
    log.error("invariant_violated", { callId, invariant, message });
  };
  const tell = (event: CallEvent): void => {
    const { callId } = event;
    if (event.type === "call.started" || event.type === "call.restored") {
      if (calls.has(callId)) violated(callId, "call_ends_once", "the call began again while it lasts");
      calls.set(callId, { links: 0, tools: 0 });
      return;
    }
    const call = calls.get(callId);
    // What comes back after the end, such as a tool, is nobody's; a second end is a defect.
    if (call === undefined) {
      if (event.type === "call.ended") violated(callId, "call_ends_once", "the call ended and was not in progress");
      return;
    }
    switch (event.type) {
      case "link.opened":
        call.links += 1;
        return;
      case "link.closed":
        call.links -= 1;
        return;
      case "tool.began":
        call.tools += 1;
        return;
      case "tool.ended":
        call.tools -= 1;
        if (call.tools < 0) violated(callId, "tools_ended", `${event.name} ended and had not begun`);
        return;
      case "turn.timed": {
        const sumMs = Object.values(event.times.stages).reduce((sum, ms) => sum + ms, 0);
        const { totalMs } = event.times;
        if (Math.abs(sumMs - totalMs) > slackMs)
          violated(callId, "stages_add_up", `the stages of an answer are ${sumMs} ms in all, the whole is ${totalMs} ms`);
        return;
      }
      case "audio.accounted": {
        const { receivedMs, deliveredMs, overflowedMs, forgottenMs, unheardMs, movedMs } = event;
        const parts = [deliveredMs, overflowedMs, unheardMs, movedMs];
        const sumMs = parts.reduce((sum, ms) => sum + ms, 0);
        const isWhole = Math.abs(sumMs - receivedMs) <= slackMs && Math.min(...parts, forgottenMs) >= 0 && forgottenMs <= deliveredMs;
        if (!isWhole) violated(callId, "audio_accounted", `${receivedMs} ms of caller audio came, and became of: ${JSON.stringify(event)}`);
        return;
      }
      case "call.ended":
        calls.delete(callId);
        if (call.links !== 0) violated(callId, "links_closed", `${call.links} links outlived the call`);
        return;
      default:
    }
  };
  return { tell };
}
