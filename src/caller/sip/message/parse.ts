import { hasUriHeaders, isUri, parseNameAddr, parseVia } from "./uri.ts";
import { token } from "./grammar.ts";
import { Headers } from "./headers.ts";
import { parseCSeq, type SipMessage, type SipRequest } from "./message.ts";

/**
 * What bytes turned out to be. `flaw` says what is wrong; `request` is there where enough was read to answer it with `status`,
 * else there is nobody to answer.
 */
export type Reading =
  | { readonly name: "message"; readonly message: SipMessage }
  | { readonly name: "flawed"; readonly flaw: string; readonly status: number; readonly request: SipRequest | undefined };

interface Flaw {
  readonly flaw: string;
  readonly status: number;
}

const requestLine = new RegExp(`^(${token}) (\\S+) SIP/(\\d+\\.\\d+)$`);
const statusLine = /^SIP\/2\.0 ([1-6]\d\d)(?: (.*))?$/;
const headerLine = new RegExp(`^(${token})[ \\t]*:[ \\t]*(.*?)[ \\t]*$`, "s");
/** More is no call set-up; it would only cost time. */
const headerLimit = 256;
const bad = (flaw: string, status = 400): Flaw => ({ flaw, status });

/** Reads one message: a whole datagram, or what the stream's framing cut out. RFC 3261 section 7, and torture tests of RFC 4475. */
export function readMessage(bytes: Buffer): Reading {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return { name: "flawed", ...bad("the header has no end"), request: undefined };
  const [first = "", ...lines] = bytes
    .toString("latin1", 0, end)
    .replace(/\r\n[ \t]+/g, " ")
    .split("\r\n");
  const { headers, flaw } = readHeaders(lines);
  const body = bytes.subarray(end + 4);
  if (first.startsWith("SIP/")) return readResponse(first, headers, flaw, body);

  const start = requestLine.exec(first);
  const request: SipRequest = {
    kind: "request",
    method: start?.[1] ?? first.split(" ", 1)[0] ?? "",
    uri: start?.[2] ?? "",
    headers,
    body: trimmed(headers, body),
  };
  const found =
    (start === null ? bad("the request line is malformed") : undefined) ??
    (start?.[3] === "2.0" || start === null ? undefined : bad(`version ${start[3] ?? ""} is not served`, 505)) ??
    flaw ??
    flawOf(request, body.length);
  if (found === undefined) return { name: "message", message: request };
  return { name: "flawed", ...found, request: isAnswerable(request) ? request : undefined };
}

function readResponse(first: string, headers: Headers, flaw: Flaw | undefined, body: Buffer): Reading {
  const line = statusLine.exec(first);
  const found = line === null ? bad("the status line is malformed") : (flaw ?? flawOfCommon(headers, body.length));
  if (found !== undefined) return { name: "flawed", ...found, request: undefined };
  const [, status, reason = ""] = line ?? [];
  return { name: "message", message: { kind: "response", status: Number(status), reason, headers, body: trimmed(headers, body) } };
}

function readHeaders(lines: readonly string[]): { headers: Headers; flaw: Flaw | undefined } {
  const headers = new Headers();
  let flaw = lines.length > headerLimit ? bad(`more than ${headerLimit} header fields`, 413) : undefined;
  for (const line of lines.slice(0, headerLimit)) {
    const field = headerLine.exec(line);
    if (field === null) flaw ??= bad("a header field is malformed");
    else headers.add(field[1] ?? "", field[2] ?? "");
  }
  return { headers, flaw };
}

/** Whoever cannot be told apart from others by these cannot be answered either. */
function isAnswerable({ method, headers }: SipRequest): boolean {
  const [via = ""] = headers.all("Via");
  return (
    method !== "ACK" && parseVia(via) !== undefined && ["From", "To", "Call-ID", "CSeq"].every((name) => headers.get(name) !== undefined)
  );
}

function flawOf(request: SipRequest, bodyBytes: number): Flaw | undefined {
  const { headers } = request;
  if (!isUri(request.uri) || hasUriHeaders(request.uri)) return bad("the request URI is malformed");
  const common = flawOfCommon(headers, bodyBytes);
  if (common !== undefined) return common;
  if (parseCSeq(headers.get("CSeq"))?.method !== request.method) return bad("CSeq names another method");
  const forwards = headers.get("Max-Forwards");
  if (forwards !== undefined && !(/^\d{1,9}$/.test(forwards) && Number(forwards) <= 255)) return bad("Max-Forwards is malformed");
  const contacts = headers.all("Contact").filter((value) => value !== "*");
  if (contacts.some((value) => parseNameAddr(value) === undefined)) return bad("Contact is malformed");
  return undefined;
}

function flawOfCommon(headers: Headers, bodyBytes: number): Flaw | undefined {
  for (const name of ["From", "To", "Call-ID", "CSeq"]) {
    const values = headers.all(name);
    if (values.length !== 1 || values[0] === "") return bad(values.length === 0 ? `${name} is missing` : `${name} must be there once`);
  }
  for (const name of ["Max-Forwards", "Content-Length", "Content-Type"]) {
    if (headers.all(name).length > 1) return bad(`${name} may be there once`);
  }
  if (parseCSeq(headers.get("CSeq")) === undefined) return bad("CSeq is malformed");
  for (const name of ["From", "To"]) if (parseNameAddr(headers.get(name) ?? "") === undefined) return bad(`${name} is malformed`);
  const vias = headers.all("Via");
  if (vias.length === 0 || vias.some((via) => parseVia(via) === undefined)) return bad("Via is missing or malformed");
  const routes = [...headers.all("Route"), ...headers.all("Record-Route")];
  if (routes.some((value) => parseNameAddr(value) === undefined)) return bad("a route is malformed");
  const length = headers.get("Content-Length");
  if (length !== undefined && !/^\d{1,9}$/.test(length)) return bad("Content-Length is malformed");
  if (length !== undefined && Number(length) > bodyBytes) return bad(`Content-Length says ${length} bytes, and ${bodyBytes} came`);
  return undefined;
}

/** Octets beyond Content-Length are no part of the message (RFC 3261 section 18.3). */
function trimmed(headers: Headers, body: Buffer): Buffer {
  const length = headers.get("Content-Length");
  return length !== undefined && /^\d{1,9}$/.test(length) ? body.subarray(0, Number(length)) : body;
}
