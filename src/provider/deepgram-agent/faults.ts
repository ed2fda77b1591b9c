// What the service's errors and closes mean for a call. Sources: developers.deepgram.com, "Voice Agent: errors and warnings", read
// 2026-11. Any `Error` ends the session; a close follows it.
import { Fault, type FaultCode } from "../../kernel/fault.ts";
import { refusedFault, unreachableFault } from "../deepgram-sdk/faults.ts";
import type { SocketEnd } from "../deepgram-sdk/transport.ts";

const codes: Readonly<Record<string, FaultCode>> = {
  INTERNAL_SERVER_ERROR: "provider-overloaded",
  FAILED_TO_START_LISTENING: "provider-overloaded",
  ASR_CONNECTION_CLOSED: "provider-overloaded",
  ASR_DRIVER_TIMEOUT: "provider-overloaded",
  FAILED_TO_SPEAK: "provider-overloaded",
  FAILED_TO_THINK: "provider-overloaded",
  SERVER_GOING_AWAY: "provider-dropped",
  CLIENT_MESSAGE_TIMEOUT: "provider-dropped",
  NON_EXISTENT_FUNCTION_CALLED: "provider-malformed",
  UNPARSABLE_CLIENT_MESSAGE: "provider-refused",
  NON_SETTINGS_MESSAGE_BEFORE_SETTINGS: "provider-refused",
  SETTINGS_ALREADY_APPLIED: "provider-refused",
  INVALID_SETTINGS: "provider-refused",
  USER_AUDIO_FORMAT: "provider-refused",
  AGENT_ID_NOT_SUPPORTED: "provider-refused",
  INVALID_AGENT_ID: "provider-refused",
};

/** Codes under which a model that is gone or misspelt turns up. */
const modelCodes: ReadonlySet<string> = new Set(["INVALID_SETTINGS", "FAILED_TO_START_LISTENING", "FAILED_TO_THINK", "FAILED_TO_SPEAK"]);

const spent = /payment.required|credit|quota|balance/i;
const overtime = /session.{0,40}(limit|duration|expired)|maximum.{0,20}(duration|length)/i;
const wrongModel = /\bmodels?\b/i;

/** Texts stand above codes where the wire has no code of its own: money and time. */
export function errorFault(code: string, description: string, doing: string, secret: string): Fault {
  const found = `${code}${description === "" ? "" : `: ${description}`}`;
  return new Fault(faultCode(code, description), `${doing}: ${found}`.replaceAll(secret, "[key]"));
}

function faultCode(code: string, description: string): FaultCode {
  if (spent.test(description)) return "provider-quota";
  if (overtime.test(description)) return "provider-expired";
  if (modelCodes.has(code) && wrongModel.test(description)) return "provider-model";
  return (Object.hasOwn(codes, code) ? codes[code] : undefined) ?? "provider-dropped";
}

/** An end without an `Error` before it. `overdue`: the session had come to the end of its time. */
export function endFault(end: SocketEnd, overdue: boolean, doing: string, secret: string): Fault {
  if (end.type === "refused") return refusedFault(end, doing, secret);
  if (end.type === "unreachable") return unreachableFault(end, doing, secret);
  const { code, reason } = end;
  const found = `${doing}: closed with ${code}${reason === "" ? "" : ` (${reason})`}`;
  return new Fault(overdue || overtime.test(reason) ? "provider-expired" : "provider-dropped", found.replaceAll(secret, "[key]"));
}
