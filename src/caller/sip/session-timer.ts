// Session timers: RFC 4028.
import type { Clock, Timer } from "../../kernel/clock.ts";
import type { Headers } from "./message/headers.ts";
import { parseParams } from "./message/grammar.ts";

export const shortestSessionSeconds = 90;
const ownSessionSeconds = 1_800;

export interface SessionInterval {
  readonly seconds: number;
  readonly refresher: "uac" | "uas";
}

/** Session-Expires of a message. Undefined: it has none, or one that nobody can read. */
export function sessionInterval(headers: Headers): { seconds: number; refresher: "uac" | "uas" | undefined } | undefined {
  const found = /^(\d{1,9})[ \t]*(.*)$/s.exec(headers.get("Session-Expires") ?? "");
  const params = parseParams(found?.[2] ?? "");
  if (found === null || params === undefined) return undefined;
  const refresher = params.get("refresher")?.toLowerCase();
  return { seconds: Number(found[1]), refresher: refresher === "uac" || refresher === "uas" ? refresher : undefined };
}

/** What we, the one who is called, agree to: their interval and refresher, else ours with them refreshing; nothing if they know no timers. */
export function agreeInterval(headers: Headers): SessionInterval | undefined {
  const asked = sessionInterval(headers);
  if (!headers.options("Supported").includes("timer")) return undefined;
  return { seconds: asked?.seconds ?? ownSessionSeconds, refresher: asked?.refresher ?? "uac" };
}

/** Refreshes at half time when that is ours to do, and says so when the other side has missed its turn. */
export class SessionTimer {
  readonly #clock: Clock;
  readonly #refresh: () => void;
  readonly #expired: () => void;
  #timer: Timer | undefined;

  constructor(clock: Clock, refresh: () => void, expired: () => void) {
    this.#clock = clock;
    this.#refresh = refresh;
    this.#expired = expired;
  }

  /** Counts anew; called after every refresh. */
  start(seconds: number, weRefresh: boolean): void {
    this.stop();
    const lateMs = (seconds - Math.min(32, seconds / 3)) * 1000;
    this.#timer = weRefresh
      ? this.#clock.setTimeout(() => this.#refresh(), seconds * 500)
      : this.#clock.setTimeout(() => this.#expired(), lateMs);
  }

  stop(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
