import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { vi } from "vitest";
import { parse, stringify } from "yaml";
import { z } from "zod";
import type { Program } from "./programs.ts";
import { deployFolder, ruleFiles } from "./rules.ts";

const upLimitMs = 30_000;

/** A program at work on a port of its own; its files go when it ends. */
interface Watcher extends AsyncDisposable {
  readonly url: string;
}

/** A port that was free a moment ago: these programs take no 0. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  // A server that listens on TCP has an address of this kind.
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function start(program: Program, folder: string, port: number, args: readonly string[]): Promise<Watcher> {
  const child: ChildProcess = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
  let says = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (says += text));
  const exited = once(child, "exit");
  const url = `http://127.0.0.1:${port}`;
  await vi.waitFor(
    async () => {
      if (child.exitCode !== null) throw new Error(`${program} ended: ${says}`);
      const { ok } = await fetch(`${url}/-/ready`);
      if (!ok) throw new Error(`${program} is not ready: ${says}`);
    },
    { timeout: upLimitMs, interval: 100 },
  );
  return {
    url,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export interface Prometheus extends Watcher {
  /** The values of an instant query just now, without those that are no number. */
  ask(expr: string): Promise<readonly number[]>;
}

const answer = z.object({ data: z.object({ result: z.array(z.object({ value: z.tuple([z.number(), z.string()]) })) }) });
// Both files are our own and checked by promtool and amtool; only what a test changes is named.
const prometheusFile = z.looseObject({
  global: z.looseObject({}),
  scrape_configs: z.array(z.looseObject({ job_name: z.string() })),
  alerting: z.looseObject({}),
});

/** A copy of a file of rules in which no group has an interval of its own. */
function hurried(path: string, folder: string): string {
  const copy = join(folder, basename(path));
  writeFileSync(copy, readFileSync(path, "utf8").replaceAll(/^ +interval: .*\n/gm, ""));
  return copy;
}

/** Prometheus with the configuration of `deploy/`, but scraping and thinking each second, and these addresses. */
export async function startPrometheus(targets: { readonly linekeeper: string; readonly alertmanager: string }): Promise<Prometheus> {
  const folder = mkdtempSync(join(tmpdir(), "linekeeper-prometheus-"));
  const port = await freePort();
  const config = prometheusFile.parse(parse(readFileSync(join(deployFolder, "prometheus/prometheus.yml"), "utf8")));
  const at = (target: string): object[] => [{ targets: [new URL(target).host], labels: { region: "default" } }];
  const addresses: Readonly<Record<string, string>> = { ...targets, prometheus: `http://127.0.0.1:${port}` };
  const own = {
    ...config,
    global: { ...config.global, scrape_interval: "1s", evaluation_interval: "1s" },
    rule_files: ruleFiles.map((path) => hurried(path, folder)),
    alerting: { ...config.alerting, alertmanagers: [{ static_configs: at(targets.alertmanager) }] },
    scrape_configs: config.scrape_configs.map((job) => ({
      ...job,
      authorization: undefined,
      static_configs: at(addresses[job.job_name] ?? ""),
    })),
  };
  writeFileSync(join(folder, "prometheus.yml"), stringify(own));
  const watcher = await start("prometheus", folder, port, [
    `--config.file=${join(folder, "prometheus.yml")}`,
    `--storage.tsdb.path=${join(folder, "data")}`,
    `--web.listen-address=127.0.0.1:${port}`,
    // What fires before Alertmanager was found would be told again only after a minute.
    "--rules.alert.resend-delay=1s",
  ]);
  return {
    ...watcher,
    async ask(expr) {
      const response = await fetch(`${watcher.url}/api/v1/query`, { method: "POST", body: new URLSearchParams({ query: expr }) });
      const text = await response.text();
      if (!response.ok) throw new Error(`${expr}: ${text}`);
      return answer
        .parse(JSON.parse(text))
        .data.result.map(({ value: [, value] }) => Number(value))
        .filter((value) => !Number.isNaN(value));
    },
  };
}

/** Alertmanager with the routes of `deploy/`, its channels leading to `people`, and a closed port for e-mail. */
export async function startAlertmanager(people: string): Promise<Watcher> {
  const folder = mkdtempSync(join(tmpdir(), "linekeeper-alertmanager-"));
  const secrets = join(folder, "secrets");
  mkdirSync(secrets);
  const port = await freePort();
  const routes = readFileSync(join(deployFolder, "alertmanager/alertmanager.yml"), "utf8");
  for (const [, name = ""] of routes.matchAll(/\/run\/secrets\/(\w+)/g)) {
    writeFileSync(join(secrets, name), name === "alert_chat_url" ? `${people}/chat` : `${name} for tests`);
  }
  const own = routes
    .replaceAll("/run/secrets", secrets)
    .replace("mail.example.org:587", "127.0.0.1:9")
    .replace("http://dead-man.example.org", `${people}/dead-man`)
    .replace("global:", `global:\n  pagerduty_url: ${people}/pager`);
  writeFileSync(join(folder, "alertmanager.yml"), own);
  return start("prometheus-alertmanager", folder, port, [
    `--config.file=${join(folder, "alertmanager.yml")}`,
    `--storage.path=${join(folder, "data")}`,
    `--web.listen-address=127.0.0.1:${port}`,
    "--cluster.listen-address=",
  ]);
}
