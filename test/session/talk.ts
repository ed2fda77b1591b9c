import { bytesOf, encodings, msOf, type Encoding } from "../../src/audio/encodings.ts";
import { transcoder } from "../../src/audio/transcode.ts";
import { Fault, type FaultCode } from "../../src/kernel/fault.ts";
import { seededRandom, type Random } from "../../src/kernel/random.ts";
import type { ConversationItem } from "../../src/provider/contract.ts";
import type { Tool } from "../../src/session/tools.ts";
import { startHouse, type Caller, type House, type PuppetLink } from "./house.ts";

/** What the caller says: turn `number` is audio from `fromMs` to `toMs` of what was sent, or was typed. */
interface Said {
  readonly number: number;
  readonly fromMs: number;
  toMs: number | undefined;
}

export interface Talk {
  readonly house: House;
  readonly caller: Caller;
  readonly uplink: Encoding;
  readonly said: readonly Said[];
  /** Words of the caller's turns, spoken and typed, in order. */
  readonly words: readonly string[];
  readonly toolRuns: ReadonlyMap<string, number>;
  /** The conversation as the caller's call has it at the end. */
  readonly text: readonly { readonly role: string; readonly text: string }[];
  /** Most links that were open at one instant. */
  readonly mostOpen: number;
  readonly met: ReadonlySet<string>;
  /** How long the caller's audio was when a link said that a turn was over, less what the link had heard, ms. */
  readonly behindMs: ReadonlyMap<PuppetLink, readonly number[]>;
}

const uplinks: readonly Encoding[] = ["pcmu@8000", "pcma@8000", "pcm16@8000", "pcm16@16000", "pcm16@24000"];
const offered: readonly Encoding[] = ["pcmu@8000", "pcm16@8000", "pcm16@16000", "pcm16@24000"];
const deaths: readonly FaultCode[] = ["provider-dropped", "provider-overloaded", "provider-silent", "provider-limited", "provider-key"];
const stepMs = 100;
const endpointMs = 600;

