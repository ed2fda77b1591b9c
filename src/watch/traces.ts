import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type HrTime,
  type Span,
  type Tracer,
} from "@opentelemetry/api";
import type { Clock } from "../kernel/clock.ts";
import type { AnswerStage, AnswerTimes, CallEvent, SessionWatch } from "../session/words.ts";
import { traceIdOf } from "./trace-ids.ts";

export interface TraceOptions {
  readonly tracer: Tracer;
  /** The next span without a parent belongs to this trace. */
  readonly beginTrace: (traceId: string) => void;
  readonly clock: Clock;
  /** Cleans a text of secrets. */
  readonly clean: (text: string) => string;
}

/** Calls that never told their end would be held for ever. */
const mostCalls = 10_000;
/** In the order in which they pass. */
const stages: readonly AnswerStage[] = ["stt", "endpointing", "llm", "tts", "provider", "ours", "playout"];

/** One trace a call, built from what is told of it: links, turns with their stages, tool calls, hand-overs. Nothing that was said is in it. */
export function traceCalls(options: TraceOptions): SessionWatch {
  const calls = new Map<string, CallTrace>();
  return {
    tell(event: CallEvent): void {
      if (event.type === "call.started" || event.type === "call.restored") {
        const oldest = calls.keys().next().value;
        if (calls.size >= mostCalls && oldest !== undefined) calls.delete(oldest);
        calls.set(event.callId, new CallTrace(event, options));
        return;
      }
      calls.get(event.callId)?.note(event);
      if (event.type === "call.ended") calls.delete(event.callId);
    },
  };
}

interface OpenTurn {
  readonly span: Span;
  readonly within: Context;
  readonly startMs: number;
  inputTokens: number;
  outputTokens: number;
}

/** The spans of one call. */
class CallTrace {
  readonly #options: TraceOptions;
  readonly #startedMs: number;
  readonly #startedWall: number;
  readonly #root: Span;
  readonly #within: Context;
  /** Several at once while they race, or while one waits. */
  readonly #links: { readonly provider: string; readonly span: Span }[] = [];
  readonly #tools = new Map<string, Span>();
  #turn: OpenTurn | undefined;
  /** The last turn that was answered, for its stages, which may be told after its end. */
  #answered: OpenTurn | undefined;
  /** By provider. */
  readonly #models = new Map<string, string>();

