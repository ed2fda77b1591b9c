import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Ticker } from "../audio/ticker.ts";
import { audioSocketServer, type AudioSocketOptions } from "../caller/audiosocket.ts";
import { dialects } from "../caller/dialects.ts";
import { audiosocket } from "../caller/dialects/audiosocket.ts";
import { Door, doorLimits, type DoorLimits } from "../caller/door.ts";
import type { Reception } from "../caller/leg.ts";
import type { Speech } from "../caller/sip/consultation.ts";
import { SipEndpoint } from "../caller/sip/endpoint.ts";
import { sipOptions } from "../caller/sip/settings.ts";
import { newLegCounts } from "../caller/leg-counts.ts";
import type { LegParts } from "../caller/websocket-leg.ts";
import { Everywhere } from "../cluster/everywhere.ts";
import type { Place } from "../cluster/place.ts";
import type { Carriers } from "../carriers/carriers.ts";
import type { Settings } from "../config/settings.ts";
import type { Guards } from "../guard/guards.ts";
import type { LoadGate } from "../guard/load.ts";
import { Access, addressOfSocket, type AccessOptions } from "../http/access.ts";
import type { Route } from "../http/answer.ts";
import { apiRoutes } from "../http/api/api.ts";
import { EventFeed, isTold, picturedCalls } from "../http/api/events.ts";
import type { NodeControl } from "../http/api/node.ts";
import { breakIt } from "../http/break-it.ts";
import { consoleAddress } from "../http/console.ts";
import { files } from "../http/files.ts";
import { healthz } from "../http/healthz.ts";
import { metrics as metricsRoute, type MetricsText } from "../http/metrics.ts";
import { readyz } from "../http/readyz.ts";
import { createServer, type Server, type ServerParts } from "../http/server.ts";
import { CallerTokens } from "../http/tokens.ts";
import { UsedTokens } from "../http/used-tokens.ts";
import { watchLegs } from "./leg-metrics.ts";
import { everybodyHere } from "../http/upgrades.ts";
import { serverAmong } from "./machine.ts";
import { tellUnproven } from "./unproven.ts";
import type { Shared } from "./share.ts";
import { version } from "./version.ts";
import { systemClock } from "../kernel/clock.ts";
import { Fault } from "../kernel/fault.ts";
import type { Log } from "../kernel/log.ts";
import { systemRandom } from "../kernel/random.ts";
import type { Prompts } from "../prompts/prompts.ts";
import type { Provider } from "../provider/contract.ts";
import type { Roster } from "../session/roster.ts";

import type { Counters } from "../watch/counters.ts";
import { watchLines } from "../watch/lines.ts";
import type { Metrics } from "../watch/metrics.ts";
import { type Books } from "./books.ts";

/** Connections beyond the calls: callers who are told that all lines are busy. */
const spareConnections = 50;

export const routeNames = ["/", "/console", "/console/", "/examples/", "/healthz", "/readyz", "/metrics"];

const folder = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export function openDoors(
  roster: Roster,
  { carriers, routes: webhooks }: Carriers,
  settings: Settings,
  log: Log,
  metrics: Metrics,
  counters: Counters,
  degraded: () => readonly string[],
  api: Api,
  show: () => void,
  load: LoadGate,
  place: Place | undefined,
): Server {
  const counts = newLegCounts();
  const ofCarriers = tellUnproven(webhooks, (address) => counters.authFailed("signature", address));
  watchLegs(metrics, counts);
  const reasonsNotTo = (): readonly string[] => {
    const refusal = roster.refusal();
    return refusal === undefined ? [] : [refusal.message];
  };
  const beforeScrape = (): void => {
    counters.ready(reasonsNotTo().length === 0);
    show();
  };
  const scrape = async (): Promise<MetricsText> => {
    beforeScrape();
    return { type: metrics.contentType, text: await metrics.text() };
  };
  const keys = (): readonly string[] =>
    [settings.get("LINEKEEPER_API_KEY"), settings.get("LINEKEEPER_API_KEY_PREVIOUS")].filter((each) => each !== undefined);
  const pages = [
    healthz(version, systemClock),
    files("/examples/", folder("../../fixtures/speech/"), [".wav"]),
    consoleAddress,
    files("/console/", folder("../../public/console/")),
    files("/", folder("../../public/")),
  ];
  const readiness = readyz(reasonsNotTo, degraded);
  // At the door nobody knows yet who begins a call and who comes back into one: while callers are awaited, each is let in and looked at.
  const shut = (): Fault | undefined => {
    const overload = load.refusal();
    return overload === undefined || roster.isAwaiting ? undefined : overload;
  };
  const door = new Door(
    { ...doorLimits, ...placesFor(settings.get("LINEKEEPER_MAX_CALLS")) },
    systemClock,
    shut,
    (fault, scope, address) => {
      counters.connectionRejected(fault.code);
      if (scope !== undefined) counters.rateLimited(scope, address);
    },
  );
  const refused = (carrier: string | undefined, address: string): void => {
    counters.connectionRejected("caller-refused");
    // Who needs no carrier to speak for them was told of by the access.
    if (carrier !== undefined) counters.authFailed("signature", address);
  };
  const leg: LegParts = {
    reception: receptionOf(roster, counters.connectionRejected),
    clock: systemClock,
    beat: new Ticker(systemClock, 250),
    log: log.with({ logger: "leg" }),
    counts,
  };
  const awaits = (token: string): boolean => roster.awaits(token);
  const accessFrom = (addressOf: AccessOptions["addressOf"]): Access =>
    new Access({
      keys,
      origins: originsOf(settings),
      trustedProxies: settings.get("LINEKEEPER_TRUSTED_PROXIES"),
      tokens: api.tokens,
      tokenStayMs: settings.get("LINEKEEPER_TOKEN_STAY_MS"),
      addressOf,
      awaits,
      refused: counters.authFailed,
    });
  const common: ServerParts = {
    routes: [...api.routes, ...ofCarriers, readiness, metricsRoute(scrape), ...pages],
    dialects,
    carriers,
    access: accessFrom(addressOfSocket),
    door,
    leg,
    refused,
    sort: everybodyHere,
    answered: counters.httpAnswered,
  };
  const doors = { ...common, api: api.routes, ofCarriers, readyz: readiness, beforeScrape, pages, isHere: awaits, accessFrom };
  const server = place === undefined ? createServer(common) : serverAmong(place, doors, common, metrics, log);
  const unproven = (address: string): void => {
    counters.connectionRejected("caller-refused");
    counters.authFailed("address", address);
  };
  return withAudioSocket(server, settings, { leg, door, unproven });
}

