import type { Clock } from "../kernel/clock.ts";
import type { AnswerTimes, CallEvent, SessionWatch } from "../session/words.ts";
import { failureClassOf, faultLabels, labelOf } from "./labels.ts";
import { observeLine } from "./line-metrics.ts";
import type { Metrics } from "./metrics.ts";
import { startAtZero } from "./zeros.ts";

export interface CallMetricsOptions {
  /** Names that may become labels; any other is "other". */
  readonly providers: readonly string[];
  readonly dialects: readonly string[];
  readonly clock: Clock;
}

/** What is known of a call in progress. */
interface Known {
  /** Whether it ever reached a provider. */
  isSetUp: boolean;
  /** Whether an attempt to connect again is under way. */
  isRetrying: boolean;
  /** The provider that it tries to get back; undefined: none. */
  episode: string | undefined;
  /** The caller's turn that waits for its answer. */
  committed: { readonly provider: string; readonly atMs: number } | undefined;
  toolsRunning: number;
}

const lossCauses = ["overflow", "forgotten", "unheard", "slow-caller"];
const tiers = ["1", "2", "3", "4"];
const channels = ["ticket", "transfer", "webhook", "chat", "email", "pager"];
const outcomeLabels = { complete: "completed", interrupted: "interrupted", failed: "failed" } as const;
const stopReasons = { complete: "end_turn", interrupted: "interrupted", failed: "error" } as const;

