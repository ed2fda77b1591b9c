import type { Timer } from "../kernel/clock.ts";
import type { Fault } from "../kernel/fault.ts";
import type { Call } from "./call.ts";
import type { LinkSeat } from "./link-seat.ts";

/** A provider that takes longer than this to open is no longer waited for alone. */
const besideMs = 1_500;
/** What can only bridge is dialled when nothing better is left, or when nothing better was there in time. */
const stopgapMs = 3_000;
/** So often a provider is dialled without waiting, since a link of it last worked. */
const dialsAtOnce = 2;

export interface DialParts {
  readonly call: Call;
  /** Providers that may be dialled, best first. */
  readonly order: readonly string[];
  /** A link of it was just lost: the first of the order that is another's is dialled beside its first reconnect. */
  readonly lost: { readonly provider: string; readonly fault: Fault } | undefined;
  /** Dials of a provider since a link of it last worked. */
  readonly dialled: ReadonlyMap<string, number>;
  /** How long the call has been without a link that worked, whatever came and went since, ms. */
  readonly waitedMs: number;
  isStopgap(provider: string): boolean;
  /** Whether a call would be let through to it just now. */
  admits(provider: string): boolean;
  /** `again`: without a wait after it failed. */
  begin(provider: string, again: boolean): LinkSeat;
  /** The first link that is ready; the others are closed. */
  won(seat: LinkSeat): void;
  /** None could be had: why, and how often its provider was dialled. */
  failed(fault: Fault, provider: string): void;
}

/**
 * A race for one link: providers are dialled in order, the next when one has failed or takes long, a lost one once more beside it.
 * Whichever is ready first has the call.
 */
export class Dial implements Disposable {
  readonly #parts: DialParts;
  readonly #waiting: string[];
  readonly #running = new Set<LinkSeat>();
  readonly #tried = new Set<string>();
  /** Those that run have taken long: none of them is waited for alone. */
  #isLate = false;
  readonly #timers: Timer[];
  /** Retries that were made though there is another way: they cost the node's credit until it is known how they went. */
  readonly #onCredit = new Set<LinkSeat>();
  /** The fault that says best what to do when nothing can be had. */
  #worst: { readonly fault: Fault; readonly provider: string } | undefined;

  constructor(parts: DialParts) {
    this.#parts = parts;
    this.#waiting = [...parts.order];
    const { clock } = parts.call.house;
    const bridgeInMs = Math.max(besideMs, stopgapMs - parts.waitedMs);
    this.#timers = [clock.setTimeout(() => this.#beside(), besideMs), clock.setTimeout(() => this.#bridge(), bridgeInMs)];
  }

  /** Apart from the constructor, so that the owner knows the race before the first result comes. */
  start(): void {
    const { lost } = this.#parts;
    if (lost === undefined) this.#next();
    else this.#goOn(lost.provider, lost.fault);
    this.#endIfOver();
  }

  get seats(): Iterable<LinkSeat> {
    return this.#running;
  }

  opened(seat: LinkSeat): void {
    this.#leaveRace(seat);
    for (const other of [...this.#running]) {
      this.#leaveRace(other);
      other.outrun(besideMs);
    }
    this[Symbol.dispose]();
    this.#parts.won(seat);
  }

  lost(seat: LinkSeat, fault: Fault): void {
    const wasBeside = this.#onCredit.has(seat);
    this.#leaveRace(seat);
    // A retry that came to nothing is no reason to go past the tier that was dialled beside it and may be there any moment.
    if (!wasBeside || this.#running.size === 0) this.#goOn(seat.provider, fault);
    this.#endIfOver();
  }

  /** A provider keeps other calls waiting: if this one waits for it alone, the next tier is dialled beside it. */
  stalled(provider: string): void {
    if ([...this.#running].every((seat) => seat.provider === provider)) this.#beside();
  }

  /** A provider that took nobody when the race began takes calls again: it is the next, before what can only bridge. */
  joins(provider: string): void {
    if (this.#running.size === 0 || this.#tried.has(provider) || this.#waiting.includes(provider)) return;
    const bridgeAt = this.#waiting.findIndex((each) => this.#parts.isStopgap(each));
    this.#waiting.splice(bridgeAt < 0 ? this.#waiting.length : bridgeAt, 0, provider);
    if (this.#isLate) this.#next();
  }

  [Symbol.dispose](): void {
    this.#waiting.length = 0;
    for (const timer of this.#timers) this.#parts.call.house.clock.clearTimeout(timer);
    for (const seat of [...this.#running]) {
      this.#leaveRace(seat);
      seat[Symbol.dispose]();
    }
  }

  #leaveRace(seat: LinkSeat): void {
    this.#running.delete(seat);
    if (this.#onCredit.delete(seat)) this.#parts.call.house.credit.giveBack();
  }

  /** After a failure the next tier is dialled, and beside it the one that failed, where that can help. */
  #goOn(provider: string, fault: Fault): void {
    if (this.#worst === undefined || fault.row.remedy === "retry") this.#worst = { fault, provider };
    const isAlone = this.#running.size === 0 && this.#waiting.every((each) => each === provider || this.#parts.isStopgap(each));
    const again = this.#mayRedial(provider, fault, isAlone);
    this.#drop(provider);
    if (again && isAlone) this.#dial(provider, true);
    else if (again && this.#parts.call.house.credit.take()) this.#onCredit.add(this.#dial(provider, true));
    this.#next();
  }

  #mayRedial(provider: string, fault: Fault, isAlone: boolean): boolean {
    if (fault.row.remedy !== "retry" || fault.retryAfterMs !== undefined) return false;
    if ((this.#parts.dialled.get(provider) ?? 0) >= dialsAtOnce || !this.#parts.admits(provider)) return false;
    return isAlone || fault.code !== "provider-silent";
  }

  #beside(): void {
    this.#isLate = true;
    this.#next();
    this.#endIfOver();
  }

  /** Nothing better was there in time, and what better ones are left may take as long. */
  #bridge(): void {
    const stopgap = this.#waiting.find((provider) => this.#parts.isStopgap(provider));
    if (stopgap !== undefined) this.#dial(stopgap);
    this.#askLostAgain();
    this.#beside();
  }

  /** Who fell silent is not asked again at once, and may well be back while all others keep the caller waiting, or turn them away. */
  #askLostAgain(): void {
    const { lost, call } = this.#parts;
    if (lost === undefined || [...this.#running].some(({ provider }) => provider === lost.provider)) return;
    if (this.#mayRedial(lost.provider, lost.fault, true) && call.house.credit.take()) this.#onCredit.add(this.#dial(lost.provider, true));
  }

  #next(): void {
    const [provider] = this.#waiting;
    if (provider === undefined || (this.#parts.isStopgap(provider) && this.#running.size > 0)) return;
    this.#dial(provider);
  }

  #dial(provider: string, again = false): LinkSeat {
    this.#drop(provider);
    this.#tried.add(provider);
    const seat = this.#parts.begin(provider, again);
    this.#running.add(seat);
    return seat;
  }

  #drop(provider: string): void {
    const at = this.#waiting.indexOf(provider);
    if (at >= 0) this.#waiting.splice(at, 1);
  }

  #endIfOver(): void {
    if (this.#running.size === 0 && this.#waiting.length === 0) this.#askLostAgain();
    if (this.#running.size > 0 || this.#waiting.length > 0 || this.#worst === undefined) return;
    const { fault, provider } = this.#worst;
    this[Symbol.dispose]();
    this.#parts.failed(fault, provider);
  }
}