/** A whole call from one seed. Without `faults` the same caller says the same to providers that hold. */
export async function talk(seed: number, faults: boolean): Promise<Talk> {
  const script = seededRandom(seed);
  const lot = seededRandom(seed + 1_000_000);
  const any = <Item>(random: Random, items: readonly Item[]): Item => {
    const item = items[Math.floor(random.next() * items.length)];
    if (item === undefined) throw new Error("nothing to choose from");
    return item;
  };
  const tiers = ["alpha", "beta", "gamma"];
  const leg = {
    uplink: any(script, uplinks),
    downlink: any(script, offered),
    playback: any(script, ["clock", "marks", "reports"] as const),
  };
  const traits = Object.fromEntries(
    tiers.map((name) => {
      const encoding = script.next() < 0.5 ? leg.uplink : any(script, offered);
      const isSlow = script.next() < 0.3 && sameRate(encoding, leg.uplink);
      return [name, { hears: [encoding], speaks: [any(script, offered)], replayPace: isSlow ? 1.25 : Infinity }];
    }),
  );
  const toolRuns = new Map<string, number>();
  const tool: Tool = {
    spec: { name: "look_up", description: "", parameters: {} },
    run: (args, { clock }) =>
      new Promise((resolve) => {
        const turn = JSON.stringify(args);
        toolRuns.set(turn, (toolRuns.get(turn) ?? 0) + 1);
        clock.setTimeout(() => resolve({ found: args }), 100 + 3_000 * lot.next());
      }),
  };
  const house = startHouse({ tiers, tools: [tool], leg, traits });
  const met = new Set<string>([leg.playback]);
  const said: Said[] = [];
  const words: string[] = [];
  const behindMs = new Map<PuppetLink, number[]>();
  const minds = new Map<PuppetLink, Mind>();
  let caller = house.dial();
  let mostOpen = 0;
  const sentMs = (): number => msOf(caller.sent.length, leg.uplink);
  const over = (): boolean => house.roster.size === 0;
  const links = (): readonly PuppetLink[] => [...house.providers.values()].flatMap((provider) => provider.links);

  /** One step of everybody but the caller. */
  const turnOver = (): void => {
    const open = links().filter((link) => !link.told.includes("close"));
    mostOpen = Math.max(mostOpen, open.length);
    for (const link of open) {
      let mind = minds.get(link);
      if (mind === undefined) minds.set(link, (mind = new Mind(link, house, said, met, () => caller.sent, leg.uplink)));
      mind.step();
      if (mind.finishedNow) behindMs.set(link, [...(behindMs.get(link) ?? []), sentMs() - link.heardMs]);
    }
    if (!faults) return;
    const provider = any(lot, [...house.providers.values()]);
    if (lot.next() < 0.02) provider.refusal = new Fault(any(lot, ["provider-unreachable", "provider-overloaded"]), "refused by lot");
    if (lot.next() < 0.25) provider.refusal = undefined;
    // Now and then nobody can be reached, and some take their time.
    if (lot.next() < 0.006) {
      const code = lot.next() < 0.8 ? "provider-unreachable" : "provider-key";
      for (const each of house.providers.values()) each.refusal = new Fault(code, "an outage by lot");
    }
    for (const each of house.providers.values()) if (lot.next() < 0.05) each.openMs = lot.next() < 0.5 ? 0 : 4_000 * lot.next();
    const victim = open.at(-1);
    if (victim !== undefined && lot.next() < 0.015) victim.tells({ type: "link.lost", fault: new Fault(any(lot, deaths), "lost by lot") });
  };
  const hears = async (ms: number): Promise<void> => {
    for (let at = 0; at < ms && !over(); at += stepMs) {
      await caller.speaks(stepMs);
      turnOver();
    }
  };
  /** The line is cut and comes back; a third of the time before the server has noticed. */
  const away = async (): Promise<void> => {
    const token = caller.leg.resumeToken;
    if (lot.next() < 0.66) caller.line.signal({ type: "lost", fault: undefined });
    const longMs = 3_000 * lot.next();
    for (let ms = 0; ms < longMs && !over(); ms += stepMs) {
      await house.clock.advance(stepMs);
      turnOver();
    }
    if (over()) return;
    caller = house.dial(token, caller.sent);
    met.add("leg returned");
  };

  for (let number = 0; number < 8 && !over(); number += 1) {
    const [pause, length, kind, drop] = [script.next(), script.next(), script.next(), script.next()];
    await hears(200 + 4_000 * pause);
    if (over()) break;
    if (kind < 0.15) {
      if (links().every((link) => link.told.includes("close"))) met.add("typed without a link");
      words.push(`turn ${number} typed`);
      caller.line.signal({ type: "text", text: `turn ${number} typed` });
    } else {
      const turn: Said = { number, fromMs: sentMs(), toMs: undefined };
      words.push(`turn ${number}`);
      said.push(turn);
      await hears(300 + 3_000 * length);
      turn.toMs = sentMs();
      await hears(endpointMs + stepMs);
    }
    if (faults && drop < 0.2 && !over()) await away();
  }
  for (const provider of house.providers.values()) provider.refusal = undefined;
  faults = false;
  await hears(45_000);
  const text = over() ? [] : house.roster.records(callIdOf(caller)).map(({ role, text: each }) => ({ role, text: each }));
  if (over()) met.add("call failed");
  else caller.line.signal({ type: "hung-up" });
  return { house, caller, uplink: leg.uplink, said, words, toolRuns, text, mostOpen, met, behindMs };

  function callIdOf({ leg: its }: Caller): string {
    const started = its.notices.find((notice) => notice.type === "started");
    return started?.callId ?? "";
  }
}

/** What a provider makes of one link: it hears turns where they lie in the caller's audio, and answers each. */
class Mind {
  readonly #link: PuppetLink;
  readonly #house: House;
  readonly #said: readonly Said[];
  readonly #met: Set<string>;
  readonly #origin: Origin;
  /** Words that come after their turn was over. */
  #late: { readonly atMs: number; readonly run: () => void }[] = [];
  /** Turns by number: which were told as begun, and which as over. */
  readonly #begun = new Set<number>();
  readonly #over = new Set<number>();
  #due: { readonly atMs: number; readonly run: () => void }[] = [];
  #results = 0;
  #typed = 0;
  #spoken = 0;
  finishedNow = false;

  constructor(link: PuppetLink, house: House, said: readonly Said[], met: Set<string>, sent: () => readonly number[], sentAs: Encoding) {
    this.#link = link;
    this.#house = house;
    this.#said = said;
    this.#met = met;
    this.#origin = sameRate(link.request.uplink, sentAs) ? new MarkedOrigin(link, sent, sentAs) : new SteadyOrigin(link, sent, sentAs);
    const { begin, conversation } = link.request;
    met.add(begin);
    if (conversation.some((item) => item.type === "tool" && item.output === undefined)) met.add("tool across a loss");
    if (begin === "greet") this.#soon(0, () => this.#says("hello"));
    if (begin === "answer") this.#soon(0, () => this.#answers(owedTo(conversation)));
    if (begin === "carry-on") this.#soon(0, () => this.#says("and the rest"));
  }

