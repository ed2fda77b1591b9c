// SignalWire's cXML, which is TwiML with a little more, and its signatures, which are Twilio's: SignalWire's compatibility reference,
// read 2026-11.
import { idOf, type Manners } from "./asking-carrier.ts";
import { isSigned, spellings } from "./twilio/signature.ts";
import { dial, element, escaped, response } from "./xml.ts";

const over: ReadonlySet<string> = new Set(["completed", "busy", "failed", "no-answer", "canceled"]);

/** @param signingKey of the project; undefined: signatures cannot be checked */
export const signalwireManners = (signingKey: () => string | undefined): Manners => ({
  dialect: "signalwire",
  setting: "SIGNALWIRE_SIGNING_KEY",
  // As with Twilio, a query would be dropped.
  lateProof: true,
  contentType: "text/xml; charset=utf-8",
  isSigned({ url, headers, fields }) {
    const key = signingKey();
    if (key === undefined) return undefined;
    const signature = headers["x-signalwire-signature"] ?? headers["x-twilio-signature"];
    return isSigned(signature, [key], spellings(url), new URLSearchParams(fields));
  },
  isSignedUpgrade: () => false,
  read({ fields }) {
    const callId = idOf(fields["CallSid"]);
    if (callId === undefined) return undefined;
    const status = fields["CallStatus"] ?? "";
    const dialled = fields["DialCallStatus"] ?? "";
    return {
      callId,
      from: idOf(fields["From"]),
      state: over.has(status) ? "over" : "running",
      taken: dialled === "completed" || dialled === "answered",
    };
  },
  stream({ bareUrl, parameters, afterUrl }) {
    const rows = Object.entries(parameters).map(([name, value]) => element("Parameter", { name, value }));
    const stream = element("Stream", { url: bareUrl, codec: "PCMU", realtime: "true" }, rows.join(""));
    return response(element("Connect", { action: afterUrl, method: "POST" }, stream));
  },
  dial: (order) => dial(order, "Sip", { answerOnBridge: "true" }),
  hangUp: () => response(element("Hangup", {})),
  busy: () => response(element("Reject", { reason: "busy" })),
  waitThenAsk: (url, seconds) =>
    response(element("Pause", { length: String(seconds) }), element("Redirect", { method: "POST" }, escaped(url))),
  nothing: () => response(),
});
