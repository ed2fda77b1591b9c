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
  /** Where a provider is reached; undefined: on this machine. */
  readonly serverOf: (provider: string) => URL | undefined;
  /** Cleans a text of secrets. */
  readonly clean: (text: string) => string;
}

/** Calls that never told their end would be held for ever. */
const mostCalls = 10_000;
/** In the order in which they pass. */
const stages: readonly AnswerStage[] = ["stt", "endpointing", "llm", "tool", "tts", "provider", "ours", "playout"];

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

interface Tokens {
  readonly input: number;
  /** Part of the input. */
  readonly cached: number;
  readonly output: number;
}

interface OpenTurn {
  readonly span: Span;
  readonly within: Context;
  readonly startMs: number;
  provider: string;
  /** What was used for it, by model. */
  readonly used: Map<string, Tokens>;
  /** The link that was to answer it, or was answering, is lost, and nobody has answered since. */
  broken: string | undefined;
  /** What was used for it may be told after its end. */
  end: { readonly atMs: number; readonly reason: string } | undefined;
}

/** The spans of one call. */
class CallTrace {
  readonly #options: TraceOptions;
  readonly #callId: string;
  readonly #startedMs: number;
  readonly #startedWall: number;
  readonly #root: Span;
  readonly #within: Context;
  /** Several at once while they race, or while one waits. */
  readonly #links: { readonly provider: string; readonly span: Span }[] = [];
  readonly #tools = new Map<string, Span>();
  #turn: OpenTurn | undefined;
  /** What was used for the turn to come, by model. */
  #usedAhead = new Map<string, Tokens>();
  /** The last turn that was answered, for its stages, which may be told after its end. */
  #answered: OpenTurn | undefined;
  /** By provider. */
  readonly #models = new Map<string, string>();