/** Every event of every call as what it changes in the metrics. */
export function callMetrics(metrics: Metrics, options: CallMetricsOptions): SessionWatch {
  const calls = new Map<string, Known>();
  const named = (provider: string): string => labelOf(provider, options.providers);
  startAtZero(metrics, { providers: options.providers, tiers, lossCauses });

  /** A connection came up, or did not: was it one after a loss? */
  const countRetry = (event: { callId: string; provider: string }, success: boolean): void => {
    const call = calls.get(event.callId);
    if (call?.isRetrying !== true) return;
    metrics.reconnections.inc({ provider: named(event.provider), success: String(success) });
    call.isRetrying = false;
  };
  /** Whoever never tried to come back has no episode to end. */
  const endEpisode = (callId: string, result: "success" | "exhausted" | "abandoned"): void => {
    const call = calls.get(callId);
    if (call?.episode === undefined) return;
    metrics.reconnectEpisodes.inc({ provider: named(call.episode), result });
    call.episode = undefined;
  };
  /** A call that fails while an answer is owed has failed that turn too. */
  const endUnanswered = ({ callId, outcome, cause }: Extract<CallEvent, { type: "call.ended" }>): void => {
    const call = calls.get(callId);
    if (outcome !== "failed" || call?.committed === undefined) return;
    const provider = named(call.committed.provider);
    metrics.turns.inc({ provider, outcome: "failed", failure_class: failureClassOf(outcome, cause) });
    metrics.turnStops.inc({ provider, reason: "error" });
  };
  const observeStages = (provider: string, { stages }: AnswerTimes): void => {
    for (const [stage, ms] of Object.entries(stages)) metrics.turnStages.observe({ provider, stage }, ms / 1_000);
  };
  const tell = (event: CallEvent): void => {
    const { callId } = event;
    switch (event.type) {
      case "call.started": {
        const dialect = labelOf(event.dialect, options.dialects);
        calls.set(callId, { isSetUp: false, isRetrying: false, episode: undefined, committed: undefined, toolsRunning: 0 });
        metrics.callsStarted.inc({ dialect });
        metrics.callsActive.inc({ dialect });
        return;
      }
      case "call.ended": {
        const dialect = labelOf(event.dialect, options.dialects);
        endEpisode(callId, "abandoned");
        endUnanswered(event);
        calls.delete(callId);
        metrics.callsEnded.inc({ dialect, outcome: event.outcome, failure_class: failureClassOf(event.outcome, event.cause) });
        metrics.callsActive.dec({ dialect });
        if (event.outcome === "moved") metrics.drainMoves.inc({ result: "success" });
        if (event.cause === "draining") metrics.drainForced.inc();
        return;
      }
      case "link.opened": {
        const provider = named(event.provider);
        const call = calls.get(callId);
        metrics.requests.inc({ provider, status: "success" });
        metrics.activeSessions.inc({ provider });
        if (call?.isSetUp === false) {
          metrics.callSetup.observe({ provider }, event.setupMs / 1_000);
          call.isSetUp = true;
        }
        countRetry(event, true);
        return;
      }
      case "link.failed": {
        const provider = named(event.provider);
        metrics.requests.inc({ provider, status: "failure" });
        metrics.errors.inc({ provider, error_type: faultLabels[event.code].errorType });
        countRetry(event, false);
        return;
      }
      case "link.lost":
        metrics.errors.inc({ provider: named(event.provider), error_type: faultLabels[event.code].errorType });
        return;
      case "link.closed":
        metrics.activeSessions.dec({ provider: named(event.provider) });
        return;
      case "link.retrying": {
        const call = calls.get(callId);
        if (call === undefined) return;
        call.isRetrying = true;
        call.episode ??= event.provider;
        return;
      }
      case "link.recovered":
        return endEpisode(callId, "success");
      case "call.restored":
        calls.set(callId, { isSetUp: false, isRetrying: false, episode: undefined, committed: undefined, toolsRunning: 0 });
        metrics.callsActive.inc({ dialect: labelOf(event.dialect, options.dialects) });
        metrics.recovery.observe(event.awayMs / 1_000);
        return;
      case "link.renewed":
        return;
      case "link.gave-up":
        return endEpisode(callId, "exhausted");
      case "link.puzzled":
        metrics.errors.inc({ provider: named(event.provider), error_type: "protocol_error" });
        return;
      case "call.handed-over":
        endEpisode(callId, "abandoned");
        metrics.handovers.inc({ from: named(event.from), to: named(event.to), mode: event.mode, cause: event.cause, success: "true" });
        metrics.handoverSeconds.observe({ mode: event.mode }, event.durationMs / 1_000);
        return;
      case "handover.failed":
        metrics.handovers.inc({ from: named(event.from), to: named(event.to), mode: event.mode, cause: event.cause, success: "false" });
        return;
      case "audio.replayed":
        metrics.chunksReplayed.inc({ provider: named(event.provider) }, event.chunks);
        return;
      case "audio.flowed":
        metrics.chunksSent.inc({ provider: named(event.provider) }, event.sentChunks);
        metrics.chunksReceived.inc({ provider: named(event.provider) }, event.receivedChunks);
        return;
      case "audio.lost":
        metrics.audioLost.inc({ direction: event.direction, cause: labelOf(event.cause, lossCauses) }, event.ms / 1_000);
        return;
      case "audio.hopped":
        metrics.hop.observe({ direction: event.direction }, event.ms / 1_000);
        return;
      case "caller.understood":
        metrics.firstTranscript.observe({ provider: named(event.provider) }, event.afterMs / 1_000);
        return;
      case "turn.committed": {
        const call = calls.get(callId);
        if (call !== undefined) call.committed = { provider: event.provider, atMs: options.clock.now() };
        return;
      }
      case "turn.answered": {
        const provider = named(event.provider);
        metrics.latency.observe({ provider }, event.responseStartMs / 1_000);
        metrics.responseStart.observe({ provider, kind: event.kind }, event.responseStartMs / 1_000);
        metrics.turnLatency.observe({ provider, kind: event.kind }, event.latencyMs / 1_000);
        return;
      }
      case "turn.timed":
        return observeStages(named(event.provider), event.times);
      case "turn.ended": {
        const provider = named(event.provider);
        const failed = event.outcome === "failed";
        const failureClass = failed ? faultLabels[event.cause ?? "provider-overloaded"].failureClass : "none";
        metrics.turns.inc({ provider, outcome: outcomeLabels[event.outcome], failure_class: failureClass });
        metrics.turnStops.inc({ provider, reason: stopReasons[event.outcome] });
        metrics.streams.inc({ provider, outcome: failed ? "broken" : "complete" });
        if (event.gapMs !== undefined) metrics.streamGap.observe({ provider }, event.gapMs / 1_000);
        const call = calls.get(callId);
        // What is said before a tool's result is there is not the whole answer.
        if (call?.committed === undefined || call.toolsRunning > 0) return;
        const kind = event.kind === "tool" ? "tool" : "plain";
        if (event.outcome === "complete") metrics.turnCompletion.observe({ kind }, (options.clock.now() - call.committed.atMs) / 1_000);
        call.committed = undefined;
        return;
      }
      case "turn.broken":
        metrics.streams.inc({ provider: named(event.provider), outcome: "broken" });
        return;
      case "tool.began": {
        const call = calls.get(callId);
        if (call !== undefined) call.toolsRunning += 1;
        return;
      }
      case "tool.ended": {
        const call = calls.get(callId);
        if (call !== undefined) call.toolsRunning = Math.max(0, call.toolsRunning - 1);
        metrics.toolCalls.inc({ status: event.status });
        if (event.status !== "cancelled") metrics.toolSeconds.observe(event.durationMs / 1_000);
        return;
      }
      case "crisis.answered": {
        const outcome = event.responseMs === undefined ? "unanswered" : "answered";
        metrics.crisisTurns.inc({ outcome, tier: labelOf(String(event.tier), tiers) });
        if (event.responseMs !== undefined) metrics.crisisResponse.observe(event.responseMs / 1_000);
        return;
      }
      case "prompt.fetched":
        metrics.emergencyCache.inc({ result: event.found ? "hit" : "miss" });
        return;
      case "caller.answered-by":
        metrics.answeredBy.inc({ who: event.who, by: event.by });
        return;
      case "caller.reprompted":
        metrics.reprompts.inc({ by: event.by });
        return;
      case "leg.measured":
        return observeLine(metrics, labelOf(event.dialect, options.dialects), event.quality);
      case "human.asked":
        metrics.escalations.inc({ reason: event.reason, result: "ticket" });
        return;
      case "human.told":
        metrics.escalations.inc({ reason: event.reason, result: event.result === "sent" ? labelOf(event.channel, channels) : "failed" });
        return;
      // Told for logs, records, traces and costs; no metric of a call is promised for these.
      case "link.used":
      case "audio.buffered":
      case "crisis.detected":
      case "state.changed":
        return;
      default:
        return event satisfies never;
    }
  };
  return { tell };
}
