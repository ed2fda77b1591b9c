import { bytesOf, type Encoding } from "../../src/audio/encodings.ts";
import type { CallStart, LegTraits } from "../../src/caller/leg.ts";
import type { Random } from "../../src/kernel/random.ts";
import { SentAudio } from "./sent-audio.ts";
import { SimLeg } from "./sim-leg.ts";
import type { SimLink } from "./sim-link.ts";
import type { World } from "./world.ts";

/** A stretch of speech without a pause, in bytes of what was sent. */
export interface Segment {
  readonly words: string;
  from: number;
  to: number | undefined;
}

/** One turn of the caller. */
export interface Said {
  readonly number: number;
  readonly kind: "plain" | "tool" | "noise" | "typed";
  readonly segments: Segment[];
  readonly words: string;
  /** Why the call need not know of it. */
  excuse: string | undefined;
}

/** Audio that no link heard. */
export interface LostStretch {
  readonly fromMs: number;
  readonly toMs: number;
  readonly cause: "overflow" | "unheard" | "node killed" | "line cut";
}

type Doing =
  | { readonly name: "pausing"; readonly untilMs: number }
  | { readonly name: "speaking"; readonly untilMs: number; readonly said: Said; readonly goesOnAfterMs: number | undefined }
  | { readonly name: "away"; readonly untilMs: number; readonly then: Doing }
  | { readonly name: "gone" };

export const stepMs = 100;
/** With the step in which a new link begins to hear. */
const ringLimitMs = 60_000 - 2 * stepMs;
const start: CallStart = {
  dialect: "simulated",
  carrierCallId: undefined,
  agent: undefined,
  language: undefined,
  resume: undefined,
  from: undefined,
  parameters: {},
};

/** Somebody who calls, talks for a while, may lose the line and come back, and remembers every byte. */
export class SimCaller {
  readonly number: number;
  readonly sent: SentAudio;
  readonly said: Said[] = [];
  readonly lost: LostStretch[] = [];
  leg: SimLeg;
  callId = "";
  /** Not heard, by order of the operator. */
  isMuffled = false;
  /** What the caller says does not reach the server just now; it comes all at once when the line is back. */
  isDelayed = false;
  /** The last question was asked. */
  isDone = false;
  /** How far what was sent has come to some link. */
  #heardTo = 0;
  /** How much was heard by links that are gone and never heard but silence, which tells no place. */
  #unplacedBytes = 0;
  #link: SimLink | undefined;
  #doing: Doing = { name: "pausing", untilMs: 1_000 };
  #delayed: Uint8Array[] = [];
  /** At the last snapshot: how much had been sent, how many turns there were, and one whose words were still to come. */
  kept: { readonly sent: number; readonly turns: number; readonly lateWords: Said | undefined } = {
    sent: 0,
    turns: 0,
    lateWords: undefined,
  };
  readonly #world: World;
  readonly #random: Random;
  readonly #playback: LegTraits["playback"];
  readonly #untilMs: number;

  constructor(world: World, number: number, random: Random, uplink: Encoding, playback: LegTraits["playback"], untilMs: number) {
    this.#world = world;
    this.number = number;
    this.#random = random;
    this.#playback = playback;
    this.#untilMs = untilMs;
    this.sent = new SentAudio(uplink, (world.seed * 31 + number) * 2_654_435 + 1);
    this.leg = this.#newLeg();
  }

  get isAway(): boolean {
    return this.#doing.name === "away";
  }

  get isGone(): boolean {
    return this.#doing.name === "gone";
  }

  /** The link that heard the caller last. */
  get link(): SimLink | undefined {
    return this.#link;
  }

  /** Turns that a link may still hear. */
  get recent(): readonly Said[] {
    return this.said.slice(-24);
  }

  fault(what: string): void {
    this.#world.violation(`call ${this.number}: ${what}`);
  }

  dial(): void {
    this.#takeLine(this.#newLeg(), undefined);
  }

