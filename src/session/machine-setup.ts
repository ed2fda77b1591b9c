import { and, assign, not, or, raise, setup, stateIn } from "xstate";
import type { Leg } from "../caller/leg.ts";
import type { Fault } from "../kernel/fault.ts";
import type { Move, SessionContext, SessionInput } from "./context.ts";
import type { SessionEvent } from "./events.ts";
import type { AnswererProof } from "./words.ts";

const farewellLimitMs = 10_000;
/** So long whoever shall take the caller over may ring, and be told what it is about. */
const sendOnLimitMs = 45_000;
const briefedLimitMs = 130_000;
/** A move that was asked for waits so long for the end of a turn. */
export const moveLimitMs = 5_000;
/** So long an agent may hold its caller. */
const parkedLimitMs = 120_000;
/** And so long a caller the agent: who comes back after that calls again. */
const pausedLimitMs = 30 * 60_000;
/** Whoever says nothing for so long after they answered is not known. */
const answererLimitMs = 20_000;
/** So long a machine's greeting may last, and then our message. */
const beepLimitMs = 45_000;
const messageLimitMs = 60_000;
/** Nobody speaks, and nothing keeps them from it. */
const silent = and([stateIn("#staying"), stateIn("#talking"), stateIn("#heard"), stateIn("#present")]);

const hasRepromptsLeft = ({ manners: { idle }, reprompted }: SessionContext): boolean =>
  (idle.repromptAfterMs ?? Infinity) <= idle.endAfterMs && reprompted < idle.reprompts;

/** No turn is under way that a move would disturb. */
const isBetweenTurns = or([stateIn("#quiet"), not(stateIn("#linked"))]);

/** What the chart is written with: how long it waits, what it asks, what it does. The states are in `machine.ts`. */
export const sessionSetup = setup({
  types: { input: {} as SessionInput, context: {} as SessionContext, events: {} as SessionEvent },
  delays: {
    answerLimit: ({ context }) => context.call.answer.limitMs,
    moveLimit: ({ context }) => context.move?.withinMs ?? moveLimitMs,
    farewellLimit: farewellLimitMs,
    sendOnLimit: ({ context }) => (context.target.briefing === "" ? sendOnLimitMs : briefedLimitMs),
    holdLimit: ({ context }) => context.holdLimitMs,
    drainLimit: ({ context }) => context.drainLimitMs,
    backoff: ({ context }) => context.retryInMs,
    silenceLimit: ({ context }) => Math.min(context.manners.idle.repromptAfterMs ?? Infinity, context.manners.idle.endAfterMs),
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
    mayTakeOver: or([isBetweenTurns, ({ context }) => context.moveIsDue]),
    // Nothing is lost by waiting for a better tier until nobody speaks.
    mayOpenNext: or([isBetweenTurns, ({ context }) => context.moveIsDue && context.move?.cause !== "recovered"]),
    isBetweenSentences: or([stateIn("#quiet"), stateIn("#thinking")]),
    isSilent: silent,
    mayReprompt: and([silent, ({ context }) => hasRepromptsLeft(context)]),
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
    keepFault: assign((_, fault: Fault) => ({ fault })),
    planRetry: assign({ retryInMs: ({ context }) => context.call.backoffMs(context.attempt, context.fault) }),
    planMove: assign((_, move: Move) => ({ move, moveIsDue: false })),
    hurryMove: assign({ moveIsDue: true }),
    prepareMove: ({ context }) => context.call.board.prepare(context.move?.to ?? ""),
    openNext: ({ context }) => context.call.board.openNext(),
    takeOver: ({ context }) => context.call.board.takeOver(context.move?.cause ?? "asked", context.moveIsDue),
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
    countSilence: raise({ type: "silence.began" }),
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
    loseUnanswered: ({ context }) => context.call.seat?.giveUp("open", `no answer within ${Math.round(context.call.answer.limitMs)} ms`),
  },
});
