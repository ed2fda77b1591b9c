import { describe, expect, test, vi } from "vitest";
import { openFaultyHouse } from "./fault-run.ts";
import { openPeople } from "./people.ts";
import { hasPrograms } from "./programs.ts";
import { startAlertmanager, startPrometheus } from "./watchers.ts";

const wait = { timeout: 60_000, interval: 100 } as const;

describe.runIf(hasPrograms())("from a fault to people", () => {
  test("a provider that refuses our key is told in chat, and that none is left is paged", { timeout: 180_000 }, async () => {
    await using people = await openPeople();
    await using house = await openFaultyHouse(`${people.url}/in-need`);
    await using alertmanager = await startAlertmanager(people.url);
    await using prometheus = await startPrometheus({ linekeeper: house.server.url, alertmanager: alertmanager.url });
    await vi.waitFor(async () => expect(await prometheus.ask('up{job="linekeeper"} == 1')).toHaveLength(1), wait);
    const told = (path: string, alert: string) => people.told.find((each) => each.path.startsWith(path) && each.body.includes(alert));

    const faultAtMs = Date.now();
    house.gemini.opening = { type: "bad-key" };
    await using first = await house.server.dials();
    const chat = await vi.waitFor(() => told("/chat", "ProviderAuthFailing") ?? expect.fail("nobody was told"), wait);
    expect(chat.body).toContain("FIRING SEV2 ProviderAuthFailing");
    expect(chat.body).toContain("gemini refuses our key or our permission");
    expect(chat.body).toContain("runbooks.md#providerauthfailing");
    process.stderr.write(`fault, scrape, rule, Alertmanager, webhook: ${((chat.atMs - faultAtMs) / 1_000).toFixed(1)} s\n`);
    await vi.waitFor(() => told("/dead-man", "Watchdog") ?? expect.fail("the dead-man's switch was not held"), wait);

    await first.hangsUp();
    house.gemini.refuse(503);
    house.openai.refuse(503);
    await vi.waitFor(async () => {
      await using caller = await house.server.dials();
      await vi.waitUntil(() => caller.provider === "emergency", wait);
      if ((await prometheus.ask("max(ai_provider:usable) == 0")).length === 0) throw new Error("a provider is still thought usable");
    }, wait);
    const page = await vi.waitFor(() => told("/pager", "AllProvidersDown") ?? expect.fail("nobody was paged"), wait);
    expect(page.body).toContain("alert_pager_l1 for tests");
    expect(page.body).toContain('"severity":"critical"');
    await vi.waitFor(() => told("/chat", "AllProvidersDown") ?? expect.fail("nobody was told in chat"), wait);
  });
});
