// What TwiML has become for others: fields, verbs and attributes that several carriers have in common with Twilio.
import { idOf, type Manners } from "./asking-carrier.ts";
import { element, escaped, response } from "./xml.ts";

const over: ReadonlySet<string> = new Set(["completed", "busy", "failed", "no-answer", "canceled"]);

/** The manners that Telnyx' TeXML and SignalWire's cXML share. */
export const twimlManners: Pick<Manners, "contentType" | "isSignedUpgrade" | "read" | "hangUp" | "busy" | "waitThenAsk" | "nothing"> = {
  contentType: "text/xml; charset=utf-8",
  isSignedUpgrade: () => false,
  read({ fields }) {
    const callId = idOf(fields["CallSid"]);
    if (callId === undefined) return undefined;
    const status = fields["CallStatus"] ?? "";
    const dialled = fields["DialCallStatus"] ?? "";
    return {
      callId,
      from: idOf(fields["From"]),
      to: idOf(fields["To"]),
      state: over.has(status) ? "over" : "running",
      taken: dialled === "completed" || dialled === "answered",
    };
  },
  hangUp: () => response(element("Hangup", {})),
  busy: () => response(element("Reject", { reason: "busy" })),
  waitThenAsk: (url, seconds) =>
    response(element("Pause", { length: String(seconds) }), element("Redirect", { method: "POST" }, escaped(url))),
  nothing: () => response(),
};
