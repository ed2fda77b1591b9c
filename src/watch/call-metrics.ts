import type { Clock } from "../kernel/clock.ts";
import type { AnswerTimes, CallEvent, SessionWatch, SlaClass } from "../session/words.ts";
import { failureClassOf, faultLabels, isCallersOwn, labelOf, stopReasonOf, turnOutcomes } from "./labels.ts";
import { observeLine } from "./line-metrics.ts";
import type { Metrics } from "./metrics.ts";
import { indicatorsOf, isForCapacity, isForShape, showObjectives } from "./objectives.ts";
import { startAtZero } from "./zeros.ts";

export interface CallMetricsOptions {
  /** Names that may become labels; any other is "other". */
  readonly providers: readonly string[];
  readonly dialects: readonly string[];
  /** Those that can only bridge: their answers keep no promise but to a caller in need. */
  readonly stopgaps: readonly string[];
  readonly clock: Clock;
}

/** What is known of a call in progress. */
interface Known {
  readonly startedMs: number;
  readonly isGold: boolean;
  /** Whether it ever reached a provider. */
  isSetUp: boolean;
  /** Whether an attempt to connect again is under way. */
  isRetrying: boolean;
  /** The provider that it tries to get back; undefined: none. */
  episode: string | undefined;
  /** The caller's turn that waits for its answer. */
  committed: { readonly provider: string; readonly atMs: number } | undefined;
  toolsRunning: number;
  /** The answer that is owed is one to a caller in need. */
  isInNeed: boolean;
}

/** Caller audio is counted in pieces of the usual length. */
const chunkMs = 100;
const lossCauses = ["overflow", "forgotten", "unheard", "slow-caller"];
const tiers = ["1", "2", "3", "4"];
const channels = ["ticket", "transfer", "webhook", "chat", "email", "pager"];

