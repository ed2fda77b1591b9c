import type { ServerResponse } from "node:http";
import { answerText, type Asked, type Handler, type Route } from "../../http/answer.ts";
import type { LegEnd } from "../../caller/leg.ts";
import { Fault } from "../../kernel/fault.ts";
import type { PhoneCall } from "../book.ts";
import type { TwilioRest } from "./rest.ts";
import { spellings } from "../signature.ts";
import type { Twilio } from "./twilio.ts";
import * as twiml from "./twiml.ts";

const bodyLimitBytes = 64 * 1024;
/** A call that is led back more often than this within the time is not helped by another stream. */
const returnsLimit = 3;
const returnsWithinMs = 60_000;
/** While another node takes over, or this one starts again. */
const waitS = 2;
/** Shorter than a call is held (LINEKEEPER_HOLD_MS): who is not put through comes back to the same agent. */
const ringLimitS = 20;

/**
 * Tried again when nobody answers, as long as Twilio allows: for the seconds in which this server is started again.
 * www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides, read 2026-11-21.
 */
const patiently = "#rc=5&rp=ct,rt,5xx";

const overStates: ReadonlySet<string> = new Set(["completed", "busy", "failed", "no-answer", "canceled"]);

interface Webhook {
  readonly form: URLSearchParams;
  readonly query: URLSearchParams;
  readonly callSid: string;
}

