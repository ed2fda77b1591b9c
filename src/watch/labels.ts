import type { FaultCode } from "../kernel/fault.ts";
import type { CallEvent, CallOutcome } from "../session/words.ts";

/** The value if the set has it, else "other": labels come from closed sets only, or a metric grows without end. */
export function labelOf(value: string, known: readonly string[]): string {
  return known.includes(value) ? value : "other";
}

interface FaultLabels {
  /** Which kind of a provider's error it is. */
  readonly errorType: string;
  /** Who pays for it. */
  readonly failureClass: string;
}

export const faultLabels: Readonly<Record<FaultCode, FaultLabels>> = {
  "caller-malformed": { errorType: "other", failureClass: "caller_bad_input" },
  "caller-unsupported": { errorType: "other", failureClass: "caller_bad_input" },
  "caller-oversized": { errorType: "other", failureClass: "caller_bad_input" },
  "caller-flooding": { errorType: "other", failureClass: "caller_rate_limited" },
  "caller-refused": { errorType: "other", failureClass: "auth_rejected" },
  "caller-silent": { errorType: "other", failureClass: "caller_network" },
  "caller-slow": { errorType: "other", failureClass: "caller_network" },
  busy: { errorType: "other", failureClass: "overload_shed" },
  overload: { errorType: "other", failureClass: "overload_shed" },
  "call-unknown": { errorType: "other", failureClass: "caller_bad_input" },
  "call-unable": { errorType: "other", failureClass: "caller_bad_input" },
  draining: { errorType: "other", failureClass: "drain_cut" },
  internal: { errorType: "other", failureClass: "internal_error" },
  "provider-unreachable": { errorType: "transport", failureClass: "provider_disconnect" },
  "provider-dropped": { errorType: "transport", failureClass: "provider_disconnect" },
  "provider-expired": { errorType: "api_error", failureClass: "provider_disconnect" },
  "provider-silent": { errorType: "timeout", failureClass: "provider_timeout" },
  "provider-overloaded": { errorType: "overloaded_error", failureClass: "overloaded" },
  "provider-limited": { errorType: "rate_limit_error", failureClass: "rate_limit" },
  "provider-quota": { errorType: "rate_limit_error", failureClass: "resource_exhausted" },
  "provider-busy": { errorType: "overloaded_error", failureClass: "resource_exhausted" },
  "provider-key": { errorType: "auth_error", failureClass: "provider_auth" },
  "provider-model": { errorType: "permission_error", failureClass: "provider_permission" },
  "provider-refused": { errorType: "invalid_request_error", failureClass: "invalid_request" },
  "provider-malformed": { errorType: "protocol_error", failureClass: "provider_protocol" },
  "setting-invalid": { errorType: "other", failureClass: "internal_error" },
  "model-missing": { errorType: "other", failureClass: "internal_error" },
  "provider-shut": { errorType: "overloaded_error", failureClass: "overloaded" },
};

type TurnEnded = Extract<CallEvent, { readonly type: "turn.ended" }>;

export const turnOutcomes = { complete: "completed", interrupted: "interrupted", failed: "failed" } as const;
const usualStops = { complete: "end_turn", interrupted: "interrupted", failed: "error" } as const;
export type StopReason = (typeof usualStops)[keyof typeof usualStops] | NonNullable<TurnEnded["stop"]>;

/** Why a turn ended: what stopped it before the end of what was to be said, or how it ended. */
export const stopReasonOf = (outcome: keyof typeof turnOutcomes, stop?: TurnEnded["stop"]): StopReason => stop ?? usualStops[outcome];

/** Failures that are the caller's own: they are counted apart, and against no promise. */
const callerClasses = ["caller_hangup", "caller_network", "caller_bad_input", "auth_rejected", "origin_rejected", "caller_rate_limited"];
export const isCallersOwn = (failureClass: string): boolean => callerClasses.includes(failureClass);

/** Who pays for a call's end; "none" when it ended well. */
export function failureClassOf(outcome: CallOutcome, cause: FaultCode | undefined): string {
  if (cause !== undefined) return faultLabels[cause].failureClass;
  if (outcome === "completed" || outcome === "moved") return "none";
  return outcome === "abandoned" ? "caller_hangup" : "internal_error";
}
