import { hostname } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import manifest from "../package.json" with { type: "json" };
import { Ticker } from "./audio/ticker.ts";
import { audioSocketServer } from "./caller/audiosocket.ts";
import { dialects } from "./caller/dialects.ts";
import { audiosocket } from "./caller/dialects/audiosocket.ts";
import { Door, doorLimits, type DoorLimits } from "./caller/door.ts";
import type { Reception } from "./caller/leg.ts";
import { SipEndpoint } from "./caller/sip/endpoint.ts";
import { sipOptions } from "./caller/sip/settings.ts";
import { newLegCounts, type LegParts } from "./caller/websocket-leg.ts";
import { openCarriers, type Carriers } from "./carriers/carriers.ts";
import type { AgentSettings } from "./config/file.ts";
import type { Settings } from "./config/settings.ts";
import type { Tool } from "./desk/tool.ts";
import { openCosts, type Costs } from "./costs/costs.ts";
import { crisisDetector } from "./crisis/detector.ts";
import { CrisisWatch } from "./crisis/watch.ts";
import { deskTools } from "./desk/desk-tools.ts";
import { Guards } from "./guard/guards.ts";
import { RetryCredit } from "./guard/retry-credit.ts";
import { withAdvice } from "./guard/with-advice.ts";
import { Access } from "./http/access.ts";
import { apiRoutes } from "./http/api/api.ts";
import { EventFeed } from "./http/api/events.ts";
import type { NodeControl } from "./http/api/node.ts";
import type { Route } from "./http/answer.ts";
import { breakIt } from "./http/break-it.ts";
import { consoleAddress } from "./http/console.ts";
import { files } from "./http/files.ts";
import { healthz } from "./http/healthz.ts";
import { metrics as metricsRoute, type MetricsText } from "./http/metrics.ts";
import { readyz } from "./http/readyz.ts";
import { createServer, type Server } from "./http/server.ts";
import { CallerTokens } from "./http/tokens.ts";
import { systemClock } from "./kernel/clock.ts";
import { Fault, toFault } from "./kernel/fault.ts";
import type { Log } from "./kernel/log.ts";
import { seededRandom, systemRandom } from "./kernel/random.ts";
import { tellHumans } from "./notify/humans.ts";
import { Notifier } from "./notify/notifier.ts";
import type { Provider } from "./provider/contract.ts";
import { openPrompts, type Prompts } from "./prompts/prompts.ts";
import { HouseVoice } from "./provider/local/voice.ts";
import { providers as rows } from "./provider/providers.ts";
import type { ProviderRow } from "./provider/registry.ts";
import type { SessionHouse } from "./session/session-house.ts";
import { keepCalls } from "./session/keep.ts";
import { Roster, type AgentPlan } from "./session/roster.ts";
import type { CallEvent, SessionWatch } from "./session/words.ts";
import { FileSnapshots } from "./store/file-snapshots.ts";
import { watchBreakers } from "./watch/breakers.ts";
import { watchCalls } from "./watch/calls.ts";
import { countersOf, type Counters } from "./watch/counters.ts";
import type { CallRecord } from "./watch/call-record.ts";
import { watchCosts } from "./watch/costs.ts";
import { Journal } from "./watch/journal.ts";
import { showNode } from "./watch/node.ts";
import { openTraces } from "./watch/otlp.ts";
import { callRecords } from "./watch/records.ts";
import { watchHealth } from "./watch/health.ts";
import { watchLines } from "./watch/lines.ts";
import type { Metrics } from "./watch/metrics.ts";
import { redactor } from "./watch/redact.ts";
import { traceCalls } from "./watch/traces.ts";

/** Openings in a row on the last tier before a call is given up: the first, one at once, and five on a ladder of 31 s. */
const attempts = 7;
const lastTier = "emergency";
/** Connections beyond the calls: callers who are told that all lines are busy. */
const spareConnections = 50;
const routeNames = ["/", "/console", "/console/", "/examples/", "/healthz", "/readyz", "/metrics"];
const { version } = manifest;
const folder = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** One node: its providers, its calls and its doors. */
export interface House {
  /** Where people open the page, such as "http://127.0.0.1:8080/". */
  readonly url: string;
  /** Where phones call, such as "sip:linekeeper@127.0.0.1:5060"; none: SIP is off. */
  readonly sipUris: readonly string[];
  readonly roster: Roster;
  /** In the order of the tiers. */
  readonly providers: ReadonlyMap<string, Provider>;
  /** What is known of each provider, and what an operator may order of it. */
  readonly guards: Guards;
  /** Takes no new call; resolves when the last one has ended. */
  drain(): Promise<void>;
  /** Ends every call, then everything else. */
  close(): Promise<void>;
}

