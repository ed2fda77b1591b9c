import type { Leg } from "../caller/leg.ts";
import type { Fault } from "../kernel/fault.ts";

/** What can happen to a call, as `who.pastVerb`. */
export type SessionEvent =
  | { readonly type: "caller.spoke" }
  | { readonly type: "caller.finished" }
  | { readonly type: "caller.resumed" }
  | { readonly type: "caller.dismissed" }
  | { readonly type: "caller.typed"; readonly text: string }
  | { readonly type: "caller.hungUp" }
  /** The first audio of an agent turn went out to the caller. */
  | { readonly type: "agent.spoke" }
  /** Nothing that the agent said is left to be heard. */
  | { readonly type: "agent.wasHeard" }
  /** The agent said goodbye: hang up once it was heard, unless the caller speaks. */
  | { readonly type: "agent.askedToEnd" }
  | { readonly type: "tool.began" }
  | { readonly type: "tool.finished" }
  | { readonly type: "link.opened" }
  /** The link has lived long enough, or has answered a turn: its provider works. */
  | { readonly type: "link.proven" }
  | { readonly type: "link.lost"; readonly fault: Fault }
  | { readonly type: "leg.lost" }
  | { readonly type: "leg.returned"; readonly leg: Leg }
  | { readonly type: "operator.askedSwitch" }
  | { readonly type: "operator.hungUp" }
  | { readonly type: "node.drained" }
  | { readonly type: "node.closed" }
  /** A defect of ours met this call. */
  | { readonly type: "call.broke"; readonly fault: Fault };
