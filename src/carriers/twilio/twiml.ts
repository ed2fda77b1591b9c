// www.twilio.com/docs/voice/twiml, read 2026-11-21.
import { element, escaped, response } from "../xml.ts";

/** How a stream is asked for, and where Twilio asks what comes after it. */
export interface StreamOrder {
  /** wss; Twilio drops a query. */
  readonly streamUrl: string;
  readonly actionUrl: string;
  readonly statusUrl: string;
  readonly parameters: Readonly<Record<string, string | undefined>>;
}

export function connect({ streamUrl, actionUrl, statusUrl, parameters }: StreamOrder): string {
  const rows = Object.entries(parameters).map(([name, value]) => (value === undefined ? "" : element("Parameter", { name, value })));
  const stream = element("Stream", { url: streamUrl, statusCallback: statusUrl }, rows.join(""));
  return response(element("Connect", { action: actionUrl, method: "POST" }, stream));
}

export interface DialOrder {
  readonly target: string;
  readonly ringLimitS: number;
  readonly actionUrl: string;
  /** Told when the person has answered. */
  readonly answeredUrl: string;
  /** Asked then for what they hear before they are put through; undefined: nothing. */
  readonly whisperUrl: string | undefined;
}

/** The caller goes on hearing the telephone ring until somebody answers. */
export function dial({ target, ringLimitS, actionUrl, answeredUrl, whisperUrl }: DialOrder): string {
  const attributes = { statusCallback: answeredUrl, statusCallbackEvent: "answered", ...(whisperUrl !== undefined && { url: whisperUrl }) };
  const noun = element(/^sips?:/i.test(target) ? "Sip" : "Number", attributes, escaped(target));
  return response(element("Dial", { answerOnBridge: "true", timeout: String(ringLimitS), action: actionUrl, method: "POST" }, noun));
}

export const hangUp = (): string => response(element("Hangup", {}));

/** Before the call is answered: not billed. */
export const rejectBusy = (): string => response(element("Reject", { reason: "busy" }));

export const sorry = (words: string): string => response(element("Say", {}, escaped(words)) + element("Hangup", {}));

/** Silence, then Twilio asks there. */
export const waitThenAsk = (seconds: number, url: string): string =>
  response(element("Pause", { length: String(seconds) }) + element("Redirect", { method: "POST" }, escaped(url)));

export const whisper = (words: string): string => response(element("Say", {}, escaped(words)));

/** There is nothing to do: the call is over. */
export const nothing = (): string => response();