/**
 * Starts the providers that some agent's tiers name, then listens.
 * @throws {Fault} setting-invalid or model-missing, in words for the operator
 */
export async function openHouse(settings: Settings, log: Log, metrics: Metrics): Promise<House> {
  const plans = settings.agents.map((agent) => ({ agent, tiers: tiersFor(agent, settings) }));
  const desk = deskTools({ slowMs: settings.get("LINEKEEPER_DESK_SLOW_MS") });
  const agents = plans.map(({ agent, tiers }) => planOf(agent, tiers, desk));
  const named = [...new Set(plans.flatMap(({ tiers }) => tiers))];
  const guards = guard(await startProviders(named, settings, log), settings, log, metrics);
  const { providers } = guards;
  const closeProviders = async (): Promise<void> => {
    guards.stop();
    await Promise.all([...providers.values()].map((provider) => provider.close()));
  };
  try {
    let url = "";
    const humans = await openNotifier(settings, log, (event) => watch.tell(event));
    const people = tellHumans({
      humans,
      clock: systemClock,
      consoleUrl: () => `${settings.get("PUBLIC_URL") ?? url.replace(/\/$/, "")}/console/`,
      isStopgap: (name) => providers.get(name)?.traits.stopgap === true,
    });
    const books = await openBooks([...providers.keys()], people, settings, log, metrics);
    const { watch } = books;
    humans.start();
    const prompts = await openPrompts(settings.get("LINEKEEPER_PROMPTS"), systemClock.wallNow());
    for (const problem of prompts.problems) log.warning("prompt_unusable", { message: problem });
    const taken = prompts.follow(({ callId, id, cache }) => {
      if (id !== "bridge") watch.tell({ type: "prompt.fetched", callId, found: cache === "hit" });
    });
    const voice = new HouseVoice({ voice: settings.get("LINEKEEPER_LOCAL_VOICE"), clock: systemClock, log: log.with({ logger: "voice" }) });
    const snapshots = new FileSnapshots({ folder: join(settings.get("LINEKEEPER_DATA"), "calls"), clock: systemClock, log });
    const roster = openRoster(agents, guards, settings, log, books, prompts, voice, snapshots);
    await takeUp(roster, snapshots, settings, log);
    const keeping = keepCalls(roster, systemClock);
    const carriers = openCarriers({
      setting: (name) => settings.lookup(name),
      publicUrl: () => settings.get("PUBLIC_URL") ?? url.replace(/\/$/, ""),
      refusal: () => roster.refusal(),
      holds: (callId) => roster.call(callId) !== undefined,
      hangUp: (callId) => {
        if (roster.call(callId) !== undefined) roster.hangUp(callId);
      },
      answeredBy: (callId, who, isReady) => roster.answeredBy(callId, who, isReady),
      clock: systemClock,
      log,
    });
    let drained: Promise<void> | undefined;
    const drainOnce = async (): Promise<void> => {
      counters.drain("draining");
      await roster.drain();
      counters.drain("drained");
    };
    const drain = (): Promise<void> => (drained ??= drainOnce());
    const end = { isDraining: () => drained !== undefined, drain };
    const sip = phones(roster, settings, log, metrics, (code) => counters.connectionRejected(code));
    const diallers = sip === undefined ? carriers.diallers : [...carriers.diallers, sip];
    const api = openApi(roster, guards, diallers, settings, log, end, books);
    const routes = [...routeNames, ...[...api.routes, ...carriers.routes].map(({ path }) => path)];
    const counters = countersOf(metrics, { routes, region: "default", log: log.with({ logger: "http" }), clock: systemClock });
    const show = (): void => books.show(roster, settings);
    const server = openDoors(roster, carriers, settings, log, metrics, counters, degradedBy(prompts), api, show);
    const { address, port } = await server.listen(settings.get("HOST"), settings.get("PORT"));
    url = `http://${address.includes(":") ? `[${address}]` : address}:${port}/`;
    await sip?.listen();
    counters.drain("serving");
    guards.start();
    return {
      url,
      sipUris: sip?.uris ?? [],
      roster,
      providers,
      guards,
      drain,
      async close() {
        keeping[Symbol.dispose]();
        roster.endAll();
        await Promise.all([snapshots.flush(), voice.close()]);
        await sip?.close();
        api.feed[Symbol.dispose]();
        await server.close();
        await closeProviders();
        taken[Symbol.dispose]();
        await books.close();
        await humans.close();
      },
    };
  } catch (error) {
    await closeProviders();
    throw error;
  }
}

