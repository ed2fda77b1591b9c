import type { CutTurn } from "../audio/downlink.ts";
import type { Timer } from "../kernel/clock.ts";
import type { Fault } from "../kernel/fault.ts";
import { speaksLanguage } from "../provider/languages.ts";
import type { Board, MoveCause } from "./board.ts";
import type { Call } from "./call.ts";
import { Dial } from "./dial.ts";
import { LinkSeat, type SeatHost } from "./link-seat.ts";

/** How a call keeps a link ready beside the one it talks on: `cold` opens one when it is needed, `warm` ahead of need. */
type Standby = "cold" | "warm";

export interface SwitchboardShape {
  /** Provider names, best first; never empty. */
  readonly tiers: readonly string[];
  readonly standby: Standby;
  /** Whether a call that was handed over goes back to a better tier once that is well; a stopgap is always left. */
  readonly switchBack: "never" | "when-well";
}

/** The link that the call talked on until now. */
interface Lost {
  readonly provider: string;
  readonly fault: Fault;
}

/** A standby that was lost is opened again after this, ms. */
const standbyPauseMs = 30_000;
/** How often a better tier is looked for, and for how long it has to be well before a call goes back. */
const lookEveryMs = 5_000;
const wellForMs = 60_000;
/** Calls that want the same provider come to it within so long, not all at once: those who are first see how it does. */
const scatterMs = 500;
/** And so long those who leave it. */
const leaveWithinMs = 100;
/** So long a call on a better-than-nothing tier does not try again who has just failed it, and who only an operator can mend. */
const failedPauseMs = 10_000;
const hopelessPauseMs = 60_000;

/**
 * All links of one call: the one it talks on, those that race to be it, and the one that waits to take over. At most one hears the
 * caller at any instant. The chart says when; here is how.
 */
export class Switchboard implements SeatHost, Board {
  readonly #call: Call;
  readonly #shape: SwitchboardShape;
  /** Dials of a provider since a link of it last worked. */
  readonly #dialled = new Map<string, number>();
  /** Until when a provider that failed this call is not looked at again. */
  readonly #avoidedUntilMs = new Map<string, number>();
  #seat: LinkSeat | undefined;
  #dial: Dial | undefined;
  /** Waits to take over: the standby, or what a planned move opened. */
  #waiting: LinkSeat | undefined;
  #movesTo: string | undefined;
  /** Where somebody asked the call to be. */
  #askedFor: string | undefined;
  #lost: Lost | undefined;
  /** When the last link that worked was lost; undefined while there is one. */
  #unservedSinceMs: number | undefined;
  #standbyTimer: Timer | undefined;
  #lookTimer: Timer | undefined;
  #wellSinceMs: number | undefined;
  #stallTimer: Timer | undefined;
  readonly #following: Disposable;
  /** Tiers that do not speak the caller's language, where some other does. */
  readonly #foreign: ReadonlySet<string>;

  constructor(call: Call, shape: SwitchboardShape) {
    this.#call = call;
    this.#shape = shape;
    this.#foreign = foreignOf(call, shape.tiers);
    this.#following = call.house.pace.follow((name, news) => (news === "stalled" ? this.#stalled(name) : this.#recovered(name)));
  }

  get tiers(): readonly string[] {
    return this.#shape.tiers;
  }

  /** The link that the call talks on. */
  get seat(): LinkSeat | undefined {
    return this.#seat;
  }

