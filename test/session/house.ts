import { g711Quality } from "../../src/audio/e-model.ts";
import { bytesOf, msOf, type Encoding } from "../../src/audio/encodings.ts";
import { Ticker } from "../../src/audio/ticker.ts";
import type { CallerNotice, CallStart, Leg, LegEnd, LegListener, LegQuality, LegTraits } from "../../src/caller/leg.ts";
import { crisisDetector } from "../../src/crisis/detector.ts";
import { CrisisWatch } from "../../src/crisis/watch.ts";
import type { CallNews } from "../../src/guard/guarded.ts";
import type { Clock } from "../../src/kernel/clock.ts";
import type { Fault } from "../../src/kernel/fault.ts";
import { silentLog } from "../../src/kernel/log.ts";
import { seededRandom } from "../../src/kernel/random.ts";
import type {
  Begin,
  ConversationItem,
  Link,
  LinkNotice,
  OpenRequest,
  Provider,
  ProviderTraits,
  ToolResult,
} from "../../src/provider/contract.ts";
import { plainManners, type Manners } from "../../src/session/manners.ts";
import { Roster, type AgentPlan } from "../../src/session/roster.ts";
import type { CallSnapshot } from "../../src/session/snapshot.ts";
import type { Tool } from "../../src/session/tools.ts";
import type { CallEvent } from "../../src/session/words.ts";
import { guardedAlone } from "../guard/alone.ts";
import { SimulatedClock } from "../simulated-clock.ts";
import { copyOf } from "./copy-of.ts";

const encoding: Encoding = "pcm16@16000";

/** What says that a call is alive, pcm16@16000: half a second, told by its value. */
const bridgeLine = new Uint8Array(bytesOf(500, "pcm16@16000")).fill(9);

/** A provider whose every word the test speaks: a part of the house handed in, like a clock. */
export class PuppetProvider implements Provider {
  readonly name: string;
  traits: ProviderTraits = {
    hears: [encoding],
    speaks: [encoding],
    endpointing: ["provider", "manual"],
    replayPace: Infinity,
    trailingSilenceMs: 0,
    seeding: "items",
    tools: "parallel",
    text: true,
    callerTranscript: "partial",
    memoryAfterInterrupt: "cut-to-heard",
    standby: false,
    resumable: false,
    sessionLimitMs: Infinity,
    languages: "any",
    voices: "any",
    usage: [],
    stopgap: false,
    offline: true,
  };
  readonly links: PuppetLink[] = [];
  refusal: Fault | undefined;
  /** How long a link takes to open. */
  openMs = 0;
  full: Fault | undefined;
  level: "healthy" | "unhealthy" = "healthy";

  constructor(name: string) {
    this.name = name;
  }

  async open(request: OpenRequest): Promise<Link> {
    if (this.openMs > 0) await new Promise<void>((resolve) => request.clock.setTimeout(resolve, this.openMs));
    if (this.refusal !== undefined) throw this.refusal;
    const link = new PuppetLink(request);
    this.links.push(link);
    return link;
  }

  admit(): Fault | undefined {
    return this.full;
  }

  async close(): Promise<void> {}

  get link(): PuppetLink {
    const link = this.links.at(-1);
    if (link === undefined) throw new Error(`${this.name} has no link`);
    return link;
  }
}

export class PuppetLink implements Link {
  readonly request: OpenRequest;
  readonly heard: number[] = [];
  readonly told: string[] = [];
  readonly results: ToolResult[] = [];

  constructor(request: OpenRequest) {
    this.request = request;
  }

  hear(frame: Uint8Array): boolean {
    this.heard.push(...frame);
    return true;
  }
  takeOver(since: readonly ConversationItem[], begin: Begin): void {
    this.told.push(`take over with ${since.length} more and ${begin}`);
  }
  takeText(text: string): void {
    this.told.push(`text ${text}`);
  }
  commitTurn(): void {
    this.told.push("commit");
  }
  interrupt({ turnId, heardMs }: { turnId: string; heardMs: number }): void {
    this.told.push(`interrupt ${turnId} ${Math.round(heardMs)}`);
  }
  answerTool(result: ToolResult): void {
    this.results.push(result);
  }
  close(): void {
    this.told.push("close");
  }

