import type { SipRequest } from "./message/message.ts";

/** The digit that an INFO tells, as some telephones do: `application/dtmf-relay` or `application/dtmf`. Undefined: it tells none. */
export function infoDigit({ headers, body }: SipRequest): string | undefined {
  const type = (headers.get("Content-Type") ?? "").split(";")[0]?.trim().toLowerCase();
  const text = body.toString("latin1");
  if (type === "application/dtmf-relay") return /^Signal[ \t]*=[ \t]*([0-9*#A-D])[ \t]*\r?$/im.exec(text)?.[1]?.toUpperCase();
  return type === "application/dtmf" ? /^\s*([0-9*#A-D])\s*$/i.exec(text)?.[1]?.toUpperCase() : undefined;
}
