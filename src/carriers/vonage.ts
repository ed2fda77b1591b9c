// Vonage's call control objects and signed webhooks: "NCCO reference" and "Signed webhooks" in Vonage's developer documentation,
// read 2026-11.
import { createHash } from "node:crypto";
import type { Clock } from "../kernel/clock.ts";
import { idOf, type Manners, type Told } from "./asking-carrier.ts";
import { claimsOf } from "./proof.ts";

const over: ReadonlySet<string> = new Set(["completed", "failed", "rejected", "busy", "timeout", "unanswered", "cancelled"]);
/** Events of a leg that we asked for, after which the answer says how the call goes on; no status: the call has just come. */
const asking: ReadonlySet<string> = new Set(["", "disconnected", "failed", "rejected", "busy", "timeout", "unanswered"]);

/** @param signatureSecrets of the account that are good just now; none: signatures cannot be checked */
export function vonageManners(signatureSecrets: () => readonly string[], clock: Clock): Manners {
  const claims = (authorization: string | undefined): Readonly<Record<string, unknown>> | undefined => {
    const token = /^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
    if (token === undefined) return undefined;
    return signatureSecrets()
      .map((secret) => claimsOf(token, secret, clock.wallNow()))
      .find((said) => said !== undefined);
  };
  return {
    dialect: "vonage",
    setting: "VONAGE_SIGNATURE_SECRET",
    lateProof: false,
    contentType: "application/json; charset=utf-8",
    isSigned({ headers, body }) {
      if (signatureSecrets().length === 0) return undefined;
      const said = claims(headers["authorization"]);
      if (said === undefined) return false;
      return body.length === 0 || said["payload_hash"] === createHash("sha256").update(body).digest("hex");
    },
    isSignedUpgrade: ({ headers }) => claims(headers["authorization"]) !== undefined,
    /** The conversation is the one id that the caller's leg and ours have in common. */
    read({ url, fields, query }): Told | undefined {
      const said = (name: string): string | undefined => fields[name] ?? query.get(name) ?? undefined;
      const callId = idOf(said("conversation_uuid"));
      if (callId === undefined) return undefined;
      const status = said("status") ?? "";
      // All legs of a call tell of themselves; the person's own is the one that came in, or the one that we placed, which is told of
      // where the order said.
      const isOver = over.has(status) && (said("direction") === "inbound" || new URL(url).pathname.endsWith("/status"));
      return {
        callId,
        from: idOf(said("from")),
        to: idOf(said("to")),
        state: isOver ? "over" : asking.has(status) ? "running" : "news",
        taken: status === "answered",
      };
    },
    stream: ({ url, afterUrl }) =>
      JSON.stringify([
        {
          action: "connect",
          eventType: "synchronous",
          eventUrl: [afterUrl],
          endpoint: [{ type: "websocket", uri: url, "content-type": "audio/l16;rate=16000", headers: {} }],
        },
      ]),
    dial: ({ target, ringLimitS, afterUrl }) => {
      const endpoint = /^sips?:/i.test(target) ? { type: "sip", uri: target } : { type: "phone", number: target.replace(/^\+/, "") };
      return JSON.stringify([
        { action: "connect", eventType: "synchronous", timeout: ringLimitS, eventUrl: [afterUrl], endpoint: [endpoint] },
      ]);
    },
    hangUp: () => "[]",
    busy: () => JSON.stringify([{ action: "talk", text: "All our lines are busy. Please call again in a moment." }]),
    waitThenAsk: () => undefined,
    // An empty list of actions would end what is going on.
    nothing: () => "",
  };
}
