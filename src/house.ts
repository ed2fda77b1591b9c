import { join } from "node:path";
import { openCarriers } from "./carriers/carriers.ts";
import type { Place } from "./cluster/place.ts";
import type { Settings } from "./config/settings.ts";
import { deskTools } from "./desk/desk-tools.ts";
import type { Guards } from "./guard/guards.ts";
import { openBooks } from "./house/books.ts";
import { machineRuleOf, openRoster, takeUp, planOf } from "./house/calls.ts";
import { routeNames, openDoors, phones, openApi, degradedBy } from "./house/doors.ts";
import { announce, shareSecrets } from "./house/share.ts";
import { openLoadGate } from "./house/load.ts";
import { openNotifier } from "./house/people.ts";
import { tiersFor, startProviders, guard } from "./house/providers.ts";
import { systemClock } from "./kernel/clock.ts";
import type { Log } from "./kernel/log.ts";
import { tellHumans } from "./notify/humans.ts";
import { openPrompts } from "./prompts/prompts.ts";
import type { Provider } from "./provider/contract.ts";
import { HouseVoice } from "./provider/local/voice.ts";
import { keepCalls } from "./session/keep.ts";
import type { Roster } from "./session/roster.ts";
import { FileSnapshots } from "./store/file-snapshots.ts";
import { countersOf } from "./watch/counters.ts";
import type { Metrics } from "./watch/metrics.ts";

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
 * @param place where this process stands among those of its machine; undefined: it is alone
 * @throws {Fault} setting-invalid or model-missing, in words for the operator
 */
export async function openHouse(settings: Settings, log: Log, metrics: Metrics, place?: Place): Promise<House> {
  const plans = settings.agents.map((agent) => ({ agent, tiers: tiersFor(agent, settings) }));
  const desk = deskTools({ slowMs: settings.get("LINEKEEPER_DESK_SLOW_MS") });
  const agents = plans.map(({ agent, tiers }) => planOf(agent, tiers, desk));
  const named = [...new Set(plans.flatMap(({ tiers }) => tiers))];
  const guards = guard(await startProviders(named, settings, log), settings, log, metrics, place);
  const { providers } = guards;
  const sharing = new DisposableStack();
  if (place !== undefined) sharing.use(guards.join(place.guardPeers));
  const closeProviders = async (): Promise<void> => {
    guards.stop();
    await Promise.all([...providers.values()].map((provider) => provider.close()));
  };
  try {
    let url = place?.url ?? "";
    const humans = await openNotifier(settings, log, (event) => watch.tell(event));
    const people = tellHumans({
      humans,
      clock: systemClock,
      consoleUrl: () => `${settings.get("PUBLIC_URL") ?? url.replace(/\/$/, "")}/console/`,
      isStopgap: (name) => providers.get(name)?.traits.stopgap === true,
    });
    const books = await openBooks([...providers.values()], people, settings, log, metrics, place);
    const { watch } = books;
    humans.start();
    const prompts = await openPrompts(settings.get("LINEKEEPER_PROMPTS"), systemClock.wallNow());
    metrics.promptsUnusable.set(prompts.problems.length);
    for (const problem of prompts.problems) log.warning("prompt_unusable", { message: problem });
    const taken = prompts.follow(({ callId, id, cache }) => {
      if (id !== "bridge") watch.tell({ type: "prompt.fetched", callId, found: cache === "hit" });
    });
    const voice = new HouseVoice({ voice: settings.get("LINEKEEPER_LOCAL_VOICE"), clock: systemClock, log: log.with({ logger: "voice" }) });
    const snapshots = new FileSnapshots({ folder: join(settings.get("LINEKEEPER_DATA"), "calls"), clock: systemClock, log });
    const load = openLoadGate(settings, log, metrics);
    const roster = openRoster(agents, guards, settings, log, books, prompts, voice, snapshots, load);
    if (place !== undefined) sharing.use(announce(roster, place));
    await takeUp(roster, snapshots, settings, log);
    const keeping = keepCalls(roster, systemClock);
    const shared = shareSecrets(place);
    const carriers = openCarriers({
      setting: (name) => settings.lookup(name),
      publicUrl: () => settings.get("PUBLIC_URL") ?? url.replace(/\/$/, ""),
      // The stream that a webhook asks for goes to a process that takes calls.
      refusal: () => (place?.othersTake === true ? undefined : roster.refusal()),
      rejected: (code) => counters.connectionRejected(code),
      holds: (callId) => roster.call(callId) !== undefined,
      hangUp: (callId) => {
        if (roster.call(callId) !== undefined) roster.hangUp(callId);
      },
      answeredBy: (callId, who, isReady) => roster.answeredBy(callId, who, isReady),
      machineRule: (name) => machineRuleOf(agents, name),
      tickets: shared.tickets,
      clock: systemClock,
      log,
    });
    let drained: Promise<void> | undefined;
    const drainOnce = async (): Promise<void> => {
      counters.draining(settings.get("LINEKEEPER_DRAIN_MS"));
      await roster.drain();
      counters.drain("drained");
    };
    const drain = (): Promise<void> => (drained ??= drainOnce());
    if (place !== undefined) sharing.use(place.follow(({ news }) => void (news.type === "drain" && drain())));
    const end = { isDraining: () => drained !== undefined, drain };
    // The routes that are counted are known only after the diallers, and a telephone is one.
    const callerCounters = {
      connectionRejected: (reason: string) => counters.connectionRejected(reason),
      authFailed: (kind: string, address: string) => counters.authFailed(kind, address),
    };
    const sip = phones(roster, settings, log, metrics, callerCounters, voice);
    const diallers = sip === undefined ? carriers.diallers : [...carriers.diallers, sip];
    const api = openApi(roster, guards, diallers, settings, log, end, books, shared, place);
    const routes = [...routeNames, ...[...api.routes, ...carriers.routes].map(({ path }) => path)];
    const counters = countersOf(metrics, {
      routes,
      region: settings.get("LINEKEEPER_REGION"),
      log: log.with({ logger: "http" }),
      clock: systemClock,
    });
    const show = (): void => books.show(roster, settings);
    const server = openDoors(roster, carriers, settings, log, metrics, counters, degradedBy(prompts, providers), api, show, load, place);
    const { address, port } = await server.listen(settings.get("HOST"), settings.get("PORT"));
    url = `http://${address.includes(":") ? `[${address}]` : address}:${port}/`;
    await sip?.listen();
    counters.drain("serving");
    place?.publish({ type: "calls", callIds: roster.calls().map(({ callId }) => callId) });
    guards.start();
    return {
      url,
      sipUris: sip?.uris ?? [],
      roster,
      providers,
      guards,
      drain,
      async close() {
        sharing.dispose();
        keeping[Symbol.dispose]();
        load[Symbol.dispose]();
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
