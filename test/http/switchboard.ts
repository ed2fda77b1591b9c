import type { GuardView } from "../../src/guard/view.ts";
import { apiRoutes } from "../../src/http/api/api.ts";
import { EventFeed } from "../../src/http/api/events.ts";
import type { NodeControl } from "../../src/http/api/node.ts";
import type { ProviderDesk } from "../../src/http/api/providers.ts";
import type { CostView } from "../../src/http/api/shapes.ts";
import { CallerTokens } from "../../src/http/tokens.ts";
import type { Clock } from "../../src/kernel/clock.ts";
import { Fault } from "../../src/kernel/fault.ts";
import type { Log, LogFields } from "../../src/kernel/log.ts";
import type { CallControl, CallView, CallWithTurns } from "../../src/session/control.ts";
import type { CallEvent } from "../../src/session/words.ts";
import type { Route } from "../../src/http/answer.ts";

/** Calls that exist on paper only: the orders for each are written down, and change what is seen as they would on a real one. */
class PaperCalls implements CallControl {
  readonly views = new Map<string, CallWithTurns>();
  readonly orders: string[] = [];
  readonly #listeners = new Set<(event: CallEvent) => void>();

  rate(callId: string, stars: number): boolean {
    if (this.views.has(callId)) this.#write(callId, `rate ${stars}`);
    return this.views.has(callId);
  }

  add(callId: string, view: Partial<CallWithTurns> = {}): void {
    this.views.set(callId, { ...plainCall, callId, ...view });
    this.tell({ type: "call.started", callId, dialect: "browser", agent: "front-desk", language: "en-US", tiers: [] });
  }

  change(callId: string, change: Partial<CallWithTurns>): void {
    this.views.set(callId, { ...this.#found(callId), ...change });
  }

  tell(event: CallEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  get size(): number {
    return this.views.size;
  }

  calls(most = Infinity): readonly CallView[] {
    return [...this.views.values()].slice(0, most).map((call) => {
      const { turns: _, ...view } = call;
      return view;
    });
  }

  call(callId: string): CallWithTurns | undefined {
    return this.views.get(callId);
  }

  follow(listener: (event: CallEvent) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }

  hangUp(callId: string): void {
    this.#write(callId, "hang up");
    this.views.delete(callId);
    this.tell({ type: "call.ended", callId, dialect: "browser", outcome: "completed", cause: undefined, durationMs: 1 });
  }

  switchProvider(callId: string, provider: string | undefined): void {
    const { provider: from, tiers } = this.#write(callId, `switch to ${provider ?? "the next"}`);
    const to = provider ?? tiers[tiers.indexOf(from) + 1];
    if (to === undefined || !tiers.includes(to)) throw new Fault("call-unable", `${to ?? "nobody"} is not among this call's providers`);
    this.change(callId, { provider: to });
    const times = {
      durationMs: 90,
      since: { faultMs: undefined, detectedMs: 200, decidedMs: 90 },
      items: 2,
      replayedChunks: 0,
      restored: "full",
      missing: [],
    } as const;
    this.tell({ type: "call.handed-over", callId, from, to, mode: "planned", cause: "asked", ...times });
  }

  transfer(callId: string, target: string): void {
    this.#write(callId, `transfer to ${target}`);
    if (this.#found(callId).dialect === "browser") throw new Fault("call-unable", "a browser cannot be sent on to a telephone");
  }

  say(callId: string, text: string): void {
    const { turns, ageMs } = this.#write(callId, `say ${text}`);
    const turnId = `t${turns.length + 1}`;
    this.change(callId, { turns: [...turns, { turnId, role: "agent", text, interrupted: false, startMs: ageMs, endMs: ageMs + 900 }] });
  }

  hold(callId: string, on: boolean): void {
    this.#write(callId, `hold ${on}`);
    this.change(callId, { held: on });
  }

  mute(callId: string, on: boolean): void {
    this.#write(callId, `mute ${on}`);
    this.change(callId, { muted: on });
  }

  sendDtmf(callId: string, digits: string): void {
    this.#write(callId, `dtmf ${digits}`);
    if (this.#found(callId).dialect === "browser") throw new Fault("call-unable", "a browser takes no keys");
  }

  #write(callId: string, order: string): CallWithTurns {
    const view = this.#found(callId);
    this.orders.push(`${callId}: ${order}`);
    return view;
  }

  #found(callId: string): CallWithTurns {
    const view = this.views.get(callId);
    if (view === undefined) throw new Fault("call-unknown", `no call ${callId} is in progress here`);
    return view;
  }
}

const plainCall: CallWithTurns = {
  callId: "",
  agent: "front-desk",
  dialect: "browser",
  language: "en-US",
  from: undefined,
  startedAt: "2026-11-21T03:12:09.000Z",
  ageMs: 65_000,
  provider: "gemini",
  tiers: ["gemini", "openai", "local"],
  phase: "listening",
  states: { link: "linked.open", leg: "attached" },
  levels: { caller: 0.12, agent: 0 },
  quality: undefined,
  held: false,
  muted: false,
  replayedMs: 0,
  lostMs: 0,
  turns: [],
};

/** Providers that are as the test says, and obey. */
class PaperProviders implements ProviderDesk {
  readonly #views: GuardView[] = ["gemini", "openai", "local"].map((provider) => ({
    provider,
    health: "healthy",
    breaker: { state: "closed", order: "auto", openForMs: undefined, retryInMs: undefined },
    latencyMs: { open: { p50: 180, p95: 320 }, answer: { p50: 640, p95: 910 } },
    errorRate: 0,
    limits: [{ scope: "requests", by: "told", limit: 600, remaining: 588, resetsInMs: 1_200 }],
    limitedForMs: 0,
    timeouts: { openMs: 5_000, answerMs: 8_000 },
    activeSessions: 0,
    lastFault: undefined,
  }));