  get heardMs(): number {
    return msOf(this.heard.length, this.request.uplink);
  }

  tells(...notices: readonly LinkNotice[]): void {
    for (const notice of notices) this.request.report.notice(notice);
  }

  /** An agent turn with audio, all at once, as providers do. */
  speaks(turnId: string, text: string, ms: number, ended = true): void {
    this.tells({ type: "agent.began", turnId }, { type: "agent.said", turnId, text, audioMs: 0 });
    this.request.report.audio(new Uint8Array(bytesOf(ms, this.request.downlink)).fill(3), turnId);
    if (ended) this.tells({ type: "agent.ended", turnId, outcome: "complete" });
  }

  /** A caller turn that ends where the link's audio ends now. */
  hearsTurn(turnId: string, text: string, fromMs: number): void {
    this.tells(
      { type: "caller.spoke", turnId, uplinkMs: fromMs },
      { type: "caller.transcribed", turnId, text, final: true },
      { type: "caller.finished", turnId, uplinkMs: this.heardMs },
    );
  }
}

/** How a leg differs from the usual one. */
interface LegKind {
  readonly uplink: Encoding;
  readonly downlink: Encoding;
  readonly playback: LegTraits["playback"];
  readonly resume: LegTraits["resume"];
  readonly transfer: boolean;
}

class PuppetLeg implements Leg {
  readonly dialect = "puppet";
  readonly traits: LegTraits;
  readonly uplink: Encoding;
  readonly downlink: Encoding;
  readonly notices: CallerNotice[] = [];
  ended: LegEnd | undefined;
  dialled = "";
  sentTo: string | undefined;
  briefing = "";
  playedMs = 0;
  flushes = 0;
  /** A defect of ours: what throws though it never should. */
  defect: "play" | "notify" | undefined;
  readonly #clock: Clock;
  /** Where the player tells what it played; undefined while the line is cut. */
  line: LegListener | undefined;
  #playsUntilMs = 0;
  #turn = { id: "", ms: 0 };
  /** What comes back once it was played; all at once after a flush. */
  #marks = new Set<string>();

  constructor(clock: Clock, kind: LegKind) {
    this.#clock = clock;
    this.uplink = kind.uplink;
    this.downlink = kind.downlink;
    this.traits = { ...legTraits, playback: kind.playback, resume: kind.resume, transfer: kind.transfer };
  }

  play(frame: Uint8Array): boolean {
    if (this.defect === "play") throw new Error("a defect");
    const ms = msOf(frame.length, this.downlink);
    this.playedMs += ms;
    this.#playsUntilMs = Math.max(this.#playsUntilMs, this.#clock.now()) + ms;
    this.#turn.ms += ms;
    if (this.traits.playback === "reports") {
      const turn = this.#turn;
      const playedMs = turn.ms;
      this.#oncePlayed(() => turn === this.#turn && this.line?.signal({ type: "played", turnId: turn.id, ms: playedMs }));
    }
    return true;
  }
  beginTurn(turnId: string): void {
    this.#turn = { id: turnId, ms: 0 };
  }
  mark(name: string): void {
    this.#marks.add(name);
    this.#oncePlayed(() => this.#marks.delete(name) && this.line?.signal({ type: "mark", name }));
  }
  flush(): void {
    this.flushes += 1;
    this.#playsUntilMs = 0;
    for (const name of this.#marks) this.line?.signal({ type: "mark", name });
    this.#marks.clear();
  }
  notify(notice: CallerNotice): void {
    if (this.defect === "notify") throw new Error("a defect");
    this.notices.push(notice);
  }
  sendDtmf(digits: string): void {
    this.dialled += digits;
  }
  transfer(target: string, briefing: string): void {
    this.sentTo = target;
    this.briefing = briefing;
  }
  quality(): LegQuality {
    return { lossShare: 0, burstRatio: 1, jitterMs: 0, gaps: 0, filledMs: 0, delayMs: undefined, codec: g711Quality };
  }
  close(end: LegEnd): void {
    this.ended = end;
    this.line = undefined;
  }

  get resumeToken(): string {
    const started = this.notices.findLast((notice) => notice.type === "started");
    return started?.resumeToken ?? "";
  }

  #oncePlayed(tell: () => unknown): void {
    if (this.line !== undefined) this.#clock.setTimeout(tell, this.#playsUntilMs - this.#clock.now() + 30);
  }
}

