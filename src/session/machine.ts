import { and, assign, not, or, raise, setup, stateIn } from "xstate";
import type { Leg } from "../caller/leg.ts";
import type { Fault } from "../kernel/fault.ts";
import type { Move, SessionContext, SessionInput } from "./context.ts";
import type { SessionEvent } from "./events.ts";
import type { AnswererProof } from "./words.ts";

type AnswererKnown = Extract<SessionEvent, { readonly type: "answerer.wasKnown" }>;
type DialFailed = Extract<SessionEvent, { readonly type: "dial.failed" }>;

const farewellLimitMs = 10_000;
/** So long whoever shall take the caller over may ring, and be told what it is about. */
const sendOnLimitMs = 45_000;
const briefedLimitMs = 130_000;
/** A move that was asked for waits so long for the end of a turn. */
const moveLimitMs = 5_000;
/** So long an agent may hold its caller. */
const parkedLimitMs = 120_000;
/** And so long a caller the agent: who comes back after that calls again. */
const pausedLimitMs = 30 * 60_000;
/** Whoever says nothing for so long after they answered is not known. */
const answererLimitMs = 20_000;
/** So long a machine's greeting may last, and then our message. */
const beepLimitMs = 45_000;
const messageLimitMs = 60_000;
/** Longer than any call. */
const neverMs = 2 ** 31 - 1;
/** A session that the provider ends is left at the latest so long before. */
const expiryMarginMs = 2_000;

/** What an event that tells who answered leads to. */
const known = [
  {
    guard: { type: "isMachine", params: ({ event }: { event: AnswererKnown }) => event },
    target: "machine",
    actions: { type: "tellAnswerer", params: ({ event }: { event: AnswererKnown }) => event },
  },
  { target: "person", actions: { type: "tellAnswerer", params: ({ event }: { event: AnswererKnown }) => event } },
] as const;

/** Why no link could be had, and how often in a row it was tried. */
const noteUnreached = [
  { type: "keepFault", params: ({ event }: { event: DialFailed }) => event.fault },
  { type: "countAttempts", params: ({ event }: { event: DialFailed }) => event },
] as const;

/** What follows when no link could be had. */
const unreached = [
  {
    guard: { type: "mayRetry", params: ({ event }: { event: DialFailed }) => event },
    target: "#backingOff",
    actions: noteUnreached,
  },
  // People were told and may come to the line at any moment, or mend what is broken.
  { guard: "isInNeed", target: "#backingOff", actions: noteUnreached },
  { target: "#session.ended", actions: [...noteUnreached, "tellGaveUp", "noteFailed"] },
] as const;

/** Nobody speaks, and nothing keeps them from it. */
const silent = and([stateIn("#quiet"), stateIn("#staying"), stateIn("#talking"), stateIn("#heard"), stateIn("#present")]);