  constructor(started: Extract<CallEvent, { type: "call.started" | "call.restored" }>, options: TraceOptions) {
    this.#options = options;
    [this.#startedMs, this.#startedWall] = [options.clock.now(), options.clock.wallNow()];
    const { callId, dialect, agent, language } = started;
    options.beginTrace(traceIdOf(callId));
    this.#root = this.#begin(`call ${dialect}`, ROOT_CONTEXT, 0, SpanKind.SERVER, {
      "gen_ai.conversation.id": callId,
      "gen_ai.agent.name": agent,
      "linekeeper.dialect": dialect,
      "linekeeper.language": language,
    });
    this.#within = trace.setSpan(ROOT_CONTEXT, this.#root);
  }

  note(event: CallEvent): void {
    switch (event.type) {
      case "link.opened": {
        if (event.model !== undefined) this.#models.set(event.provider, event.model);
        const about = { ...this.#about(event.provider), "linekeeper.attempt": event.attempt };
        const span = this.#begin(`link ${event.provider}`, this.#within, event.setupMs, SpanKind.CLIENT, about);
        span.addEvent("ready", this.#at());
        this.#links.push({ provider: event.provider, span });
        return;
      }
      case "link.failed": {
        const about = { ...this.#about(event.provider), "linekeeper.attempt": event.attempt };
        const span = this.#begin(`link ${event.provider}`, this.#within, event.durationMs, SpanKind.CLIENT, about);
        return this.#end(span, event.code);
      }
      case "link.lost":
        return this.#fail(this.#links.find(({ provider }) => provider === event.provider)?.span, event.code);
      case "link.closed": {
        const place = this.#links.findIndex(({ provider }) => provider === event.provider);
        if (place >= 0) for (const { span } of this.#links.splice(place, 1)) span.end(this.#at());
        return;
      }
      case "link.retrying":
        return this.#happened("reconnecting", { "linekeeper.provider": event.provider, "linekeeper.attempt": event.attempt });
      case "link.used": {
        const { quantities } = event.usage;
        if (this.#turn === undefined) return;
        this.#turn.inputTokens += (quantities.input_text_tokens ?? 0) + (quantities.input_audio_tokens ?? 0);
        this.#turn.outputTokens += (quantities.output_text_tokens ?? 0) + (quantities.output_audio_tokens ?? 0);
        return;
      }
      case "call.handed-over":
      case "handover.failed":
        return this.#handOver(event);
      case "turn.committed":
        return this.#beginTurn(event.provider, event.endpointingMs);
      case "turn.answered":
        if (this.#turn === undefined) return;
        this.#turn.span.addEvent("first audio", { "linekeeper.response_start_ms": event.responseStartMs }, this.#at());
        this.#turn.span.setAttribute("linekeeper.turn.kind", event.kind);
        this.#answered = this.#turn;
        return;
      case "turn.timed":
        return this.#stages(event.times);
      case "turn.broken":
        this.#turn?.span.addEvent("broken", { "error.type": event.cause }, this.#at());
        return;
      case "turn.ended":
        // What is said before a tool's result is there is not the whole answer.
        if (this.#tools.size > 0) return;
        return this.#endTurn(event.outcome === "complete" ? "stop" : event.outcome, event.cause);
      case "tool.began": {
        const about = {
          "gen_ai.operation.name": "execute_tool",
          "gen_ai.tool.name": event.name,
          "gen_ai.tool.call.id": event.toolCallId,
          "gen_ai.tool.type": "function",
        };
        this.#tools.set(
          event.toolCallId,
          this.#begin(`execute_tool ${event.name}`, this.#turn?.within ?? this.#within, 0, SpanKind.INTERNAL, about),
        );
        return;
      }
      case "tool.ended": {
        const span = this.#tools.get(event.toolCallId);
        this.#tools.delete(event.toolCallId);
        if (span !== undefined) this.#end(span, event.status === "ok" ? undefined : event.status);
        return;
      }
      case "audio.lost":
        return this.#happened("audio lost", {
          "linekeeper.direction": event.direction,
          "linekeeper.cause": event.cause,
          "linekeeper.lost_ms": event.ms,
        });
      case "crisis.detected":
        return this.#happened("crisis detected", { "linekeeper.category": event.category });
      case "human.told":
        return this.#happened("human told", { "linekeeper.channel": event.channel, "linekeeper.result": event.result });
      case "call.ended": {
        this.#endTurn("unanswered", event.outcome === "failed" ? event.cause : undefined);
        for (const span of [...this.#tools.values(), ...this.#links.map((link) => link.span)]) span.end(this.#at());
        this.#root.setAttribute("linekeeper.outcome", event.outcome);
        return this.#end(this.#root, event.outcome === "failed" ? (event.cause ?? "internal") : undefined);
      }
      default:
    }
  }

  #beginTurn(provider: string, endpointingMs: number): void {
    this.#endTurn("unanswered", undefined);
    const about = this.#about(provider);
    const model = this.#models.get(provider);
    const span = this.#begin(model === undefined ? "chat" : `chat ${model}`, this.#within, endpointingMs, SpanKind.CLIENT, {
      ...about,
      "gen_ai.operation.name": "chat",
      "gen_ai.output.type": "speech",
    });
    const startMs = this.#options.clock.now() - endpointingMs;
    this.#turn = { span, within: trace.setSpan(this.#within, span), startMs, inputTokens: 0, outputTokens: 0 };
  }

  #endTurn(reason: string, cause: string | undefined): void {
    const turn = this.#turn;
    if (turn === undefined) return;
    this.#turn = undefined;
    turn.span.setAttribute("gen_ai.response.finish_reasons", [reason]);
    if (turn.inputTokens > 0) turn.span.setAttribute("gen_ai.usage.input_tokens", turn.inputTokens);
    if (turn.outputTokens > 0) turn.span.setAttribute("gen_ai.usage.output_tokens", turn.outputTokens);
    this.#end(turn.span, cause);
  }

  #stages({ stages: times }: AnswerTimes): void {
    const turn = this.#answered;
    this.#answered = undefined;
    if (turn === undefined) return;
    let fromMs = turn.startMs;
    for (const stage of stages) {
      const ms = times[stage];
      if (ms === undefined) continue;
      const nowMs = this.#options.clock.now();
      const span = this.#begin(stage, turn.within, nowMs - fromMs, SpanKind.INTERNAL, { "linekeeper.stage": stage });
      fromMs += ms;
      span.end(this.#at(nowMs - fromMs));
    }
  }

  #handOver(event: Extract<CallEvent, { type: "call.handed-over" | "handover.failed" }>): void {
    const { from, to, mode, cause } = event;
    const about = { "linekeeper.from": from, "linekeeper.to": to, "linekeeper.mode": mode, "linekeeper.cause": cause };
    const ok = event.type === "call.handed-over";
    const more = ok
      ? {
          "linekeeper.history_items": event.items,
          "linekeeper.replayed_chunks": event.replayedChunks,
          "linekeeper.restored": event.restored,
          "linekeeper.missing": event.missing.join(" "),
        }
      : {};
    const span = this.#begin("hand-over", this.#within, ok ? event.durationMs : 0, SpanKind.INTERNAL, { ...about, ...more });
    this.#end(span, ok ? undefined : cause);
  }

  #about(provider: string): Attributes {
    const model = this.#models.get(provider);
    return { "gen_ai.provider.name": vendors[provider] ?? provider, ...(model === undefined ? {} : { "gen_ai.request.model": model }) };
  }

  #begin(name: string, within: Context, agoMs: number, kind: SpanKind, attributes: Attributes): Span {
    const { tracer, clean } = this.#options;
    const cleaned = Object.entries(attributes).map(([key, value]) => [key, typeof value === "string" ? clean(value) : value] as const);
    return tracer.startSpan(clean(name), { kind, startTime: this.#at(agoMs), attributes: Object.fromEntries(cleaned) }, within);
  }

  #end(span: Span, error: string | undefined): void {
    if (error !== undefined) this.#fail(span, error);
    span.end(this.#at());
  }

  #fail(span: Span | undefined, error: string): void {
    span?.setAttribute("error.type", error);
    span?.setStatus({ code: SpanStatusCode.ERROR });
  }

  #happened(name: string, attributes: Attributes): void {
    this.#root.addEvent(name, attributes, this.#at());
  }

  /** The present moment less `agoMs`; from the monotonic clock, so that no clock that is set right turns spans round. */
  #at(agoMs = 0): HrTime {
    const ms = this.#startedWall + this.#options.clock.now() - this.#startedMs - agoMs;
    const seconds = Math.floor(ms / 1_000);
    return [seconds, Math.round((ms - seconds * 1_000) * 1e6)];
  }
}

/** As OpenTelemetry's conventions for generative AI name them, where they do. Read 2026-11. */
const vendors: Readonly<Record<string, string>> = { openai: "openai", azure: "azure.ai.openai", gemini: "gcp.gemini" };
