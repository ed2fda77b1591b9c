import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dial, type Caller, type DialOptions } from "../../scripts/caller/caller.ts";
import { loadSettings } from "../../src/config/settings.ts";
import { openHouse, type House } from "../../src/house.ts";
import { silentLog, type Log } from "../../src/kernel/log.ts";
import { createMetrics } from "../../src/watch/metrics.ts";

/** Tests run beside others on a machine that is busy with them. */
export const loadIsNoMatter = { LINEKEEPER_MAX_LAG_MS: "0", LINEKEEPER_MAX_LOAD_PERCENT: "0" };

/** The whole server in this process, on a port of its own, as an operator would start it with these settings. */
export interface Server extends AsyncDisposable {
  readonly house: House;
  readonly url: string;
  dials(options?: DialOptions): Promise<Caller>;
  /** One series of /metrics, labels and all; 0 when it is not there. */
  metric(name: string): Promise<number>;
}

export async function startServer(environment: Readonly<Record<string, string>> = {}, log: Log = silentLog): Promise<Server> {
  const metrics = createMetrics();
  // A folder of its own, so that nobody's calls are taken up by another server.
  const data = await mkdtemp(join(tmpdir(), "linekeeper-data-"));
  const settings = loadSettings({
    PORT: "0",
    LINEKEEPER_DATA: data,
    LINEKEEPER_SEED: "7",
    LINEKEEPER_TIERS: "local",
    ...loadIsNoMatter,
    ...environment,
  });
  const house = await openHouse(settings, log, metrics);
  return {
    house,
    url: house.url,
    dials: (options) => dial(house.url, options),
    async metric(name) {
      const line = (await (await fetch(`${house.url}metrics`)).text()).split("\n").find((each) => each.startsWith(`${name} `));
      return line === undefined ? 0 : Number(line.slice(name.length + 1));
    },
    async [Symbol.asyncDispose]() {
      await house.close();
      await rm(data, { recursive: true, force: true });
    },
  };
}
