// jambonz' webhooks and verbs: jambonz' documentation of its webhook API, read 2026-11.
import { idOf, type Manners } from "./asking-carrier.ts";

const over: ReadonlySet<string> = new Set(["completed", "failed", "busy", "no-answer"]);
const sampleRate = 16_000;

/** It proves itself with the token that its application's address carries. */
export const jambonzManners: Manners = {
  dialect: "jambonz",
  setting: "LINEKEEPER_CARRIER_TOKEN",
  lateProof: false,
  contentType: "application/json; charset=utf-8",
  isSigned: () => undefined,
  isSignedUpgrade: () => false,
  read({ fields }) {
    const callId = idOf(fields["call_sid"]);
    if (callId === undefined) return undefined;
    const state = over.has(fields["call_status"] ?? "") ? "over" : "running";
    const [from, to] = [idOf(fields["from"]), idOf(fields["to"])];
    return { callId, from, to, state, taken: fields["dial_call_status"] === "completed" };
  },
  stream: ({ url, afterUrl }) =>
    JSON.stringify([
      { verb: "answer" },
      {
        verb: "listen",
        url,
        actionHook: afterUrl,
        sampleRate,
        mixType: "mono",
        passDtmf: true,
        bidirectionalAudio: { enabled: true, streaming: true, sampleRate },
      },
    ]),
  dial({ target, ringLimitS, afterUrl }) {
    const to = /^sips?:/i.test(target) ? { type: "sip", sipUri: target } : { type: "phone", number: target };
    return JSON.stringify([{ verb: "dial", actionHook: afterUrl, timeout: ringLimitS, target: [to] }]);
  },
  hangUp: () => JSON.stringify([{ verb: "hangup" }]),
  busy: () => JSON.stringify([{ verb: "sip:decline", status: 486, reason: "Busy Here" }]),
  waitThenAsk: (url, seconds) =>
    JSON.stringify([
      { verb: "pause", length: seconds },
      { verb: "redirect", actionHook: url },
    ]),
  nothing: () => "[]",
};
