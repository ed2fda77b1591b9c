import type { LegListener, LegSignal } from "../caller/leg.ts";
import type { Call } from "./call.ts";

/** Signals of a leg as events of its call; a leg that was replaced says nothing any more. */
export function listenTo(call: Call): LegListener {
  return new CallListener(call);
}

class CallListener implements LegListener {
  readonly #call: Call;
  readonly #number: number;

  constructor(call: Call) {
    this.#call = call;
    this.#number = call.leg.number;
  }

  audio(frame: Uint8Array, nowMs?: number): void {
    const call = this.#call;
    try {
      if (call.leg.number === this.#number) call.hear(frame, nowMs);
    } catch (error) {
      call.broke(error);
    }
  }

  signal(signal: LegSignal): void {
    const call = this.#call;
    if (call.leg.number !== this.#number) return;
    switch (signal.type) {
      case "played":
        return call.downlink.played(signal.turnId, signal.ms);
      case "mark":
        return call.downlink.marked(signal.name);
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
  }
}