/** Every event of every call as what it changes in the metrics. */
export function callMetrics(metrics: Metrics, options: CallMetricsOptions): SessionWatch {
  const calls = new Map<string, Known>();
  const named = (provider: string): string => labelOf(provider, options.providers);
  const slo = indicatorsOf(metrics);
  startAtZero(metrics, { providers: options.providers, tiers, lossCauses });
  showObjectives(metrics, options.providers);

  const begin = ({ callId, slaClass }: { callId: string; slaClass?: SlaClass | undefined }, isSetUp: boolean): void => {
    const fresh = { isRetrying: false, episode: undefined, committed: undefined, toolsRunning: 0, isInNeed: false };
    calls.set(callId, { startedMs: options.clock.now(), isSetUp, isGold: slaClass === "gold", ...fresh });
  };

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
    // Of what was given up for another provider, or hung up on, nobody knows how it would have ended.
    if (result !== "abandoned") slo.event("reconnect_success", result === "success");
    call.episode = undefined;
  };
  /** A call that fails while an answer is owed has failed that turn too. */
  const endUnanswered = ({ callId, outcome, cause }: Extract<CallEvent, { type: "call.ended" }>): void => {
    const call = calls.get(callId);
    if (outcome !== "failed" || call?.committed === undefined) return;
    countTurn(call.committed.provider, "failed", failureClassOf(outcome, cause), true);
  };
  /** @param keeps whether whoever answered it counts as an answer */
  const countTurn = (
    by: string,
    outcome: keyof typeof turnOutcomes,
    failureClass: string,
    keeps: boolean,
    stop?: "max_tool_calls",
  ): void => {
    const provider = named(by);
    metrics.turns.inc({ provider, outcome: turnOutcomes[outcome], failure_class: failureClass });
    metrics.turnStops.inc({ provider, reason: stopReasonOf(outcome, stop) });
    if (isCallersOwn(failureClass)) return;
    slo.event("turn_success", outcome !== "failed" && keeps);
    slo.event("capacity_failures", !isForCapacity(failureClass));
    slo.event("request_shape_failures", !isForShape(failureClass));
  };
  const countStream = (provider: string, outcome: "complete" | "broken"): void => {
    metrics.streams.inc({ provider, outcome });
    slo.event("stream_completion", outcome === "complete");
  };
  const observeStages = (provider: string, { stages }: AnswerTimes): void => {
    for (const [stage, ms] of Object.entries(stages)) metrics.turnStages.observe({ provider, stage }, ms / 1_000);
  };
  const tell = (event: CallEvent): void => {
    const { callId } = event;
    switch (event.type) {
      case "call.started": {
        const dialect = labelOf(event.dialect, options.dialects);
        begin(event, false);
        metrics.callsStarted.inc({ dialect });
        metrics.callsActive.inc({ dialect });
        return;
      }
      case "call.ended": {
        const dialect = labelOf(event.dialect, options.dialects);
        endEpisode(callId, "abandoned");
        endUnanswered(event);
        const failureClass = failureClassOf(event.outcome, event.cause);
        if (calls.get(callId)?.isSetUp === false && failureClass !== "none" && !isCallersOwn(failureClass))
          slo.event("call_setup_success", false);
        calls.delete(callId);
        metrics.callsEnded.inc({ dialect, outcome: event.outcome, failure_class: failureClass });
        metrics.callsActive.dec({ dialect });
        if (event.outcome === "moved" && event.cause === undefined) metrics.drainMoves.inc({ result: "success" });
        if (event.cause === "draining") metrics.drainForced.inc();
        return;
      }
      case "link.opened": {
        const provider = named(event.provider);
        const call = calls.get(callId);
        metrics.requests.inc({ provider, status: "success" });
        slo.event("provider_error", true, provider);
        metrics.activeSessions.inc({ provider });
        if (call?.isSetUp === false) {
          const setupMs = options.clock.now() - call.startedMs;
          metrics.callSetup.observe({ provider }, setupMs / 1_000);
          slo.event("call_setup_success", true);
          slo.lasted("setup_time", setupMs);
          call.isSetUp = true;
        }
        countRetry(event, true);
        return;
      }
      case "link.failed": {
        const provider = named(event.provider);
        metrics.requests.inc({ provider, status: "failure" });
        slo.event("provider_error", false, provider);
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
        // It was set up where it began.
        begin(event, true);
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
        if (event.mode === "planned") return slo.lasted("handover_planned", event.durationMs);
        // With none but the last resort left no promise could be kept.
        if (options.stopgaps.includes(event.to)) return;
        slo.lasted("failover_time", event.durationMs);
        return slo.event("failover_success", event.restored === "full");
      case "handover.failed":
        metrics.handovers.inc({
          from: named(event.from),
          to: event.to === "none" ? "none" : named(event.to),
          mode: event.mode,
          cause: event.cause,
          success: "false",
        });
        return;
      case "audio.accounted": {
        const lostMs = event.overflowedMs + event.forgottenMs + event.unheardMs;
        return slo.share("audio_continuity", event.receivedMs / chunkMs, Math.max(0, event.receivedMs - lostMs) / chunkMs);
      }
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
        slo.lasted("first_transcript", event.afterMs);
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
        slo.lasted("response_start", event.responseStartMs);
        slo.lasted("turn_latency_p50", event.latencyMs);
        const call = calls.get(callId);
        if (call?.isGold !== true) slo.lasted("turn_latency", event.latencyMs);
        // That of a caller in need is judged with the crisis.
        else if (!call.isInNeed) slo.lasted("turn_latency_gold", event.latencyMs);
        return;
      }
      case "turn.timed":
        return observeStages(named(event.provider), event.times);
      case "turn.ended": {
        const provider = named(event.provider);
        const call = calls.get(callId);
        const keeps = call?.isInNeed === true || !options.stopgaps.includes(event.provider);
        countTurn(event.provider, event.outcome, "none", keeps, event.stop);
        countStream(provider, "complete");
        if (event.gapMs !== undefined) metrics.streamGap.observe({ provider }, event.gapMs / 1_000);
        if (call === undefined) return;
        call.isInNeed = false;
        // What is said before a tool's result is there is not the whole answer.
        if (call.committed === undefined || call.toolsRunning > 0) return;
        const kind = event.kind === "tool" ? "tool" : "plain";
        if (event.outcome === "complete") {
          const completionMs = options.clock.now() - call.committed.atMs;
          metrics.turnCompletion.observe({ kind }, completionMs / 1_000);
          slo.lasted(`turn_complete_${kind}`, completionMs);
        }
        call.committed = undefined;
        return;
      }
      case "turn.broken":
        return countStream(named(event.provider), "broken");
      case "tool.began": {
        const call = calls.get(callId);
        if (call !== undefined) call.toolsRunning += 1;
        return;
      }
      case "tool.ended": {
        const call = calls.get(callId);
        if (call !== undefined) call.toolsRunning = Math.max(0, call.toolsRunning - 1);
        metrics.toolCalls.inc({ status: event.status });
        if (event.status === "cancelled") return;
        metrics.toolSeconds.observe(event.durationMs / 1_000);
        slo.event("tool_success", event.status === "ok");
        return;
      }
      case "crisis.answered": {
        const outcome = event.responseMs === undefined ? "unanswered" : "answered";
        metrics.crisisTurns.inc({ outcome, tier: labelOf(String(event.tier), tiers) });
        if (event.responseMs !== undefined) metrics.crisisResponse.observe(event.responseMs / 1_000);
        slo.event("crisis_answered", event.responseMs !== undefined);
        slo.lasted("crisis_response", event.responseMs);
        slo.lasted("turn_latency_gold", event.responseMs);
        return;
      }
      case "prompt.fetched":
        metrics.emergencyCache.inc({ result: event.found ? "hit" : "miss" });
        slo.event("emergency_cache", event.found);
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
      case "human.briefed":
        return;
      case "human.told":
        metrics.escalations.inc({ reason: event.reason, result: event.result === "sent" ? labelOf(event.channel, channels) : "failed" });
        if (event.reason !== "caller" && event.reason !== "briefing")
          slo.lasted("human_notify", event.result === "sent" ? event.durationMs : undefined);
        return;
      case "crisis.detected": {
        const call = calls.get(callId);
        if (call !== undefined) call.isInNeed = true;
        return;
      }
      // Told for logs, records, traces and costs; no metric of a call is promised for these.
      case "link.used":
      case "audio.buffered":
      case "caller.voiced":
      case "input.sanitized":
      case "state.changed":
        return;
      default:
        return event satisfies never;
    }
  };
  return { tell };
}
