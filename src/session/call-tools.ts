import { reportCrisis } from "../crisis/watch.ts";
import type { Call } from "./call.ts";
import type { Tool } from "./tools.ts";

const nothing = { type: "object", properties: {}, additionalProperties: false } as const;

/** What every agent can do with the call itself. */
export function callTools(call: Call): readonly Tool[] {
  return [endCall(call), lineStatus(call), transferToHuman(call), reportCrisis(() => call.crisis.reported())];
}

function endCall(call: Call): Tool {
  return {
    spec: { name: "end_call", description: "Hang up, after the goodbye was spoken. Only when the caller is done.", parameters: nothing },
    async run() {
      call.send({ type: "agent.askedToEnd" });
      return { ending: true };
    },
  };
}

function lineStatus(call: Call): Tool {
  return {
    spec: {
      name: "line_status",
      description: "What the phone line itself is doing just now: who answers, for how long, what was lost.",
      parameters: nothing,
    },
    async run() {
      const { receivedMs, overflowedMs, forgottenMs, replayedMs } = call.uplink.account;
      return {
        provider: call.seat?.provider ?? "none",
        dialect: call.dialect,
        callSeconds: Math.round(call.ageMs / 1000),
        heardSeconds: Math.round(receivedMs / 1000),
        lostMs: Math.round(overflowedMs + forgottenMs),
        replayedMs: Math.round(replayedMs),
      };
    },
  };
}

function transferToHuman(call: Call): Tool {
  return {
    spec: {
      name: "transfer_to_human",
      description: "Ask for a person to take over or to call back.",
      parameters: { type: "object", properties: { reason: { type: "string" } }, required: ["reason"], additionalProperties: false },
    },
    async run(args) {
      const reason = typeof args === "object" && args !== null && "reason" in args ? String(args.reason) : "unknown";
      const ticket = call.random.id("", 6);
      call.tell({ type: "human.asked", reason: reason === "crisis" ? "crisis" : "caller", ticket });
      if (call.leg.askForPerson())
        return { transferred: true, ticket, message: "They are being connected; say that a person comes on the line." };
      return { transferred: false, ticket, message: "A person was told and will call back." };
    },
  };
}
