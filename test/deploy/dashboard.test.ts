import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { dashboardText } from "../../scripts/dashboard/dashboard.ts";
import { createMetrics } from "../../src/watch/metrics.ts";
import { brokenLines, keptLog, untold } from "../watch/promised-lines.ts";
import { brokenPromises, uncounted } from "../watch/promised.ts";
import { readExposition } from "../watch/exposition.ts";
import { faultyEvening, openFaultyHouse } from "./fault-run.ts";
import { openPeople } from "./people.ts";
import { hasPrograms } from "./programs.ts";
import { deployFolder, recordings } from "./rules.ts";
import { startPrometheus, type Prometheus } from "./watchers.ts";

const dashboardFile = readFileSync(join(deployFolder, "grafana/dashboards/linekeeper.json"), "utf8");
const panel = z.object({ title: z.string(), targets: z.array(z.object({ expr: z.string() })).default([]) });
const shown = z.object({ panels: z.array(panel.extend({ panels: z.array(panel).default([]) })) }).parse(JSON.parse(dashboardFile));
const drawn = shown.panels.flatMap((each) => [each, ...each.panels]);
const asked = drawn.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ title, expr })));

/** As Grafana would fill it in. */
const filledIn = (expr: string): string =>
  expr.replaceAll("$provider", ".*").replaceAll("$region", ".*").replaceAll("$__rate_interval", "2m").replaceAll("$__range", "5m");

test("the dashboard is the one that its script makes", () => {
  expect(dashboardFile).toBe(dashboardText());
  const rows = ["Calls", "Latency by stage", "Providers and breakers", "Reconnect timeline", "Buffer and replay", "Costs", "Promises"];
  for (const row of rows) expect(drawn.map(({ title }) => title)).toContainEqual(expect.stringContaining(row));
});

/** Those of them that answer nothing. */
async function unanswered(prometheus: Prometheus, exprs: readonly { title: string; expr: string }[]): Promise<string[]> {
  const answers = await Promise.all(exprs.map(async ({ title, expr }) => ({ title, expr, values: await prometheus.ask(filledIn(expr)) })));
  return answers.flatMap(({ title, expr, values }) => (values.length === 0 ? [`${title}: ${expr}`] : []));
}

/** Of which nothing is said on such an evening, or may not be. */
const rare = [
  ...["reconnection_success", "circuit_breaker_closed", "circuit_breaker_half_open", "audio_overflow", "failover_exhausted"],
  ...["cost_budget", "origin_rejected", "signature_rejected", "limit_hit", "input_sanitized", "audit", "health_changed"],
  "remediation_action",
];
/** What such an evening leaves at 0, or may. */
const calm = [
  ...["ai_provider_active_sessions", "deepgram_audio_buffer_size", "voice_ring_chunks", "voice_calls_active", "voice_journal_lag_seconds"],
  ...["voice_audio_lost_seconds_total", "voice_rate_limited_total", "voice_secret_rotations_total", "voice_recovery_seconds"],
  ...["voice_drain_state", "voice_drain_forced_total", "voice_drain_moves_total"],
  ...["voice_invariant_violations_total", "voice_logs_dropped_total"],
];
const bare = ["ai_provider_audio_chunks_received", "ai_provider_audio_chunks_sent", "circuit_breaker_state_transitions"];

describe.runIf(hasPrograms())("what promtool says of the metrics", () => {
  test("concerns three names that the field has so, and no other, counted or not", async () => {
    const families = readExposition(await createMetrics().text());
    expect(families.length).toBeGreaterThan(90);
    // It looks at what has a sample only.
    const counted = families.map(({ name, type }) => {
      const samples = type === "histogram" ? [`${name}_bucket{le="+Inf"} 1`, `${name}_sum 1`, `${name}_count 1`] : [`${name} 1`];
      return [`# HELP ${name} What it is`, `# TYPE ${name} ${type}`, ...samples, ""].join("\n");
    });
    expect(lint(counted.join(""))).toEqual(bare);
  });

  test("does concern a name in milliseconds", () => {
    expect(lint("# HELP a_milliseconds_total b\n# TYPE a_milliseconds_total counter\na_milliseconds_total 1\n")).toHaveLength(1);
  });
});

describe.runIf(hasPrograms())("a server watched by Prometheus", () => {
  test("shows everything on the dashboard and in the recording rules after an evening with faults", { timeout: 240_000 }, async () => {
    await using people = await openPeople();
    const { log, lines } = keptLog();
    await using house = await openFaultyHouse(`${people.url}/chat`, log);
    await using prometheus = await startPrometheus({ linekeeper: house.server.url, alertmanager: people.url });
    await vi.waitFor(async () => expect(await prometheus.ask('up{job="linekeeper"} == 1')).toHaveLength(1), { timeout: 20_000 });
    await faultyEvening(house);
    const figures = [...asked, ...recordings.map(({ record }) => ({ title: "rule", expr: record }))];
    expect(figures.length).toBeGreaterThan(60);
    await vi.waitFor(async () => expect(await unanswered(prometheus, figures)).toEqual([]), { timeout: 30_000, interval: 1_000 });

    expect(await unanswered(prometheus, [{ title: "a line", expr: "voice_nobody_counts_this" }])).toHaveLength(1);

    const text = await (await fetch(`${house.server.url}metrics`)).text();
    expect(lint(text)).toEqual(bare);
    expect(brokenPromises(text)).toEqual([]);
    expect(calm).toEqual(expect.arrayContaining(uncounted(text)));
    expect(brokenLines(lines)).toEqual([]);
    expect(rare).toEqual(expect.arrayContaining(untold(lines)));
  });
});

/** The metrics of which promtool complains. */
function lint(text: string): string[] {
  try {
    execFileSync("promtool", ["check", "metrics"], { input: text, stdio: ["pipe", "pipe", "pipe"] });
    return [];
  } catch (error) {
    // What execFileSync throws when a program ends with another code than 0.
    const { stderr } = error as { stderr: Buffer };
    return stderr
      .toString()
      .trim()
      .split("\n")
      .map((line) => line.split(" ")[0] ?? "")
      .toSorted();
  }
}
