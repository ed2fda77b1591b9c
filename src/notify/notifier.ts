import { backoffMs } from "../kernel/backoff.ts";
import type { Clock, Timer } from "../kernel/clock.ts";
import type { Log } from "../kernel/log.ts";
import type { Random } from "../kernel/random.ts";
import { channels, chatBody, mailBody, type Channel, type Notice } from "./notice.ts";
import { Outbox, type Pending } from "./outbox.ts";
import { post } from "./post.ts";

/** What became of a notice on one channel. */
export interface Told {
  readonly notice: Notice;
  readonly channel: Channel;
  readonly result: "sent" | "failed";
  readonly attempts: number;
  /** Since it was asked for. */
  readonly durationMs: number;
}

export interface NotifierHouse {
  /** Where a channel's notices go; undefined: it is not configured. Asked at each attempt, because secrets change. */
  readonly address: (channel: Channel) => string | undefined;
  readonly mailTo: () => string;
  /** The file of the outbox. */
  readonly path: string;
  readonly told: (told: Told) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** More notices than this wait for no channel; then the oldest gives way. */
const pendingLimit = 1_000;
/** So many are sent to one channel at a time; a channel that hangs does not hold up the other. */
const atOnce = 16;
/** Nobody is helped by what is older. */
const expiresMs = 24 * 3_600_000;
/** Tries of what the other side says it will never take. */
const refusalsLimit = 3;
const slowRetryMs = 60_000;
/** From this many failures in a row on, a channel's notice is tried once a minute. */
const fastTries = 6;

/** One notice on its way to one channel. */
interface Delivery {
  readonly pending: Pending;
  readonly sinceMs: number;
  timer: Timer | undefined;
  attempts: number;
  refusals: number;
}

/**
 * Tells people, on every configured channel at once. Each notice is tried until the channel takes it, also after a restart: at least
 * once, with a key by which repeats are known.
 */
export class Notifier {
  readonly #house: NotifierHouse;
  readonly #outbox: Outbox;
  readonly #deliveries = new Set<Delivery>();
  readonly #stop = new AbortController();
  readonly #underWay: Readonly<Record<Channel, Set<Promise<void>>>> = { chat: new Set(), email: new Set() };
  /** Due, and waiting for their channel. */
  readonly #due: Readonly<Record<Channel, Set<Delivery>>> = { chat: new Set(), email: new Set() };

  private constructor(house: NotifierHouse, outbox: Outbox) {
    this.#house = house;
    this.#outbox = outbox;
  }

  /** With what an earlier process could not send. Never fails: without a disk, notices live in memory. */
  static async open(house: NotifierHouse): Promise<Notifier> {
    const troubled = (error: unknown): void =>
      house.log.error("outbox_degraded", { message: "notices are not kept for a restart", err: error });
    return new Notifier(house, await Outbox.open(house.path, troubled));
  }

