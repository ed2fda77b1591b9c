import { mkdtemp, rm } from "node:fs/promises";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fakes, type Fake } from "../../../src/fakes/fakes.ts";
import type { Panel } from "../../../src/fakes/panel.ts";
import { startProcess, type ServerProcess } from "../../../test/scenario/process.ts";
import { dial, type Caller, type DialOptions } from "../../caller/caller.ts";

/** The whole server in a process of its own, and the services of its tiers in this one, on real sockets. */
export interface World extends AsyncDisposable {
  readonly server: ServerProcess;
  panel(tier: string): Panel;
  /** By the agent without a standby, unless another is asked for; each from an address of its own, as callers do. */
  dials(options?: DialOptions): Promise<Caller>;
  /** The sum of all series of /metrics whose name and labels match. */
  metric(series: RegExp): Promise<number>;
  breakerOf(tier: string): Promise<string>;
}

/** Every world begins anew: with no memory of who failed. */
export async function openWorld(tiers: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<World> {
  const data = await mkdtemp(join(tmpdir(), "linekeeper-bench-"));
  const running = new Map<string, Fake>();
  for (const row of fakes) if (tiers.includes(row.name)) running.set(row.name, await row.start({ port: 0 }));
  const settings = Object.fromEntries([...running.values()].flatMap((fake) => Object.entries(fake.settings)));
  const server = await startProcess({
    ...settings,
    LINEKEEPER_TIERS: tiers.join(","),
    LINEKEEPER_DATA: data,
    LINEKEEPER_CONFIG: join(import.meta.dirname, "agents.json"),
    LOG_LEVEL: "error",
    ...environment,
  });
  let callers = 0;
  return {
    server,
    panel(tier) {
      const fake = running.get(tier);
      if (fake === undefined) throw new Error(`${tier} is not among the tiers`);
      return fake.panel;
    },
    dials(options) {
      callers = (callers + 1) % 250;
      return dial(server.url, { agent: "cold", from: `127.0.1.${callers + 1}`, ...options });
    },
    async metric(series) {
      const lines = (await (await fetch(`${server.url}metrics`)).text()).split("\n");
      return lines.filter((line) => series.test(line)).reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
    },
    async breakerOf(tier) {
      const view: unknown = await (await fetch(`${server.url}v1/providers/${tier}`)).json();
      // The answer as its schema promises it.
      return (view as { readonly breaker: { readonly state: string } }).breaker.state;
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      for (const fake of running.values()) await fake[Symbol.asyncDispose]();
      await rm(data, { recursive: true, force: true });
    },
  };
}

export const uplinkLost = /^voice_audio_lost_seconds_total\{.*direction="uplink"/;

const resolutionMs = 10;

/** How late this process's own timers come: what it measures is no more exact than that. */
export function watchOwnDelay(): { p99Ms(): number } & Disposable {
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs });
  histogram.enable();
  return {
    p99Ms: () => Math.max(0, histogram.percentile(99) / 1e6 - resolutionMs),
    [Symbol.dispose]: () => void histogram.disable(),
  };
}
