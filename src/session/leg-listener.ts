import type { LegListener, LegSignal } from "../caller/leg.ts";
import type { Call } from "./call.ts";

/** Signals of a leg as events of its call; a leg that was replaced says nothing any more. */
export function listenTo(call: Call): LegListener {
  const { downlink, leg } = call;
  const { number } = leg;
  const replaced = (): boolean => leg.number !== number;
  return {
    audio(frame) {
      try {
        if (!replaced()) call.hear(frame);
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
          return call.type(signal.text);
        case "dtmf":
          return call.send({ type: "caller.typed", text: signal.digit });
        case "paused":
          return call.send({ type: "leg.paused" });
        case "resumed":
          return call.send({ type: "leg.resumed" });
        case "transfer-failed":
          return call.send({ type: "leg.keptCaller", why: signal.why });
        case "unbriefed":
          return call.tell({ type: "human.briefed", target: signal.target, briefing: signal.briefing });
        case "transferred":
          return call.send({ type: "leg.sentOn" });
        case "hung-up":
          return call.send({ type: "caller.hungUp" });
        case "lost":
          // Who breaks the rules of the wire has hung up; who vanished may come back.
          return call.send({ type: signal.fault === undefined ? "leg.lost" : "caller.hungUp" });
      }
    },
  };
}