const legTraits: Omit<LegTraits, "playback" | "resume" | "transfer"> = {
  aheadMs: 200,
  frameMs: 20,
  flush: true,
  captions: true,
  dtmfOut: false,
};

export interface House {
  readonly clock: SimulatedClock;
  readonly roster: Roster;
  readonly providers: ReadonlyMap<string, PuppetProvider>;
  readonly events: CallEvent[];
  provider(name: string): PuppetProvider;
  /** What the guards of a provider tell calls that wait; with `breakers` they do it themselves. */
  tellCalls(name: string, news: CallNews): void;
  /** A new caller, or with the token of an earlier leg one who comes back, and goes on with the audio where it was. */
  dial(resume?: string, sent?: number[], says?: Partial<CallStart>): Caller;
}

/** A caller and its leg. */
export interface Caller {
  readonly leg: PuppetLeg;
  readonly line: LegListener;
  /** Speaks marked audio in real time. */
  speaks(ms: number): Promise<void>;
  /** As `speaks`, with audio of one's own, in frames of 20 ms. */
  sounds(audio: Uint8Array): Promise<void>;
  /** What it has sent, byte for byte. */
  readonly sent: number[];
}

const start: CallStart = {
  dialect: "puppet",
  carrierCallId: undefined,
  agent: undefined,
  language: undefined,
  resume: undefined,
  from: undefined,
  parameters: {},
};

export interface HouseOptions {
  readonly tiers?: readonly string[];
  readonly tools?: readonly Tool[];
  readonly spec?: Partial<AgentPlan["spec"]>;
  readonly calls?: number;
  readonly overload?: () => Fault | undefined;
  readonly standby?: AgentPlan["standby"];
  readonly switchBack?: AgentPlan["switchBack"];
  readonly seed?: number;
  readonly manners?: Partial<Manners>;
  /** How long whatever the house says takes, ms; undefined: it has no voice of its own. */
  readonly voiceMs?: number;
  readonly personAt?: string;
  /** Snapshots by call, such as another node left. */
  readonly kept?: Map<string, CallSnapshot>;
  readonly holdMs?: number;
  readonly leg?: Partial<LegKind>;
  readonly traits?: Readonly<Record<string, Partial<ProviderTraits>>>;
  /** Whether each provider has a circuit breaker, as in a real house. */
  readonly breakers?: boolean;
  /** What the budget makes of a new call's tiers. */
  readonly admit?: (tiers: readonly string[]) => readonly string[] | Fault;
}

