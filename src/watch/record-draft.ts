import type { Clock } from "../kernel/clock.ts";
import type { CallEvent } from "../session/words.ts";
import type { CallRecord, HandoverRecord, LegRecord, LinkRecord, ReconnectRecord, ToolRecord, TurnRecord } from "./call-record.ts";
import { failureClassOf, isCallersOwn, stopReasonOf, turnOutcomes } from "./labels.ts";
import { traceIdOf } from "./trace-ids.ts";

type Started = Extract<CallEvent, { readonly type: "call.started" | "call.restored" }>;
type TurnEnded = Extract<CallEvent, { readonly type: "turn.ended" }>;
type Ended = Extract<CallEvent, { readonly type: "call.ended" }>;
type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Of each kind so many are kept of one call; a call of three hours has some hundred turns. */
const mostEach = 2_000;

/** The record of a call in progress. Moments are on the monotonic clock until they are written down. */
export class RecordDraft {
  readonly #clock: Clock;
  readonly #started: Started;
  readonly #startedMs: number;
  readonly #startedWall: number;
  readonly #turns: Writable<TurnRecord>[] = [];
  readonly #links: LinkRecord[] = [];
  readonly #handovers: HandoverRecord[] = [];
  readonly #reconnects: ReconnectRecord[] = [];
  readonly #tools: ToolRecord[] = [];
  readonly #legs: LegRecord[] = [];
  readonly #omitted: Record<string, number> = {};
  readonly #lostMs: Record<string, number> = {};
  #sent = 0;
  #received = 0;
  #replayed = 0;
  #inMs = 0;
  #readyAt: string | undefined;
  #firstVoicedAt: string | undefined;
  #firstTranscriptAt: string | undefined;
  #rating: number | undefined;
  #crisis = false;
  /** The answer that is owed is one to a caller in need. */
  #isInNeed = false;
  /** Links that broke off the answer in the making. */
  #broken = 0;
  #answeredBy: CallRecord["answeredBy"];
  /** Several at once while they race, or while one waits. */
  readonly #open: { readonly opened: Extract<CallEvent, { type: "link.opened" }>; readonly at: string; fault: LinkRecord["fault"] }[] = [];
  #episode: { readonly provider: string; readonly lostAt: string; attempts: number } | undefined;
  /** The answer in the making. */
  #turn: Partial<
    Writable<Pick<TurnRecord, "provider" | "speechEndAt" | "committedAt" | "firstChunkAt" | "responseStartMs" | "latencyMs" | "times">>
  > = {};

