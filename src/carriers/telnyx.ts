// Telnyx' TeXML and its webhooks' signatures: Telnyx' developer documentation, read 2026-11.
import type { Clock } from "../kernel/clock.ts";
import { idOf, type Manners } from "./asking-carrier.ts";
import { isEd25519 } from "./proof.ts";
import { dial, element, escaped, response } from "./xml.ts";

const oldestMs = 5 * 60_000;
const over: ReadonlySet<string> = new Set(["completed", "busy", "failed", "no-answer", "canceled"]);

/** @param publicKey of the account, in base64; undefined: signatures cannot be checked */
export const telnyxManners = (publicKey: () => string | undefined, clock: Clock): Manners => ({
  dialect: "telnyx",
  setting: "TELNYX_PUBLIC_KEY",
  lateProof: false,
  contentType: "text/xml; charset=utf-8",
  isSigned({ headers, body }) {
    const key = publicKey();
    if (key === undefined) return undefined;
    const stamp = headers["telnyx-timestamp"] ?? "";
    const isRecent = /^\d{1,12}$/.test(stamp) && Math.abs(clock.wallNow() - Number(stamp) * 1000) <= oldestMs;
    const signed = Buffer.concat([Buffer.from(`${stamp}|`), body]);
    return isRecent && isEd25519(key, signed, headers["telnyx-signature-ed25519"] ?? "");
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
  stream({ url, afterUrl }) {
    const stream = element("Stream", {
      url,
      track: "inbound_track",
      codec: "PCMU",
      // Without these nothing that we say would be played.
      bidirectionalMode: "rtp",
      bidirectionalCodec: "PCMU",
      bidirectionalSamplingRate: "8000",
    });
    return response(element("Connect", {}, stream), element("Redirect", { method: "POST" }, escaped(afterUrl)));
  },
  dial: (order) => dial(order, "Sip"),
  hangUp: () => response(element("Hangup", {})),
  busy: () => response(element("Reject", { reason: "busy" })),
  waitThenAsk: (url, seconds) =>
    response(element("Pause", { length: String(seconds) }), element("Redirect", { method: "POST" }, escaped(url))),
  nothing: () => response(),
});
