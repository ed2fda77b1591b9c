import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { openPeople } from "./people.ts";
import { hasPrograms, run } from "./programs.ts";
import { deployFolder } from "./rules.ts";
import { startAlertmanager } from "./watchers.ts";

const config = join(deployFolder, "alertmanager/alertmanager.yml");
const ladder = "pager-l2,pager-lead,pager-l3";

describe.runIf(hasPrograms())("the routes of alerts", () => {
  test("are read by Alertmanager", async () => {
    expect(await run("amtool", "check-config", config)).toMatchObject({ code: 0, says: expect.stringContaining("SUCCESS") });
  });

  test.each([
    ["SEV1", "AllProvidersDown", `pager-l1,chat,mail,${ladder}`],
    ["SEV2", "ProviderDown", `chat,mail,${ladder}`],
    ["SEV3", "RateLimitHit", "chat,pager-l2,pager-lead"],
    ["INFO", "CostBudget80", "mail"],
    ["INFO", "Watchdog", "dead-man"],
    ["SEV9", "Unheard", "chat"],
  ])("take %s (%s) to %s", async (severity, alertname, receivers) => {
    const labels = [`severity=${severity}`, `alertname=${alertname}`];
    const { code, says } = await run(
      "amtool",
      "config",
      "routes",
      "test",
      `--config.file=${config}`,
      `--verify.receivers=${receivers}`,
      ...labels,
    );
    expect(says).not.toContain("WARNING");
    expect(code).toBe(0);
  });

  test("a wrong expectation would be found", async () => {
    const args = ["config", "routes", "test", `--config.file=${config}`, "--verify.receivers=mail", "severity=SEV1"];
    expect(await run("amtool", ...args)).toMatchObject({ code: 1 });
  });

  test("leave out what another alert explains, and nothing else", { timeout: 60_000 }, async () => {
    await using people = await openPeople();
    await using alertmanager = await startAlertmanager(people.url);
    const at = { region: "default", instance: "n1:8080" };
    const down = { region: "default", provider: "openai" };
    const alerts = [
      { alertname: "NodeDown", severity: "SEV2", ...at },
      { alertname: "EventLoopLag", severity: "SEV3", ...at },
      { alertname: "EventLoopLag", severity: "SEV3", ...at, instance: "n2:8080" },
      { alertname: "ProviderDown", severity: "SEV2", ...down },
      { alertname: "ErrorRateHigh", severity: "SEV2", ...down },
      { alertname: "ErrorRateHigh", severity: "SEV2", ...down, provider: "gemini" },
      // Every node is gone from Prometheus: this one explains nobody's silence.
      { alertname: "NodeDown", severity: "SEV2", job: "linekeeper" },
      { alertname: "AudioLoss", severity: "SEV2", region: "default" },
      { alertname: "SloBurnFast", severity: "SEV2", region: "default", slo: "turn_success" },
      { alertname: "SloBurnSlow", severity: "SEV2", region: "default", slo: "turn_success" },
      // Of another service level.
      { alertname: "SloBurnFast", severity: "SEV1", region: "default", slo: "turn_latency_gold" },
    ];
    await fetch(`${alertmanager.url}/api/v2/alerts`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(alerts.map((labels) => ({ labels }))),
    });
    const found = z.array(z.object({ labels: z.record(z.string(), z.string()), status: z.object({ state: z.string() }) }));
    await vi.waitFor(
      async () => {
        const all = found.parse(await (await fetch(`${alertmanager.url}/api/v2/alerts`)).json());
        expect(all).toHaveLength(alerts.length);
        const quiet = all.filter(({ status }) => status.state === "suppressed").map(({ labels }) => labels);
        expect(quiet).toHaveLength(3);
        expect(quiet).toEqual(expect.arrayContaining([alerts[1], alerts[4], alerts[9]]));
      },
      { timeout: 30_000 },
    );
  });
});
