import { assign, fromCallback, setup, type EventObject } from "xstate";
import type { Leg } from "../caller/leg.ts";
import { Fault } from "../kernel/fault.ts";
import type { LinkInput, SessionContext, SessionInput } from "./context.ts";
import type { SessionEvent } from "./events.ts";

const openLimitMs = 6_000;
const answerLimitMs = 20_000;
const farewellLimitMs = 10_000;

/**
 * Where another tier waits, one reconnect is tried before the call goes there, and none that must be waited for or that would meet
 * silence again; only on the last tier does a caller wait on the whole ladder.
 */
function attemptsAllowed({ tier, tiers, attemptLimit }: SessionContext, fault: Fault): number {
  if (tier + 1 === tiers.length) return attemptLimit;
  return fault.code === "provider-silent" || fault.retryAfterMs !== undefined ? 1 : 2;
}

/** A call as a chart: what it is, what may happen, what follows. Audio never passes through it. */
export const sessionMachine = setup({
  types: { input: {} as SessionInput, context: {} as SessionContext, events: {} as SessionEvent },
  actors: {
    providerLink: fromCallback<EventObject, LinkInput>(() => {
      throw new Error("provide() a providerLink first");
    }),
  },
  delays: {
    openLimit: openLimitMs,
    answerLimit: answerLimitMs,
    farewellLimit: farewellLimitMs,
    holdLimit: ({ context }) => context.holdLimitMs,
    drainLimit: ({ context }) => context.drainLimitMs,
    backoff: ({ context }) => context.retryInMs,
  },
  guards: {
    mayRetry: ({ context }, fault: Fault) => fault.row.remedy === "retry" && context.attempt < attemptsAllowed(context, fault),
    mayHandOver: ({ context }) => context.tier + 1 < context.tiers.length,
    mayAwaitTool: ({ context }) => context.toolsRunning > 0,
    mayStopThinking: ({ context }) => context.toolsRunning === 0,
  },
  actions: {
    countAttempt: assign({ attempt: ({ context }) => context.attempt + 1 }),
    forgetAttempts: assign({ attempt: 1 }),
    keepFault: assign((_, fault: Fault) => ({ fault })),
    planRetry: assign({ retryInMs: ({ context }) => context.call.backoffMs(context.attempt, context.fault) }),
    takeNextTier: assign({ tier: ({ context }) => context.tier + 1, attempt: 0 }),
    countToolIn: assign({ toolsRunning: ({ context }) => context.toolsRunning + 1 }),
    countToolOut: assign({ toolsRunning: ({ context }) => context.toolsRunning - 1 }),
    noteAbandoned: assign({ outcome: "abandoned" }),
    noteFailed: assign({ outcome: "failed" }),
    forgetFault: assign({ fault: undefined }),
    noteDrained: assign({ outcome: "failed", fault: () => new Fault("draining", "this server is restarting; come back to go on") }),
    stopAgent: ({ context }) => context.call.stopAgent(),
    takeText: ({ context }, text: string) => context.call.takeText(text),
    tellRetry: ({ context }) => context.call.tellRetry(context.attempt + 1, context.attemptLimit, context.retryInMs),
    tellGaveUp: ({ context }) => context.call.tellGaveUp(context.attempt, context.fault),
    tellPhase: ({ context }, phase: "listening" | "thinking" | "speaking") => context.call.tellPhase(phase),
    holdLeg: ({ context }) => context.call.holdLeg(),
    takeLeg: ({ context }, leg: Leg) => context.call.takeLeg(leg),
    endCall: ({ context }) => context.call.end(context.outcome, context.fault),
    loseUnopened: ({ context }) => context.call.seat?.giveUp("opening", `no session within ${openLimitMs} ms`),
    loseUnanswered: ({ context }) => context.call.seat?.giveUp("open", `no answer within ${answerLimitMs} ms`),
  },
}).createMachine({
  id: "session",
  initial: "live",
  context: ({ input }) => ({ ...input, tier: 0, attempt: 0, retryInMs: 0, toolsRunning: 0, fault: undefined, outcome: "completed" }),
  states: {
    live: {
      type: "parallel",
      on: {
        "caller.hungUp": "ended",
        "operator.hungUp": "ended",
        "node.closed": { target: "ended", actions: "noteDrained" },
        "call.broke": { target: "ended", actions: ["noteFailed", { type: "keepFault", params: ({ event }) => event.fault }] },
      },
      states: {
        // Before `turn`: of two regions that take the same event, the first may leave both.
        farewell: {
          initial: "staying",
          states: {
            staying: { on: { "agent.askedToEnd": "leaving" } },
            leaving: {
              on: { "agent.wasHeard": "#session.ended", "caller.spoke": "staying", "caller.typed": "staying" },
              after: { farewellLimit: "#session.ended" },
            },
          },
        },
        link: {
          initial: "linked",
          states: {
            linked: {
              entry: "countAttempt",
              invoke: {
                src: "providerLink",
                input: ({ context }) => ({ call: context.call, provider: context.tiers[context.tier], attempt: context.attempt }),
              },
              on: {
                "link.lost": [
                  {
                    guard: { type: "mayRetry", params: ({ event }) => event.fault },
                    target: "backingOff",
                    actions: { type: "keepFault", params: ({ event }) => event.fault },
                  },
                  {
                    target: "handingOver",
                    actions: [{ type: "keepFault", params: ({ event }) => event.fault }, "tellGaveUp"],
                  },
                ],
                "operator.askedSwitch": { guard: "mayHandOver", target: "handingOver" },
              },
              initial: "opening",
              states: {
                opening: {
                  on: { "link.opened": { target: "open", actions: "forgetFault" } },
                  after: { openLimit: { actions: "loseUnopened" } },
                },
                open: { on: { "link.proven": { actions: "forgetAttempts" } } },
              },
            },
            backingOff: { entry: ["planRetry", "tellRetry"], after: { backoff: "linked" } },
            handingOver: {
              always: [
                { guard: "mayHandOver", target: "linked", actions: "takeNextTier" },
                { target: "#session.ended", actions: "noteFailed" },
              ],
            },
          },
        },
        turn: {
          initial: "listening",
          on: {
            "caller.spoke": { target: ".listening", actions: "stopAgent" },
            "caller.resumed": { target: ".listening", actions: "stopAgent" },
            "caller.typed": { target: ".thinking", actions: ["stopAgent", { type: "takeText", params: ({ event }) => event.text }] },
          },
          states: {
            listening: {
              entry: { type: "tellPhase", params: "listening" },
              on: { "caller.finished": "thinking", "agent.spoke": "speaking", "tool.began": "thinking" },
            },
            thinking: {
              entry: { type: "tellPhase", params: "thinking" },
              after: {
                answerLimit: [
                  { guard: "mayAwaitTool", target: "thinking", reenter: true },
                  { target: "thinking", reenter: true, actions: "loseUnanswered" },
                ],
              },
              on: {
                // Each link, and the answer to each tool's result, has the whole time.
                "link.opened": { target: "thinking", reenter: true },
                "tool.finished": { target: "thinking", reenter: true },
                "agent.spoke": "speaking",
                "agent.wasHeard": { guard: "mayStopThinking", target: "listening" },
                "caller.dismissed": "listening",
              },
            },
            speaking: {
              entry: { type: "tellPhase", params: "speaking" },
              on: { "agent.wasHeard": [{ guard: "mayAwaitTool", target: "thinking" }, { target: "listening" }] },
            },
          },
        },
        // A region of its own: what `turn` takes would not bubble up to `live`, and a call not counted in would be counted out.
        tools: {
          on: {
            "tool.began": { actions: "countToolIn" },
            "tool.finished": { actions: "countToolOut" },
          },
        },
        leg: {
          initial: "attached",
          states: {
            attached: { on: { "leg.lost": "held" } },
            held: {
              entry: "holdLeg",
              on: { "leg.returned": { target: "attached", actions: { type: "takeLeg", params: ({ event }) => event.leg } } },
              after: { holdLimit: { target: "#session.ended", actions: "noteAbandoned" } },
            },
          },
        },
        node: {
          initial: "serving",
          states: {
            serving: { on: { "node.drained": "draining" } },
            draining: { after: { drainLimit: { target: "#session.ended", actions: "noteDrained" } } },
          },
        },
      },
    },
    ended: { type: "final", entry: "endCall" },
  },
});
