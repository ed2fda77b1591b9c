import type { Headers } from "./headers.ts";

export interface SipRequest {
  readonly kind: "request";
  readonly method: string;
  readonly uri: string;
  readonly headers: Headers;
  readonly body: Buffer;
}

export interface SipResponse {
  readonly kind: "response";
  readonly status: number;
  readonly reason: string;
  readonly headers: Headers;
  readonly body: Buffer;
}

export type SipMessage = SipRequest | SipResponse;

export const noBody: Buffer = Buffer.alloc(0);

/** Header text is kept byte by byte (Latin-1), so that what we send back is what came. */
export function writeMessage(message: SipMessage): Buffer {
  const first = message.kind === "request" ? `${message.method} ${message.uri} SIP/2.0` : `SIP/2.0 ${message.status} ${message.reason}`;
  message.headers.set("Content-Length", String(message.body.length));
  return Buffer.concat([Buffer.from(`${first}\r\n${message.headers.toString()}\r\n`, "latin1"), message.body]);
}

export interface CSeq {
  readonly number: number;
  readonly method: string;
}

/** Undefined: malformed, or a number beyond 2^31 - 1. */
export function parseCSeq(text: string | undefined): CSeq | undefined {
  const found = /^(\d{1,10})[ \t]+(\S+)$/.exec(text?.trim() ?? "");
  const number = Number(found?.[1]);
  return found === null || number >= 2 ** 31 ? undefined : { number, method: found[2] ?? "" };
}

const reasons: Readonly<Record<number, string>> = {
  100: "Trying",
  180: "Ringing",
  183: "Session Progress",
  200: "OK",
  202: "Accepted",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  407: "Proxy Authentication Required",
  408: "Request Timeout",
  413: "Request Entity Too Large",
  415: "Unsupported Media Type",
  416: "Unsupported URI Scheme",
  420: "Bad Extension",
  422: "Session Interval Too Small",
  480: "Temporarily Unavailable",
  481: "Call/Transaction Does Not Exist",
  482: "Loop Detected",
  486: "Busy Here",
  487: "Request Terminated",
  488: "Not Acceptable Here",
  489: "Bad Event",
  491: "Request Pending",
  500: "Server Internal Error",
  503: "Service Unavailable",
  505: "Version Not Supported",
  603: "Decline",
};

export const reasonOf = (status: number): string => reasons[status] ?? (status < 300 ? "OK" : "Refused");