  step(): void {
    const { clock } = this.#world;
    const nowMs = clock.now();
    if (this.isGone) return;
    if (this.callId !== "" && this.#world.isOver(this.callId) && !this.isAway) return this.#leave();
    this.leg.step();
    const doing = this.#doing;
    if (doing.name === "away") {
      if (nowMs < doing.untilMs) return;
      if (!this.#comeBack(doing.then)) return;
    }
    this.#talk(nowMs);
    const frame = this.sent.grow(stepMs, this.isMuffled);
    if (this.isDelayed) this.#delayed.push(frame.slice());
    else {
      for (const late of this.#delayed.splice(0)) this.leg.line?.audio(late);
      this.leg.line?.audio(frame);
    }
  }

  /** The line is cut for so long; the server notices or not. */
  loseLine(forMs: number, isNoticed: boolean): void {
    if (this.isAway || this.isGone) return;
    const doing = this.#doing;
    this.#dropDelayed();
    if (isNoticed) {
      const { line } = this.leg;
      this.leg.line = undefined;
      line?.signal({ type: "lost", fault: undefined });
    } else this.leg.isCut = true;
    const nowMs = this.#world.clock.now();
    const then = doing.name === "pausing" || doing.name === "speaking" ? { ...doing, untilMs: doing.untilMs + forMs } : doing;
    this.#doing = { name: "away", untilMs: nowMs + forMs, then };
  }

  /** The node that held the call is no more, or told the caller to come back. */
  nodeGone(forMs: number): void {
    this.leg.line = undefined;
    if (!this.isAway) this.loseLine(forMs, false);
  }

  /** What was sent after `length` never came, or to a node that is no more. */
  forgetAfter(length: number, cause: "node killed" | "line cut" = "node killed"): void {
    const { sent } = this;
    if (length < sent.length) this.lost.push({ fromMs: this.#ms(length), toMs: sent.ms, cause });
    for (const turn of this.said)
      if (turn.segments.some(({ from, to }) => from >= length || (to ?? sent.length) > length)) turn.excuse ??= cause;
    sent.forgetAfter(length);
    this.#heardTo = Math.min(this.#heardTo, length);
    for (const turn of this.said)
      for (const segment of turn.segments) {
        segment.from = Math.min(segment.from, length);
        if (segment.to !== undefined) segment.to = Math.min(segment.to, length);
      }
  }

  type(): void {
    const number = this.said.length;
    const words = `typed ${number}`;
    this.said.push({
      number,
      kind: "typed",
      segments: [],
      words,
      excuse: this.link?.provider.traits.stopgap === true ? "stopgap" : undefined,
    });
    this.leg.line?.signal({ type: "text", text: words });
  }

  hangUp(): void {
    if (this.isGone) return;
    this.leg.line?.signal({ type: "hung-up" });
    this.#leave();
  }

  /** I1: who hears the caller now must be the only one. */
  hearing(link: SimLink): void {
    const before = this.#link;
    if (before === link) return;
    if (before !== undefined && before.state === "open")
      this.fault(`I1: ${link.provider.name} hears the caller while ${before.provider.name} does`);
    this.#link = link;
  }

  /** A link heard what was sent from `origin` to `to`. */
  heardFrom(origin: number, to: number, link: SimLink): void {
    if (origin > this.#heardTo && !this.#wasHeardAsSilence(this.#heardTo, origin)) {
      this.lost.push({ fromMs: this.#ms(this.#heardTo), toMs: this.#ms(origin), cause: "overflow" });
      this.#excuse(this.#heardTo, origin, "overflow");
    }
    this.#heardTo = Math.max(this.#heardTo, to);
    if (link.provider.traits.stopgap) this.#excuse(origin, to, "stopgap");
  }

  /** A link is gone that heard nothing but silence. */
  heardSilence(bytes: number): void {
    this.#unplacedBytes += bytes;
  }

  #wasHeardAsSilence(from: number, to: number): boolean {
    if (to - from > this.#unplacedBytes || this.sent.silentFrom(to) > from) return false;
    this.#unplacedBytes -= to - from;
    return true;
  }

  /** A link begins to hear. The ring holds a minute at most: what only earlier links heard of before is counted as forgotten. */
  beginsAt(first: number): void {
    if (first === 0 || first > this.sent.length - bytesOf(ringLimitMs, this.sent.encoding)) return;
    this.#excuse(0, first, "forgotten");
    this.#world.meet("ring was full");
  }

  /** The link was not given the beginning of a turn. */
  heardInPart(said: Said, segment: Segment, link: SimLink): void {
    if (said.excuse === undefined && !this.isMuffled && said.kind !== "noise")
      this.fault(`I4: ${link.provider.name} heard "${segment.words}" without its beginning`);
  }

  /** Whose words these are; of several the last. */
  saidAs(words: string): Said | undefined {
    return this.said.findLast((turn) => words.includes(turn.words));
  }

  /** How much of what was sent has come to the node. */
  get arrived(): number {
    return this.sent.length - this.#delayed.reduce((sum, { length }) => sum + length, 0);
  }

  get heardToMs(): number {
    return this.#ms(this.#heardTo);
  }

  muffle(on: boolean): void {
    if (on && this.#doing.name === "speaking") {
      this.#finish(this.#doing.said);
      this.#doing.said.excuse = "muted";
      this.#doing = { name: "pausing", untilMs: this.#world.clock.now() + 1_500 };
    }
    this.isMuffled = on;
  }

  #ms(bytes: number): number {
    return this.sent.length === 0 ? 0 : (bytes / this.sent.length) * this.sent.ms;
  }

  #excuse(from: number, to: number, why: string): void {
    for (const turn of this.recent)
      if (turn.segments.some((segment) => segment.from < to && (segment.to ?? Infinity) > from)) turn.excuse ??= why;
  }

  #talk(nowMs: number): void {
    const doing = this.#doing;
    if (doing.name === "speaking" && nowMs >= doing.untilMs) {
      this.#finish(doing.said);
      if (doing.goesOnAfterMs !== undefined) {
        this.#doing = { name: "pausing", untilMs: nowMs + doing.goesOnAfterMs };
        this.#goesOn = doing.said;
      } else this.#doing = { name: "pausing", untilMs: nowMs + this.#pauseMs() };
      return;
    }
    if (doing.name !== "pausing" || nowMs < doing.untilMs || this.isMuffled) return;
    const goesOn = this.#goesOn;
    this.#goesOn = undefined;
    if (goesOn !== undefined) {
      goesOn.segments.push({ words: `rest ${goesOn.number}`, from: this.sent.length, to: undefined });
      this.#doing = { name: "speaking", untilMs: nowMs + 900, said: goesOn, goesOnAfterMs: undefined };
      return;
    }
    if (nowMs < this.#untilMs) this.#begin(nowMs);
  }

  #goesOn: Said | undefined;

  #begin(nowMs: number): void {
    const lot = this.#random.next();
    if (lot < 0.08) {
      this.type();
      this.#doing = { name: "pausing", untilMs: nowMs + this.#pauseMs() };
      return;
    }
    const kind = lot < 0.15 ? "noise" : lot < 0.35 ? "tool" : "plain";
    const isLong = lot > 0.96;
    this.#speak(nowMs, kind, isLong ? 12_000 : 400 + 3_000 * this.#random.next());
  }

  #speak(nowMs: number, kind: "plain" | "tool" | "noise", ms: number): void {
    const number = this.said.length;
    const words = kind === "noise" ? "" : `turn ${number}`;
    const said: Said = { number, kind, words, segments: [{ words, from: this.sent.length, to: undefined }], excuse: undefined };
    this.said.push(said);
    const goesOnAfterMs = kind === "plain" && this.#random.next() < 0.15 ? 700 + 900 * this.#random.next() : undefined;
    this.#doing = { name: "speaking", untilMs: nowMs + ms, said, goesOnAfterMs };
  }

  /** One more question, which will be answered if anything still works. */
  askLast(): void {
    if (this.#doing.name === "speaking") this.#finish(this.#doing.said);
    this.#goesOn = undefined;
    if (this.isAway || this.isGone) return;
    this.isMuffled = false;
    this.#speak(this.#world.clock.now(), "plain", 1_000);
    if (this.#doing.name === "speaking") this.#doing = { ...this.#doing, goesOnAfterMs: undefined };
    this.isDone = true;
  }

  #finish(said: Said): void {
    const segment = said.segments.at(-1);
    if (segment !== undefined) segment.to ??= this.sent.length;
  }

  #pauseMs(): number {
    const lot = this.#random.next();
    return lot < 0.3 ? 800 + 800 * this.#random.next() : 1_500 + 5_000 * lot;
  }

  #newLeg(): SimLeg {
    return new SimLeg(this.#world.clock, this.sent.encoding, this.#playback, (what) => this.fault(what));
  }

  /** False: nobody is there to come back to, or nobody any more. */
  #comeBack(then: Doing): boolean {
    const { node } = this.#world;
    const { resumeToken } = this.leg;
    if (!node.isUp) {
      this.#doing = { name: "away", untilMs: this.#world.clock.now() + 200, then };
      return false;
    }
    this.#doing = then;
    if (!node.roster.awaits(resumeToken)) {
      if (!this.#world.isOver(this.callId)) this.fault("I13: the call is there, and its caller's token is not known");
      this.#leave();
      return false;
    }
    this.#takeLine(this.#newLeg(), resumeToken);
    this.#world.meet("leg returned");
    return true;
  }

  #takeLine(leg: SimLeg, resume: string | undefined): void {
    this.leg = leg;
    const line = this.#world.node.roster.receive(leg, { ...start, resume });
    if (leg.ended === undefined) leg.line = line;
    if (this.callId !== "" && this.callId !== leg.callId) this.fault("came back into another call");
    this.callId = leg.callId;
  }

  #dropDelayed(): void {
    const { arrived } = this;
    this.#delayed = [];
    this.isDelayed = false;
    if (arrived < this.sent.length) this.forgetAfter(arrived, "line cut");
  }

  #leave(): void {
    this.#dropDelayed();
    this.#doing = { name: "gone" };
  }
}
