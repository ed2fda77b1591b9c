import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { Clock } from "../kernel/clock.ts";
import { Fault } from "../kernel/fault.ts";
import { UsedIds } from "../kernel/used-ids.ts";

/** What a ticket vouches for: nobody may change any of it on the way. */
export interface Admission {
  readonly callSid: string;
  readonly agent: string | undefined;
  readonly language: string | undefined;
  readonly from: string | undefined;
  readonly resume: string | undefined;
}

/** Twilio opens the stream within a second or two; its own limits are shorter than this. */
const lifeMs = 60_000;
/** More than this are not remembered; whoever gets tickets is signed for by then. */
export const usedTicketsLimit = 100_000;

/** What tickets are made with where the operator gave no secret, and which were used; shared by those who accept each other's. */
export interface TicketBox {
  readonly ownSecret: string;
  readonly used: UsedIds;
}

/** Of one process that shares it with none. */
export const ownTicketBox = (): TicketBox => ({ ownSecret: randomBytes(32).toString("hex"), used: new UsedIds(usedTicketsLimit) });

/**
 * Lets one stream in, once: a webhook that was signed gives it out, the start of the stream brings it back. Any node with the same
 * secret can check it; that it was used is known where it was taken, and to those whom that tells.
 */
export class Tickets {
  readonly #secrets: () => readonly string[];
  readonly #clock: Clock;
  readonly #used: UsedIds;

  /**
   * @param secrets good just now, the newest first; at least one
   * @param used nonces of used tickets
   */
  constructor(secrets: () => readonly string[], clock: Clock, used: UsedIds) {
    this.#used = used;
    this.#secrets = secrets;
    this.#clock = clock;
  }

  issue(admission: Admission): string {
    const body = `${(this.#clock.wallNow() + lifeMs).toString(36)}.${randomBytes(12).toString("base64url")}`;
    return `${body}.${macOf(this.#secrets()[0] ?? "", body, admission)}`;
  }

  /** @throws {Fault} caller-refused */
  take(ticket: string | undefined, admission: Admission): void {
    const [until = "", nonce = "", mac = "", ...rest] = (ticket ?? "").split(".");
    const body = `${until}.${nonce}`;
    let good = false;
    for (const secret of this.#secrets()) good = equal(macOf(secret, body, admission), mac) || good;
    if (!good || rest.length > 0) throw refused(ticket === undefined ? "brings no ticket" : "brings a ticket that is not for this call");
    const now = this.#clock.wallNow();
    if (Number.parseInt(until, 36) < now) throw refused("brings a ticket that has expired");
    if (this.#used.has(nonce)) throw refused("brings a ticket that was used");
    this.#used.use(nonce, Number.parseInt(until, 36), now);
  }
}

function macOf(secret: string, body: string, { callSid, agent, language, from, resume }: Admission): string {
  const vouched = JSON.stringify([body, callSid, agent ?? null, language ?? null, from ?? null, resume ?? null]);
  return createHmac("sha256", `stream ticket ${secret}`).update(vouched).digest("base64url");
}

/** Lengths are no secret: a true one is always as long. */
const equal = (a: string, b: string): boolean => a.length === Buffer.byteLength(b) && timingSafeEqual(Buffer.from(a), Buffer.from(b));

const refused = (why: string): Fault => new Fault("caller-refused", `the stream ${why}`);
