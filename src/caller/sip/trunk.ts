import { Fault } from "../../kernel/fault.ts";
import type { Credentials } from "./digest.ts";
import { bracketed, parseUri, type SipUri } from "./message/uri.ts";

/** Through whom we call telephone numbers. */
export interface Trunk {
  readonly uri: SipUri;
  readonly credentials: Credentials | undefined;
  /** The number that people see whom we call, or a SIP URI; undefined: our own address. */
  readonly from: string | undefined;
  /** Tell it again and again where we are, because it cannot know. */
  readonly register: boolean;
}

/** @throws {Fault} setting-invalid */
export function trunkOf(text: string, parts: Omit<Trunk, "uri">): Trunk {
  const uri = parseUri(/^sips?:/i.test(text) ? text : `sip:${text}`);
  if (uri === undefined) throw new Fault("setting-invalid", `SIP_TRUNK: ${text} is no SIP address such as sip:trunk.example.com`);
  return { uri, ...parts };
}

const transportOf = ({ params }: SipUri): string => (params.has("transport") ? `;transport=${params.get("transport") ?? ""}` : "");
const hostOf = ({ host, port }: SipUri): string => `${bracketed(host)}${port === undefined ? "" : `:${port}`}`;

/** The registrar's own URI. */
export const registrarOf = ({ uri }: Trunk): string => `${uri.scheme}:${hostOf(uri)}${transportOf(uri)}`;

/** A user's URI at the trunk. */
export const userAt = ({ uri }: Trunk, user: string): string => `${uri.scheme}:${user}@${hostOf(uri)}${transportOf(uri)}`;

/** Whom to call: a SIP URI as it is, a number at the trunk. @throws {Fault} call-unable */
export function dialledUri(to: string, trunk: Trunk | undefined): string {
  if (parseUri(to) !== undefined) return to;
  if (!/^\+?[0-9*#]{1,32}$/.test(to)) throw new Fault("call-unable", `${to} is neither a number nor a SIP URI`);
  if (trunk === undefined) throw new Fault("call-unable", "numbers are called through a trunk; set SIP_TRUNK");
  return userAt(trunk, to.replaceAll("#", "%23"));
}
