import { assign, setup, stateIn } from "xstate";
import type { Leg } from "../caller/leg.ts";
import type { Fault } from "../kernel/fault.ts";
import type { Move, SessionContext, SessionInput } from "./context.ts";
import type { SessionEvent } from "./events.ts";

const farewellLimitMs = 10_000;
/** So long whoever shall take the caller over may ring. */
const sendOnLimitMs = 45_000;
/** A move that was asked for waits so long for the end of a turn. */
const moveLimitMs = 5_000;
/** A session that the provider ends is left at the latest so long before. */
const expiryMarginMs = 2_000;

/** A call as a chart: what it is, what may happen, what follows. Audio never passes through it. */
export const sessionMachine = setup({
  types: { input: {} as SessionInput, context: {} as SessionContext, events: {} as SessionEvent },
  delays: {
    answerLimit: ({ context }) => context.call.answerLimitMs,
    moveLimit: ({ context }) => context.move?.withinMs ?? moveLimitMs,
    farewellLimit: farewellLimitMs,
    sendOnLimit: sendOnLimitMs,
    holdLimit: ({ context }) => context.holdLimitMs,
    drainLimit: ({ context }) => context.drainLimitMs,
    backoff: ({ context }) => context.retryInMs,
  },
  guards: {
    mayRetry: ({ context }, { fault, attempts }: { fault: Fault; attempts: number }) =>
      fault.row.remedy === "retry" && attempts < context.attemptLimit,
    mayDial: ({ context }) => !context.isRestored,
    mayMove: stateIn("#quiet"),
    mayAwaitTool: ({ context }) => context.toolsRunning > 0,
    mayStopThinking: ({ context }) => context.toolsRunning === 0,
  },
  actions: {
    dial: ({ context }) => context.call.board.dial(),
    countAttempts: assign({ attempt: (_, { attempts }: { attempts: number }) => attempts }),
    proveLink: ({ context }) => context.call.board.proven(),
    keepFault: assign((_, fault: Fault) => ({ fault })),
    planRetry: assign({ retryInMs: ({ context }) => context.call.backoffMs(context.attempt, context.fault) }),
    planMove: assign((_, move: Move) => ({ move })),
    prepareMove: ({ context }) => context.call.board.prepare(context.move?.to ?? ""),
    takeOver: ({ context }) => context.call.board.takeOver(context.move?.cause ?? "asked"),
    dropMove: ({ context }) => context.call.board.dropMove(),
    tellMoveFailed: ({ context }, fault: Fault) => context.call.links.moveFailed(context.move?.to ?? "", fault),
    countToolIn: assign({ toolsRunning: ({ context }) => context.toolsRunning + 1 }),
    countToolOut: assign({ toolsRunning: ({ context }) => context.toolsRunning - 1 }),
    noteAbandoned: assign({ outcome: "abandoned" }),
    noteFailed: assign({ outcome: "failed" }),
    forgetFault: assign({ fault: undefined }),
    noteMoved: assign({ outcome: "moved" }),
    stopAgent: ({ context }) => context.call.stopAgent(),
    takeText: ({ context }, text: string) => context.call.takeText(text),
    tellRetry: ({ context }) => context.call.links.retried(context.call.lastProvider, context.attempt + 1, context.retryInMs),
    tellGaveUp: ({ context }) => context.call.links.gaveUp(context.call.lastProvider, context.attempt, context.fault),
    tellPhase: ({ context }, phase: "listening" | "thinking" | "speaking") => context.call.tellPhase(phase),
    noteTarget: assign((_, target: string) => ({ target })),
    sendOn: ({ context }) => context.call.sendOn(context.target),
    tellNotSentOn: ({ context }, why: string) => context.call.tellNotSentOn(why),
    hold: ({ context }) => context.call.hold(true),
    unhold: ({ context }) => context.call.hold(false),
    mute: ({ context }) => context.call.muffle("muted", true),
    unmute: ({ context }) => context.call.muffle("muted", false),
    holdLeg: ({ context }) => context.call.holdLeg(),
    takeLeg: ({ context }, leg: Leg) => context.call.takeLeg(leg),
    endCall: ({ context }) => context.call.end(context.outcome, context.fault),
    loseUnanswered: ({ context }) => context.call.seat?.giveUp("open", `no answer within ${Math.round(context.call.answerLimitMs)} ms`),
  },
}).createMachine({
  id: "session",
  initial: "live",
  context: ({ input }) => ({
    ...input,
    attempt: 0,
    retryInMs: 0,
    move: undefined,
    target: "",
    toolsRunning: 0,
    fault: undefined,
    outcome: "completed",
  }),
  states: {
    live: {
      type: "parallel",
      on: {
        "caller.hungUp": "ended",
        "operator.hungUp": "ended",
        "leg.sentOn": "ended",
        "node.closed": { target: "ended", actions: "noteMoved" },
        "call.broke": { target: "ended", actions: ["noteFailed", { type: "keepFault", params: ({ event }) => event.fault }] },
      },
      states: {
        // Before `turn`: of two regions that take the same event, the first may leave both.
        farewell: {
          initial: "staying",
          states: {
            staying: {
              id: "staying",
              on: {
                "agent.askedToEnd": "leaving",
                "operator.askedTransfer": { target: "sendingOn", actions: { type: "noteTarget", params: ({ event }) => event.target } },
              },
            },
            // The agent may finish its sentence; then the caller is sent on, and stays if nobody takes them.
            sendingOn: {
              initial: "waiting",
              on: { "leg.keptCaller": { target: "staying", actions: { type: "tellNotSentOn", params: ({ event }) => event.why } } },
              states: {
                waiting: { always: { guard: "mayMove", target: "sent" }, after: { farewellLimit: "sent" } },
                sent: {
                  entry: "sendOn",
                  after: {
                    sendOnLimit: { target: "#staying", actions: { type: "tellNotSentOn", params: "nobody answered in time" } },
                  },
                },
              },
            },
            leaving: {
              on: { "agent.wasHeard": "#session.ended", "caller.spoke": "staying", "caller.typed": "staying" },
              after: { farewellLimit: "#session.ended" },
            },
          },
        },
        link: {
          initial: "asleep",
          states: {
            // A call that was taken up from another node needs no link before its caller is back.
            asleep: { always: { guard: "mayDial", target: "dialling" }, on: { "leg.returned": "dialling" } },
            dialling: {
              entry: "dial",
              on: {
                "link.opened": { target: "linked", actions: "forgetFault" },
                "dial.failed": [
                  {
                    guard: { type: "mayRetry", params: ({ event }) => event },
                    target: "backingOff",
                    actions: [
                      { type: "keepFault", params: ({ event }) => event.fault },
                      { type: "countAttempts", params: ({ event }) => event },
                    ],
                  },
                  {
                    target: "#session.ended",
                    actions: [
                      { type: "keepFault", params: ({ event }) => event.fault },
                      { type: "countAttempts", params: ({ event }) => event },
                      "tellGaveUp",
                      "noteFailed",
                    ],
                  },
                ],
              },
            },
            linked: {
              on: {
                "link.lost": { target: "dialling", actions: { type: "keepFault", params: ({ event }) => event.fault } },
                "link.proven": { actions: "proveLink" },
              },
            },
            backingOff: { entry: ["planRetry", "tellRetry"], after: { backoff: "dialling" } },
          },
        },
        // A move to another link while the present one works: the next is made ready first, and takes over between two turns.
        move: {
          initial: "none",
          on: { "link.lost": ".none" },
          states: {
            none: {
              on: {
                "operator.askedSwitch": {
                  target: "preparing",
                  actions: { type: "planMove", params: ({ event }) => ({ to: event.provider, cause: "asked", withinMs: moveLimitMs }) },
                },
                "tier.recovered": {
                  target: "preparing",
                  actions: { type: "planMove", params: ({ event }) => ({ to: event.provider, cause: "recovered", withinMs: moveLimitMs }) },
                },
                "link.expiring": {
                  target: "preparing",
                  actions: {
                    type: "planMove",
                    params: ({ event }) => ({ to: event.provider, cause: "expiring", withinMs: Math.max(0, event.inMs - expiryMarginMs) }),
                  },
                },
              },
            },
            preparing: {
              entry: "prepareMove",
              on: {
                "successor.ready": "ready",
                "successor.failed": {
                  target: "none",
                  actions: [{ type: "tellMoveFailed", params: ({ event }) => event.fault }, "dropMove"],
                },
              },
            },
            ready: {
              on: {
                "successor.failed": {
                  target: "none",
                  actions: [{ type: "tellMoveFailed", params: ({ event }) => event.fault }, "dropMove"],
                },
              },
              always: { guard: "mayMove", target: "none", actions: "takeOver" },
              after: { moveLimit: { target: "none", actions: "takeOver" } },
            },
          },
        },
        turn: {
          initial: "listening",
          on: {
            "caller.spoke": { target: ".hearing", actions: "stopAgent" },
            "caller.resumed": { target: ".hearing", actions: "stopAgent" },
            "caller.typed": { target: ".thinking", actions: ["stopAgent", { type: "takeText", params: ({ event }) => event.text }] },
          },
          states: {
            listening: {
              id: "quiet",
              entry: { type: "tellPhase", params: "listening" },
              on: { "agent.spoke": "speaking", "tool.began": "thinking" },
            },
            // The caller has the word.
            hearing: {
              entry: { type: "tellPhase", params: "listening" },
              on: { "caller.finished": "thinking", "caller.dismissed": "listening", "agent.spoke": "speaking", "tool.began": "thinking" },
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
        // Whether the provider hears the caller, and the caller the agent.
        line: {
          initial: "open",
          states: {
            open: { on: { "operator.held": "held" } },
            held: { entry: ["stopAgent", "hold"], exit: "unhold", on: { "operator.resumed": "open" } },
          },
        },
        ear: {
          initial: "open",
          states: {
            open: { on: { "operator.muted": "muted" } },
            muted: { entry: "mute", exit: "unmute", on: { "operator.unmuted": "open" } },
          },
        },
        leg: {
          initial: "arriving",
          states: {
            arriving: { always: [{ guard: "mayDial", target: "attached" }, { target: "held" }] },
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
            draining: { after: { drainLimit: { target: "#session.ended", actions: "noteMoved" } } },
          },
        },
      },
    },
    ended: { type: "final", entry: "endCall" },
  },
});