  /** Begins to send what was left. */
  start(): void {
    for (const pending of this.#outbox.pending) this.#begin(pending);
  }

  /** Notices that some channel has not taken yet. */
  get pending(): number {
    return this.#deliveries.size;
  }

  /** Sends it to every configured channel, at once and beside each other. Without any, that is logged: somebody waits in vain. */
  tell(notice: Notice): void {
    const configured = channels.filter((channel) => this.#house.address(channel) !== undefined);
    if (configured.length === 0)
      this.#house.log[notice.reason === "crisis" ? "error" : "warning"]("notification_sent", {
        channel: "none",
        incident_id: notice.incidentId,
        step: notice.reason,
        result: "failed",
      });
    for (const channel of configured) {
      const pending = { notice, channel };
      if (!this.#outbox.put(pending)) continue;
      this.#makeRoom();
      this.#begin(pending);
    }
  }

  /** Stops sending; what was not taken stays in the file. */
  async close(): Promise<void> {
    for (const { timer } of this.#deliveries) if (timer !== undefined) this.#house.clock.clearTimeout(timer);
    this.#stop.abort();
    await Promise.all(channels.flatMap((channel) => [...this.#underWay[channel]]));
    await this.#outbox.close();
  }

  #makeRoom(): void {
    if (this.#deliveries.size < pendingLimit) return;
    const [oldest] = this.#deliveries;
    if (oldest === undefined) return;
    if (oldest.timer !== undefined) this.#house.clock.clearTimeout(oldest.timer);
    this.#settle(oldest, "failed", "too many notices wait");
  }

  #begin(pending: Pending): void {
    const delivery: Delivery = { pending, sinceMs: this.#house.clock.now(), timer: undefined, attempts: 0, refusals: 0 };
    this.#deliveries.add(delivery);
    this.#try(delivery);
  }

  #try(delivery: Delivery): void {
    const { channel } = delivery.pending;
    this.#due[channel].add(delivery);
    this.#next(channel);
  }

  #next(channel: Channel): void {
    const [due, underWay] = [this.#due[channel], this.#underWay[channel]];
    const [delivery] = due;
    if (delivery === undefined || underWay.size >= atOnce || this.#stop.signal.aborted) return;
    due.delete(delivery);
    const sending = this.#send(delivery).catch((error: unknown) => this.#house.log.error("notification_failed", { err: error }));
    underWay.add(sending);
    void sending.then(() => {
      underWay.delete(sending);
      this.#next(channel);
    });
  }

  async #send(delivery: Delivery): Promise<void> {
    const { notice, channel } = delivery.pending;
    const address = this.#house.address(channel);
    if (address === undefined) return this.#settle(delivery, "failed", "its channel is no longer configured");
    if (this.#house.clock.wallNow() - notice.atMs > expiresMs) return this.#settle(delivery, "failed", "a day old");
    delivery.attempts += 1;
    const body = channel === "chat" ? chatBody(notice) : mailBody(notice, this.#house.mailTo());
    const posted = await post(address, body, `${notice.id}-${channel}`, this.#stop.signal);
    if (this.#stop.signal.aborted || !this.#deliveries.has(delivery)) {
      if (posted.result === "sent") this.#outbox.done(delivery.pending);
      return;
    }
    if (posted.result === "sent") return this.#settle(delivery, "sent", undefined);
    if (posted.result === "refused") delivery.refusals += 1;
    if (delivery.refusals >= refusalsLimit) return this.#settle(delivery, "failed", posted.why);
    this.#again(delivery, posted.why, posted.retryAfterMs);
  }

  #again(delivery: Delivery, why: string, retryAfterMs: number): void {
    const { clock, random, log } = this.#house;
    const { channel, notice } = delivery.pending;
    const isSlow = delivery.attempts > fastTries;
    const inMs = isSlow ? Math.max(retryAfterMs, slowRetryMs) : backoffMs(delivery.attempts, random, retryAfterMs);
    log.warning("notification_sent", {
      channel,
      incident_id: notice.incidentId,
      step: notice.reason,
      result: "retrying",
      attempt: delivery.attempts,
      backoff_delay: Math.round(inMs) / 1_000,
      message: why,
    });
    delivery.timer = clock.setTimeout(() => {
      delivery.timer = undefined;
      this.#try(delivery);
    }, inMs);
  }

  #settle(delivery: Delivery, result: Told["result"], why: string | undefined): void {
    const { clock, log, told } = this.#house;
    const { pending, attempts, sinceMs } = delivery;
    if (!this.#deliveries.delete(delivery)) return;
    this.#due[pending.channel].delete(delivery);
    this.#outbox.done(pending);
    const { notice, channel } = pending;
    const fields = { channel, incident_id: notice.incidentId, callId: notice.callId, step: notice.reason, result, attempt: attempts };
    if (result === "sent") log.info("notification_sent", fields);
    else log.error("notification_sent", { ...fields, message: why });
    told({ notice, channel, result, attempts, durationMs: clock.now() - sinceMs });
  }
}