/** What is known of calls beside the calls themselves. */
interface Books {
  readonly watch: SessionWatch;
  readonly costs: Costs;
  /** Sets what a scrape asks for and nobody tells. */
  show(roster: Roster, settings: Settings): void;
  close(): Promise<void>;
}

async function openBooks(
  providers: readonly string[],
  people: SessionWatch,
  settings: Settings,
  log: Log,
  metrics: Metrics,
): Promise<Books> {
  const data = settings.get("LINEKEEPER_DATA");
  const costWatch = watchCosts(log.with({ logger: "costs" }), metrics, { providers });
  const costs = openCosts({
    clock: systemClock,
    folder: data,
    prices: settings.prices.map((price) => ({ ...price, trust: "config" })),
    budget: {
      day: settings.get("LINEKEEPER_BUDGET_DAY_USD"),
      month: settings.get("LINEKEEPER_BUDGET_MONTH_USD"),
      whenSpent: settings.get("LINEKEEPER_BUDGET_SPENT"),
    },
    report: costWatch,
  });
  const journalLog = log.with({ logger: "journal" });
  const journal = new Journal({
    path: join(data, "calls.jsonl"),
    failed: (error) => journalLog.error("journal_failed", { message: "records of calls wait for the disk; calls go on", err: error }),
    dropped: (records) => journalLog.error("journal_dropped", { records, message: "the disk took no records for too long" }),
  });
  const costOf = (callId: string): number | undefined => costs.costOf(callId);
  const keep = (record: CallRecord): void => journal.add(record);
  const records = callRecords({ clock: systemClock, region: "default", node: hostname(), costOf, keep });
  const traces = await tracesFor(settings, log);
  const watch = watchCalls(log.with({ logger: "call" }), metrics, {
    providers,
    dialects: [...dialects.map((dialect) => dialect.name), "sip", "audiosocket"],
    clock: systemClock,
    costOf,
    // The records read a call's cost at its end, when the costs forget the call.
    others: [people, records, ...traces.watches, costs],
  });
  return {
    watch,
    costs,
    show(roster, { secretAgesMs }) {
      costWatch.show((period) => costs.usedRatio(period));
      metrics.journalLag.set(journal.lagMs / 1_000);
      showNode(metrics, { providers, ringChunks: roster.ringChunks, secretAgesMs });
    },
    async close() {
      await Promise.all([journal.close(), costs.close(), traces.close()]);
    },
  };
}

/** Without a collector there are no traces, and nothing of what they need is loaded. */
async function tracesFor(settings: Settings, log: Log): Promise<{ readonly watches: readonly SessionWatch[]; close(): Promise<void> }> {
  const endpoint = settings.get("OTEL_EXPORTER_OTLP_ENDPOINT");
  if (endpoint === undefined) return { watches: [], close: async () => undefined };
  const failed = (error: unknown): void =>
    log.with({ logger: "traces" }).warning("traces_not_sent", { message: "the collector takes no traces; calls go on", err: error });
  const outlet = await openTraces({ endpoint, headers: settings.get("OTEL_EXPORTER_OTLP_HEADERS"), version, failed });
  const { text } = redactor(() => settings.secretValues());
  return { watches: [traceCalls({ ...outlet, clock: systemClock, clean: text })], close: () => outlet.close() };
}

