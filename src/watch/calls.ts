import { Fault } from "../kernel/fault.ts";
import type { Log } from "../kernel/log.ts";
import type { CallEvent, SessionWatch } from "../session/words.ts";
import { failureClassOf, faultLabels, labelOf } from "./labels.ts";
import type { Metrics } from "./metrics.ts";

export interface CallWatchOptions {
  /** Names that may become labels; any other is "other". */
  readonly providers: readonly string[];
  readonly dialects: readonly string[];
}

const lossCauses = ["overflow", "forgotten", "unheard", "slow-caller"];
const outcomeLabels = { complete: "completed", interrupted: "interrupted", failed: "failed" } as const;
const stopReasons = { complete: "end_turn", interrupted: "interrupted", failed: "error" } as const;

/** Every event of every call: its metrics, and at most one log line. */
export function watchCalls(log: Log, metrics: Metrics, options: CallWatchOptions): SessionWatch {
  /** What is known of calls in progress: whether they ever reached a provider, and whether they are trying to get one back. */
  const calls = new Map<string, { setUp: boolean; retrying: boolean }>();
  const named = (provider: string): string => labelOf(provider, options.providers);

  /** A connection came up, or did not: was it one after a loss? */
  const countRetry = (event: { callId: string; provider: string }, success: boolean): void => {
    const call = calls.get(event.callId);
    if (call?.retrying !== true) return;
    metrics.reconnections.inc({ provider: named(event.provider), success: String(success) });
    call.retrying = false;
  };

  const tell = (event: CallEvent): void => {
    const { callId } = event;
    switch (event.type) {
      case "call.started":
        calls.set(callId, { setUp: false, retrying: false });
        metrics.callsStarted.inc({ dialect: labelOf(event.dialect, options.dialects) });
        metrics.callsActive.inc({ dialect: labelOf(event.dialect, options.dialects) });
        return;
      case "call.ended": {
        const dialect = labelOf(event.dialect, options.dialects);
        calls.delete(callId);
        metrics.callsEnded.inc({ dialect, outcome: event.outcome, failure_class: failureClassOf(event.outcome, event.cause) });
        metrics.callsActive.dec({ dialect });
        return;
      }
      case "link.opened": {
        const provider = named(event.provider);
        const call = calls.get(callId);
        metrics.requests.inc({ provider, status: "success" });
        metrics.activeSessions.inc({ provider });
        if (call?.setUp === false) {
          metrics.callSetup.observe({ provider }, event.setupMs / 1_000);
          call.setUp = true;
        }
        countRetry(event, true);
        log.info("connection_established", { callId, provider: event.provider, duration: seconds(event.setupMs), attempt: event.attempt });
        return;
      }
      case "link.failed": {
        const provider = named(event.provider);
        metrics.requests.inc({ provider, status: "failure" });
        metrics.errors.inc({ provider, error_type: faultLabels[event.code].errorType });
        countRetry(event, false);
        log.error("connection_failed", {
          callId,
          provider: event.provider,
          error: event.code,
          retry_count: event.attempt,
          message: event.message,
        });
        return;
      }
      case "link.lost":
        metrics.errors.inc({ provider: named(event.provider), error_type: faultLabels[event.code].errorType });
        log.error("provider_error", {
          callId,
          provider: event.provider,
          error: event.code,
          error_type: faultLabels[event.code].errorType,
          retryable: new Fault(event.code, "").row.remedy === "retry",
          lived: seconds(event.livedMs),
          message: event.message,
        });
        return;
      case "link.closed":
        metrics.activeSessions.dec({ provider: named(event.provider) });
        return;
      case "link.retrying": {
        const call = calls.get(callId);
        if (call !== undefined) call.retrying = true;
        log.info("reconnection_attempt", {
          callId,
          provider: event.provider,
          attempt: event.attempt,
          max_attempts: event.attemptLimit,
          backoff_delay: seconds(event.backoffMs),
          is_reconnecting: true,
        });
        return;
      }
      case "link.recovered":
        metrics.reconnectEpisodes.inc({ provider: named(event.provider), result: "success" });
        log.info("reconnection_success", {
          callId,
          provider: event.provider,
          attempts: event.attempts,
          duration: seconds(event.durationMs),
        });
        return;
      case "link.gave-up":
        metrics.reconnectEpisodes.inc({ provider: named(event.provider), result: "exhausted" });
        // A first opening that cannot pass was told as connection_failed; nothing was tried again.
        if (event.attempts > 1)
          log.error("reconnection_failed", { callId, provider: event.provider, reason: event.code, total_attempts: event.attempts });
        return;
      case "link.puzzled":
        metrics.errors.inc({ provider: named(event.provider), error_type: "protocol_error" });
        return;
      case "link.used":
        // Told for the record of what calls cost; no metric is promised for it.
        return;
      case "call.handed-over":
        metrics.handovers.inc({ from: named(event.from), to: named(event.to), mode: event.mode, cause: event.cause, success: "true" });
        metrics.handoverSeconds.observe({ mode: event.mode }, event.durationMs / 1_000);
        log.info("handover", {
          callId,
          from_provider: event.from,
          to_provider: event.to,
          mode: event.mode,
          cause: event.cause,
          duration: seconds(event.durationMs),
          history_items: event.items,
          replayed_count: event.replayedChunks,
        });
        return;
      case "audio.replayed":
        metrics.chunksReplayed.inc({ provider: named(event.provider) }, event.chunks);
        log.info("audio_replay", { callId, provider: event.provider, replayed_count: event.chunks, total_buffered: event.buffered });
        return;
      case "audio.flowed":
        metrics.chunksSent.inc({ provider: named(event.provider) }, event.sentChunks);
        metrics.chunksReceived.inc({ provider: named(event.provider) }, event.receivedChunks);
        return;
      case "audio.lost":
        metrics.audioLost.inc({ direction: event.direction, cause: labelOf(event.cause, lossCauses) }, event.ms);
        log.warning("audio_overflow", {
          callId,
          provider: event.provider,
          direction: event.direction,
          lost_ms: Math.round(event.ms),
          cause: event.cause,
        });
        return;
      case "turn.answered":
        metrics.latency.observe({ provider: named(event.provider) }, event.responseStartMs / 1_000);
        metrics.responseStart.observe({ provider: named(event.provider), kind: event.kind }, event.responseStartMs / 1_000);
        return;
      case "turn.ended": {
        const provider = named(event.provider);
        const failed = event.outcome === "failed";
        metrics.turns.inc({ provider, outcome: outcomeLabels[event.outcome], failure_class: failed ? "provider_api_error" : "none" });
        metrics.turnStops.inc({ provider, reason: stopReasons[event.outcome] });
        metrics.streams.inc({ provider, outcome: failed ? "broken" : "complete" });
        return;
      }
      case "tool.ended":
        metrics.toolCalls.inc({ status: event.status });
        metrics.toolSeconds.observe(event.durationMs / 1_000);
        return;
      case "human.asked":
        metrics.escalations.inc({ reason: event.reason, result: "ticket" });
        log.warning("human_escalation", { callId, channel: "ticket", result: "ticket", reason: event.reason, ticket: event.ticket });
        return;
      case "state.changed":
        log.info("state_transition", { callId, region: event.region, from_state: event.from, to_state: event.to, reason: event.reason });
        return;
      default:
        return event satisfies never;
    }
  };
  return { tell };
}

const seconds = (ms: number): number => Math.round(ms) / 1_000;
