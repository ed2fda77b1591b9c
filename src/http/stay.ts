import type { Clock, Timer } from "../kernel/clock.ts";
import type { Log } from "../kernel/log.ts";

/** How long somebody may stay who came with a token. */
export interface Stay {
  /** Unix time, ms. */
  readonly untilMs: number;
  /** @throws {Fault} caller-refused: no longer, because the time is over or the token is not good any more */
  check(): void;
}

/** Between two looks at a token whose caller is here. */
const recheckMs = 15 * 60_000;
/** Of our own (RFC 6455 section 7.4.2): come back into the same call, with another token. */
const tokenExpiredCode = 4_001;

/** Somebody's connection, as far as it can be closed. */
export interface Guest {
  close(code: number, reason: string): void;
  once(event: "close", told: () => void): unknown;
}

/** Closes the connection when its time is over, or its token no longer good; the call waits for who comes back with another. */
export function endWhenDue(guest: Guest, stay: Stay, clock: Clock, log: Log): void {
  let timer: Timer;
  const look = (): void => {
    timer = clock.setTimeout(
      () => {
        try {
          stay.check();
          look();
        } catch (error) {
          log.info("token_over", { message: error instanceof Error ? error.message : String(error) });
          guest.close(tokenExpiredCode, "token-expired");
        }
      },
      Math.max(0, Math.min(recheckMs, stay.untilMs - clock.wallNow())),
    );
  };
  look();
  guest.once("close", () => clock.clearTimeout(timer));
}
