import type { Clock } from "../kernel/clock.ts";
import { blocksFor, type Blocks } from "./blocks.ts";
import { bytesOf, msOf, type Encoding } from "./encodings.ts";
import { Losses, type LossCause } from "./losses.ts";
import type { Beat, Ticked } from "./ticker.ts";
import { TurnAudio } from "./turn-audio.ts";

/** A leg, as far as the downlink knows it. */
export interface DownlinkLeg {
  readonly traits: { readonly playback: "reports" | "marks" | "clock"; readonly aheadMs: number; readonly frameMs: number };
  /** The bytes are valid until it returns. */
  play(frame: Uint8Array): boolean;
  beginTurn(turnId: string, fromMs: number): void;
  mark(name: string): void;
  flush(): void;
}

export interface DownlinkReport {
  /** The first audio of a turn goes out to the caller. */
  began(turnId: string): void;
  /** The player's first word on a turn: so much of it has left the loudspeaker. Never told where nobody reports. */
  heard(turnId: string, ms: number): void;
  /** Everything of the turn was heard. */
  playedOut(turnId: string): void;
  /** All that came of a turn was played long ago, and its end was not told. Told again as long as that is so. */
  starved(turnId: string): void;
  /** After a flush: a better figure for what was heard of a turn that was cut. */
  corrected(turnId: string, heardMs: number): void;
  /** Summed up: told when it begins, then at most once a second, and when a turn is over. */
  lost(cause: LossCause, ms: number): void;
}

export interface CutTurn {
  readonly turnId: string;
  readonly heardMs: number;
}

/** The rest of a turn, from `fromMs` of its audio on, in pieces. */
export interface UnheardTurn {
  readonly turnId: string;
  readonly fromMs: number;
  readonly audio: readonly Uint8Array[];
}

/** More than this is never held for a caller; a provider that sends more has run away. */
const longestQueueMs = 180_000;
/**
 * Between two marks the pacing clock tells what was heard; each costs a message both ways. A turn has its first after so long, and the next
 * whenever it has become twice as long, but one within the most. A player that is not where it was believed to be is asked each time.
 */
const [firstMarkMs, mostMarkMs] = [500, 2_000];
/** What a line that carries all in time may be off by. */
const steadyMs = 40;
/** What is no turn is sent hardly ahead, so that it is gone at once also where the far end cannot be emptied. */
const asideAheadMs = 60;
/** So long after its last audio a turn that is not over is believed to have been left. */
const starvedMs = 20_000;
/** A player that stops reporting is believed to have played on; so long we wait for it. */
const reportGraceMs = 1_500;
/** A leg that reports and sends nothing for so long is out of reach: what is sent meanwhile may never arrive. */
const outOfReachMs = 1_000;
/** Sent audio is held so long, in case the leg is lost before it was heard. */
const keptAfterSendingMs = 3_000;
/** What a caller who comes back hears again, so that no syllable is cut. */
const resumeOverlapMs = 100;
const nothing: Uint8Array = new Uint8Array(0);

/**
 * Provider to caller: agent audio queued by turn, sent in real time at most `aheadMs` ahead, and where the caller's ear is in it.
 * Without a leg it holds what was not heard.
 */
export class Downlink implements Ticked {
  readonly encoding: Encoding;
  readonly #memory: Blocks;
  readonly #beat: Beat;
  readonly #clock: Pick<Clock, "now">;
  readonly #report: DownlinkReport;
  readonly #turns: TurnAudio[] = [];
  /** The last turn that was cut, for the player's final word on it. */
  #cut: { readonly turnId: string; readonly sentMs: number; readonly legFromMs: number } | undefined;
  #leg: DownlinkLeg | undefined;
  /** What the leg is given at once; 0 without one. */
  #frameBytes = 0;
  /** Of the leg's traits. */
  #aheadMs = 0;
  #hasMarks = false;
  #reports = false;
  readonly #longestQueueBytes: number;
  readonly #keptBytes: number;
  /** Whose audio the leg was told that it plays. */
  #legPlays: TurnAudio | undefined;
  /** When something came from a leg that reports; before anything came its silence means nothing. */
  #legAliveMs = Infinity;
  /** Audio that belongs to no turn; gone as soon as there is any that does. */
  #aside: { readonly id: string; readonly audio: Uint8Array; sentBytes: number } | undefined;
  #asides = 0;
  /** When what was sent will have left the loudspeaker, were there no delay. */
  #playsUntilMs = 0;
  #generation = 0;
  #echoMs: number | undefined;
  /** One mark within so long, at the latest. */
  #markWithinMs = firstMarkMs;
  /** When audio of a turn went out last, in whole ms; less than 0: never. */
  #sentAtMs = -1;
  /** Until then it need not be asked for waking up, in whole ms. */
  #wakesAtMs = 0;
  readonly #losses: Losses;

