// Plivo XML and the third version of its signatures: Plivo's documentation and its own package for Node, read 2026-11.
import { idOf, type Inquiry, type Manners } from "./asking-carrier.ts";
import { isHmac } from "./proof.ts";
import { dial, element, escaped, response } from "./xml.ts";

const over: ReadonlySet<string> = new Set(["completed", "busy", "failed", "timeout", "no-answer", "cancel"]);

/** What Plivo signs: the address with its query in order, the fields in order behind it, and the nonce. */
export function signedByPlivo({ url, method, fields }: Pick<Inquiry, "url" | "method" | "fields">, nonce: string): string {
  const { origin, pathname, searchParams } = new URL(url);
  const rows = method === "POST" ? Object.entries(fields).toSorted(byName) : [];
  const query = [...searchParams].toSorted(byName).map(([name, value]) => `${name}=${value}`);
  const mark = query.length > 0 || rows.length > 0 ? "?" : "";
  const dot = query.length > 0 && rows.length > 0 ? "." : "";
  return `${origin}${pathname}${mark}${query.join("&")}${dot}${rows.map(([name, value]) => name + value).join("")}.${nonce}`;
}

/** @param authTokens of the account that are good just now; none: signatures cannot be checked */
export const plivoManners = (authTokens: () => readonly string[]): Manners => ({
  dialect: "plivo",
  setting: "PLIVO_AUTH_TOKEN",
  lateProof: false,
  contentType: "text/xml; charset=utf-8",
  isSigned(inquiry) {
    const tokens = authTokens();
    if (tokens.length === 0) return undefined;
    const signed = signedByPlivo(inquiry, inquiry.headers["x-plivo-signature-v3-nonce"] ?? "");
    // Several while a token is being replaced.
    const signatures = (inquiry.headers["x-plivo-signature-v3"] ?? "").split(",");
    return signatures.slice(0, 4).some((each) => tokens.some((token) => isHmac(token, signed, each.trim(), "base64")));
  },
  isSignedUpgrade: () => false,
  read({ fields }) {
    const callId = idOf(fields["CallUUID"]);
    if (callId === undefined) return undefined;
    const isOver = over.has(fields["CallStatus"] ?? "") || fields["Event"] === "Hangup";
    const [from, to] = [idOf(fields["From"]), idOf(fields["To"])];
    return { callId, from, to, state: isOver ? "over" : "running", taken: fields["DialStatus"] === "completed" };
  },
  stream({ url, afterUrl }) {
    const attributes = { bidirectional: "true", keepCallAlive: "true", audioTrack: "inbound", contentType: "audio/x-mulaw;rate=8000" };
    return response(element("Stream", attributes, escaped(url)), element("Redirect", { method: "POST" }, escaped(afterUrl)));
  },
  dial: (order) => dial(order, "User"),
  hangUp: () => response(element("Hangup", {})),
  busy: () => response(element("Hangup", { reason: "busy" })),
  waitThenAsk: (url, seconds) =>
    response(element("Wait", { length: String(seconds) }), element("Redirect", { method: "POST" }, escaped(url))),
  nothing: () => response(),
});

const byName = ([a]: readonly [string, string], [b]: readonly [string, string]): number => (a < b ? -1 : a > b ? 1 : 0);
