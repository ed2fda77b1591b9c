import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { objectiveRules } from "../../scripts/rules/objective-rules.ts";
import { rows } from "../../scripts/dashboard/panels.ts";
import { hasPrograms, run } from "./programs.ts";
import { ruleCases, type RuleCase } from "./rule-cases.ts";
import { alerts, deployFolder, ruleFiles } from "./rules.ts";

const folder = mkdtempSync(join(tmpdir(), "linekeeper-rules-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ruleOf = ({ alert, severity, slo }: RuleCase): (typeof alerts)[number] | undefined =>
  alerts.find(
    ({ alert: name, labels }) => name === alert && labels.severity === (severity ?? labels.severity) && labels.slo === (slo ?? labels.slo),
  );

/** `name{label="value"} values` with the labels of a scrape, those of its own first. */
function scraped(series: string): { series: string; values: string } {
  const [, name = "", own = "", values = ""] = /^([\w:]+)(?:\{(.*)\})? (.*)$/.exec(series) ?? [];
  const labels = Object.entries({ region: "default", instance: "n1:8080", job: "linekeeper" })
    .filter(([label]) => !own.includes(`${label}="`))
    .map(([label, value]) => `${label}="${value}"`);
  return { series: `${name}{${[own, ...labels].filter(Boolean).join(",")}}`, values };
}

/** What promtool is to find: the alert with its labels, or nothing. */
function expected(each: RuleCase, fires: boolean): object {
  const severity = each.severity === undefined ? "" : `, severity="${each.severity}"`;
  const rule = ruleOf(each);
  const labels = Object.entries({ severity: rule?.labels.severity, slo: rule?.labels.slo ?? each.ofSlo, provider: each.provider })
    .filter(([, value]) => value !== undefined)
    .map(([label, value]) => `${label}="${value}"`);
  return {
    expr: `count by (severity, slo, provider) (ALERTS{alertname="${each.alert}", alertstate="firing"${severity}})`,
    eval_time: each.at,
    exp_samples: fires ? [{ labels: `{${labels.join(", ")}}`, value: 1 }] : [],
  };
}

type Every = NonNullable<RuleCase["every"]>;

/** The cases of one file of rules at one step; every rule of the file is evaluated at every step of each. */
function ruleTests(path: string, every: Every): object {
  const isAsked = (each: RuleCase): boolean => (each.every ?? "15s") === every && ruleOf(each)?.path === path;
  const tests = ruleCases.filter(isAsked).flatMap((each, at) =>
    ([true, false] as const).map((fires) => ({
      name: `${each.alert} ${each.severity ?? ""} ${fires ? "fires" : "is silent"} (${at})`,
      interval: every,
      input_series: (fires ? each.fires : each.silent).map(scraped),
      promql_expr_test: [expected(each, fires)],
    })),
  );
  // At steps so wide apart, what another group told a step ago is forgotten.
  const group_eval_order = ["objectives", "objectives-day", "objectives-month"];
  return { rule_files: [path], evaluation_interval: every, ...(path.endsWith("objectives.yml") ? { group_eval_order } : {}), tests };
}

const evers = ["15s", "1m", "5m", "30m"] as const;
const asked = ruleFiles.flatMap((path) =>
  evers
    .filter((every) => ruleCases.some((each) => (each.every ?? "15s") === every && ruleOf(each)?.path === path))
    .map((every) => ({ path, every })),
);

describe.runIf(hasPrograms())("the alert rules", () => {
  test("are read by Prometheus, and so is its configuration", async () => {
    expect(await run("promtool", "check", "rules", ...ruleFiles)).toMatchObject({ code: 0 });
    const config = join(deployFolder, "prometheus/prometheus.yml");
    expect(await run("promtool", "check", "config", "--syntax-only", config)).toMatchObject({ code: 0 });
  });

  test.each(asked.map(({ path, every }) => [basename(path), every, path] as const))(
    "in %s fire when they should and not when it only looks so (each %s)",
    { timeout: 180_000 },
    async (name, every, path) => {
      const cases = join(folder, `${name}-${every}.json`);
      writeFileSync(cases, JSON.stringify(ruleTests(path, every)));
      const { code, says } = await run("promtool", "test", "rules", cases);
      expect(says.replaceAll(cases, "")).toMatch(/SUCCESS/);
      expect(code).toBe(0);
    },
  );
});

test("the rules on service levels are those that their script makes", () => {
  expect(readFileSync(join(deployFolder, "prometheus/rules/objectives.yml"), "utf8")).toBe(objectiveRules());
});

test("the runbooks speak of rows and log events that there are", () => {
  const runbooks = readFileSync(join(deployFolder, "runbooks.md"), "utf8");
  const mentioned = [...runbooks.matchAll(/[Rr]ow \*([^*]+)\*/g)].map(([, row]) => row);
  expect(mentioned.length).toBeGreaterThan(5);
  expect(rows.map(({ title }) => title)).toEqual(expect.arrayContaining(mentioned));
  const words = execFileSync("grep", ["-rhoE", '"[a-z_]+"', join(deployFolder, "../src")], { encoding: "utf8" });
  const known = new Set(words.split("\n"));
  const events = [...runbooks.matchAll(/[Ll]ines? (?:`[a-z_]+`(?: and )?)+/g)].flatMap(([line]) => [...line.matchAll(/`([a-z_]+)`/g)]);
  expect(events.length).toBeGreaterThan(5);
  expect(events.map(([, event]) => `"${event}"`).filter((event) => !known.has(event))).toEqual([]);
});

test("each alert rule has a case, and says what to do", () => {
  const without = alerts.filter((rule) => !ruleCases.some((each) => ruleOf(each) === rule)).map(({ alert }) => alert);
  expect(without).toEqual(["Watchdog"]);
  const runbooks = readFileSync(join(deployFolder, "runbooks.md"), "utf8");
  const anchors = [...runbooks.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => heading.toLowerCase().replaceAll(" ", "-"));
  for (const { alert, annotations } of alerts) {
    expect(anchors, alert).toContain(/^\{\{ \$externalLabels\.runbook_url \}\}#([a-z0-9-]+)$/.exec(annotations.runbook)?.[1]);
    expect(annotations.dashboard, alert).toMatch(/^\{\{ \$externalLabels\.dashboard_url \}\}/);
  }
});
