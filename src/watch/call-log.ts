import type { Clock } from "../kernel/clock.ts";
import { Fault } from "../kernel/fault.ts";
import type { Log } from "../kernel/log.ts";
import type { CallEvent, SessionWatch } from "../session/words.ts";
import { faultLabels } from "./labels.ts";

export interface CallLogOptions {
  readonly clock: Clock;
  /** What the call has cost so far, USD; undefined: not known. */
  readonly costOf?: (callId: string) => number | undefined;
}

/** What is known of a call in progress. */
interface Known {
  /** The provider that holds it, or held it last. */
  provider: string;
  readonly tried: Set<string>;
  isRetrying: boolean;
  /** The one with which the present connection came up. */
  attempt: number;
  committedMs: number | undefined;
  /** What it had cost when its last answer was told. */
  toldUsd: number;
}

/** Every event of every call as the log lines that operators' tools know. Most have one; some have none. */
export function callLog(log: Log, { clock, costOf }: CallLogOptions): SessionWatch {
  const calls = new Map<string, Known>();

  const newCostOf = (callId: string, call: Known | undefined): number | undefined => {
    const usd = costOf?.(callId);
    if (usd === undefined || call === undefined) return undefined;
    const cost = usd - call.toldUsd;
    call.toldUsd = usd;
    return Number(cost.toFixed(9));
  };

  /** One line for each way in which a call can end. */
  const tellEnd = (event: Extract<CallEvent, { type: "call.ended" }>, call: Known | undefined): void => {
    const { callId, dialect, outcome, cause, reason } = event;
    if (outcome === "moved") return log.info("call_moved", { callId, forced: cause === "draining" });
    if (outcome === "failed" && cause?.startsWith("provider-") === true)
      return log.error("failover_exhausted", { callId, provider: call?.provider, tried: [...(call?.tried ?? [])], reason: cause });
    log.info("call_ended", { callId, dialect, outcome, error: cause, reason, duration: seconds(event.durationMs) });
  };

  const tell = (event: CallEvent): void => {
    const { callId } = event;
    const call = calls.get(callId);
    switch (event.type) {
      case "call.started":
        calls.set(callId, { provider: "none", tried: new Set(), isRetrying: false, attempt: 1, committedMs: undefined, toldUsd: 0 });
        log.info("call_started", { callId, dialect: event.dialect, agent: event.agent, language: event.language, tiers: event.tiers });
        return;
      case "call.ended":
        calls.delete(callId);
        tellEnd(event, call);
        return;
      case "link.opened":
        call?.tried.add(event.provider);
        if (call !== undefined) call.attempt = event.attempt;
        log.info("connection_established", {
          callId,
          provider: event.provider,
          model: event.model,
          duration: seconds(event.setupMs),
          attempt: event.attempt,
          audio_up: event.path.up.join(" > "),
          audio_down: event.path.down.join(" > "),
        });
        return;
      case "link.failed":
        call?.tried.add(event.provider);
        log.error("connection_failed", {
          callId,
          provider: event.provider,
          error: event.code,
          retry_count: event.attempt,
          message: event.message,
        });
        return;
      case "link.lost":
        log.error("provider_error", {
          callId,
          provider: event.provider,
          error: event.code,
          error_type: faultLabels[event.code].errorType,
          retryable: new Fault(event.code, "").row.remedy === "retry",
          attempt: call?.attempt,
          lived: seconds(event.livedMs),
          message: event.message,
        });
        return;
      case "link.retrying":
        if (call !== undefined) call.isRetrying = true;
        log.info("reconnection_attempt", {
          callId,
          provider: event.provider,
          attempt: event.attempt,
          max_attempts: event.attemptLimit,
          backoff_delay: seconds(event.backoffMs),
          is_reconnecting: true,
        });
        return;
      case "link.recovered":
        if (call !== undefined) call.isRetrying = false;
        log.info("reconnection_success", {
          callId,
          provider: event.provider,
          attempts: event.attempts,
          duration: seconds(event.durationMs),
        });
        return;
      case "call.restored":
        calls.set(callId, { provider: "none", tried: new Set(), isRetrying: false, attempt: 1, committedMs: undefined, toldUsd: 0 });
        log.info("call_restored", { callId, dialect: event.dialect, away: seconds(event.awayMs) });
        return;
      case "link.renewed":
        log.info("session_renewed", { callId, provider: event.provider, cause: event.cause, replayed_count: event.replayedChunks });
        return;
      case "link.gave-up":
        // A first opening that cannot pass was told as connection_failed; nothing was tried again.
        if (call?.isRetrying !== true) return;
        call.isRetrying = false;
        log.error("reconnection_failed", { callId, provider: event.provider, reason: event.code, total_attempts: event.attempts });
        return;
      case "call.handed-over":
        if (call !== undefined) call.isRetrying = false;
        log.info("handover", {
          callId,
          provider: event.to,
          from_provider: event.from,
          to_provider: event.to,
          mode: event.mode,
          cause: event.cause,
          duration: seconds(event.durationMs),
          history_items: event.items,
          replayed_count: event.replayedChunks,
          restored: event.restored,
          missing: event.missing,
        });
        return;
      case "handover.failed":
        log.warning("handover_failed", {
          callId,
          provider: event.from,
          from_provider: event.from,
          to_provider: event.to,
          mode: event.mode,
          cause: event.cause,
        });
        return;
      case "audio.replayed":
        log.info("audio_replay", { callId, provider: event.provider, replayed_count: event.chunks, total_buffered: event.buffered });
        return;
      case "audio.buffered":
        log.debug("audio_buffering", {
          callId,
          provider: event.provider,
          buffer_size: event.chunks,
          is_reconnecting: call?.isRetrying ?? false,
        });
        return;
      case "audio.lost":
        log.warning("audio_overflow", {
          callId,
          provider: event.provider,
          direction: event.direction,
          lost_ms: Math.round(event.ms),
          cause: event.cause,
        });
        return;
      case "turn.committed":
        if (call !== undefined) call.committedMs = clock.now();
        return;
      case "turn.ended": {
        const sinceMs = call?.committedMs;
        log.info("provider_request", {
          callId,
          provider: event.provider,
          kind: event.kind,
          status: event.outcome,
          duration: sinceMs === undefined ? undefined : seconds(clock.now() - sinceMs),
          cost: newCostOf(callId, call),
        });
        return;
      }
      case "turn.broken": {
        const sinceMs = call?.committedMs;
        log.info("provider_request", {
          callId,
          provider: event.provider,
          kind: event.kind,
          status: "failed",
          error: event.cause,
          duration: sinceMs === undefined ? undefined : seconds(clock.now() - sinceMs),
          cost: newCostOf(callId, call),
        });
        return;
      }
      case "crisis.detected":
        log.warning("crisis_detected", { callId, provider: event.provider, category: event.category });
        return;
      case "crisis.answered": {
        const duration = event.responseMs === undefined ? undefined : seconds(event.responseMs);
        log.warning("crisis_response", {
          callId,
          provider: event.provider,
          tier: event.tier,
          duration,
          result: duration === undefined ? "unanswered" : "answered",
        });
        return;
      }
      case "human.asked":
        log.warning("human_escalation", { callId, channel: "ticket", result: "ticket", reason: event.reason, ticket: event.ticket });
        return;
      case "human.briefed":
        log.warning("human_escalation", { callId, channel: "briefing", result: "asked", reason: "briefing" });
        return;
      case "human.told":
        log.warning("human_escalation", {
          callId,
          channel: event.channel,
          result: event.result,
          reason: event.reason,
          duration: seconds(event.durationMs),
        });
        return;
      case "state.changed":
        if (call !== undefined) call.provider = event.provider;
        log.info("state_transition", {
          callId,
          provider: event.provider,
          region: event.region,
          from_state: event.from,
          to_state: event.to,
          reason: event.reason,
        });
        return;
      case "input.sanitized":
        log.warning("input_sanitized", { callId, rules: event.rules, source: event.source });
        return;
      case "caller.answered-by":
        log.info("call_answered_by", { callId, who: event.who, by: event.by });
        return;
      case "leg.measured": {
        const { mosEstimate, lossShare, jitterMs, delayMs, filledMs } = event.quality;
        log.info("leg_quality", {
          callId,
          dialect: event.dialect,
          mos_estimate: rounded(mosEstimate),
          loss: rounded(lossShare),
          jitter_ms: rounded(jitterMs),
          delay_ms: rounded(delayMs),
          filled_ms: rounded(filledMs),
        });
        return;
      }
      // Told for metrics, records, traces and costs; a line each would drown the rest.
      case "link.closed":
      case "link.puzzled":
      case "link.used":
      case "audio.flowed":
      case "audio.accounted":
      case "audio.hopped":
      case "caller.understood":
      case "caller.voiced":
      case "caller.reprompted":
      case "turn.answered":
      case "turn.timed":
      case "tool.began":
      case "tool.ended":
      case "prompt.fetched":
        return;
      default:
        return event satisfies never;
    }
  };
  return { tell };
}

const seconds = (ms: number): number => Math.round(ms) / 1_000;
const rounded = (value: number | undefined): number | undefined => (value === undefined ? undefined : Number(value.toFixed(3)));