/** What Twilio asks over HTTP: what to do with a call, before, between and after its streams. */
export function twilioRoutes(twilio: Twilio, rest: TwilioRest | undefined): readonly Route[] {
  const { parts, book, tickets } = twilio;
  const log = parts.log;

  const url = (path: string, query = new URLSearchParams()): string =>
    `${parts.publicUrl()}${path}${query.size > 0 ? `?${query.toString()}` : ""}`;

  /** A route whose answer is TwiML; undefined: Twilio only wanted to tell. */
  const route = (path: string, answer: (webhook: Webhook) => string | undefined | Promise<undefined>): Route => {
    const post: Handler = async ({ request, query, body, peer }: Asked, response: ServerResponse) => {
      const form = new URLSearchParams(body.toString("utf8"));
      const signature = [request.headers["x-twilio-signature"]].flat()[0];
      const address = `${parts.publicUrl()}${request.url ?? ""}`;
      // Whether what stands behind the # is signed is not told.
      const urls = [address, address + patiently].flatMap(spellings);
      twilio.mustBeTwilio(signature, urls, form, peer.local);
      const callSid = form.get("CallSid") ?? "";
      if (!/^\w{1,64}$/.test(callSid)) throw new Fault("caller-malformed", "CallSid: expected Twilio's id of the call");
      const said = await answer({ form, query, callSid });
      if (said === undefined) response.writeHead(204).end();
      else answerText(response, 200, "text/xml; charset=utf-8", said);
    };
    return { path, for: "everybody", answers: { POST: post }, bodyLimitBytes };
  };

  /** TwiML that opens a stream; `resume`: into the call that is held for it. */
  function stream(callSid: string, query: URLSearchParams, from: string | undefined, resume: string | undefined): string {
    const agent = query.get("agent") ?? undefined;
    const language = query.get("language") ?? undefined;
    const ticket = tickets.issue({ callSid, agent, language, from, resume });
    const placed = { direction: query.get("direction") ?? undefined, machine: query.get("machine") ?? undefined };
    const parameters = { agent, language, from, resume, ticket, ...placed };
    return twiml.connect({
      streamUrl: twilio.streamUrl,
      actionUrl: url("/twilio/action", query),
      statusUrl: url("/twilio/status"),
      parameters,
    });
  }

  function voice({ form, query, callSid }: Webhook): string {
    const refusal = parts.refusal();
    if (refusal?.code === "draining") return twiml.waitThenAsk(waitS, url("/twilio/voice", query) + patiently);
    if (refusal !== undefined) {
      parts.rejected(refusal.code);
      log.warning("twilio_rejected", { call_sid: callSid, code: refusal.code, message: refusal.message });
      return twiml.rejectBusy();
    }
    book.at(callSid);
    return stream(callSid, query, callerOf(form), undefined);
  }

  /** A stream is over: by our will, or because something broke. */
  function action(webhook: Webhook): string {
    const { form, callSid } = webhook;
    if (overStates.has(form.get("CallStatus") ?? "")) return over(callSid);
    const call = book.at(callSid);
    switch (call.state.name) {
      case "ended":
        return afterEnd(call.state.end, call, webhook);
      case "sent-on":
        return twiml.dial({
          target: call.state.target,
          ringLimitS,
          actionUrl: url("/twilio/dialled", webhook.query) + patiently,
          answeredUrl: url("/twilio/answered"),
          whisperUrl: call.state.briefing === "" ? undefined : url("/twilio/whisper"),
        });
      case "streaming":
        return comeBack(call, webhook);
    }
  }

  function afterEnd(end: LegEnd, call: PhoneCall, webhook: Webhook): string {
    if (end.reason === "done") return twiml.hangUp();
    if (end.reason === "drained" || end.fault.code === "draining") {
      call.state = { name: "streaming" };
      return twiml.waitThenAsk(waitS, url("/twilio/action", webhook.query) + patiently);
    }
    return end.fault.row.blame === "caller"
      ? twiml.hangUp()
      : twiml.sorry("Sorry, we cannot take your call right now. Please call again in a moment.");
  }

  /** The same call on a new stream, unless that was tried too often. */
  function comeBack(call: PhoneCall, { form, query, callSid }: Webhook): string {
    const isHere = call.callId !== undefined && parts.holds(call.callId);
    // Whoever comes after us has the call by then, and is asked.
    if (!isHere && parts.refusal()?.code === "draining") return twiml.waitThenAsk(waitS, url("/twilio/action", query) + patiently);
    const now = parts.clock.now();
    const recent = call.returns.filter((atMs) => now - atMs < returnsWithinMs);
    call.returns.splice(0, call.returns.length, ...recent, now);
    if (recent.length >= returnsLimit) {
      log.error("twilio_gave_up", { call_sid: callSid, returns: recent.length });
      return twiml.sorry("Sorry, something is wrong with this line. Please call again.");
    }
    log.info("twilio_returned", { call_sid: callSid, session_id: call.callId });
    return stream(callSid, query, callerOf(form), call.resume);
  }

  /** What came of a transfer, once it is over: the person hung up, or never answered. */
  function dialled(webhook: Webhook): string {
    const { form, callSid } = webhook;
    const status = form.get("DialCallStatus") ?? "";
    const call = book.at(callSid);
    const { state } = call;
    if (status === "completed" || status === "answered") {
      if (state.name === "sent-on") state.report({ type: "transferred" });
      call.state = { name: "ended", end: { reason: "done" } };
      return twiml.hangUp();
    }
    if (overStates.has(form.get("CallStatus") ?? "")) return over(callSid);
    if (state.name === "sent-on")
      state.report({ type: "transfer-failed", why: `the call to ${state.target} ended with "${status.slice(0, 32)}"` });
    call.state = { name: "streaming" };
    return comeBack(call, webhook);
  }

  /** What the person hears who has answered, before they are put through; only they hear it. */
  function whisper({ form }: Webhook): string {
    const state = book.find(form.get("ParentCallSid") ?? "")?.state;
    return state?.name === "sent-on" && state.briefing !== "" ? twiml.whisper(state.briefing) : twiml.nothing();
  }

  /** The person that the caller was sent on to has answered. Their call has an id of its own. */
  function answered({ form }: Webhook): undefined {
    const state = book.find(form.get("ParentCallSid") ?? "")?.state;
    if (state?.name === "sent-on") state.report({ type: "transferred" });
  }

  /**
   * Who answered a call that we placed; asked for by `rest.ts`. What follows is for the call to decide; one whose stream never came is
   * ended at Twilio. www.twilio.com/docs/voice/answering-machine-detection, read 2026-11-21.
   */
  async function machine({ form, callSid }: Webhook): Promise<undefined> {
    const answeredBy = form.get("AnsweredBy") ?? "unknown";
    log.info("twilio_answered_by", { call_sid: callSid, answered_by: answeredBy.slice(0, 32) });
    const isMachine = /^(?:machine|fax)/.test(answeredBy);
    if (!isMachine && answeredBy !== "human") return;
    const callId = book.find(callSid)?.callId;
    if (callId !== undefined && parts.holds(callId))
      parts.answeredBy(callId, isMachine ? "machine" : "person", answeredBy.startsWith("machine_end"));
    else if (isMachine) await rest?.hangUp(callSid);
  }

  /** What becomes of calls and streams, told in passing. */
  function status({ form, callSid }: Webhook): undefined {
    const event = form.get("StreamEvent");
    const problem = form.get("StreamError") ?? form.get("ErrorCode");
    const fields = { call_sid: callSid, event: event ?? form.get("CallStatus") };
    if (event === "stream-error" || problem !== null) log.warning("twilio_problem", { ...fields, message: problem });
    else log.debug("twilio_status", fields);
    if (overStates.has(form.get("CallStatus") ?? "")) over(callSid);
  }

  /** The caller is gone: whoever still waits for them need not. */
  function over(callSid: string): string {
    const call = book.find(callSid);
    if (call?.state.name === "sent-on") call.state.report({ type: "hung-up" });
    else if (call?.state.name === "streaming" && call.callId !== undefined) parts.hangUp(call.callId);
    book.remove(callSid);
    return twiml.nothing();
  }

  return [
    route("/twilio/voice", voice),
    route("/twilio/action", action),
    route("/twilio/dialled", dialled),
    route("/twilio/answered", answered),
    route("/twilio/whisper", whisper),
    route("/twilio/machine", machine),
    route("/twilio/status", status),
  ];
}

/** The person at the telephone: of a call that we placed, that is whom we called. */
function callerOf(form: URLSearchParams): string | undefined {
  const outbound = form.get("Direction")?.startsWith("outbound") === true;
  return form.get(outbound ? "To" : "From")?.slice(0, 128) ?? undefined;
}
