import { Headers } from "./headers.ts";
import { noBody, reasonOf, type SipRequest, type SipResponse } from "./message.ts";
import { parseNameAddr } from "./uri.ts";

/** The tag of a From or To, or undefined. */
export const tagOf = (value: string | undefined): string | undefined => parseNameAddr(value ?? "")?.params.get("tag");

/**
 * An answer with what RFC 3261 section 8.2.6 wants copied. `toTag` goes into To unless it has one; Record-Route comes along where a
 * dialog may begin (section 12.1.1).
 */
export function responseTo(request: SipRequest, status: number, toTag: string | undefined, reason = reasonOf(status)): SipResponse {
  const headers = new Headers();
  for (const via of request.headers.all("Via")) headers.add("Via", via);
  for (const name of ["From", "To", "Call-ID", "CSeq"]) {
    const value = request.headers.get(name) ?? "";
    const tagged = name === "To" && toTag !== undefined && tagOf(value) === undefined;
    headers.add(name, tagged ? `${value};tag=${toTag}` : value);
  }
  if (status === 100 && request.headers.get("Timestamp") !== undefined) headers.add("Timestamp", request.headers.get("Timestamp") ?? "");
  if (request.method === "INVITE" && status > 100 && status < 300) {
    for (const route of request.headers.all("Record-Route")) headers.add("Record-Route", route);
  }
  return { kind: "response", status, reason, headers, body: noBody };
}