  constructor(started: Started, clock: Clock) {
    [this.#started, this.#clock] = [started, clock];
    [this.#startedMs, this.#startedWall] = [clock.now(), clock.wallNow()];
  }

  rate(stars: number): void {
    this.#rating = stars;
  }

  note(event: CallEvent): void {
    switch (event.type) {
      case "link.opened":
        this.#readyAt ??= this.#at();
        this.#open.push({ opened: event, at: this.#at(event.setupMs), fault: undefined });
        return;
      case "link.failed":
        return this.#push("links", this.#links, {
          provider: event.provider,
          model: undefined,
          attempt: event.attempt,
          at: this.#at(event.durationMs),
          setupMs: undefined,
          livedMs: 0,
          fault: event.code,
          audioPath: undefined,
        });
      case "link.lost": {
        const link = this.#open.find(({ opened }) => opened.provider === event.provider);
        if (link !== undefined) link.fault = event.code;
        return;
      }
      case "link.closed":
        return this.#closeLink(event.provider, event.livedMs);
      case "link.retrying":
        this.#episode ??= { provider: event.provider, lostAt: this.#at(), attempts: 0 };
        this.#episode.attempts += 1;
        return;
      case "link.recovered":
        return this.#endEpisode("success");
      case "link.gave-up":
        return this.#endEpisode("exhausted");
      case "call.handed-over":
      case "handover.failed":
        return this.#handOver(event);
      case "audio.flowed":
        this.#sent += event.sentChunks;
        this.#received += event.receivedChunks;
        return;
      case "audio.replayed":
        this.#replayed += event.chunks;
        return;
      case "audio.accounted":
        this.#inMs = event.receivedMs;
        return;
      case "audio.lost": {
        const kind = `${event.direction} ${event.cause}`;
        this.#lostMs[kind] = (this.#lostMs[kind] ?? 0) + event.ms;
        return;
      }
      case "caller.voiced":
        this.#firstVoicedAt ??= this.#at(event.agoMs);
        return;
      case "caller.understood":
        this.#firstTranscriptAt ??= this.#at();
        return;
      case "turn.committed":
        this.#turn = { provider: event.provider, speechEndAt: this.#at(event.endpointingMs), committedAt: this.#at() };
        return;
      case "turn.answered":
        this.#turn.firstChunkAt = this.#at();
        this.#turn.responseStartMs = event.responseStartMs;
        this.#turn.latencyMs = event.latencyMs;
        return;
      case "turn.timed": {
        // The caller may begin to hear an answer after all of it came.
        const ended = this.#turns.findLast((turn) => turn.firstChunkAt !== undefined && turn.times === undefined);
        if (this.#turn.firstChunkAt !== undefined || ended === undefined) this.#turn.times = event.times;
        else ended.times = event.times;
        return;
      }
      case "turn.ended":
        return this.#endTurn(event, event.outcome, "none");
      case "turn.broken":
        this.#broken += 1;
        return;
      case "tool.ended":
        return this.#push("tools", this.#tools, { name: event.name, status: event.status, durationMs: event.durationMs });
      case "caller.answered-by":
        this.#answeredBy = { who: event.who, by: event.by };
        return;
      case "leg.measured":
        return this.#push("legs", this.#legs, { dialect: event.dialect, quality: event.quality, endedAt: this.#at() });
      case "crisis.detected":
        this.#crisis = true;
        this.#isInNeed = true;
        return;
      default:
    }
  }

  finish(end: Ended, about: { readonly region: string; readonly node: string; readonly costUsd: number | undefined }): CallRecord {
    // A call that fails while an answer is owed has failed that turn too.
    const owing = this.#turn.provider;
    if (end.outcome === "failed" && owing !== undefined)
      this.#endTurn({ turnId: undefined, kind: "plain", provider: owing, gapMs: undefined }, "failed", failureClassOf("failed", end.cause));
    this.#endEpisode("abandoned");
    const failureClass = failureClassOf(end.outcome, end.cause);
    const judged = failureClass === "none" ? "good" : isCallersOwn(failureClass) ? "excluded" : "bad";
    const { callId, dialect, agent, language, slaClass = "standard" } = this.#started;
    return {
      callId,
      traceId: traceIdOf(callId),
      region: about.region,
      node: about.node,
      dialect,
      agent,
      language,
      slaClass,
      startedAt: this.#at(end.durationMs),
      acceptedAt: new Date(this.#startedWall).toISOString(),
      readyAt: this.#readyAt,
      firstVoicedAt: this.#firstVoicedAt,
      firstTranscriptAt: this.#firstTranscriptAt,
      endedAt: this.#at(),
      durationMs: Math.round(end.durationMs),
      endReason: end.outcome,
      cause: end.cause,
      endedBy: end.reason,
      answeredBy: this.#answeredBy,
      outcome: judged,
      failureClass,
      crisis: this.#crisis,
      turns: this.#turns,
      links: this.#links,
      handovers: this.#handovers,
      reconnects: this.#reconnects,
      toolCalls: this.#tools,
      audio: {
        inMs: Math.round(this.#inMs),
        inLostMs: this.#lostOf("uplink"),
        outLostMs: this.#lostOf("downlink"),
        sentChunks: this.#sent,
        receivedChunks: this.#received,
        replayedChunks: this.#replayed,
        lostMs: this.#lostMs,
      },
      legs: this.#legs,
      rating: this.#rating,
      costUsd: about.costUsd,
      omitted: this.#omitted,
    };
  }

  #endTurn(
    { turnId, kind, provider, gapMs, stop }: Pick<TurnEnded, "kind" | "provider" | "gapMs" | "stop"> & Pick<TurnRecord, "turnId">,
    outcome: keyof typeof turnOutcomes,
    failureClass: string,
  ): void {
    const { speechEndAt, committedAt, firstChunkAt, responseStartMs, latencyMs, times } = this.#turn;
    const place = this.#started.tiers.indexOf(provider);
    this.#push("turns", this.#turns, {
      turnId,
      kind: this.#isInNeed ? "crisis" : kind,
      provider,
      tier: place < 0 ? undefined : place + 1,
      speechEndAt,
      committedAt,
      firstChunkAt,
      completedAt: this.#at(),
      outcome: turnOutcomes[outcome],
      stopReason: stopReasonOf(outcome, stop),
      failureClass,
      attempts: this.#broken + 1,
      responseStartMs,
      latencyMs,
      maxGapMs: gapMs,
      times,
    });
    this.#turn = {};
    this.#isInNeed = false;
    this.#broken = 0;
  }

  #closeLink(provider: string, livedMs: number): void {
    const place = this.#open.findIndex(({ opened }) => opened.provider === provider);
    const [link] = place < 0 ? [] : this.#open.splice(place, 1);
    if (link === undefined) return;
    const { model, attempt, setupMs, path: audioPath } = link.opened;
    this.#push("links", this.#links, { provider, model, attempt, at: link.at, setupMs, livedMs, fault: link.fault, audioPath });
  }

  #handOver(event: Extract<CallEvent, { type: "call.handed-over" | "handover.failed" }>): void {
    this.#endEpisode("abandoned");
    const { from, to, mode, cause, since } = event;
    const ok = event.type === "call.handed-over";
    this.#push("handovers", this.#handovers, {
      from,
      to,
      mode,
      cause,
      faultAt: since.faultMs === undefined ? undefined : this.#at(since.faultMs),
      detectedAt: this.#at(since.detectedMs),
      decidedAt: this.#at(since.decidedMs),
      liveAt: ok ? this.#at() : undefined,
      durationMs: ok ? event.durationMs : undefined,
      historyItems: ok ? event.items : 0,
      replayedChunks: ok ? event.replayedChunks : 0,
      restored: ok ? event.restored : undefined,
      missing: ok ? event.missing : [],
      ok,
    });
  }

  #endEpisode(result: ReconnectRecord["result"]): void {
    const episode = this.#episode;
    if (episode === undefined) return;
    this.#episode = undefined;
    this.#push("reconnects", this.#reconnects, { ...episode, endedAt: this.#at(), result });
  }

  #lostOf(direction: "uplink" | "downlink"): number {
    const lost = Object.entries(this.#lostMs).filter(([kind]) => kind.startsWith(direction));
    return Math.round(lost.reduce((sum, [, ms]) => sum + ms, 0));
  }

  #push<T>(kind: string, list: T[], entry: T): void {
    if (list.length < mostEach) list.push(entry);
    else this.#omitted[kind] = (this.#omitted[kind] ?? 0) + 1;
  }

  /** The present moment less `agoMs`, as people write it; from the monotonic clock, so that no clock that is set right turns it round. */
  #at(agoMs = 0): string {
    return new Date(this.#startedWall + this.#clock.now() - this.#startedMs - agoMs).toISOString();
  }
}
