import { createHash } from "node:crypto";
import { defaultBreaker, type BreakerChange } from "../../src/guard/breaker.ts";
import type { CallEvent } from "../../src/session/words.ts";

/** What is kept of one call's own account of itself. */
interface CallAccount {
  begun: number;
  state: "alive" | "moved" | "killed" | "ended";
  /** The state of each region as told last. */
  readonly regions: Map<string, string>;
  readonly lostMs: Map<string, number>;
}

/** Failover must not take longer; opening the link that wins comes on top. */
export const failoverLimitMs = 3_000;
export const plannedLimitMs = 1_000;

/** What may still be told of a call that is over: how it was taken apart. */
const lastWords: ReadonlySet<string> = new Set(["call.ended", "state.changed", "tool.ended"]);

/** All that the house tells, read as evidence; its hash is the same for the same seed. */
export class Ledger {
  readonly calls = new Map<string, CallAccount>();
  readonly handOvers = { planned: 0, failover: 0 };
  replays = 0;
  recoveries = 0;
  readonly #hash = createHash("sha256");
  readonly #breakers = new Map<string, BreakerChange["to"]>();
  readonly #violation: (what: string) => void;
  readonly #meet: (what: string) => void;
  readonly #now: () => number;
  readonly #follow: (line: string) => void;

  constructor(now: () => number, violation: (what: string) => void, meet: (what: string) => void, follow: (line: string) => void) {
    this.#now = now;
    this.#follow = follow;
    this.#violation = violation;
    this.#meet = meet;
  }

  get hash(): string {
    return this.#hash.copy().digest("hex");
  }

  note(line: string): void {
    const entry = `${Math.round(this.#now())} ${line}\n`;
    this.#hash.update(entry);
    this.#follow(entry);
  }

  tell(event: CallEvent): void {
    this.note(JSON.stringify(event));
    const account = this.#account(event.callId);
    if (account.state === "ended" && !lastWords.has(event.type)) this.#violation(`I9: ${event.type} after the end`);
    switch (event.type) {
      case "call.started":
        account.begun += 1;
        break;
      case "call.restored":
        if (account.state === "alive") this.#violation("I10: a call was restored that is alive");
        account.state = "alive";
        account.regions.clear();
        break;
      case "call.ended":
        if (account.state !== "alive") this.#violation("I10: a call ended twice");
        account.state = event.outcome === "moved" ? "moved" : "ended";
        this.#meet(`call ${event.outcome}`);
        break;
      case "state.changed": {
        const before = account.regions.get(event.region);
        if (event.from === event.to || (before !== undefined && before !== event.from))
          this.#violation(`I16: ${event.region} went from ${event.from} to ${event.to}, and was ${before}`);
        account.regions.set(event.region, event.to);
        break;
      }
      case "audio.lost":
        account.lostMs.set(`${event.direction} ${event.cause}`, (account.lostMs.get(`${event.direction} ${event.cause}`) ?? 0) + event.ms);
        break;
      case "audio.replayed":
        this.replays += 1;
        break;
      case "link.recovered":
        this.recoveries += 1;
        this.#meet("reconnected");
        break;
      case "link.renewed":
        this.#meet("session renewed");
        break;
      case "link.retrying":
        if (event.attempt === event.attemptLimit) this.#meet("last rung of the ladder");
        break;
      case "call.handed-over":
        this.handOvers[event.mode] += 1;
        this.#meet(`restored ${event.restored}`);
        break;
      default:
    }
  }

  breakerChanged(change: BreakerChange): void {
    this.note(JSON.stringify(change));
    const { provider, from, to } = change;
    const before = this.#breakers.get(provider) ?? "closed";
    const legal = { closed: ["open"], open: ["half_open"], half_open: ["closed", "open"] } as const;
    const isLegal = (legal[from] as readonly string[]).includes(to);
    if (before !== from || !isLegal) this.#violation(`I6: the breaker of ${provider} went from ${from} to ${to}, and was ${before}`);
    if (to === "half_open" && !change.early && change.openForMs < defaultBreaker.openMs)
      this.#violation(`I6: the breaker of ${provider} let calls in after ${Math.round(change.openForMs)} ms, and no probe had been good`);
    this.#breakers.set(provider, to);
    this.#meet(`breaker ${to}${change.early ? " early" : ""}`);
  }

  stateOf(provider: string): BreakerChange["to"] {
    return this.#breakers.get(provider) ?? "closed";
  }

  /** A new process knows nothing of the breakers of the one before. */
  forgetBreakers(): void {
    this.#breakers.clear();
  }

  /** A killed node says no more of its calls. */
  nodeKilled(): void {
    for (const account of this.calls.values()) if (account.state === "alive") account.state = "killed";
  }

  #account(callId: string): CallAccount {
    const known = this.calls.get(callId);
    if (known !== undefined) return known;
    const fresh: CallAccount = { begun: 0, state: "alive", regions: new Map(), lostMs: new Map() };
    this.calls.set(callId, fresh);
    return fresh;
  }
}
