import { isIPv6 } from "node:net";
import { parseParams, quoted, token, unquote, type Params } from "./grammar.ts";

/** A `sip:` or `sips:` URI. */
export interface SipUri {
  readonly scheme: "sip" | "sips";
  /** As written, escapes and all; undefined: none. */
  readonly user: string | undefined;
  /** A name, an IPv4 address or an IPv6 address without its brackets. */
  readonly host: string;
  readonly port: number | undefined;
  readonly params: Params;
}

const host = String.raw`\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9.])?`;
const sipUri = new RegExp(String.raw`^(sips?):(?:([^@<>"\s]+)@)?(${host})(?::(\d{1,5}))?((?:;[^?\s<>"]*)?)(\?[^\s<>"]*)?$`, "i");
const anyUri = /^[A-Za-z][A-Za-z0-9+.-]*:[^\s<>"]+$/;
const nameAddr = new RegExp(String.raw`^(${quoted}|(?:${token}[ \t]*)*)[ \t]*<([^<>\s]+)>(.*)$`, "s");
const hostPort = new RegExp(String.raw`^(${host})(?:[ \t]*:[ \t]*(\d{1,5}))?$`);

const bare = (text: string): string => (text.startsWith("[") ? text.slice(1, -1) : text);
export const bracketed = (address: string): string => (isIPv6(address) ? `[${address}]` : address);

/** Undefined: no `sip:` or `sips:` URI, or a malformed one. */
export function parseUri(text: string): SipUri | undefined {
  const found = sipUri.exec(text);
  if (found === null) return undefined;
  const [, scheme = "", user, name = "", port, rest = ""] = found;
  const params = parseUriParams(rest);
  const number = port === undefined ? undefined : Number(port);
  if (params === undefined || (number !== undefined && number > 65_535)) return undefined;
  return { scheme: scheme.toLowerCase() === "sips" ? "sips" : "sip", user, host: bare(name), port: number, params };
}

/** URI parameters may hold more than tokens: anything but separators. */
function parseUriParams(text: string): Params | undefined {
  if (text === "") return new Map();
  const params = new Map<string, string>();
  for (const part of text.slice(1).split(";")) {
    const [name = "", value = ""] = part.split("=", 2);
    if (name === "") return undefined;
    params.set(name.toLowerCase(), value);
  }
  return params;
}

export const isUri = (text: string): boolean => (/^sips?:/i.test(text) ? parseUri(text) !== undefined : anyUri.test(text));

/** Does this URI carry header fields for the request it would become? */
export const hasUriHeaders = (text: string): boolean => /^sips?:/i.test(text) && text.includes("?");

export interface NameAddr {
  readonly display: string;
  readonly uri: string;
  readonly params: Params;
}

/** The value of From, To, Contact, Route, Refer-To and their like. Undefined: malformed. */
export function parseNameAddr(text: string): NameAddr | undefined {
  const value = text.trim();
  const found = nameAddr.exec(value);
  if (found !== null) {
    const [, display = "", uri = "", rest = ""] = found;
    const params = parseParams(rest);
    return params === undefined || !isUri(uri) ? undefined : { display: unquote(display.trim()), uri, params };
  }
  // Without brackets everything after the first semicolon belongs to the field, and a URI may hold neither comma nor question mark.
  const [, uri = "", rest = ""] = /^([^;]*)(.*)$/s.exec(value) ?? [];
  const params = parseParams(rest);
  return params === undefined || /[,?]/.test(uri) || !isUri(uri.trim()) ? undefined : { display: "", uri: uri.trim(), params };
}

export interface Via {
  readonly transport: string;
  readonly host: string;
  readonly port: number | undefined;
  readonly params: Params;
}

export function parseVia(text: string): Via | undefined {
  const found = /^SIP[ \t]*\/[ \t]*2\.0[ \t]*\/[ \t]*([A-Za-z0-9-]+)[ \t]+([^;]+)(.*)$/s.exec(text.trim());
  const [, transport = "", sentBy = "", rest = ""] = found ?? [];
  const at = hostPort.exec(sentBy.trim());
  const params = parseParams(rest);
  if (found === null || at === null || params === undefined) return undefined;
  return { transport: transport.toLowerCase(), host: bare(at[1] ?? ""), port: at[2] === undefined ? undefined : Number(at[2]), params };
}