  /** Opens a link, wherever one can be had. */
  dial(): void {
    const lost = this.#lost;
    this.#lost = undefined;
    this.#callOff();
    if (lost !== undefined) this.#movesTo = undefined;
    const others = this.#byHealth(this.#shape.tiers.filter((name) => name !== lost?.provider && this.#admits(name)));
    const ready = this.#waiting;
    if (ready?.isReady === true && ready.knowsAll && ready.provider !== lost?.provider) {
      this.#waiting = undefined;
      if (lost !== undefined) this.#tellGivenUp(lost);
      return this.#sit(ready);
    }
    // What a call without a link is to be moved to may be there first.
    if (this.#movesTo === undefined) this.#dropWaiting();
    this.#race(lost !== undefined || others.length > 0 ? others : this.#shape.tiers, lost);
  }

  /** Opens a link that waits to take over, where that can be; tells `successor.ready`, `successor.failed` or `successor.mustBide`. */
  prepare(provider: string): void {
    this.#movesTo = provider;
    this.#call.links.toMove();
    if (this.#waiting?.provider === provider && this.#waiting.isReady) return this.#call.send({ type: "successor.ready" });
    if (this.#call.provider(provider).traits.standby) this.openNext();
    else this.#call.send({ type: "successor.mustBide" });
  }

  /** Opens the link that a move was prepared for, for the call as it stands. */
  openNext(): void {
    this.#dropWaiting();
    if (this.#movesTo !== undefined) this.#wait(this.#movesTo);
  }

  /**
   * The present link goes, the one that waits takes over. If more was said than it can be told by now it is to be opened anew, unless the
   * move is due: then another is dialled with the present one gone. To a better tier no move is ever due.
   */
  takeOver(cause: MoveCause, isDue: boolean): void {
    const provider = this.#movesTo;
    const next = this.#waiting?.provider === provider ? this.#waiting : undefined;
    if (provider === undefined || next?.isReady !== true) return;
    if (this.#seat !== undefined && !next.knowsAll && (!isDue || cause === "recovered")) {
      this.#dropWaiting();
      return this.#call.send({ type: "successor.mustBide" });
    }
    this.#movesTo = undefined;
    this.#waiting = undefined;
    if (cause === "asked") this.#askedFor = provider;
    this.#callOff();
    this.#seat?.leave(cause);
    this.#seat = undefined;
    if (next.knowsAll) return this.#sit(next);
    next[Symbol.dispose]();
    const before = this.#call.lastProvider;
    const others = this.#byHealth(this.#shape.tiers.filter((name) => name !== provider && (name === before || this.#admits(name))));
    this.#race([provider, ...others], undefined, provider);
  }

  /** The move that was prepared is off. */
  dropMove(): void {
    this.#movesTo = undefined;
    this.#dropWaiting();
  }

  interrupt(cuts: readonly CutTurn[]): void {
    this.#seat?.interrupt(cuts);
  }

  takeText(text: string): void {
    for (const seat of this.#listening()) seat.takeText(text);
  }

  answerTool(id: string, name: string, output: string, failed: boolean): void {
    for (const seat of this.#listening()) seat.answerTool(id, name, output, failed);
  }

  opened(seat: LinkSeat): void {
    if (seat === this.#waiting) {
      if (this.#movesTo === seat.provider) this.#call.send({ type: "successor.ready" });
    } else this.#dial?.opened(seat);
  }

  /** Every provider may be dialled afresh, and a standby is worth its price. */
  proven(seat: LinkSeat): void {
    if (seat !== this.#seat) return;
    this.#unservedSinceMs = undefined;
    this.#dialled.clear();
    this.#keepStandbyIn(this.#call.random.next() * scatterMs);
  }

  expiring(seat: LinkSeat): void {
    if (seat !== this.#waiting) return;
    this.#dropWaiting();
    this.#wait(seat.provider);
  }

  failed(seat: LinkSeat, fault: Fault): void {
    const pauseMs = fault.row.blame === "provider" ? failedPauseMs : hopelessPauseMs;
    this.#avoidedUntilMs.set(seat.provider, this.#call.house.clock.now() + pauseMs);
    if (seat === this.#seat) {
      this.#seat = undefined;
      this.#lost = { provider: seat.provider, fault };
      this.#unservedSinceMs ??= this.#call.house.clock.now();
      this.#call.send({ type: "link.lost", fault });
    } else if (seat === this.#waiting) {
      this.#waiting = undefined;
      if (this.#movesTo === seat.provider) this.#call.send({ type: "successor.failed", fault });
      if (this.#isBridged) this.#lookSoon(() => this.#lookUp());
      this.#keepStandbyIn(standbyPauseMs);
    } else this.#dial?.lost(seat, fault);
  }

  [Symbol.dispose](): void {
    const { clock } = this.#call.house;
    this.#following[Symbol.dispose]();
    clock.clearTimeout(this.#stallTimer);
    clock.clearTimeout(this.#standbyTimer);
    clock.clearTimeout(this.#lookTimer);
    this.#callOff();
    this.#dropWaiting();
    const seat = this.#seat;
    this.#seat = undefined;
    seat?.[Symbol.dispose]();
  }

  /** Where no link is yet, each that may win is told, for its turn. */
  #listening(): Iterable<LinkSeat> {
    return this.#seat === undefined ? (this.#dial?.seats ?? []) : [this.#seat];
  }

  #race(order: readonly string[], lost?: Lost, wanted?: string): void {
    this.#dial = new Dial({
      call: this.#call,
      order,
      lost,
      dialled: this.#dialled,
      waitedMs: this.#unservedSinceMs === undefined ? 0 : this.#call.house.clock.now() - this.#unservedSinceMs,
      isStopgap: (name) => name !== wanted && this.#call.provider(name).traits.stopgap,
      admits: (name) => this.#admits(name),
      begin: (name, again) => this.#begin(name, again),
      won: (seat) => {
        this.#dial = undefined;
        if (lost !== undefined && seat.provider !== lost.provider) this.#tellGivenUp(lost);
        this.#sit(seat);
      },
      failed: (fault, name) => {
        this.#dial = undefined;
        this.#call.send({ type: "dial.failed", ...this.#hopeBeside({ fault, provider: name }) });
      },
    });
    this.#dial.start();
  }

  /** Where those who were asked can only be mended by an operator, whoever could not be asked just now may be worth waiting for. */
  #hopeBeside({ fault, provider }: Lost): Lost & { readonly attempts: number } {
    const others = fault.row.blame === "provider" ? [] : this.#shape.tiers.filter((name) => name !== provider);
    const refusals = others.map((name) => ({ fault: this.#call.provider(name).admit(), provider: name }));
    const hope = refusals.find((each): each is Lost => each.fault?.row.blame === "provider") ?? { fault, provider };
    return { ...hope, attempts: this.#dialled.get(provider) ?? 0 };
  }

  #begin(provider: string, again: boolean): LinkSeat {
    const attempt = (this.#dialled.get(provider) ?? 0) + 1;
    this.#dialled.set(provider, attempt);
    this.#call.links.dials(provider);
    if (again) this.#call.links.retried(provider, attempt, 0);
    return new LinkSeat(this.#call, this.#call.provider(provider), { attempt, waits: false }, this);
  }

  /** Where a link cannot be told to wait, it is opened for the call as it stands, and will do if that stays so for a moment. */
  #wait(name: string): void {
    const provider = this.#call.provider(name);
    this.#waiting = new LinkSeat(this.#call, provider, { attempt: 1, waits: provider.traits.standby }, this);
  }

  /** The race that runs is over, and nobody has won. */
  #callOff(): void {
    this.#dial?.[Symbol.dispose]();
    this.#dial = undefined;
  }

  #dropWaiting(): void {
    const seat = this.#waiting;
    this.#waiting = undefined;
    seat?.[Symbol.dispose]();
  }

  #sit(seat: LinkSeat): void {
    this.#seat = seat;
    this.#wellSinceMs = undefined;
    seat.sit();
    this.#call.send({ type: "link.opened", provider: seat.provider });
    this.#lookUp();
  }

  #admits(name: string): boolean {
    return this.#call.isUrgent || this.#call.provider(name).admit() === undefined;
  }

  /** Best first: what is sick comes after what is well, what can only bridge after both, and last who does not speak the caller's language. */
  #byHealth(names: readonly string[]): readonly string[] {
    const { house } = this.#call;
    const rank = (name: string): number => {
      if (this.#foreign.has(name)) return 3;
      if (this.#call.provider(name).traits.stopgap) return 2;
      return house.pace.levelOf(name) === "unhealthy" ? 1 : 0;
    };
    return names.toSorted((a, b) => rank(a) - rank(b));
  }

  #keepStandbyIn(ms: number): void {
    const { clock } = this.#call.house;
    clock.clearTimeout(this.#standbyTimer);
    this.#standbyTimer = clock.setTimeout(() => this.#keepStandby(), ms);
  }

  /** The next tier below the present one whose links can wait. */
  #keepStandby(): void {
    const { standby, tiers } = this.#shape;
    if (standby === "cold" || this.#waiting !== undefined || this.#seat === undefined) return;
    const present = this.#seat.provider;
    const next = this.#byHealth(tiers).find((name) => name !== present && this.#admits(name) && this.#call.provider(name).traits.standby);
    if (next !== undefined) this.#wait(next);
  }

  /** What can only bridge has the call, or who does not speak the caller's language, with nobody having asked for that. */
  get #isBridged(): boolean {
    const provider = this.#seat?.provider;
    if (provider === undefined) return false;
    return this.#call.provider(provider).traits.stopgap || (this.#foreign.has(provider) && provider !== this.#askedFor);
  }

  /** Another call waited for it in vain: this one does not find that out for itself. */
  #stalled(name: string): void {
    if (this.#dial === undefined) return;
    const { clock, random } = this.#call.house;
    clock.clearTimeout(this.#stallTimer);
    this.#stallTimer = clock.setTimeout(() => this.#dial?.stalled(name), random.next() * leaveWithinMs);
  }

  #recovered(name: string): void {
    this.#avoidedUntilMs.delete(name);
    if (!this.#shape.tiers.includes(name)) return;
    if (this.#isBridged) this.#lookSoon(() => this.#lookUp());
    else if (this.#seat === undefined) this.#lookSoon(() => this.#lookForOne());
  }

  /** Somebody takes calls again whom a call without a link may not have asked. */
  #lookForOne(): void {
    if (this.#seat !== undefined) return;
    const open = this.#byHealth(this.#shape.tiers.filter((name) => this.#admits(name)));
    if (this.#dial === undefined && open.length > 0) this.#call.send({ type: "tier.admitted" });
    else for (const name of open) this.#dial?.joins(name);
  }

  #lookSoon(look: () => void): void {
    const { clock, random } = this.#call.house;
    clock.clearTimeout(this.#lookTimer);
    this.#lookTimer = clock.setTimeout(look, random.next() * scatterMs);
  }

  /** Back to a better tier: at once from what can only bridge, else when configured and that tier has been well for a while. */
  #lookUp(): void {
    const { clock } = this.#call.house;
    clock.clearTimeout(this.#lookTimer);
    const seat = this.#seat;
    const bridged = this.#isBridged;
    if (seat === undefined || (!bridged && this.#shape.switchBack === "never")) return;
    const better = this.#betterThan(seat.provider).find((name) => this.#isWell(name));
    if (better === undefined) this.#wellSinceMs = undefined;
    else if (bridged || clock.now() - (this.#wellSinceMs ??= clock.now()) >= wellForMs) {
      this.#wellSinceMs = undefined;
      this.#call.send({ type: "tier.recovered", provider: better });
    }
    this.#lookTimer = clock.setTimeout(() => this.#lookUp(), lookEveryMs);
  }

  /** Any that can talk with the caller is better than what can only bridge, wherever it stands. */
  #betterThan(present: string): readonly string[] {
    const { tiers } = this.#shape;
    const talking = tiers.filter((name) => !this.#foreign.has(name));
    if (!this.#isBridged) return talking.filter((name) => tiers.indexOf(name) < tiers.indexOf(present));
    return this.#byHealth(talking.filter((name) => !this.#call.provider(name).traits.stopgap));
  }

  #isWell(name: string): boolean {
    return this.#admits(name) && this.#call.house.clock.now() >= (this.#avoidedUntilMs.get(name) ?? 0);
  }

  #tellGivenUp({ provider, fault }: Lost): void {
    this.#call.links.gaveUp(provider, this.#dialled.get(provider) ?? 1, fault);
  }
}

function foreignOf(call: Call, tiers: readonly string[]): ReadonlySet<string> {
  const talking = tiers.filter((name) => !call.provider(name).traits.stopgap);
  const foreign = talking.filter((name) => !speaksLanguage(call.provider(name).traits, call.agent.language));
  // In a foreign language is better than with nobody at all.
  return new Set(foreign.length < talking.length ? foreign : []);
}
