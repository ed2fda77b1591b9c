// What a connection's end means for a call, for every service of Deepgram's. Sources: developers.deepgram.com, "Errors", read 2026-11;
// handshakes answer 4xx and 5xx with a JSON body {err_code, err_msg, request_id} and the header dg-error.
import { Fault, type FaultCode } from "../../kernel/fault.ts";
import type { SocketEnd } from "./transport.ts";

const statuses: Readonly<Record<number, FaultCode>> = {
  400: "provider-refused",
  401: "provider-key",
  402: "provider-quota",
  403: "provider-key",
  404: "provider-refused",
  408: "provider-overloaded",
  429: "provider-limited",
};

/** An upgrade answered by HTTP, with the id by which Deepgram's support finds it. */
export function refusedFault(end: Extract<SocketEnd, { type: "refused" }>, doing: string, secret: string): Fault {
  const { status, error, requestId, retryAfter, body } = end;
  const [code = "", message = ""] = [textOf(body, "err_code"), textOf(body, "err_msg")];
  const said = [code, message === "" ? error : message].filter((part) => part !== "").join(": ");
  const wrongModel = status === 400 && /\bmodel\b/i.test(said);
  const fault = wrongModel ? "provider-model" : (statuses[status] ?? (status >= 500 ? "provider-overloaded" : "provider-refused"));
  const request = requestId === "" ? "" : ` (request ${requestId})`;
  const seconds = Number(retryAfter);
  const waits = retryAfter !== undefined && Number.isFinite(seconds) && seconds >= 0;
  const text = `${doing}: HTTP ${status}${said === "" ? "" : `, ${said.slice(0, 300)}`}${request}`;
  return new Fault(fault, text.replaceAll(secret, "[key]"), waits ? { retryAfterMs: seconds * 1_000 } : undefined);
}

export const unreachableFault = (end: Extract<SocketEnd, { type: "unreachable" }>, doing: string, secret: string): Fault =>
  new Fault("provider-unreachable", `${doing}: ${end.reason.replaceAll(secret, "[key]")}`);

function textOf(body: string, field: string): string | undefined {
  try {
    const json: unknown = JSON.parse(body);
    const found: unknown = typeof json === "object" && json !== null ? Object.getOwnPropertyDescriptor(json, field)?.value : undefined;
    return typeof found === "string" ? found : undefined;
  } catch {
    return undefined;
  }
}
