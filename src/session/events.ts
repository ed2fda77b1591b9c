import type { Leg } from "../caller/leg.ts";
import type { Fault } from "../kernel/fault.ts";
import type { AnswererProof } from "./words.ts";

/** What can happen to a call, as `who.pastVerb`. */
export type SessionEvent =
  | { readonly type: "caller.spoke" }
  | { readonly type: "caller.finished" }
  | { readonly type: "caller.resumed" }
  | { readonly type: "caller.dismissed" }
  | { readonly type: "caller.typed"; readonly text: string }
  | { readonly type: "caller.hungUp" }
  /** Their words, or the agent, say that they are in need. */
  | { readonly type: "caller.calledForHelp" }
  /** The first audio of an agent turn went out to the caller. */
  | { readonly type: "agent.spoke" }
  /** Nothing that the agent said is left to be heard. */
  | { readonly type: "agent.wasHeard" }
  /** The agent said goodbye: hang up once it was heard, unless the caller speaks. */
  | { readonly type: "agent.askedToEnd" }
  | { readonly type: "tool.began" }
  | { readonly type: "tool.finished" }
  /** A link has the call. */
  | { readonly type: "link.opened"; readonly provider: string }
  | { readonly type: "link.lost"; readonly fault: Fault }
  /** No link could be had: why, and how often in a row `provider` was dialled. */
  | { readonly type: "dial.failed"; readonly fault: Fault; readonly provider: string; readonly attempts: number }
  /** The provider ends the session in so long. */
  | { readonly type: "link.expiring"; readonly provider: string; readonly inMs: number }
  /** The link that a move waits for is ready, or cannot be had. */
  | { readonly type: "successor.ready" }
  | { readonly type: "successor.failed"; readonly fault: Fault }
  /** Its link is to be opened anew, between two turns: more was said than it can be told. */
  | { readonly type: "successor.mustBide" }
  /** A call that has no link, and waits, could have one. */
  | { readonly type: "tier.admitted" }
  /** A better tier would take the call again. */
  | { readonly type: "tier.recovered"; readonly provider: string }
  | { readonly type: "leg.lost" }
  | { readonly type: "leg.returned"; readonly leg: Leg }
  /** The caller holds us, as a telephone does: they neither hear nor speak. */
  | { readonly type: "leg.paused" }
  | { readonly type: "leg.resumed" }
  | { readonly type: "operator.askedSwitch"; readonly provider: string }
  | { readonly type: "operator.hungUp" }
  /** `briefing`: what the person hears first, where the carrier can; empty: nothing. */
  | { readonly type: "operator.askedTransfer"; readonly target: string; readonly briefing: string }
  | { readonly type: "agent.askedTransfer"; readonly target: string; readonly briefing: string }
  | { readonly type: "agent.held" }
  | { readonly type: "agent.resumed" }
  /** Who took the caller over has them; or nobody did. */
  | { readonly type: "leg.sentOn" }
  | { readonly type: "leg.keptCaller"; readonly why: string }
  | { readonly type: "operator.muted" }
  | { readonly type: "operator.unmuted" }
  | { readonly type: "operator.held" }
  | { readonly type: "operator.resumed" }
  | { readonly type: "node.drained" }
  | { readonly type: "node.closed" }
  /** What kept everybody from speaking is over. */
  | { readonly type: "silence.began" }
  /** Silence that lasted too long. */
  | { readonly type: "silence.tooLong" }
  /** Who answered a call that we placed, and how that is known. */
  | { readonly type: "answerer.wasKnown"; readonly who: "person" | "machine"; readonly by: AnswererProof }
  /** The machine that answered takes a message now. */
  | { readonly type: "answerer.isReady" }
  /** A defect of ours met this call. */
  | { readonly type: "call.broke"; readonly fault: Fault };
