// What a connection's end means for a call, for every service of Deepgram's. Sources: developers.deepgram.com, "Errors", read 2026-11;
// handshakes answer 4xx and 5xx with a JSON body {err_code, err_msg, request_id} and the header dg-error.
import { Fault, type FaultCode } from "../../kernel/fault.ts";
import { refusalCode, retryAfterMs, waits } from "../refused-upgrade.ts";
import type { SocketEnd } from "./transport.ts";

/** An upgrade answered by HTTP, with the id by which Deepgram's support finds it. */
export function refusedFault(end: Extract<SocketEnd, { type: "refused" }>, doing: string, secret: string): Fault {
  const { status, error, requestId, retryAfter, body } = end;
  const [name = "", message = ""] = [textOf(body, "err_code"), textOf(body, "err_msg")];
  const said = [name, message === "" ? error : message].filter((part) => part !== "").join(": ");
  const code = faultCode(status, said);
  const request = requestId === "" ? "" : ` (request ${requestId})`;
  const text = `${doing}: HTTP ${status}${said === "" ? "" : `, ${said.slice(0, 300)}`}${request}`;
  return new Fault(code, text.replaceAll(secret, "[key]"), waits(retryAfterMs(retryAfter)));
}

/** Paths do not name a model here, so one that is not found is a wrong address; a wrong model is a bad request. */
function faultCode(status: number, said: string): FaultCode {
  if (status === 404) return "provider-refused";
  return status === 400 && /\bmodel\b/i.test(said) ? "provider-model" : refusalCode(status);
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
