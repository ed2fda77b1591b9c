import { hostname } from "node:os";
import { join } from "node:path";
import { dialects } from "../caller/dialects.ts";
import type { Settings } from "../config/settings.ts";
import type { Place } from "../cluster/place.ts";
import { openCosts, type Costs } from "../costs/costs.ts";
import { SpentElsewhere } from "./share.ts";
import { serverOf } from "./providers.ts";
import { version } from "./version.ts";
import { systemClock, type Clock } from "../kernel/clock.ts";
import type { Log } from "../kernel/log.ts";
import type { Provider } from "../provider/contract.ts";
import type { Roster } from "../session/roster.ts";
import type { SessionWatch } from "../session/words.ts";
import type { CallRecord } from "../watch/call-record.ts";
import { PastClock, tellAfterwards } from "../watch/afterwards.ts";
import { openAudit } from "../watch/audit.ts";
import { watchCalls } from "../watch/calls.ts";
import { watchCosts } from "../watch/costs.ts";
import { Journal } from "../watch/journal.ts";
import type { Metrics } from "../watch/metrics.ts";
import { showNode } from "../watch/node.ts";
import { openTraces } from "../watch/otlp.ts";
import { watchInvariants } from "../watch/invariants.ts";
import { callRecords } from "../watch/records.ts";
import { redactor } from "../watch/redact.ts";
import { traceCalls } from "../watch/traces.ts";

/** What is known of calls beside the calls themselves. */
export interface Books {
  readonly watch: SessionWatch;
  readonly costs: Costs;
  /** For what is ordered from outside. */
  readonly audit: Log;
  /** How the caller found a call; false: none that is known. */
  readonly rate: (callId: string, stars: number) => boolean;
  /** Sets what a scrape asks for and nobody tells. */
  show(roster: Roster, settings: Settings): void;
  close(): Promise<void>;
}

export async function openBooks(
  bare: readonly Provider[],
  people: SessionWatch,
  settings: Settings,
  log: Log,
  metrics: Metrics,
  place: Place | undefined,
): Promise<Books> {
  const providers = bare.map(({ name }) => name);
  const data = settings.get("LINEKEEPER_DATA");
  const costWatch = watchCosts(log.with({ logger: "costs" }), metrics, { providers });
  const elsewhere = new SpentElsewhere();
  const costs = openCosts({
    clock: systemClock,
    folder: data,
    prices: settings.prices.map((price) => ({ ...price, trust: "config" })),
    budget: {
      day: settings.get("LINEKEEPER_BUDGET_DAY_USD"),
      month: settings.get("LINEKEEPER_BUDGET_MONTH_USD"),
      whenSpent: settings.get("LINEKEEPER_BUDGET_SPENT"),
    },
    elsewhere: (period, key) => elsewhere.usd(period, key),
    // One word to people is enough.
    report: place === undefined || place.number === 1 ? costWatch : { ...costWatch, reached: () => {} },
  });
  const sharing = place === undefined ? undefined : elsewhere.share(costs, place);
  const journalLog = log.with({ logger: "journal" });
  const journal = new Journal({
    path: join(data, "calls.jsonl"),
    failed: (error) => journalLog.error("journal_failed", { message: "records of calls wait for the disk; calls go on", err: error }),
    dropped: (records) => journalLog.error("journal_dropped", { records, message: "the disk took no records for too long" }),
  });
  const orders = new Journal({
    path: join(data, "audit.jsonl"),
    failed: (error) => journalLog.error("journal_failed", { message: "the audit waits for the disk; it is in this log", err: error }),
    dropped: (records) => journalLog.error("journal_dropped", { records, message: "the audit's file lacks what this log has" }),
  });
  const audit = openAudit({
    log: log.with({ logger: "audit" }),
    path: join(data, "audit.jsonl"),
    keep: (entry) => orders.add(entry),
    clean: redactor(() => settings.secretValues()).value,
    wallNow: () => systemClock.wallNow(),
  });
  const costOf = (callId: string): number | undefined => costs.costOf(callId);
  const keep = (record: CallRecord): void => journal.add(record);
  const clock = new PastClock(systemClock);
  const records = callRecords({ clock, region: settings.get("LINEKEEPER_REGION"), node: hostname(), costOf, keep });
  const traces = await tracesFor(providers, settings, log, metrics, clock);
  const calls = watchCalls(log.with({ logger: "call" }), metrics, {
    providers,
    stopgaps: bare.filter(({ traits }) => traits.stopgap).map(({ name }) => name),
    dialects: [...dialects.map((dialect) => dialect.name), "sip", "audiosocket"],
    clock,
    costOf,
    // The records read a call's cost at its end, when the costs forget the call.
    others: [people, records, ...traces.watches, costs, watchInvariants(log.with({ logger: "invariants" }), metrics)],
  });
  const watch = tellAfterwards(calls, clock);
  return {
    watch,
    costs,
    audit,
    rate: (callId, stars) => records.rate(callId, stars),
    show(roster, { secretAgesMs }) {
      watch.flush();
      costWatch.show((period) => costs.usedRatio(period));
      metrics.journalLag.set(journal.lagMs / 1_000);
      showNode(metrics, { providers, ringChunks: roster.ringChunks, secretAgesMs });
    },
    async close() {
      watch.flush();
      sharing?.[Symbol.dispose]();
      await Promise.all([journal.close(), orders.close(), costs.close(), traces.close()]);
    },
  };
}

/** Without a collector there are no traces, and nothing of what they need is loaded. */
async function tracesFor(
  providers: readonly string[],
  settings: Settings,
  log: Log,
  metrics: Metrics,
  clock: Clock,
): Promise<{ readonly watches: readonly SessionWatch[]; close(): Promise<void> }> {
  const endpoint = settings.get("OTEL_EXPORTER_OTLP_ENDPOINT");
  if (endpoint === undefined) return { watches: [], close: async () => undefined };
  const failed = (error: unknown): void =>
    log.with({ logger: "traces" }).warning("traces_not_sent", { message: "the collector takes no traces; calls go on", err: error });
  const dropped = (spans: number): void => metrics.spansDropped.inc(spans);
  const outlet = await openTraces({ endpoint, headers: settings.get("OTEL_EXPORTER_OTLP_HEADERS"), version, failed, dropped });
  const { text } = redactor(() => settings.secretValues());
  const servers = new Map(providers.map((name) => [name, serverOf(name, settings)]));
  const watch = traceCalls({ ...outlet, clock, serverOf: (name) => servers.get(name), clean: text });
  return { watches: [watch], close: () => outlet.close() };
}