/** A call as a chart: what it is, what may happen, what follows. Audio never passes through it. */
export const sessionMachine = setup({
  types: { input: {} as SessionInput, context: {} as SessionContext, events: {} as SessionEvent },
  delays: {
    answerLimit: ({ context }) => context.call.answerLimitMs,
    moveLimit: ({ context }) => context.move?.withinMs ?? moveLimitMs,
    farewellLimit: farewellLimitMs,
    sendOnLimit: ({ context }) => (context.target.briefing === "" ? sendOnLimitMs : briefedLimitMs),
    holdLimit: ({ context }) => context.holdLimitMs,
    drainLimit: ({ context }) => context.drainLimitMs,
    backoff: ({ context }) => context.retryInMs,
    repromptDelay: ({ context }) => context.manners.idle.repromptAfterMs ?? neverMs,
    idleLimit: ({ context }) => context.manners.idle.endAfterMs,
    parkedLimit: parkedLimitMs,
    pausedLimit: pausedLimitMs,
    answererLimit: answererLimitMs,
    greetingLimit: ({ context }) => context.manners.machine.greetingMs,
    beepLimit: beepLimitMs,
    messageLimit: messageLimitMs,
  },
  guards: {
    mayRetry: ({ context }, { fault, attempts }: { fault: Fault; attempts: number }) =>
      // A breaker that opens while a call has no other way is no reason to hang up: the call waits for it, as on any rung.
      (fault.row.remedy === "retry" || fault.code === "provider-shut") && attempts < context.attemptLimit,
    mayDial: ({ context }) => !context.isRestored,
    isInNeed: stateIn("#inNeed"),
    isQuiet: stateIn("#quiet"),
    mayMove: or([stateIn("#quiet"), not(stateIn("#linked"))]),
    isBetweenSentences: or([stateIn("#quiet"), stateIn("#thinking")]),
    isSilent: silent,
    isSpoken: not(silent),
    mayReprompt: ({ context }) => context.reprompted < context.manners.idle.reprompts,
    isPlaced: ({ context }) => context.isPlaced,
    isMachine: (_, { who }: { who: "person" | "machine" }) => who === "machine",
    hangsUpOnMachines: ({ context }) => context.manners.machine.then === "hang-up",
    leavesMessages: ({ context }) => context.manners.machine.then === "leave-message",
    mayAwaitCaller: or([stateIn("#away"), stateIn("#paused")]),
    isPaused: stateIn("#paused"),
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
    countReprompt: assign({ reprompted: ({ context }) => context.reprompted + 1 }),
    forgetReprompts: assign({ reprompted: 0 }),
    reprompt: ({ context }) => context.call.voice.reprompt(context.reprompted),
    giveUpOnSilence: raise({ type: "silence.tooLong" }),
    sayGoodbye: ({ context }) => context.call.voice.sayGoodbye(),
    noteIdle: assign({ reason: "idle" }),
    noteMachine: assign({ reason: "machine" }),
    forgetReason: assign({ reason: undefined }),
    tellAnswerer: ({ context }, told: { who: "person" | "machine" | "nobody"; by: AnswererProof }) => context.call.tellAnswerer(told),
    deafen: ({ context }) => context.call.deafen(),
    leaveMessage: ({ context }) => context.call.voice.leaveMessage(context.manners.machine.message),
    noteMoved: assign({ outcome: "moved" }),
    stopAgent: ({ context }) => context.call.stopAgent(),
    takeText: ({ context }, text: string) => context.call.takeText(text),
    tellRetry: ({ context }) => context.call.links.retried(context.call.lastProvider, context.attempt + 1, context.retryInMs),
    tellGaveUp: ({ context }) => context.call.links.exhausted(context.call.lastProvider, context.attempt, context.fault),
    tellPhase: ({ context }, phase: "listening" | "thinking" | "speaking") => context.call.tellPhase(phase),
    noteTarget: assign((_, { target: to, briefing }: { target: string; briefing: string }) => ({ target: { to, briefing } })),
    sendOn: ({ context }) => context.call.leg.sendOn(context.target.to, context.target.briefing),
    tellNotSentOn: ({ context }, why: string) => context.call.leg.tellNotSentOn(why),
    hold: ({ context }) => context.call.hold(true),
    unhold: ({ context }) => context.call.hold(false),
    mute: ({ context }) => context.call.muffle("muted", true),
    unmute: ({ context }) => context.call.muffle("muted", false),
    pauseLeg: ({ context }) => context.call.pauseLeg(),
    resumeLeg: ({ context }) => context.call.leg.resume(),
    holdLeg: ({ context }) => context.call.leg.hold(),
    takeLeg: ({ context }, leg: Leg) => context.call.leg.take(leg),
    endCall: ({ context }) => context.call.end(context.outcome, context.fault, context.reason),
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
    target: { to: "", briefing: "" },
    toolsRunning: 0,
    fault: undefined,
    outcome: "completed",
    reason: undefined,
    reprompted: 0,
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
                "silence.tooLong": { target: "leaving", actions: ["noteIdle", "sayGoodbye"] },
                "operator.askedTransfer": { target: "sendingOn", actions: { type: "noteTarget", params: ({ event }) => event } },
                // Its tool waits for what comes of it, so that nothing of the agent's is owed.
                "agent.askedTransfer": { target: "sendingOn.asked", actions: { type: "noteTarget", params: ({ event }) => event } },
              },
            },
            // The agent may finish its sentence; then the caller is sent on, and stays if nobody takes them.
            sendingOn: {
              initial: "waiting",
              on: { "leg.keptCaller": { target: "staying", actions: { type: "tellNotSentOn", params: ({ event }) => event.why } } },
              states: {
                waiting: { always: { guard: "isQuiet", target: "sent" }, after: { farewellLimit: "sent" } },
                asked: { always: { guard: "isBetweenSentences", target: "sent" }, after: { farewellLimit: "sent" } },
                sent: {
                  entry: "sendOn",
                  after: {
                    sendOnLimit: { target: "#staying", actions: { type: "tellNotSentOn", params: "nobody answered in time" } },
                  },
                },
              },
            },
            leaving: {
              on: {
                "agent.wasHeard": "#session.ended",
                "caller.spoke": { target: "staying", actions: "forgetReason" },
                "caller.typed": { target: "staying", actions: "forgetReason" },
              },
              after: { farewellLimit: [{ guard: "isPaused", target: "leaving", reenter: true }, { target: "#session.ended" }] },
            },
          },
        },
        // Who answered a call that we placed: a person, or a machine that is left, is spoken to after its beep, or talked with all the same.
        answerer: {
          initial: "unasked",
          states: {
            unasked: { always: { guard: "isPlaced", target: "unknown" } },
            unknown: {
              on: { "caller.spoke": "greeting", "answerer.wasKnown": known },
              after: { answererLimit: { target: "person", actions: { type: "tellAnswerer", params: { who: "nobody", by: "silence" } } } },
            },
            greeting: {
              on: {
                "caller.finished": { target: "person", actions: { type: "tellAnswerer", params: { who: "person", by: "length" } } },
                "caller.dismissed": "unknown",
                "answerer.wasKnown": known,
              },
              after: { greetingLimit: { target: "machine", actions: { type: "tellAnswerer", params: { who: "machine", by: "length" } } } },
            },
            // Words and the carrier come later than the end of the first turn, and know better.
            person: { on: { "answerer.wasKnown": known } },
            machine: {
              initial: "met",
              states: {
                met: {
                  always: [
                    { guard: "hangsUpOnMachines", target: "#session.ended", actions: "noteMachine" },
                    { guard: "leavesMessages", target: "greeting" },
                    { target: "talkedWith" },
                  ],
                },
                greeting: { entry: "deafen", on: { "answerer.isReady": "recording" }, after: { beepLimit: "recording" } },
                recording: {
                  entry: ["noteMachine", "leaveMessage"],
                  on: { "agent.wasHeard": "#session.ended" },
                  after: { messageLimit: "#session.ended" },
                },
                talkedWith: {},
              },
            },
          },
        },
        link: {
          initial: "asleep",
          // Also from a move, which goes on while a call without a link waits to dial.
          on: { "link.opened": { target: ".linked", actions: "forgetFault" } },
          states: {
            // A call that was taken up from another node needs no link before its caller is back.
            asleep: { always: { guard: "mayDial", target: "dialling" }, on: { "leg.returned": "dialling" } },
            dialling: {
              entry: "dial",
              on: { "dial.failed": unreached },
            },
            linked: {
              id: "linked",
              on: {
                // A move whose link was not told enough dials another, with the old one gone.
                "dial.failed": unreached,
                "link.lost": { target: "dialling", actions: { type: "keepFault", params: ({ event }) => event.fault } },
                "link.proven": { actions: "proveLink" },
              },
            },
            backingOff: {
              id: "backingOff",
              entry: ["planRetry", "tellRetry"],
              on: { "tier.admitted": "dialling" },
              after: { backoff: "dialling" },
            },
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
              id: "thinking",
              entry: { type: "tellPhase", params: "thinking" },
              after: {
                answerLimit: [
                  { guard: "mayAwaitTool", target: "thinking", reenter: true },
                  // Nobody is there to hear it.
                  { guard: "mayAwaitCaller", target: "thinking", reenter: true },
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
            open: { id: "talking", on: { "operator.held": "held", "agent.held": "parked" } },
            held: { entry: ["stopAgent", "hold"], exit: "unhold", on: { "operator.resumed": "open" } },
            // An agent may forget whom it holds.
            parked: {
              entry: ["stopAgent", "hold"],
              exit: "unhold",
              on: { "agent.resumed": "open", "operator.resumed": "open", "operator.held": "held" },
              after: { parkedLimit: "open" },
            },
          },
        },
        ear: {
          initial: "open",
          states: {
            open: { id: "heard", on: { "operator.muted": "muted" } },
            muted: { entry: "mute", exit: "unmute", on: { "operator.unmuted": "open" } },
          },
        },
        leg: {
          initial: "arriving",
          states: {
            arriving: { always: [{ guard: "mayDial", target: "attached" }, { target: "held" }] },
            attached: {
              initial: "present",
              on: { "leg.lost": "held" },
              states: {
                present: { id: "present", on: { "leg.paused": "paused" } },
                // What the agent says meanwhile is kept, and nothing is owed to nobody's ear.
                paused: {
                  id: "paused",
                  entry: "pauseLeg",
                  exit: "resumeLeg",
                  on: { "leg.resumed": "present" },
                  after: { pausedLimit: { target: "#session.ended", actions: "noteIdle" } },
                },
              },
            },
            held: {
              id: "away",
              entry: "holdLeg",
              on: { "leg.returned": { target: "attached", actions: { type: "takeLeg", params: ({ event }) => event.leg } } },
              after: { holdLimit: { target: "#session.ended", actions: "noteAbandoned" } },
            },
          },
        },
        // Nobody says anything: the caller is asked whether they are there, and in the end the call is.
        silence: {
          initial: "broken",
          on: { "caller.finished": { actions: "forgetReprompts" }, "caller.typed": { actions: "forgetReprompts" } },
          states: {
            broken: { always: { guard: "isSilent", target: "lasting" } },
            lasting: {
              always: { guard: "isSpoken", target: "broken" },
              after: {
                repromptDelay: [
                  { guard: "mayReprompt", target: "lasting", reenter: true, actions: ["countReprompt", "reprompt"] },
                  { target: "lasting", actions: "giveUpOnSilence" },
                ],
                idleLimit: { target: "lasting", actions: "giveUpOnSilence" },
              },
            },
          },
        },
        // Who called for help once is not hung up on because no provider can be had.
        need: {
          initial: "calm",
          states: { calm: { on: { "caller.calledForHelp": "inNeed" } }, inNeed: { id: "inNeed" } },
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
