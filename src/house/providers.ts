import type { Place } from "../cluster/place.ts";
import type { AgentSettings } from "../config/file.ts";
import type { Settings } from "../config/settings.ts";
import { Guards } from "../guard/guards.ts";
import { withAdvice } from "../guard/with-advice.ts";
import { systemClock } from "../kernel/clock.ts";
import { Fault, toFault } from "../kernel/fault.ts";
import type { Log } from "../kernel/log.ts";
import { systemRandom } from "../kernel/random.ts";
import type { Provider } from "../provider/contract.ts";
import { providers as rows } from "../provider/providers.ts";
import type { ProviderRow } from "../provider/registry.ts";
import { watchBreakers } from "../watch/breakers.ts";
import { watchHealth } from "../watch/health.ts";
import type { Metrics } from "../watch/metrics.ts";
import { redactor } from "../watch/redact.ts";
import { shareOf } from "./share.ts";

const lastTier = "emergency";

/** The agent's own tiers, else those of every call, else all providers that have what they need; after them the one that needs nothing. */
export function tiersFor(agent: AgentSettings, settings: Settings): readonly string[] {
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

export async function startProviders(named: readonly string[], settings: Settings, log: Log): Promise<readonly Provider[]> {
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

/** Where a provider's sessions are opened; undefined: nowhere but here. */
export function serverOf(name: string, settings: Settings): URL | undefined {
  const server = rows.find((row) => row.name === name)?.server;
  return typeof server === "function" ? server((setting) => settings.lookup(setting)) : undefined;
}

export function guard(bare: readonly Provider[], settings: Settings, log: Log, metrics: Metrics, place: Place | undefined): Guards {
  const names = bare.map((provider) => provider.name);
  return new Guards(bare, (name) => shareOf(settings.guardOf(name), place), {
    clock: systemClock,
    random: systemRandom,
    log: log.with({ logger: "probe" }),
    watch: {
      ...watchBreakers(log.with({ logger: "breaker" }), metrics, names, systemClock),
      ...watchHealth(log.with({ logger: "health" }), metrics, names, () => systemClock.wallNow()),
    },
    redact: redactor(() => settings.secretValues()).text,
  });
}
