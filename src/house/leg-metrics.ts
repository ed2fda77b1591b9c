import type { LegCounts } from "../caller/leg-counts.ts";
import type { Metrics } from "../watch/metrics.ts";

/** What can go wrong at a caller's socket. What was filled in is told with the quality of each line. */
const kinds = {
  dropped_frame: "droppedFrames",
  malformed_message: "malformedMessages",
  ignored_message: "ignoredMessages",
  flood: "floods",
  slow_reader: "slowReaders",
  silent_peer: "silentPeers",
  mute_leg: "muteLegs",
} as const satisfies Readonly<Record<string, keyof LegCounts>>;

/** What was counted, as metrics: taken over when they are read, because the sockets count on the hot path. */
export function watchLegs(metrics: Metrics, counts: LegCounts): void {
  const told = { ...counts };
  metrics.beforeScrape(() => {
    for (const [kind, name] of Object.entries(kinds)) metrics.legTroubles.inc({ kind }, counts[name] - told[name]);
    metrics.rateLimited.inc({ scope: "call" }, counts.floods - told.floods);
    Object.assign(told, counts);
  });
}
