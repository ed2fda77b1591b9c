import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { hasPrograms, run } from "./programs.ts";
import { deployFolder } from "./rules.ts";

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
});