function openRoster(
  agents: readonly AgentPlan[],
  guards: Guards,
  settings: Settings,
  log: Log,
  { watch, costs }: Books,
  prompts: Prompts,
  voice: HouseVoice,
  snapshots: FileSnapshots,
): Roster {
  const seed = settings.get("LINEKEEPER_SEED");
  const stopgaps = [...guards.providers.values()].filter(({ traits }) => traits.stopgap).map(({ name }) => name);
  const house: SessionHouse = {
    clock: systemClock,
    random: seed === undefined ? systemRandom : seededRandom(seed),
    ticker: new Ticker(systemClock),
    log: log.with({ logger: "session" }),
    watch,
    providers: guards.providers,
    limits: {
      ringChunks: settings.get("LINEKEEPER_RING_CHUNKS"),
      chunkMs: settings.get("LINEKEEPER_CHUNK_MS"),
      holdMs: settings.get("LINEKEEPER_HOLD_MS"),
      drainMs: settings.get("LINEKEEPER_DRAIN_MS"),
      attempts,
    },
    pace: guards,
    credit: new RetryCredit(() => roster.size),
    // Who only bridges stays last: it answers when nobody else does.
    budget: { admit: (tiers) => costs.admit(tiers, { inCrisis: false, last: stopgaps }) },
    voice,
    personAt: settings.get("LINEKEEPER_PERSON"),
    prompts,
    crisis: new CrisisWatch(crisisDetector(settings.crisisPhrases)),
    snapshots,
  };
  const roster = new Roster(house, agents, { calls: settings.get("LINEKEEPER_MAX_CALLS") });
  return roster;
}

/** What comes of telling people of a call is itself something that happens to the call. */
function openNotifier(settings: Settings, log: Log, tell: (event: CallEvent) => void): Promise<Notifier> {
  return Notifier.open({
    address: (channel) => settings.get(channel === "chat" ? "LINEKEEPER_NOTIFY_CHAT_URL" : "LINEKEEPER_NOTIFY_MAIL_URL"),
    mailTo: () => settings.get("LINEKEEPER_NOTIFY_MAIL_TO"),
    path: join(settings.get("LINEKEEPER_DATA"), "outbox.jsonl"),
    told({ notice: { callId, reason }, channel, result, durationMs }) {
      if (callId !== undefined && reason !== "alert") tell({ type: "human.told", callId, reason, channel, result, durationMs });
    },
    clock: systemClock,
    random: systemRandom,
    log: log.with({ logger: "notify" }),
  });
}

/** Calls that whoever ran here before has left wait for their callers. */
async function takeUp(roster: Roster, snapshots: FileSnapshots, settings: Settings, log: Log): Promise<void> {
  const oldest = systemClock.wallNow() - settings.get("LINEKEEPER_RESUME_MS");
  for (const snapshot of await snapshots.load()) {
    if (snapshot.savedAtMs >= oldest && roster.restore(snapshot)) continue;
    log.info("call_too_old", { callId: snapshot.callId, saved_at: new Date(snapshot.savedAtMs).toISOString() });
    snapshots.remove(snapshot.callId);
  }
}

function openDoors(
  roster: Roster,
  { carriers, routes: ofCarriers }: Carriers,
  settings: Settings,
  log: Log,
  metrics: Metrics,
  counters: Counters,
  degraded: readonly string[],
  api: Api,
  show: () => void,
): Server {
  const reasonsNotTo = (): readonly string[] => {
    const refusal = roster.refusal();
    return refusal === undefined ? [] : [refusal.message];
  };
  const scrape = async (): Promise<MetricsText> => {
    counters.ready(reasonsNotTo().length === 0);
    show();
    return { type: metrics.contentType, text: await metrics.text() };
  };
  const key = (): readonly string[] => [settings.get("LINEKEEPER_API_KEY")].filter((each) => each !== undefined);
  const routes = [
    ...api.routes,
    ...ofCarriers,
    healthz(version, systemClock),
    readyz(reasonsNotTo, degraded),
    metricsRoute(scrape),
    files("/examples/", folder("../fixtures/speech/"), [".wav"]),
    consoleAddress,
    files("/console/", folder("../public/console/")),
    files("/", folder("../public/")),
  ];
  const door = new Door({ ...doorLimits, ...placesFor(settings.get("LINEKEEPER_MAX_CALLS")) }, systemClock);
  const leg: LegParts = {
    reception: receptionOf(roster, counters.connectionRejected),
    clock: systemClock,
    beat: new Ticker(systemClock, 250),
    log: log.with({ logger: "leg" }),
    counts: newLegCounts(),
  };
  const server = createServer({
    routes,
    dialects,
    carriers,
    access: new Access({
      keys: key,
      origins: originsOf(settings),
      trustedProxies: [],
      tokens: api.tokens,
      awaits: (token) => roster.awaits(token),
      refused: counters.authFailed,
    }),
    door,
    leg,
    answered: counters.httpAnswered,
  });
  return withAudioSocket(server, settings, leg, door);
}

