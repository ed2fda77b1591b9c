// What the service's close frames and refusals mean for a call: it has no error message, the close frame is the error. Sources: reasons
// as reported in issue threads of python-genai, js-genai, livekit/agents and pipecat, read 2026-11. A reason is cut at 123 bytes.
import { Fault, type FaultCode } from "../../kernel/fault.ts";
import { refusalCode, retryAfterMs, waits } from "../refused-upgrade.ts";

/** Where in its life a session was, for the same words mean different things. */
export interface SessionState {
  readonly doing: string;
  readonly ready: boolean;
  /** It was to take up an earlier session. */
  readonly resumed: boolean;
  /** The service had told that the end is near. */
  readonly leaving: boolean;
}

const reasons: readonly { readonly begins: RegExp; readonly code: FaultCode }[] = [
  { begins: /^API key (not valid|expired|not found)|API_KEY_INVALID/i, code: "provider-key" },
  { begins: /RESOURCE_EXHAUSTED|^You exceeded your current quota|check your plan and billing/i, code: "provider-quota" },
  { begins: /^Deadline expired|^Connection aborted because the client failed to close/i, code: "provider-expired" },
  { begins: /^models\/.*is not (found|supported)|is not found for API version/i, code: "provider-model" },
  { begins: /^The service is currently unavailable|^The model is overloaded/i, code: "provider-overloaded" },
];

/** A close by the service, or by the network (1006). */
export function closedFault(closeCode: number, reason: string, state: SessionState): Fault {
  const code = codeOf(closeCode, reason, state);
  // What the service says of a key may quote it.
  const found = code === "provider-key" ? "GEMINI_API_KEY was refused" : reason;
  const stale = code === "provider-expired" && !state.ready ? "; the session to be resumed is gone" : "";
  return new Fault(code, `${state.doing}: closed with ${closeCode}${found === "" ? "" : ` (${found})`}${stale}`);
}

function codeOf(closeCode: number, reason: string, { ready, resumed, leaving }: SessionState): FaultCode {
  const named = reasons.find(({ begins }) => begins.test(reason))?.code;
  if (named !== undefined) return named;
  if (leaving && closeCode !== 1007) return "provider-expired";
  if (closeCode !== 1007 && closeCode !== 1008) return "provider-dropped";
  // A handle that is stale or from another model: without it the same configuration may be in order.
  if (!ready && resumed) return "provider-expired";
  if (closeCode === 1007) return "provider-refused";
  // In mid-call 1008 is told of order and timing; at set-up it is about model and rights.
  return ready ? "provider-dropped" : "provider-model";
}

/** An upgrade answered by HTTP. */
export function refusedUpgrade(status: number, body: string, retryAfter: string | undefined, doing: string): Fault {
  const message = /"message":\s*"([^"]{0,200})/.exec(body)?.[1] ?? "";
  const named = status < 500 ? reasons.find(({ begins }) => begins.test(message))?.code : undefined;
  const code = named ?? refusalCode(status);
  const refused = code === "provider-key" ? ", GEMINI_API_KEY was refused" : "";
  return new Fault(code, `${doing}: HTTP ${status}${refused}`, waits(retryAfterMs(retryAfter)));
}
