import { randomBytes } from "node:crypto";
import { usedTicketsLimit, type TicketBox } from "../carriers/tickets.ts";
import type { Place } from "../cluster/place.ts";
import type { GuardProfile } from "../config/guards.ts";
import type { Costs } from "../costs/costs.ts";
import { systemClock } from "../kernel/clock.ts";
import { UsedIds } from "../kernel/used-ids.ts";
import type { Roster } from "../session/roster.ts";

/** What lets callers in once, whichever process made it and whichever they come to. */
export interface Shared {
  readonly tickets: TicketBox;
  readonly tokens: {
    /** Signs them where the operator gave no secret. */
    readonly own: string;
    /** To be told of each use here. */
    readonly told: (id: string, untilMs: number) => void;
    /** Uses elsewhere. */
    readonly follow: (learn: (id: string, untilMs: number) => void) => void;
  };
}

/** @param place undefined: this process is alone */
export function shareSecrets(place: Place | undefined): Shared {
  const secret = place?.secret ?? randomBytes(32).toString("base64url");
  const told = (kind: "ticket" | "token") => (id: string, untilMs: number) =>
    place?.publish({ type: "used", id: `${kind} ${id}`, untilMs });
  const follow = (kind: "ticket" | "token", learn: (id: string, untilMs: number) => void): void =>
    void place?.follow(({ news }) => {
      if (news.type === "used" && news.id.startsWith(`${kind} `)) learn(news.id.slice(kind.length + 1), news.untilMs);
    });
  const tickets = new UsedIds(usedTicketsLimit, told("ticket"));
  follow("ticket", (id, untilMs) => tickets.learn(id, untilMs));
  return {
    tickets: { ownSecret: secret, used: tickets },
    tokens: { own: secret, told: told("token"), follow: (learn) => follow("token", learn) },
  };
}

/** What an account may do is divided between the processes, and one of them tries for all how a provider is. */
export function shareOf(profile: GuardProfile, place: Place | undefined): GuardProfile {
  if (place === undefined) return profile;
  const part = (limit: number | undefined): number | undefined => limit && Math.max(1, Math.floor(limit / place.of));
  const { requestsPerMinute, tokensPerMinute, sessions } = profile.limits;
  return {
    ...profile,
    limits: { requestsPerMinute: part(requestsPerMinute), tokensPerMinute: part(tokensPerMinute), sessions: part(sessions) },
    probes: place.number === 1 ? profile.probes : "off",
  };
}

const beatMs = 250;

/** Tells the others which calls are here and by what they are called, and the primary that this process lives and how much it has to do. */
export function announce(roster: Roster, place: Place): Disposable {
  const told = new Map<string, string>();
  const beat = (): void => place.beat(roster.size, roster.refusal() !== undefined);
  const tellOf = (callId: string): void => {
    const names = roster.namesOf(callId);
    if (names === undefined || told.get(callId) === names.resumeToken) return;
    told.set(callId, names.resumeToken);
    if (names.carrierCallId !== undefined) place.directory.isHere(names.carrierCallId);
    place.publish({ type: "call.here", callId, ...names });
  };
  const following = roster.follow(({ type, callId }) => {
    if (type === "call.ended") {
      told.delete(callId);
      place.publish({ type: "call.over", callId });
      beat();
    } else if (type === "call.started" || type === "call.restored") {
      // Its names are given in the same breath, after this event.
      queueMicrotask(() => tellOf(callId));
      if (type === "call.started") place.hasNewCall();
      beat();
    } else if (type === "state.changed") tellOf(callId);
  });
  const timer = setInterval(beat, beatMs);
  return {
    [Symbol.dispose]: () => {
      following[Symbol.dispose]();
      clearInterval(timer);
    },
  };
}

const spentEveryMs = 1_000;

/** What went through the other processes counts against the same budgets; the first process tells people of them. */
export class SpentElsewhere {
  readonly #by = new Map<number, Readonly<Record<"day" | "month", { readonly key: string; readonly usd: number }>>>();

  usd(period: "day" | "month", key: string): number {
    let usd = 0;
    for (const each of this.#by.values()) if (each[period].key === key) usd += each[period].usd;
    return usd;
  }

  share(costs: Costs, place: Place): Disposable {
    let toldUsd = 0;
    const following = place.follow(({ from, news }) => {
      if (news.type !== "spent") return;
      this.#by.set(from, { day: news.day, month: news.month });
      costs.lookAgain();
    });
    const tell = (): void => {
      timer = systemClock.setTimeout(tell, spentEveryMs);
      const [day, month] = [costs.spending("day"), costs.spending("month")];
      if (day.usd + month.usd === toldUsd) return;
      toldUsd = day.usd + month.usd;
      place.publish({ type: "spent", day: { key: day.key, usd: day.usd }, month: { key: month.key, usd: month.usd } });
    };
    let timer = systemClock.setTimeout(tell, 0);
    return {
      [Symbol.dispose]: () => {
        following[Symbol.dispose]();
        systemClock.clearTimeout(timer);
      },
    };
  }
}