/** Beside the server itself, where a port was named for it. */
function withAudioSocket(server: Server, settings: Settings, leg: LegParts, door: Door): Server {
  const port = settings.get("AUDIOSOCKET_PORT");
  if (port === undefined) return server;
  const dialect = audiosocket(`pcm16@${settings.get("AUDIOSOCKET_RATE")}`);
  const audio = audioSocketServer({ dialect, leg, door, peers: settings.get("AUDIOSOCKET_PEERS") });
  return {
    async listen(host, httpPort) {
      await audio.listen(host, port);
      return server.listen(host, httpPort);
    },
    async close() {
      await Promise.all([server.close(), audio.close()]);
    },
  };
}

/** A carrier may bring every call, and be told that all lines are busy. */
const placesFor = (calls: number): Pick<DoorLimits, "overall" | "perCarrier"> => ({
  overall: calls + spareConnections,
  perCarrier: calls + spareConnections,
});

/** The roster, and a count of whom it did not take. */
function receptionOf(roster: Roster, rejected: (code: string) => void): Reception {
  return {
    receive(leg, start) {
      try {
        return roster.receive(leg, start);
      } catch (error) {
        rejected(error instanceof Fault ? error.code : "internal");
        throw error;
      }
    },
  };
}

/** Undefined: SIP is off. It listens when told. */
function phones(roster: Roster, settings: Settings, log: Log, metrics: Metrics, rejected: (code: string) => void): SipEndpoint | undefined {
  const options = sipOptions((name) => settings.lookup(name));
  if (options === undefined) return undefined;
  const sipLog = log.with({ logger: "sip" });
  return new SipEndpoint(options, {
    reception: receptionOf(roster, rejected),
    refusal: () => roster.refusal(),
    clock: systemClock,
    random: systemRandom,
    log: sipLog,
    ended: watchLines(sipLog, metrics),
  });
}

interface Api {
  readonly routes: readonly Route[];
  readonly tokens: CallerTokens;
  readonly feed: EventFeed;
}

function openApi(
  roster: Roster,
  providers: Guards,
  diallers: Carriers["diallers"],
  settings: Settings,
  log: Log,
  end: { isDraining: () => boolean; drain: () => Promise<void> },
  { costs }: Books,
): Api {
  const tokens = new CallerTokens(() => settings.get("LINEKEEPER_TOKEN_SECRET")?.split(",").filter(Boolean) ?? [], systemClock);
  const epoch = systemRandom.id("", 8);
  const feed = new EventFeed({ control: roster, providers, clock: systemClock, log: log.with({ logger: "http" }), epoch });
  const node: NodeControl = {
    version,
    state: () => (end.isDraining() ? "draining" : "serving"),
    calls: () => roster.size,
    costToday() {
      const { key, usd, unpricedCalls } = costs.spending("day");
      return { day: key, usd, unpricedCalls };
    },
    drain: () => void end.drain(),
  };
  const panelUrl = settings.get("LINEKEEPER_FAKES_PANEL");
  const isDemo = panelUrl !== undefined || [...providers.providers.values()].every(({ traits }) => traits.offline);
  return {
    routes: [
      ...apiRoutes({ control: roster, providers, diallers, node, tokens, feed, log: log.with({ logger: "audit" }) }),
      ...breakIt({ panelUrl, isDemo }),
    ],
    tokens,
    feed,
  };
}

