import { systemClock } from "../src/kernel/clock.ts";
import { silentLog } from "../src/kernel/log.ts";
import { providers } from "../src/provider/providers.ts";
import type { ProviderRow } from "../src/provider/registry.ts";
import type { Described } from "./parity.ts";

/** Every provider with the traits that it has once it runs; none is called. The local one needs its speech models. */
export function describedProviders(): Promise<Described[]> {
  return Promise.all(providers.map(described));
}

async function described(row: ProviderRow): Promise<Described> {
  const needed = row.needs.flat();
  const setting = (name: string): string | undefined => {
    // One call is enough, and need not be measured.
    if (name === "LINEKEEPER_LOCAL_CALLS") return "1";
    if (!needed.includes(name)) return undefined;
    return name.endsWith("_ENDPOINT") ? "https://example.invalid" : "set";
  };
  const provider = await row.make({ setting, clock: systemClock, log: silentLog });
  await provider.close();
  return { name: row.name, needs: row.needs, traits: provider.traits };
}