  constructor(started: Extract<CallEvent, { type: "call.started" | "call.restored" }>, options: TraceOptions) {
    this.#options = options;
    [this.#startedMs, this.#startedWall] = [options.clock.now(), options.clock.wallNow()];
    const { callId, dialect, agent, language } = started;
    this.#callId = callId;
    options.beginTrace(traceIdOf(callId));
    this.#root = this.#begin(`call ${dialect}`, ROOT_CONTEXT, this.#startedMs, SpanKind.SERVER, {
      "gen_ai.conversation.id": callId,
      "gen_ai.agent.name": agent,
      "linekeeper.dialect": dialect,
      "linekeeper.language": language,
    });
    this.#within = trace.setSpan(ROOT_CONTEXT, this.#root);
    if (started.type === "call.restored") this.#happened("restored", { "linekeeper.away_ms": started.awayMs });
  }

  note(event: CallEvent): void {
    switch (event.type) {
      case "link.opened": {
        if (event.model !== undefined) this.#models.set(event.provider, event.model);
        const about = { ...this.#about(event.provider), "linekeeper.attempt": event.attempt };
        const span = this.#begin(`link ${event.provider}`, this.#within, this.#nowMs() - event.setupMs, SpanKind.CLIENT, about);
        span.addEvent("ready", this.#at());
        this.#links.push({ provider: event.provider, span });
        return;
      }
      case "link.failed": {
        const about = { ...this.#about(event.provider), "linekeeper.attempt": event.attempt };
        const span = this.#begin(`link ${event.provider}`, this.#within, this.#nowMs() - event.durationMs, SpanKind.CLIENT, about);
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
      case "link.used":
        return this.#used(event);
      case "call.handed-over":
      case "handover.failed":
        return this.#handOver(event);
      case "turn.committed":
        return this.#beginTurn(event.provider, event.endpointingMs);
      case "turn.answered":
        if (this.#turn === undefined) return;
        this.#answers(this.#turn, event.provider);
        this.#turn.span.addEvent("first audio", { "linekeeper.response_start_ms": event.responseStartMs }, this.#at());
        this.#turn.span.setAttributes({
          "gen_ai.response.time_to_first_chunk": event.responseStartMs / 1_000,
          "linekeeper.latency_ms": event.latencyMs,
          "linekeeper.turn.kind": event.kind,
        });
        this.#answered = this.#turn;
        return;
      case "turn.timed":
        return this.#stages(event.times);
      case "turn.broken":
        this.#turn?.span.addEvent("broken", { "error.type": event.cause }, this.#at());
        if (this.#turn !== undefined) this.#turn.broken = event.cause;
        return;
      case "turn.ended":
        // What is said before a tool's result is there is not the whole answer.
        if (this.#turn === undefined || (this.#tools.size > 0 && event.outcome === "complete")) return;
        this.#answers(this.#turn, event.provider);
        this.#turn.end = { atMs: this.#nowMs(), reason: finishReasons[event.outcome] };
        return;
      case "caller.reprompted":
        // What the agent says now answers nobody.
        return this.#endTurn(undefined);
      case "tool.began": {
        const about = {
          "gen_ai.operation.name": "execute_tool",
          "gen_ai.tool.name": event.name,
          "gen_ai.tool.call.id": event.toolCallId,
          "gen_ai.tool.type": "function",
          "gen_ai.conversation.id": event.callId,
        };
        this.#tools.set(
          event.toolCallId,
          this.#begin(`execute_tool ${event.name}`, this.#turn?.within ?? this.#within, this.#nowMs(), SpanKind.INTERNAL, about),
        );
        return;
      }
      case "tool.ended": {
        const span = this.#tools.get(event.toolCallId);
        this.#tools.delete(event.toolCallId);
        span?.setAttribute("linekeeper.tool.status", event.status);
        // Whoever takes a question back has broken nothing.
        if (span !== undefined) this.#end(span, event.status === "ok" || event.status === "cancelled" ? undefined : event.status);
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
        this.#endTurn(event.outcome === "failed" ? event.cause : undefined);
        for (const span of [...this.#tools.values(), ...this.#links.map((link) => link.span)]) span.end(this.#at());
        this.#root.setAttribute("linekeeper.outcome", event.outcome);
        return this.#end(this.#root, event.outcome === "failed" ? (event.cause ?? "internal") : undefined);
      }
      default:
    }
  }

  #beginTurn(provider: string, endpointingMs: number): void {
    this.#endTurn(undefined);
    const model = this.#models.get(provider);
    const startMs = this.#nowMs() - endpointingMs;
    const span = this.#begin(model === undefined ? "chat" : `chat ${model}`, this.#within, startMs, SpanKind.CLIENT, {
      ...this.#about(provider),
      "gen_ai.operation.name": "chat",
      "gen_ai.output.type": "speech",
      "gen_ai.request.stream": true,
    });
    const within = trace.setSpan(this.#within, span);
    this.#turn = { span, within, startMs, provider, used: this.#usedAhead, broken: undefined, end: undefined };
    this.#usedAhead = new Map();
  }

  /** Another provider may answer than the one that was asked. */
  #answers(turn: OpenTurn, provider: string): void {
    turn.broken = undefined;
    if (turn.provider === provider) return;
    turn.provider = provider;
    turn.span.setAttributes(this.#cleaned(this.#about(provider)));
  }

  /** What was used counts for the turn that is answered, or was last: some tell of it only after the last of their audio. */
  #used({ provider, usage: { model, quantities } }: Extract<CallEvent, { type: "link.used" }>): void {
    const isNamed = model === this.#models.get(provider);
    const output = (quantities.output_text_tokens ?? 0) + (quantities.output_audio_tokens ?? 0);
    const input = (quantities.input_text_tokens ?? 0) + (quantities.input_audio_tokens ?? 0);
    // Who only writes down what the caller said answers nothing.
    if (input + output === 0 || (!isNamed && quantities.input_audio_tokens !== undefined)) return;
    // A pipeline drafts an answer before it is sure that the caller has ended.
    if (isNamed && this.#turn === undefined) return;
    const used = isNamed || this.#turn?.end === undefined ? (this.#turn?.used ?? this.#usedAhead) : this.#usedAhead;
    const before = used.get(model) ?? { input: 0, cached: 0, output: 0 };
    const cached = (quantities.cached_text_tokens ?? 0) + (quantities.cached_audio_tokens ?? 0);
    used.set(model, { input: before.input + input, cached: before.cached + cached, output: before.output + output });
  }

  /** @param cause what the whole call failed of */
  #endTurn(cause: string | undefined): void {
    const turn = this.#turn;
    if (turn === undefined) return;
    this.#turn = undefined;
    const { span, used, end } = turn;
    const failed = end === undefined ? (cause ?? turn.broken) : undefined;
    const sum = (of: (tokens: Tokens) => number): number => [...used.values()].reduce((total, tokens) => total + of(tokens), 0);
    span.setAttribute("gen_ai.response.finish_reasons", [end?.reason ?? "unanswered"]);
    if (used.size > 0) {
      span.setAttributes({
        "gen_ai.usage.input_tokens": sum(({ input }) => input),
        "gen_ai.usage.cache_read.input_tokens": sum(({ cached }) => cached),
        "gen_ai.usage.output_tokens": sum(({ output }) => output),
      });
      // In a pipeline it is not the model that the link is named after, the one that hears.
      const model = [...used.keys()].at(-1);
      if (model !== undefined && model !== this.#models.get(turn.provider))
        span.updateName(this.#options.clean(`chat ${model}`)).setAttribute("gen_ai.request.model", this.#options.clean(model));
    }
    if (failed !== undefined) this.#fail(span, failed);
    span.end(this.#at(end?.atMs));
  }

  #stages({ stages: times }: AnswerTimes): void {
    const turn = this.#answered;
    this.#answered = undefined;
    if (turn === undefined) return;
    let fromMs = turn.startMs;
    for (const stage of stages) {
      const ms = times[stage];
      if (ms === undefined) continue;
      const span = this.#begin(stage, turn.within, fromMs, SpanKind.INTERNAL, { "linekeeper.stage": stage });
      fromMs += ms;
      span.end(this.#at(fromMs));
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
    const { faultMs, detectedMs, decidedMs } = event.since;
    const nowMs = this.#nowMs();
    const span = this.#begin("hand-over", this.#within, nowMs - (faultMs ?? decidedMs), SpanKind.INTERNAL, { ...about, ...more });
    if (faultMs !== undefined) span.addEvent("detected", this.#at(nowMs - detectedMs));
    span.addEvent("decided", this.#at(nowMs - decidedMs));
    this.#end(span, ok ? undefined : cause);
  }

  #about(provider: string): Attributes {
    const model = this.#models.get(provider);
    const server = this.#options.serverOf(provider);
    return {
      "gen_ai.provider.name": vendors[provider] ?? provider,
      "gen_ai.conversation.id": this.#callId,
      "linekeeper.provider": provider,
      ...(model === undefined ? {} : { "gen_ai.request.model": model }),
      ...(server === undefined ? {} : { "server.address": server.hostname, "server.port": portOf(server) }),
    };
  }

  #begin(name: string, within: Context, fromMs: number, kind: SpanKind, attributes: Attributes): Span {
    const { tracer, clean } = this.#options;
    return tracer.startSpan(clean(name), { kind, startTime: this.#at(fromMs), attributes: this.#cleaned(attributes) }, within);
  }

  #cleaned(attributes: Attributes): Attributes {
    const { clean } = this.#options;
    return Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, typeof value === "string" ? clean(value) : value]));
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
    this.#root.addEvent(name, this.#cleaned(attributes), this.#at());
  }

  #nowMs(): number {
    return this.#options.clock.now();
  }

  /** A moment of the monotonic clock as Unix time, so that no clock that is set right turns spans round. */
  #at(momentMs = this.#nowMs()): HrTime {
    const ms = this.#startedWall + momentMs - this.#startedMs;
    const seconds = Math.floor(ms / 1_000);
    return [seconds, Math.round((ms - seconds * 1_000) * 1e6)];
  }
}

const finishReasons = { complete: "stop", interrupted: "interrupted" } as const;

const ports: Readonly<Record<string, number>> = { "https:": 443, "wss:": 443, "http:": 80, "ws:": 80 };
const portOf = ({ port, protocol }: URL): number => (port === "" ? (ports[protocol] ?? 0) : Number(port));

/** As OpenTelemetry's conventions for generative AI name them, where they do (1.41, read 2026-11); one vendor, one name. */
const vendors: Readonly<Record<string, string>> = {
  openai: "openai",
  azure: "azure.ai.openai",
  gemini: "gcp.gemini",
  "deepgram-agent": "deepgram",
};
