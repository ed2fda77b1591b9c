import type { DialOrder } from "./asking-carrier.ts";

/** A document that a carrier reads as what to do with a call: one verb after the other. */
export const response = (...verbs: readonly string[]): string =>
  `<?xml version="1.0" encoding="UTF-8"?><Response>${verbs.join("")}</Response>`;

/** Attributes that are undefined are left out; `content` is XML already. */
export function element(name: string, attributes: Readonly<Record<string, string | undefined>>, content = ""): string {
  const written = Object.entries(attributes).map(([key, value]) => (value === undefined ? "" : ` ${key}="${escaped(value)}"`));
  return content === "" ? `<${name}${written.join("")}/>` : `<${name}${written.join("")}>${content}</${name}>`;
}

/** The caller is put through to a number or a SIP address; `more`: further attributes of the verb. */
export function dial({ target, ringLimitS, afterUrl }: DialOrder, sipNoun: string, more: Readonly<Record<string, string>> = {}): string {
  const noun = element(/^sips?:/i.test(target) ? sipNoun : "Number", {}, escaped(target));
  return response(element("Dial", { ...more, timeout: String(ringLimitS), action: afterUrl, method: "POST" }, noun));
}

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;" };

/** Text for XML 1.0: what it cannot hold is left out. */
export function escaped(text: string): string {
  return text
    .toWellFormed()
    .replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, "")
    .replace(/[&<>"']/g, (character) => entities[character] ?? "");
}
