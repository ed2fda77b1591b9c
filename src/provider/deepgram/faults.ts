// What the end of a stage's socket means for a call. Sources: developers.deepgram.com, "Errors" and "Flux: errors", read 2026-11.
// listen v1 and speak v1 close with a code and a reason that begins with a name (NET-0001, DATA-0000); Flux sends an `Error` first.
import { Fault, type FaultCode } from "../../kernel/fault.ts";
import { refusedFault, unreachableFault } from "../deepgram-sdk/faults.ts";
import type { SocketEnd } from "../deepgram-sdk/transport.ts";

const spent = /payment.required|out of credit|quota|balance/i;

const named: readonly (readonly [RegExp, FaultCode])[] = [
  [spent, "provider-quota"],
  [/\bNET-0003\b|time limit/i, "provider-expired"],
  [/\bNET-0000\b|\bINTERNAL_SERVER_ERROR\b/, "provider-overloaded"],
  [/\bDATA-\d{4}\b|\bMESSAGE-\d{4}\b|\bBIG-\d{4}\b|\bUNPARSABLE_CLIENT_MESSAGE\b|\bINVALID_/, "provider-refused"],
];

const codeOf = (words: string): FaultCode => named.find(([pattern]) => pattern.test(words))?.[1] ?? "provider-dropped";

export function endFault(end: SocketEnd, doing: string, secret: string): Fault {
  if (end.type === "refused") return refusedFault(end, doing, secret);
  if (end.type === "unreachable") return unreachableFault(end, doing, secret);
  const { code, reason } = end;
  return new Fault(codeOf(reason), `${doing}: closed with ${code}${reason === "" ? "" : ` (${reason})`}`.replaceAll(secret, "[key]"));
}

/** An `Error` message; a close always follows it. */
export const errorFault = (code: string, description: string, doing: string, secret: string): Fault =>
  new Fault(
    codeOf(`${code} ${description}`),
    `${doing}: ${code}${description === "" ? "" : `: ${description}`}`.replaceAll(secret, "[key]"),
  );

/** A synthesis or recognition request over HTTP that was answered with `status`. */
export const httpFault = (status: number, body: string, retryAfter: string | undefined, doing: string, secret: string): Fault =>
  refusedFault({ type: "refused", status, error: "", requestId: "", retryAfter, body }, doing, secret);