  views(): readonly GuardView[] {
    return this.#views;
  }

  order(provider: string, order: GuardView["breaker"]["order"]): void {
    this.change(provider, { breaker: { state: order === "auto" ? "closed" : order, order, openForMs: undefined, retryInMs: undefined } });
  }

  change(provider: string, change: Partial<GuardView>): void {
    const at = this.#views.findIndex((view) => view.provider === provider);
    const before = this.#views[at];
    if (before === undefined) throw new Error(`no provider ${provider}`);
    this.#views[at] = { ...before, ...change };
  }
}

/** Lines as they were logged. */
class PaperLog implements Log {
  readonly lines: (LogFields & { readonly event: string })[] = [];
  debug(event: string, fields?: LogFields): void {
    this.lines.push({ ...fields, event });
  }
  info = this.debug;
  warning = this.debug;
  error = this.debug;
  with(): Log {
    return this;
  }
}

/** The whole API over calls and providers of paper. */
export class Switchboard implements Disposable {
  readonly calls = new PaperCalls();
  readonly providers = new PaperProviders();
  readonly log = new PaperLog();
  readonly tokens: CallerTokens;
  readonly feed: EventFeed;
  readonly routes: readonly Route[];
  state: ReturnType<NodeControl["state"]> = "serving";
  cost: CostView | undefined;
  refuses: string | undefined;
  drains = 0;

  constructor(clock: Clock, epoch = "e1", secrets: () => readonly string[] = () => []) {
    this.tokens = new CallerTokens(secrets, clock);
    this.feed = new EventFeed({ isRead: () => {}, control: this.calls, providers: this.providers, clock, log: this.log, epoch });
    const node: NodeControl = {
      version: "1.2.3",
      state: () => this.state,
      calls: () => this.calls.views.size,
      refusal: () => this.refuses,
      costToday: () => this.cost,
      drain: () => {
        this.drains += 1;
        this.state = "draining";
      },
    };
    this.routes = apiRoutes({
      control: this.calls,
      providers: this.providers,
      diallers: [],
      node,
      tokens: this.tokens,
      feed: this.feed,
      rate: (callId, stars) => this.calls.rate(callId, stars),
      log: this.log,
    });
  }

  [Symbol.dispose](): void {
    this.feed[Symbol.dispose]();
  }
}
