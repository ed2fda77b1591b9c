import { bytesOfBase64 } from "../../wire/base64.ts";
import type { ServerEvent } from "./server-events.ts";

const type = "response.output_audio.delta";
/** The type stands among the first keys. */
const typeWithin = 120;
const [quote, colon, comma, closing] = [0x22, 0x3a, 0x2c, 0x7d];
const [zero, nine] = [0x30, 0x39];
const id = /^[\w-]+$/;

/**
 * The event that comes fifty times a second, read by its letters instead of parsed. Undefined: another event, or one that is unusual in
 * any way (keys that are not known, spaces, escapes, audio that is no base64); then the parser decides.
 */
export function readAudioDelta(message: string): Extract<ServerEvent, { type: "response.audio" }> | undefined {
  const typeAt = message.indexOf(type);
  if (typeAt < 0 || typeAt > typeWithin || !message.startsWith("{")) return undefined;
  let isAudio = false;
  let [responseId, itemId, delta] = ["", "", ""];
  for (let at = 1; ;) {
    if (message.charCodeAt(at) !== quote) return undefined;
    const keyEnd = message.indexOf('"', at + 1);
    if (keyEnd < 0 || message.charCodeAt(keyEnd + 1) !== colon) return undefined;
    const key = message.slice(at + 1, keyEnd);
    const from = keyEnd + 2;
    let to: number;
    if (key === "output_index" || key === "content_index") {
      to = digitEnd(message, from);
      if (to === from) return undefined;
    } else {
      if (message.charCodeAt(from) !== quote) return undefined;
      const end = message.indexOf('"', from + 1);
      if (end < 0) return undefined;
      const value = message.slice(from + 1, end);
      if (key === "delta") delta = value;
      else if (!(key === "type" ? value === type : id.test(value))) return undefined;
      else if (key === "type") isAudio = true;
      else if (key === "response_id") responseId = value;
      else if (key === "item_id") itemId = value;
      else if (key !== "event_id") return undefined;
      to = end + 1;
    }
    const next = message.charCodeAt(to);
    if (next === closing) {
      if (to !== message.length - 1) return undefined;
      break;
    }
    if (next !== comma) return undefined;
    at = to + 1;
  }
  if (!isAudio || responseId === "" || itemId === "" || delta === "") return undefined;
  // What is no base64 may be an escape, or what JSON forbids in a text.
  const bytes = bytesOfBase64(delta);
  return bytes === undefined ? undefined : { type: "response.audio", responseId, itemId, bytes };
}

/** One digit is what is ever seen; more may be a number that JSON forbids. */
const digitEnd = (text: string, at: number): number => (text.charCodeAt(at) >= zero && text.charCodeAt(at) <= nine ? at + 1 : at);
