// Telnyx' TeXML and its webhooks' signatures: Telnyx' developer documentation, read 2026-11.
import type { Clock } from "../kernel/clock.ts";
import type { Manners } from "./asking-carrier.ts";
import { isEd25519 } from "./proof.ts";
import { twimlManners } from "./twiml-manners.ts";
import { dial, element, escaped, response } from "./xml.ts";

const oldestMs = 5 * 60_000;

/** @param publicKeys of the account that are good just now, in base64; none: signatures cannot be checked */
export const telnyxManners = (publicKeys: () => readonly string[], clock: Clock): Manners => ({
  ...twimlManners,
  dialect: "telnyx",
  setting: "TELNYX_PUBLIC_KEY",
  lateProof: false,
  isSigned({ headers, body }) {
    const keys = publicKeys();
    if (keys.length === 0) return undefined;
    const stamp = headers["telnyx-timestamp"] ?? "";
    const isRecent = /^\d{1,12}$/.test(stamp) && Math.abs(clock.wallNow() - Number(stamp) * 1000) <= oldestMs;
    const signed = Buffer.concat([Buffer.from(`${stamp}|`), body]);
    return isRecent && keys.some((key) => isEd25519(key, signed, headers["telnyx-signature-ed25519"] ?? ""));
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
});
