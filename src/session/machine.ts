import type { SessionEvent } from "./events.ts";
import { moveLimitMs, sessionSetup } from "./machine-setup.ts";

type AnswererKnown = Extract<SessionEvent, { readonly type: "answerer.wasKnown" }>;
type DialFailed = Extract<SessionEvent, { readonly type: "dial.failed" }>;

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

/** A call as a chart: what it is, what may happen, what follows. Audio never passes through it. */
export const sessionMachine = sessionSetup.createMachine({
  id: "session",
  initial: "live",
  context: ({ input }) => ({
    ...input,
    attempt: 0,
    retryInMs: 0,
    move: undefined,
    moveIsDue: false,
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
              exit: "countSilence",
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
              exit: "countSilence",
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
              id: "settled",
              on: {
                "operator.askedSwitch": {
                  target: "underway",
                  actions: { type: "planMove", params: ({ event }) => ({ to: event.provider, cause: "asked", withinMs: moveLimitMs }) },
                },
                "tier.recovered": {
                  target: "underway",
                  actions: { type: "planMove", params: ({ event }) => ({ to: event.provider, cause: "recovered", withinMs: moveLimitMs }) },
                },
                "link.expiring": {
                  target: "underway",
                  actions: {
                    type: "planMove",
                    params: ({ event }) => ({ to: event.provider, cause: "expiring", withinMs: Math.max(0, event.inMs - expiryMarginMs) }),
                  },
                },
              },
            },
            underway: {
              initial: "preparing",
              on: {
                "successor.failed": {
                  target: "none",
                  actions: [{ type: "tellMoveFailed", params: ({ event }) => event.fault }, "dropMove"],
                },
              },
              after: { moveLimit: { actions: "hurryMove" } },
              states: {
                preparing: { entry: "prepareMove", on: { "successor.ready": "ready", "successor.mustBide": "biding" } },
                // What cannot be told what is said after it was opened is opened between two turns, while the present link goes on.
                biding: { always: { guard: "mayOpenNext", target: "opening" } },
                opening: { entry: "openNext", on: { "successor.ready": "ready" } },
                ready: { always: { guard: "mayTakeOver", target: "takingOver" } },
                takingOver: {
                  entry: "takeOver",
                  on: { "successor.mustBide": "biding", "link.opened": "#settled", "dial.failed": "#settled" },
                },
              },
            },
          },
        },
        turn: {
          initial: "listening",
          on: {
            "caller.spoke": { target: ".hearing", actions: "stopAgent" },
            "caller.resumed": { target: ".hearing", actions: "stopAgent" },
            "caller.typed": {
              target: ".thinking",
              actions: ["forgetReprompts", "stopAgent", { type: "takeText", params: ({ event }) => event.text }],
            },
            "caller.finished": { actions: "forgetReprompts" },
          },
          states: {
            // Nobody says anything: after a while the caller is asked whether they are there, and in the end the call is over.
            listening: {
              id: "quiet",
              entry: { type: "tellPhase", params: "listening" },
              on: {
                "agent.spoke": "speaking",
                "tool.began": "thinking",
                // Whatever kept them from speaking is over; silence counts from here.
                "silence.began": { target: "listening", reenter: true },
              },
              after: {
                silenceLimit: [
                  { guard: "mayReprompt", target: "listening", reenter: true, actions: ["countReprompt", "reprompt"] },
                  { guard: "isSilent", actions: "giveUpOnSilence" },
                ],
              },
            },
            // The caller has the word.
            hearing: {
              entry: { type: "tellPhase", params: "listening" },
              on: {
                "caller.finished": { target: "thinking", actions: "forgetReprompts" },
                "caller.dismissed": "listening",
                "agent.spoke": "speaking",
                "tool.began": "thinking",
              },
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
            held: { entry: ["stopAgent", "hold"], exit: ["unhold", "countSilence"], on: { "operator.resumed": "open" } },
            // An agent may forget whom it holds.
            parked: {
              entry: ["stopAgent", "hold"],
              exit: ["unhold", "countSilence"],
              on: { "agent.resumed": "open", "operator.resumed": "open", "operator.held": "held" },
              after: { parkedLimit: "open" },
            },
          },
        },
        ear: {
          initial: "open",
          states: {
            open: { id: "heard", on: { "operator.muted": "muted" } },
            muted: { entry: "mute", exit: ["unmute", "countSilence"], on: { "operator.unmuted": "open" } },
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
                  exit: ["resumeLeg", "countSilence"],
                  on: { "leg.resumed": "present" },
                  after: { pausedLimit: { target: "#session.ended", actions: "noteIdle" } },
                },
              },
            },
            held: {
              id: "away",
              entry: "holdLeg",
              exit: "countSilence",
              on: { "leg.returned": { target: "attached", actions: { type: "takeLeg", params: ({ event }) => event.leg } } },
              after: { holdLimit: { target: "#session.ended", actions: "noteAbandoned" } },
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
