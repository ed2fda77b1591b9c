import { describe, expect, test, vi } from "vitest";
import { fakes } from "../../src/fakes/fakes.ts";
import { systemClock } from "../../src/kernel/clock.ts";
import { silentLog } from "../../src/kernel/log.ts";
import { providers } from "../../src/provider/providers.ts";
import { startCloud } from "../scenario/cloud.ts";
import { SimulatedClock } from "../simulated-clock.ts";
import { guardedAlone } from "./alone.ts";

const patience = { timeout: 30_000, interval: 20 };
const rows = providers.flatMap((row) =>
  fakes.filter((fake) => fake.name === row.name && fake.isTier).map((fake) => ({ name: row.name, row, fake })),
);

test.for(rows)(
  "a probe of $name is a session that its service takes, and leaves nothing open",
  { timeout: 60_000 },
  async ({ row, fake }) => {
    await using service = await fake.start({ port: 0 });
    const bare = await row.make({ setting: (name) => service.settings[name], clock: systemClock, log: silentLog });
    const clock = new SimulatedClock();
    const guarded = guardedAlone(bare, { clock });
    guarded.start();
    await clock.advance(30_000);
    await vi.waitFor(() => expect(guarded.view().latencyMs.open.p50).toBeDefined(), patience);
    await vi.waitFor(() => expect(service.panel.open).toBe(0), patience);
    expect(guarded.view()).toMatchObject({ health: "healthy", errorRate: 0, activeSessions: 0, lastFault: undefined });
    expect(service.panel.connections).toBeGreaterThan(0);
    expect(service.panel.violations).toEqual([]);
    guarded.stop();
    await bare.close();
  },
);

describe.concurrent("a provider that takes every call and closes it", () => {
  test.for([0, 200, 2_000])("after %i ms is dialled three times at most, then left alone", { timeout: 90_000 }, async (ms, { expect }) => {
    await using cloud = await startCloud("openai", "gemini");
    const flapping = cloud.panel("openai");
    flapping.acceptThenClose(ms);
    await using _caller = await cloud.answers();
    await vi.waitFor(() => expect(cloud.log.map(({ event }) => event)).toContain("circuit_breaker_opened"), patience);
    const openedMs = performance.now();
    const dials = flapping.connections;
    expect(dials).toBeLessThanOrEqual(3);
    for (let call = 0; call < 3; call += 1) await (await cloud.answers())[Symbol.asyncDispose]();
    // Only a probe may have come by, each nine to ten seconds at the earliest.
    const probes = Math.floor((performance.now() - openedMs) / 9_000);
    expect(flapping.connections - dials).toBeLessThanOrEqual(probes);
  });
});