export function startHouse(options: HouseOptions = {}): House {
  const { voiceMs } = options;
  const tiers = options.tiers ?? ["alpha"];
  const clock = new SimulatedClock();
  const providers = new Map(tiers.map((name) => [name, new PuppetProvider(name)]));
  for (const [name, traits] of Object.entries(options.traits ?? {})) {
    const provider = providers.get(name);
    if (provider !== undefined) provider.traits = { ...provider.traits, ...traits };
  }
  const kind: LegKind = { uplink: encoding, downlink: encoding, playback: "clock", resume: "token", transfer: false, ...options.leg };
  const events: CallEvent[] = [];
  const kept = options.kept ?? new Map<string, CallSnapshot>();
  const desk = { name: "desk", instructions: "", greeting: "Hello.", language: "en", voice: undefined, providerSettings: {} };
  const followers = new Set<(provider: string, news: CallNews) => void>();
  const tellCalls = (name: string, news: CallNews): void => {
    for (const follower of followers) follower(name, news);
  };
  const spec = { ...desk, ...options.spec };
  const agents: readonly AgentPlan[] = [
    {
      spec,
      tiers,
      tools: options.tools ?? [],
      standby: options.standby ?? "cold",
      switchBack: options.switchBack ?? "never",
      slaClass: "standard",
      manners: { ...plainManners, ...options.manners },
    },
  ];
  const house = {
    clock,
    random: seededRandom(options.seed ?? 7),
    ticker: new Ticker(clock),
    log: silentLog,
    watch: { tell: (event: CallEvent) => void events.push(event) },
    providers:
      options.breakers === true
        ? new Map([...providers].map(([name, provider]) => [name, guarded(provider, clock, (news) => tellCalls(name, news))]))
        : providers,
    limits: { ringChunks: 100, chunkMs: 100, holdMs: options.holdMs ?? 30_000, drainMs: 60_000, attempts: 7 },
    pace: {
      openLimitMs: () => 5_000,
      answerLimitMs: () => 20_000,
      levelOf: (name: string) => providers.get(name)?.level ?? "healthy",
      follow: (listener: (provider: string, news: CallNews) => void) => {
        followers.add(listener);
        return { [Symbol.dispose]: () => void followers.delete(listener) };
      },
    },
    credit: { take: () => true, giveBack() {} },
    budget: { admit: options.admit ?? ((named: readonly string[]) => named) },
    voice: voiceMs === undefined ? undefined : { say: async () => new Uint8Array(bytesOf(voiceMs, "pcm16@16000")).fill(5) },
    personAt: options.personAt,
    prompts: { line: (id: string) => ({ text: id, audio: bridgeLine }) },
    crisis: new CrisisWatch(crisisDetector()),
    snapshots: {
      save: (snapshot: CallSnapshot) => void kept.set(snapshot.callId, copyOf(snapshot)),
      remove: (callId: string) => void kept.delete(callId),
    },
  };
  const roster = new Roster(house, agents, { calls: options.calls ?? 10, overload: options.overload ?? (() => undefined) });
  return {
    tellCalls,
    clock,
    roster,
    providers,
    events,
    provider(name) {
      const provider = providers.get(name);
      if (provider === undefined) throw new Error(`no ${name} here`);
      return provider;
    },
    dial(resume, sent = [], says = {}) {
      const leg = new PuppetLeg(clock, kind);
      const line = roster.receive(leg, { ...start, resume, ...says });
      if (leg.ended === undefined) leg.line = line;
      const speaks = async (ms: number): Promise<void> => {
        for (let spokenMs = 0; spokenMs < ms; spokenMs += 20) {
          const from = sent.length;
          const frame = Uint8Array.from({ length: bytesOf(20, kind.uplink) }, (_, at) => watermark(from + at));
          sent.push(...frame);
          line.audio(frame);
          await clock.advance(20);
        }
      };
      const sounds = async (audio: Uint8Array): Promise<void> => {
        const frameBytes = bytesOf(20, kind.uplink);
        for (let at = 0; at < audio.length; at += frameBytes) {
          const frame = audio.subarray(at, at + frameBytes);
          sent.push(...frame);
          line.audio(frame);
          await clock.advance(20);
        }
      };
      return { leg, line, speaks, sounds, sent };
    },
  };
}

function guarded(provider: PuppetProvider, clock: SimulatedClock, told: (news: CallNews) => void): Provider {
  const { name, traits } = provider;
  const plain: Provider = {
    name,
    traits,
    admit: () => provider.admit(),
    open: (request) => provider.open(request),
    close: () => provider.close(),
  };
  return guardedAlone(plain, { clock, told }).provider;
}

/** The byte at a place of the caller's audio, so that any stretch of it tells where it lies. */
function watermark(at: number): number {
  const mixed = Math.imul(at ^ (at >>> 15), 0x85ebca6b);
  return Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35) >>> 24;
}