  step(): void {
    const nowMs = this.#house.clock.now();
    this.finishedNow = false;
    const due = [...this.#late, ...this.#due].filter((each) => each.atMs <= nowMs);
    this.#due = this.#due.filter((each) => each.atMs > nowMs);
    this.#late = this.#late.filter((each) => each.atMs > nowMs);
    for (const { run } of due) if (!this.#isClosed) run();
    for (; this.#results < this.#link.results.length && !this.#isClosed; this.#results += 1) this.#says("found it");
    const typed = this.#link.told.filter((told) => told.startsWith("text "));
    for (; this.#typed < typed.length; this.#typed += 1) this.#answers(typed[this.#typed] ?? "");
    const fromMs = this.#origin.find();
    if (fromMs === undefined) return;
    for (const turn of this.#said) if (!this.#isClosed) this.#hears(turn, fromMs, fromMs + this.#link.heardMs);
  }

  #hears(turn: Said, fromMs: number, untilMs: number): void {
    if (turn.fromMs >= untilMs || this.#over.has(turn.number) || turn.fromMs < fromMs - 1) return;
    const turnId = `c${turn.number}`;
    if (!this.#begun.has(turn.number)) {
      this.#begun.add(turn.number);
      this.#due = [];
      this.#link.tells({ type: "caller.spoke", turnId, uplinkMs: Math.max(0, turn.fromMs - fromMs) });
    }
    if (turn.toMs === undefined || untilMs < turn.toMs + endpointMs) return;
    this.#over.add(turn.number);
    this.finishedNow = true;
    const words = `turn ${turn.number}`;
    const final = (): void => this.#link.tells({ type: "caller.transcribed", turnId, text: words, final: true });
    const isLate = turn.number % 4 === 3;
    if (!isLate) final();
    this.#link.tells({ type: "caller.finished", turnId, uplinkMs: turn.toMs - fromMs });
    if (isLate) {
      this.#met.add("late words");
      this.#late.push({ atMs: this.#house.clock.now() + 400, run: final });
    }
    this.#soon(300, () => (turn.number % 3 === 1 ? this.#calls(turn.number) : this.#answers(words)));
  }

  #calls(number: number): void {
    this.#link.tells({ type: "tool.called", toolCallId: `x${number}`, name: "look_up", arguments: JSON.stringify({ turn: number }) });
  }

  #answers(to: string): void {
    this.#says(`answer to ${to}`);
  }

  #says(text: string): void {
    this.#spoken += 1;
    const turnId = `a${this.#spoken}`;
    this.#link.speaks(turnId, text, 1_500, false);
    this.#soon(400, () => this.#link.tells({ type: "agent.ended", turnId, outcome: "complete" }));
  }

  #soon(ms: number, run: () => void): void {
    this.#due.push({ atMs: this.#house.clock.now() + ms, run });
  }

  get #isClosed(): boolean {
    return this.#link.told.includes("close");
  }
}

function owedTo(conversation: readonly ConversationItem[]): string {
  const last = conversation.findLast((item) => item.type === "caller");
  return last?.type === "caller" ? last.text : "nobody";
}

/** Where in the caller's audio, ms, what a link heard begins. */
interface Origin {
  /** Undefined as long as it cannot be told. */
  find(): number | undefined;
}

/** The caller's audio tells its place wherever no rate changes on the way. */
class MarkedOrigin implements Origin {
  readonly #link: PuppetLink;
  readonly #sent: () => readonly number[];
  readonly #sentAs: Encoding;
  #fromMs: number | undefined;

  constructor(link: PuppetLink, sent: () => readonly number[], sentAs: Encoding) {
    this.#link = link;
    this.#sent = sent;
    this.#sentAs = sentAs;
  }

  find(): number | undefined {
    const { uplink } = this.#link.request;
    if (this.#fromMs !== undefined || this.#link.heardMs < 60) return this.#fromMs;
    const sent = Buffer.from(transcoder(this.#sentAs, uplink).push(Uint8Array.from(this.#sent())));
    const at = sent.indexOf(Buffer.from(this.#link.heard.slice(0, bytesOf(60, uplink))));
    if (at < 0) throw new Error("a link heard what the caller did not say");
    return (this.#fromMs = msOf(at, uplink));
  }
}

/** Where the rate changes, the place is what the link is behind the caller as soon as that stays the same: the replay is over. */
class SteadyOrigin implements Origin {
  readonly #link: PuppetLink;
  readonly #sent: () => readonly number[];
  readonly #sentAs: Encoding;
  #behindMs = -1;

  constructor(link: PuppetLink, sent: () => readonly number[], sentAs: Encoding) {
    this.#link = link;
    this.#sent = sent;
    this.#sentAs = sentAs;
  }

  find(): number | undefined {
    const behindMs = msOf(this.#sent().length, this.#sentAs) - this.#link.heardMs;
    const isSteady = Math.abs(behindMs - this.#behindMs) < 1;
    this.#behindMs = behindMs;
    return isSteady ? behindMs : undefined;
  }
}

const sameRate = (one: Encoding, other: Encoding): boolean => encodings[one].rateHz === encodings[other].rateHz;
