import { join } from "node:path";
import type { Caller, DialOptions } from "../../scripts/caller/caller.ts";
import { fakes, type Fake } from "../../src/fakes/fakes.ts";
import type { Panel } from "../../src/fakes/panel.ts";
import type { Log, LogFields } from "../../src/kernel/log.ts";
import type { ProviderTraits } from "../../src/provider/contract.ts";
import { startServer } from "./server.ts";

interface LogLine {
  readonly level: "debug" | "info" | "warning" | "error";
  readonly event: string;
  readonly fields: LogFields;
}

/** The whole server, with `tiers` each on its own fake as `npm run fakes` serves it. */
export interface Cloud extends AsyncDisposable {
  /** Where its pages are. */
  readonly url: string;
  /** Every line of the server's log, also those that a level would hide. */
  readonly log: readonly LogLine[];
  /** Keys that must appear nowhere. */
  readonly secrets: readonly string[];
  /** A call that has been greeted. */
  answers(): Promise<Caller>;
  dials(options?: DialOptions): Promise<Caller>;
  /** One series of /metrics, labels and all; 0 when it is not there. */
  metric(name: string): Promise<number>;
  panel(tier: string): Panel;
  traits(tier: string): ProviderTraits;
  /** What the fakes' services would have refused. */
  violations(): readonly string[];
}

/** Every provider whose service this machine can play. */
export const playable: readonly string[] = fakes.filter((row) => row.isTier).map((row) => row.name);

export const startCloud = (...tiers: readonly string[]): Promise<Cloud> => startCloudWith({}, ...tiers);

/** The same with more settings. */
export async function startCloudWith(more: Readonly<Record<string, string>>, ...tiers: readonly string[]): Promise<Cloud> {
  const running = new Map<string, Fake>();
  for (const row of fakes) if (tiers.includes(row.name)) running.set(row.name, await row.start({ port: 0 }));
  const settings = Object.fromEntries([...running.values()].flatMap((fake) => Object.entries(fake.settings)));
  const log: LogLine[] = [];
  const environment = {
    ...settings,
    LINEKEEPER_TIERS: tiers.join(","),
    LINEKEEPER_CONFIG: join(import.meta.dirname, "cloud.json"),
    ...more,
  };
  const server = await startServer(environment, kept(log));
  const found = <T>(what: T | undefined, name: string): T => {
    if (what === undefined) throw new Error(`${name} is not among the tiers`);
    return what;
  };
  return {
    url: server.url,
    log,
    secrets: Object.entries(settings).flatMap(([name, value]) => (name.endsWith("_KEY") ? [value] : [])),
    dials: (options) => server.dials(options),
    async answers() {
      const caller = await server.dials();
      await caller.hears();
      return caller;
    },
    metric: (name) => server.metric(name),
    panel: (tier) => found(running.get(tier), tier).panel,
    traits: (tier) => found(server.house.providers.get(tier), tier).traits,
    violations: () => [...running].flatMap(([name, { panel }]) => panel.violations.map((what) => `${name}: ${what}`)),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      for (const fake of running.values()) await fake[Symbol.asyncDispose]();
    },
  };
}

function kept(lines: LogLine[], bound: LogFields = {}): Log {
  const at =
    (level: LogLine["level"]) =>
    (event: string, fields: LogFields = {}) =>
      void lines.push({ level, event, fields: { ...bound, ...fields } });
  return {
    debug: at("debug"),
    info: at("info"),
    warning: at("warning"),
    error: at("error"),
    with: (fields) => kept(lines, { ...bound, ...fields }),
  };
}