/** Beside the server itself, where a port was named for it. */
function withAudioSocket(server: Server, settings: Settings, parts: Pick<AudioSocketOptions, "leg" | "door" | "unproven">): Server {
  const port = settings.get("AUDIOSOCKET_PORT");
  if (port === undefined) return server;
  const dialect = audiosocket(`pcm16@${settings.get("AUDIOSOCKET_RATE")}`);
  const audio = audioSocketServer({ ...parts, dialect, peers: settings.get("AUDIOSOCKET_PEERS") });
  return {
    ...server,
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
export function phones(
  roster: Roster,
  settings: Settings,
  log: Log,
  metrics: Metrics,
  { connectionRejected: rejected, authFailed: unproven }: Pick<Counters, "connectionRejected" | "authFailed">,
  speech: Speech,
): SipEndpoint | undefined {
  const agents = settings.agents.map(({ name }) => name);
  const options = sipOptions((name) => settings.lookup(name), agents);
  if (options === undefined) return undefined;
  const sipLog = log.with({ logger: "sip" });
  return new SipEndpoint(options, {
    reception: receptionOf(roster, rejected),
    refusal: () => roster.refusal(),
    rejected,
    unproven,
    clock: systemClock,
    random: systemRandom,
    log: sipLog,
    ended: watchLines(sipLog, metrics),
    speech,
  });
}

interface Api {
  readonly routes: readonly Route[];
  readonly tokens: CallerTokens;
  readonly feed: EventFeed;
}

export function openApi(
  roster: Roster,
  providers: Guards,
  diallers: Carriers["diallers"],
  settings: Settings,
  log: Log,
  end: { isDraining: () => boolean; drain: () => Promise<void> },
  { costs, audit, rate }: Books,
  { tokens: sharedTokens }: Shared,
  place: Place | undefined,
): Api {
  const used = new UsedTokens(
    join(settings.get("LINEKEEPER_DATA"), "used-tokens.jsonl"),
    (error) => log.error("used_tokens_degraded", { message: "used caller tokens are not known after a restart", err: error }),
    sharedTokens.told,
  );
  sharedTokens.follow((id, untilMs) => used.learn(id, untilMs));
  const secrets = (): readonly string[] => settings.get("LINEKEEPER_TOKEN_SECRET")?.split(",").filter(Boolean) ?? [];
  const tokens = new CallerTokens(secrets, systemClock, used, sharedTokens.own);
  const everywhere = place && new Everywhere(roster, place, { isTold, picturedCalls }, systemClock);
  const epoch = systemRandom.id("", 8);
  const feed = new EventFeed({
    control: everywhere ?? roster,
    isRead: (on) => everywhere?.isRead(on),
    providers,
    clock: systemClock,
    log: log.with({ logger: "http" }),
    epoch,
  });
  const node: NodeControl = {
    version,
    state: () => (end.isDraining() ? "draining" : "serving"),
    calls: () => roster.size,
    refusal: () => roster.refusal()?.message,
    costToday() {
      const { key, usd, unpricedCalls } = costs.spending("day");
      return { day: key, usd, unpricedCalls, budgetUsed: { day: costs.usedRatio("day"), month: costs.usedRatio("month") } };
    },
    drain: () => void end.drain(),
  };
  const panelUrl = settings.get("LINEKEEPER_FAKES_PANEL");
  const isDemo = panelUrl !== undefined || [...providers.providers.values()].every(({ traits }) => traits.offline);
  return {
    routes: [
      ...apiRoutes({ control: roster, providers, diallers, node, tokens, feed, rate, log: audit }),
      ...breakIt({ panelUrl, isDemo }),
    ],
    tokens,
    feed,
  };
}

/** For everybody to read, so without the files' paths and the providers' names; those are in the log. */
export function degradedBy({ problems }: Prompts, providers: ReadonlyMap<string, Provider>): () => readonly string[] {
  const ofLines = problems.length === 0 ? [] : [`${problems.length} problems with the fixed lines' audio or review; the log names them`];
  const agents = [...providers.values()].filter(({ traits }) => !traits.stopgap);
  return () => {
    const shut = agents.filter((provider) => provider.admit() !== undefined).length;
    if (shut === 0) return ofLines;
    if (shut < agents.length) return [...ofLines, `${shut} of ${agents.length} providers take no calls`];
    return [...ofLines, "no provider takes calls: callers hear the fixed lines, and people are told"];
  };
}

/** Behind a proxy the page's origin is the public one, whatever the Host header says. */
function originsOf(settings: Settings): readonly string[] {
  const publicUrl = settings.get("PUBLIC_URL");
  return publicUrl === undefined ? settings.get("LINEKEEPER_ORIGINS") : [...settings.get("LINEKEEPER_ORIGINS"), new URL(publicUrl).origin];
}