/** For everybody to read, so without the files' paths; those are in the log. */
function degradedBy({ problems }: Prompts): readonly string[] {
  return problems.length === 0 ? [] : [`${problems.length} problems with the fixed lines' audio or review; the log names them`];
}

/** Behind a proxy the page's origin is the public one, whatever the Host header says. */
function originsOf(settings: Settings): readonly string[] {
  const publicUrl = settings.get("PUBLIC_URL");
  return publicUrl === undefined ? settings.get("LINEKEEPER_ORIGINS") : [...settings.get("LINEKEEPER_ORIGINS"), new URL(publicUrl).origin];
}

/** The agent's own tiers, else those of every call, else all providers that have what they need; after them the one that needs nothing. */
function tiersFor(agent: AgentSettings, settings: Settings): readonly string[] {
  const tiers = agent.tiers ?? settings.get("LINEKEEPER_TIERS") ?? rows.filter((row) => isConfigured(row, settings)).map((row) => row.name);
  return tiers.includes(lastTier) ? tiers : [...tiers, lastTier];
}

const isConfigured = (row: ProviderRow, settings: Settings): boolean => missingFor(row, settings).length === 0;

/** What a provider needs and has not been given, in words. */
const missingFor = (row: ProviderRow, settings: Settings): readonly string[] =>
  row.needs.flatMap((need) => {
    const anyOf = [need].flat();
    return anyOf.some((name) => settings.lookup(name) !== undefined) ? [] : [anyOf.join(" or ")];
  });

async function startProviders(named: readonly string[], settings: Settings, log: Log): Promise<readonly Provider[]> {
  const chosen = named.map((name) => {
    const row = rows.find((each) => each.name === name);
    if (row === undefined)
      throw new Fault("setting-invalid", `no provider is named "${name}"; known are ${rows.map((each) => each.name).join(", ")}`);
    const missing = missingFor(row, settings);
    if (missing.length > 0) throw new Fault("setting-invalid", `${name} is among the tiers and needs ${missing.join(" and ")}`);
    return row;
  });
  const setting = (name: string): string | undefined => settings.lookup(name);
  const started = await Promise.allSettled(
    chosen.map((row) => row.make({ setting, clock: systemClock, log: log.with({ logger: row.name, provider: row.name }) })),
  );
  const running = started.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  const failed = started.find((each) => each.status === "rejected");
  if (failed !== undefined) {
    await Promise.all(running.map((provider) => provider.close()));
    throw toFault(failed.reason, "internal", "starting the providers");
  }
  return running.map((provider) => {
    const needs = chosen.find((row) => row.name === provider.name)?.needs ?? [];
    const keys = needs.filter((name) => typeof name === "string").filter((name) => name.endsWith("_KEY"));
    return withAdvice(provider, keys);
  });
}

function guard(bare: readonly Provider[], settings: Settings, log: Log, metrics: Metrics): Guards {
  const names = bare.map((provider) => provider.name);
  return new Guards(bare, (name) => settings.guardOf(name), {
    clock: systemClock,
    random: systemRandom,
    log: log.with({ logger: "probe" }),
    watch: {
      ...watchBreakers(log.with({ logger: "breaker" }), metrics, names),
      ...watchHealth(log.with({ logger: "health" }), metrics, names, () => systemClock.wallNow()),
    },
    redact: redactor(() => settings.secretValues()).text,
  });
}

function planOf(agent: AgentSettings, tiers: readonly string[], desk: readonly Tool[]): AgentPlan {
  const names = desk.map((tool) => tool.spec.name);
  const wanted = agent.tools === "all" ? names : agent.tools;
  const unknown = wanted.filter((name) => !names.includes(name));
  if (unknown.length > 0)
    throw new Fault("setting-invalid", `agent ${agent.name}: no tool is named ${unknown.join(", ")}; known are ${names.join(", ")}`);
  const { name, instructions, greeting, language, voice, providerSettings } = agent;
  return {
    spec: { name, instructions, greeting, language, voice, providerSettings },
    tiers,
    tools: desk.filter((tool) => wanted.includes(tool.spec.name)),
    standby: agent.standby,
    switchBack: agent.switchBack,
    manners: { idle: { ...agent.idle, repromptAfterMs: agent.idle.repromptAfterMs }, machine: agent.machine, people: agent.people },
  };
}
