import { briefingOf } from "./briefing.ts";
import type { Call } from "./call.ts";
import type { Person } from "./manners.ts";
import type { Tool } from "./tools.ts";

const nothing = { type: "object", properties: {}, additionalProperties: false } as const;
/** It rings, and the person is told, for 130 s at most, after the agent's sentence. */
const transferLimitMs = 145_000;

/** What an agent can do with the line as an operator can: hold, keys, and sending the caller on, to people of its directory alone. */
export function lineTools(call: Call, people: readonly Person[]): readonly Tool[] {
  return [holdCaller(call), resumeCaller(call), sendKeys(call), ...(people.length === 0 ? [] : [transferCall(call, people)])];
}

function holdCaller(call: Call): Tool {
  return {
    spec: {
      name: "hold_caller",
      description: "Put the caller on hold: they hear music and nothing you say, until resume_caller, two minutes at most. Say so before.",
      parameters: nothing,
    },
    async run() {
      call.send({ type: "agent.held" });
      return { held: call.isMuffled("held"), message: "The caller hears music. Call resume_caller before you speak." };
    },
  };
}

function resumeCaller(call: Call): Tool {
  return {
    spec: { name: "resume_caller", description: "Take the caller off hold.", parameters: nothing },
    async run() {
      call.send({ type: "agent.resumed" });
      const held = call.isMuffled("held");
      return { held, message: held ? "An operator holds this call; only they can take it back." : "The caller hears you again." };
    },
  };
}

function sendKeys(call: Call): Tool {
  return {
    spec: {
      name: "send_keys",
      description: "Press telephone keys, such as for a menu at the other end.",
      parameters: {
        type: "object",
        properties: { keys: { type: "string", pattern: "^[0-9*#A-D]{1,32}$" } },
        required: ["keys"],
        additionalProperties: false,
      },
    },
    async run(args) {
      const keys = textOf(args, "keys");
      if (!/^[0-9*#A-D]{1,32}$/.test(keys)) throw new Error("keys: expected 1 to 32 of 0-9, *, #, A-D");
      call.leg.sendDtmf(keys);
      return { sent: keys };
    },
  };
}

function transferCall(call: Call, people: readonly Person[]): Tool {
  const known = people.map(({ name, about }) => `${name} (${about})`).join("; ");
  return {
    spec: {
      name: "transfer_call",
      description: `Put the caller through to somebody, after you told them so: ${known}. If nobody answers, the caller stays with you.`,
      parameters: {
        type: "object",
        properties: { to: { type: "string", enum: people.map(({ name }) => name) }, reason: { type: "string" } },
        required: ["to", "reason"],
        additionalProperties: false,
      },
    },
    runLimitMs: transferLimitMs,
    async run(args) {
      const to = textOf(args, "to");
      const person = people.find(({ name }) => name === to);
      if (person === undefined)
        throw new Error(`Nobody is called ${to.slice(0, 40)}; known are ${people.map(({ name }) => name).join(", ")}.`);
      const why = await call.leg.askTransfer(person.target, person.briefed ? briefingOf(call, textOf(args, "reason")) : "");
      return { transferred: false, message: `Not put through: ${why}. The caller is still here.` };
    },
  };
}

function textOf(args: unknown, name: string): string {
  const value: unknown = typeof args === "object" && args !== null ? Object.entries(args).find(([key]) => key === name)?.[1] : undefined;
  return typeof value === "string" ? value : "";
}