  constructor(encoding: Encoding, beat: Beat, clock: Pick<Clock, "now">, report: DownlinkReport) {
    this.encoding = encoding;
    this.#longestQueueBytes = bytesOf(longestQueueMs, encoding);
    this.#keptBytes = bytesOf(keptAfterSendingMs, encoding);
    this.#memory = blocksFor(encoding);
    this.#beat = beat;
    this.#clock = clock;
    this.#report = report;
    this.#losses = new Losses(encoding, (cause, ms) => report.lost(cause, ms));
  }

  attach(leg: DownlinkLeg): void {
    this.#leg = leg;
    const { frameMs, aheadMs, playback } = leg.traits;
    this.#frameBytes = bytesOf(frameMs, this.encoding);
    this.#aheadMs = aheadMs;
    this.#hasMarks = playback === "marks";
    this.#reports = playback === "reports";
    this.#legPlays = undefined;
    this.#legAliveMs = Infinity;
    this.#generation += 1;
    this.#playsUntilMs = 0;
    if (this.#turns.length > 0) this.#beat.wake(this);
  }

  /** The leg is gone: what was sent and not heard will be sent again. */
  detach(): void {
    const now = this.#clock.now();
    this.#aside = undefined;
    // Marks that still come back tell of audio that is sent again.
    this.#generation += 1;
    this.#losses.tell(now);
    const goesOnAt = this.#resumePoints(now);
    for (const [at, turn] of this.#turns.entries()) turn.rewind(bytesOf(goesOnAt[at] ?? 0, this.encoding));
    this.#leg = undefined;
    this.#frameBytes = 0;
  }

  /**
   * A caller who is about to come back says what its player has: all before that turn, and `ms` of it. It goes on from there, to the
   * sample. A turn that is over meanwhile says nothing.
   */
  takeUpAt(turnId: string, ms: number): void {
    const at = this.#turns.findIndex((turn) => turn.turnId === turnId);
    if (this.#leg !== undefined || at < 0) return;
    const heard = this.#turns.splice(0, at);
    this.#turns[0]?.seek(bytesOf(ms, this.encoding));
    for (const turn of heard) {
      turn.close();
      this.#report.playedOut(turn.turnId);
    }
  }

  /** Something came from the caller. */
  legAlive(): void {
    this.#legAliveMs = this.#clock.now();
  }

  /** Agent audio of a turn, whole samples; the bytes are copied. */
  write(bytes: Uint8Array, turnId: string, nowMs = this.#clock.now()): void {
    const turn = this.#turnOf(turnId);
    let room = this.#longestQueueBytes;
    for (const each of this.#turns) room -= each.unsentBytes;
    if (bytes.length > room) this.#losses.add("overflow", bytes.length - Math.max(0, room), nowMs);
    if (room <= 0) return;
    if (bytes.length > 0) this.dropAside();
    turn.write(bytes.length > room ? bytes.subarray(0, room) : bytes);
    if (this.#tick(nowMs, bytes)) this.#beat.wake(this);
  }

  /** No more audio comes for the turn. False: it had none, so nothing will be played out. */
  endTurn(turnId: string): boolean {
    const turn = this.#turns.find((each) => each.turnId === turnId);
    if (turn === undefined) return false;
    turn.complete = true;
    this.#beat.wake(this);
    return true;
  }

  /**
   * Plays `audio` (whole samples) while no agent does: it is no turn, nobody is told of it, and the first audio of a turn, a flush
   * or the loss of the leg ends it. False: there is no leg, or something is playing.
   */
  aside(audio: Uint8Array): boolean {
    if (this.#leg === undefined || this.silentSinceMs === undefined) return false;
    this.#asides += 1;
    this.#aside = { id: `aside${this.#asides}`, audio, sentBytes: 0 };
    this.#beat.wake(this);
    return true;
  }

  /** Ends an aside at once, also what the far end has not played of it. */
  dropAside(): void {
    if (this.#aside === undefined) return;
    this.#aside = undefined;
    this.#playsUntilMs = 0;
    this.#leg?.flush();
  }

  /** When the line fell silent; undefined while there is something to hear or to be sent. */
  get silentSinceMs(): number | undefined {
    if (this.#aside !== undefined || this.#playsUntilMs > this.#clock.now()) return undefined;
    const isOwed = this.#turns.some((turn) => turn.unsentBytes > (turn.complete ? 0 : this.#frameBytes));
    return isOwed ? undefined : this.#playsUntilMs;
  }

  /** Stops the agent: nothing that was not heard by now will be heard. Oldest turn first. */
  flush(): readonly CutTurn[] {
    this.dropAside();
    if (this.#turns.length === 0) return [];
    const now = this.#clock.now();
    const cuts = this.#turns.map((turn) => ({ turnId: turn.turnId, heardMs: this.#heardMs(turn, now) }));
    const playing = this.#turns.findLast((turn) => turn.sentBytes > 0);
    this.#losses.tell(now);
    if (playing !== undefined)
      this.#cut = {
        turnId: playing.turnId,
        sentMs: msOf(playing.sentBytes, this.encoding),
        legFromMs: msOf(playing.legFrom, this.encoding),
      };
    for (const turn of this.#turns.splice(0)) turn.close();
    this.#generation += 1;
    this.#playsUntilMs = 0;
    this.#legPlays = undefined;
    this.#leg?.flush();
    return cuts;
  }

  /** The player says how much of a turn it has played, counted from where this leg began with it. */
  played(turnId: string, ms: number): void {
    const turn = this.#turns.find((each) => each.turnId === turnId);
    if (turn !== undefined) this.#heardTo(turn, msOf(turn.legFrom, this.encoding) + ms);
    else if (this.#cut?.turnId === turnId) this.#report.corrected(turnId, Math.min(this.#cut.legFromMs + ms, this.#cut.sentMs));
  }

  /** A mark came back; those of an earlier generation came because of a flush, not because they were heard. */
  marked(name: string): void {
    const [generation, turnId, ms] = name.split("|");
    if (Number(generation) !== this.#generation) return;
    const turn = this.#turns.find((each) => each.turnId === turnId);
    if (turn !== undefined) this.#heardTo(turn, Number(ms));
  }

  #heardTo(turn: TurnAudio, ms: number): void {
    // A player's first word may be that it has played nothing yet.
    if ((turn.reported?.ms ?? 0) === 0 && ms > 0) this.#report.heard(turn.turnId, ms);
    this.#learnEcho(turn, ms);
    turn.report(Math.min(ms, msOf(turn.sentBytes, this.encoding)), this.#clock.now());
    if (turn.complete) this.#beat.wake(this);
  }

  /** How long it takes until the player's word on a piece of audio is here, beside its playing: there, its buffer, and back. Undefined: nobody reports. */
  get echoMs(): number | undefined {
    return this.#echoMs;
  }

  #learnEcho(turn: TurnAudio, ms: number): void {
    const duePlayedMs = turn.playsUntilMs - (msOf(turn.sentBytes, this.encoding) - ms);
    const echoMs = Math.max(0, this.#clock.now() - duePlayedMs);
    const offMs = this.#echoMs === undefined ? Infinity : Math.abs(echoMs - this.#echoMs);
    this.#markWithinMs = offMs > steadyMs ? firstMarkMs : mostMarkMs;
    this.#echoMs = this.#echoMs === undefined ? echoMs : this.#echoMs + (echoMs - this.#echoMs) / 8;
  }

  /** What the caller has not heard yet, oldest turn first: views, valid until the turn is written to or heard, and where in each turn they begin. */
  unheard(): readonly UnheardTurn[] {
    const now = this.#clock.now();
    const goesOnAt = this.#resumePoints(now);
    return this.#turns.map((turn, at) => {
      const fromMs = goesOnAt[at] ?? 0;
      return { turnId: turn.turnId, fromMs, audio: turn.viewsFrom(bytesOf(fromMs, this.encoding)) };
    });
  }

  /** Where each turn goes on for a caller who comes back, ms; of one that was heard before another there is nothing to say again. */
  #resumePoints(nowMs: number): readonly number[] {
    const heard = this.#turns.map((turn) => this.#heardMs(turn, nowMs));
    const last = heard.findLastIndex((ms) => ms > 0);
    return heard.map((ms, at) => (at < last ? ms : Math.max(0, ms - resumeOverlapMs)));
  }

  /** Takes up a turn where another node left it; nothing more of it comes. */
  restore({ turnId, fromMs, audio }: UnheardTurn): void {
    const turn = new TurnAudio(turnId, this.#memory, bytesOf(fromMs, this.encoding));
    turn.begun = true;
    turn.complete = true;
    for (const piece of audio) turn.write(piece);
    this.#turns.push(turn);
  }

  /** Audio of the turn is here, heard or not yet. */
  holds(turnId: string): boolean {
    return this.#turns.some((turn) => turn.turnId === turnId && turn.writtenBytes > 0);
  }

  /** What plays about now, one frame of it; empty while nothing does. The measure is rough: `withinMs` ago counts as now. */
  latest(withinMs: number): Uint8Array {
    const isNow = this.#sentAtMs >= 0 && Math.trunc(this.#clock.now()) - this.#sentAtMs <= withinMs + this.#aheadMs;
    return (isNow ? this.#legPlays?.sent(this.#frameBytes) : undefined) ?? nothing;
  }

  /** The agent has audio that the caller has not heard. */
  get speaking(): boolean {
    return this.#turns.some((turn) => turn.writtenBytes > 0);
  }

  tick(nowMs: number): boolean {
    // It may be the waking up that was asked for.
    this.#wakesAtMs = 0;
    return this.#tick(nowMs, nothing);
  }

  /** `fresh`: what was just written to the last turn. */
  #tick(nowMs: number, fresh: Uint8Array): boolean {
    const leg = this.#leg;
    if (leg === undefined) return false;
    if (nowMs > this.#reachedUntil(leg, nowMs)) return true;
    if (this.#rests(nowMs)) return false;
    this.#send(leg, nowMs, fresh);
    while (this.#turns[0] !== undefined && this.#isPlayedOut(this.#turns[0], leg, nowMs)) {
      const done = this.#turns.shift();
      done?.close();
      this.#losses.tell(nowMs);
      if (done !== undefined) this.#report.playedOut(done.turnId);
    }
    this.#watchSupply(nowMs);
    const isBusy = this.#sendAside(leg, nowMs) || this.#turns.some((turn) => turn.complete || turn.writtenBytes > 0);
    return isBusy && !this.#rests(nowMs);
  }

  /** All that came was sent, and more is to come: so it is almost always while the agent speaks. */
  #rests(nowMs: number): boolean {
    const turn = this.#turns[0];
    if (turn === undefined || this.#turns.length > 1 || turn.complete || !turn.begun || this.#aside !== undefined) return false;
    const starvesInMs = turn.playsUntilMs + starvedMs - nowMs;
    if (turn.unsentBytes >= this.#frameBytes || starvesInMs <= 0) return false;
    if (nowMs < this.#wakesAtMs) return true;
    this.#wakesAtMs = Math.trunc(nowMs + starvesInMs);
    this.#beat.wakeAfter(this, starvesInMs);
    return true;
  }

  /** False: nothing of it is left to send. */
  #sendAside(leg: DownlinkLeg, nowMs: number): boolean {
    const aside = this.#aside;
    if (aside === undefined) return false;
    if (aside.sentBytes === 0) {
      this.#legPlays = undefined;
      leg.beginTurn(aside.id, 0);
    }
    while (this.#playsUntilMs - nowMs < asideAheadMs && aside.sentBytes < aside.audio.length) {
      const frame = aside.audio.subarray(aside.sentBytes, aside.sentBytes + this.#frameBytes);
      aside.sentBytes += frame.length;
      leg.play(frame);
      this.#playsUntilMs = Math.max(nowMs, this.#playsUntilMs) + msOf(frame.length, this.encoding);
    }
    if (aside.sentBytes === aside.audio.length && nowMs >= this.#playsUntilMs) this.#aside = undefined;
    return this.#aside !== undefined;
  }

  #watchSupply(nowMs: number): void {
    const turn = this.#turns[0];
    if (turn === undefined || turn.complete || !turn.begun || nowMs - turn.playsUntilMs < starvedMs) return;
    if (turn.unsentBytes >= this.#frameBytes) return;
    turn.playsUntilMs = nowMs;
    this.#report.starved(turn.turnId);
  }

  #send(leg: DownlinkLeg, nowMs: number, fresh: Uint8Array): void {
    for (const turn of this.#turns) {
      while (this.#playsUntilMs - nowMs < this.#aheadMs) {
        const frame = turn.take(this.#frameBytes, this.#turns.length === 1 ? fresh : nothing);
        if (frame === undefined) break;
        if (turn !== this.#legPlays) {
          this.#legPlays = turn;
          turn.legFrom = turn.sentBytes - frame.length;
          leg.beginTurn(turn.turnId, msOf(turn.legFrom, this.encoding));
        }
        this.#sentAtMs = Math.trunc(nowMs);
        if (!leg.play(frame)) this.#losses.add("slow-caller", frame.length, nowMs);
        this.#playsUntilMs = Math.max(nowMs, this.#playsUntilMs) + msOf(frame.length, this.encoding);
        turn.playsUntilMs = this.#playsUntilMs;
        turn.forget(turn.sentBytes - this.#keptBytes);
        if (!turn.begun) this.#report.began(turn.turnId);
        turn.begun = true;
        this.#mark(leg, turn);
      }
      // A turn may be said to be over only after its last audio went out.
      if (turn.sentBytes > 0) this.#mark(leg, turn);
      if (turn.unsentBytes > 0 || !turn.complete) return;
    }
  }

  #mark(leg: DownlinkLeg, turn: TurnAudio): void {
    if (!this.#hasMarks) return;
    const sentMs = msOf(turn.sentBytes, this.encoding);
    const last = turn.complete && turn.unsentBytes === 0 && turn.markedMs < sentMs;
    const everyMs = Math.min(Math.max(firstMarkMs, turn.markedMs), this.#markWithinMs);
    if (!last && sentMs - turn.markedMs < everyMs) return;
    turn.markedMs = sentMs;
    leg.mark(`${this.#generation}|${turn.turnId}|${Math.round(sentMs)}`);
  }

  #heardMs(turn: TurnAudio, nowMs: number): number {
    const sentMs = msOf(turn.sentBytes, this.encoding);
    const untilMs = this.#leg === undefined ? nowMs : this.#reachedUntil(this.#leg, nowMs);
    const byClock = Math.max(0, sentMs - Math.max(0, turn.playsUntilMs - untilMs));
    return turn.reported === undefined ? byClock : Math.min(byClock, turn.reported.ms + Math.max(0, untilMs - turn.reported.atMs), sentMs);
  }

  /** `nowMs`, or when the leg was believed to be there for the last time. */
  #reachedUntil(leg: DownlinkLeg, nowMs: number): number {
    if (!this.#reports) return nowMs;
    return Math.min(nowMs, this.#legAliveMs + outOfReachMs);
  }

  #isPlayedOut(turn: TurnAudio, leg: DownlinkLeg, nowMs: number): boolean {
    if (!turn.complete || turn.unsentBytes > 0 || nowMs < turn.playsUntilMs) return false;
    if (leg.traits.playback === "clock" || turn.sentBytes === 0) return true;
    const reportedMs = turn.reported?.ms ?? 0;
    return reportedMs >= msOf(turn.sentBytes, this.encoding) - leg.traits.frameMs || nowMs >= turn.playsUntilMs + reportGraceMs;
  }

  #turnOf(turnId: string): TurnAudio {
    const first = this.#turns[0];
    if (first?.turnId === turnId) return first;
    const known = this.#turns.find((turn) => turn.turnId === turnId);
    if (known !== undefined) return known;
    const turn = new TurnAudio(turnId, this.#memory);
    this.#turns.push(turn);
    return turn;
  }
}
