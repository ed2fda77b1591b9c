import type { BreakerReport, BreakerOrder } from "./breaker.ts";

/** What one process found out about a provider, or was ordered of it, and the others are to know. Plain data: it survives JSON. */
export type PeerNews = { readonly provider: string } & (
  | { readonly kind: "breaker"; readonly report: BreakerReport }
  /** It let an opening wait in vain: who asks it all the same will wait too. */
  | { readonly kind: "stalled" }
  | { readonly kind: "ordered"; readonly order: BreakerOrder }
);

/**
 * The other processes that hold calls on the same providers: with them only the first callers of an outage pay for it, on whichever
 * process they are. Hand it to `Guards.join`; from then on each breaker publishes its own changes and takes on those of the others.
 *
 * Whoever builds it carries each news as it is, in order for one provider, to all processes but the one that published it; what is
 * taken on is never published again, so nothing goes round. News that come twice, late or for a provider that is not known here do no
 * harm, and news that are lost cost a process no more than finding out by itself. A process that joins late is told, by whoever carries
 * the news, the last one of each provider and kind, except "stalled". Every call returns at once: what cannot be sent is dropped.
 */
export interface GuardPeers {
  publish(news: PeerNews): void;
  /** What the others publish, until disposed. */
  follow(listener: (news: PeerNews) => void): Disposable;
}
