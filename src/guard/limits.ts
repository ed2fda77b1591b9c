import type { Clock } from "../kernel/clock.ts";
import { Fault } from "../kernel/fault.ts";
import type { LinkNotice, RateLimit, Usage } from "../provider/contract.ts";
import { TokenBucket } from "./token-bucket.ts";

/** What the account may do; undefined where nobody said: then only what the provider tells counts. */
export interface LimitSettings {
  /** Sessions opened and answers asked for. */
  readonly requestsPerMinute: number | undefined;
  /** Tokens in and out. */
  readonly tokensPerMinute: number | undefined;
  /** Sessions at a time. */
  readonly sessions: number | undefined;
}

export const noLimits: LimitSettings = { requestsPerMinute: undefined, tokensPerMinute: undefined, sessions: undefined };

/** One limit as it stands; `told`: by the provider itself. */
export interface LimitView {
  readonly scope: RateLimit["scope"];
  readonly by: "setting" | "told";
  readonly limit: number;
  readonly remaining: number;
  /** Until all of it is there again; undefined where that depends on sessions ending. */
  readonly resetsInMs: number | undefined;
}

/** A provider that said no without saying for how long. */
const unsaidMs = 60_000;
/** No word of a provider shuts it for longer: what it says next may be better. */
const longestMs = 300_000;
/** What is left of a limit when it counts as spent: less than one more answer would need. */
const spentShare = 0.01;

/**
 * What one provider still lets us do: configured limits, what it tells of its own (`link.limited`), and its refusals with the time it
 * wants to be left alone. While any of them is spent nobody is sent there, so that new calls and hand-overs take another tier.
 */
export class Limits {
  readonly #provider: string;
  readonly #clock: Clock;
  readonly #hit: (waitMs: number) => void;
  readonly #requests: TokenBucket | undefined;
  readonly #tokens: TokenBucket | undefined;
  readonly #mostSessions: number;
  readonly #told = new Map<RateLimit["scope"], { readonly limit: RateLimit; readonly untilMs: number }>();
  #sessions = 0;
  #shutUntilMs = 0;

  /** @param hit told once each time that a limit is reached, with how long it lasts, ms */
  constructor(provider: string, settings: LimitSettings, clock: Clock, hit: (waitMs: number) => void) {
    this.#provider = provider;
    this.#clock = clock;
    this.#hit = hit;
    const bucket = (perMinute: number | undefined): TokenBucket | undefined =>
      perMinute === undefined ? undefined : new TokenBucket(clock, perMinute);
    this.#requests = bucket(settings.requestsPerMinute);
    this.#tokens = bucket(settings.tokensPerMinute);
    this.#mostSessions = settings.sessions ?? Infinity;
  }

  /** Why nothing more may be asked of it just now, or undefined. */
  refusal(): Fault | undefined {
    if (this.#sessions >= this.#mostSessions)
      return new Fault("provider-limited", `${this.#provider}: all ${this.#mostSessions} sessions of the account are in use`);
    const waitMs = this.#waitMs();
    if (waitMs <= 0) return undefined;
    return new Fault("provider-limited", `${this.#provider} is at its rate limit for ${Math.ceil(waitMs / 1_000)} s more`, {
      retryAfterMs: waitMs,
    });
  }

  /** Sessions that there are now, also those that still open. */
  get sessions(): number {
    return this.#sessions;
  }

  sessionBegan(): void {
    this.#sessions += 1;
    this.#requested();
    if (this.#sessions === this.#mostSessions) this.#hit(0);
  }

  /** @param fault why, when the provider ended it */
  sessionEnded(fault: Fault | undefined): void {
    this.#sessions -= 1;
    if (fault?.code === "provider-limited") this.#change(() => this.#shut(fault.retryAfterMs ?? unsaidMs));
  }

  noticed(notice: LinkNotice): void {
    if (notice.type === "agent.began") this.#requested();
    else if (notice.type === "link.used") this.#change(() => this.#tokens?.take(tokensOf(notice.usage)));
    else if (notice.type === "link.limited") this.#change(() => this.#learn(notice.limits));
  }

  views(): readonly LimitView[] {
    const nowMs = this.#clock.now();
    const views: LimitView[] = [];
    const show = (scope: RateLimit["scope"], bucket: TokenBucket | undefined): void => {
      if (bucket === undefined) return;
      const { perMinute: limit, left } = bucket;
      views.push({ scope, by: "setting", limit, remaining: Math.max(0, Math.floor(left)), resetsInMs: bucket.waitMs(limit) });
    };
    show("requests", this.#requests);
    show("tokens", this.#tokens);
    if (this.#mostSessions < Infinity) {
      const remaining = Math.max(0, this.#mostSessions - this.#sessions);
      views.push({ scope: "sessions", by: "setting", limit: this.#mostSessions, remaining, resetsInMs: undefined });
    }
    for (const [scope, { limit, untilMs }] of this.#told) {
      const resetsInMs = Math.max(0, untilMs - nowMs);
      views.push({ scope, by: "told", limit: limit.limit, remaining: resetsInMs === 0 ? limit.limit : limit.remaining, resetsInMs });
    }
    return views;
  }

  #waitMs(): number {
    const nowMs = this.#clock.now();
    const told = [...this.#told.values()].map(({ limit, untilMs }) => (isSpent(limit) ? untilMs - nowMs : 0));
    return Math.max(0, this.#shutUntilMs - nowMs, this.#requests?.waitMs(1) ?? 0, this.#tokens?.waitMs(1) ?? 0, ...told);
  }

  #requested(): void {
    this.#change(() => this.#requests?.take(1));
  }

  #shut(forMs: number): void {
    this.#shutUntilMs = Math.max(this.#shutUntilMs, this.#clock.now() + Math.min(longestMs, forMs));
  }

  #learn(limits: readonly RateLimit[]): void {
    const nowMs = this.#clock.now();
    for (const limit of limits) this.#told.set(limit.scope, { limit, untilMs: nowMs + Math.min(longestMs, limit.resetsInMs) });
  }

  /** A limit is told as hit when it is spent now and was not before. */
  #change(change: () => void): void {
    const wasFree = this.#waitMs() <= 0;
    change();
    const waitMs = this.#waitMs();
    if (wasFree && waitMs > 0) this.#hit(waitMs);
  }
}

const isSpent = ({ limit, remaining }: RateLimit): boolean => remaining <= limit * spentShare;

function tokensOf({ quantities }: Usage): number {
  const { input_text_tokens: text = 0, input_audio_tokens: audio = 0 } = quantities;
  const { output_text_tokens: said = 0, output_audio_tokens: spoken = 0 } = quantities;
  return text + audio + said + spoken;
}
