// SignalWire's cXML, which is TwiML with a little more, and its signatures, which are Twilio's: SignalWire's compatibility reference,
// read 2026-11.
import type { Manners } from "./asking-carrier.ts";
import { isSigned, spellings } from "./signature.ts";
import { twimlManners } from "./twiml-manners.ts";
import { dial, element, response } from "./xml.ts";

/** @param signingKeys of the project that are good just now; none: signatures cannot be checked */
export const signalwireManners = (signingKeys: () => readonly string[]): Manners => ({
  ...twimlManners,
  dialect: "signalwire",
  setting: "SIGNALWIRE_SIGNING_KEY",
  // As with Twilio, a query would be dropped.
  lateProof: true,
  isSigned({ url, headers, fields }) {
    const keys = signingKeys();
    if (keys.length === 0) return undefined;
    const signature = headers["x-signalwire-signature"] ?? headers["x-twilio-signature"];
    return isSigned(signature, keys, spellings(url), new URLSearchParams(fields));
  },
  stream({ bareUrl, parameters, afterUrl }) {
    const rows = Object.entries(parameters).map(([name, value]) => element("Parameter", { name, value }));
    const stream = element("Stream", { url: bareUrl, codec: "PCMU", realtime: "true" }, rows.join(""));
    return response(element("Connect", { action: afterUrl, method: "POST" }, stream));
  },
  dial: (order) => dial(order, "Sip", { answerOnBridge: "true" }),
});
