import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, posix } from "node:path";
import { afterAll, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { dashboardText } from "../../scripts/dashboard/dashboard.ts";
import { loadSettings } from "../../src/config/settings.ts";
import { isSettingName, table } from "../../src/config/table.ts";
import { deployFolder } from "./rules.ts";

const names = z.array(z.string());
const service = z.strictObject({
  restart: z.literal("unless-stopped"),
  read_only: z.literal(true),
  cap_drop: z.tuple([z.literal("ALL")]),
  security_opt: z.tuple([z.literal("no-new-privileges:true")]),
  group_add: names,
  logging: z.strictObject({ driver: z.string(), options: z.record(z.string(), z.string()) }),
  build: z.strictObject({ context: z.string() }).optional(),
  // A tag with a version, never what moves.
  image: z.string().regex(/^[a-z/-]+:v?\d+\.\d+(\.\d+)?(-[a-z]+)?$/),
  init: z.boolean().optional(),
  user: z
    .string()
    .refine((user) => user !== "root" && user !== "0")
    .optional(),
  stop_grace_period: z.string().optional(),
  environment: z.record(z.string(), z.string()).default({}),
  command: names.default([]),
  secrets: names.default([]),
  ports: names.default([]),
  volumes: names.default([]),
  tmpfs: names.default([]),
  depends_on: z.record(z.string(), z.strictObject({ condition: z.literal("service_healthy") })).default({}),
  healthcheck: z.strictObject({ test: names, interval: z.string(), timeout: z.string(), start_period: z.string().optional() }),
});
const composeFile = z.strictObject({
  name: z.string(),
  "x-common": z.unknown(),
  services: z.record(z.string(), service),
  volumes: z.record(z.string(), z.strictObject({})),
  secrets: z.record(z.string(), z.strictObject({ file: z.string() })),
});
const compose = composeFile.parse(parse(readFileSync(join(deployFolder, "compose.yaml"), "utf8"), { merge: true }));
const services = Object.entries(compose.services);

const folder = mkdtempSync(join(tmpdir(), "linekeeper-compose-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const makeSecrets = (): string => execFileSync(join(deployFolder, "make-secrets"), [folder], { encoding: "utf8" });

test("the Compose file has all that an operator needs, and nobody in it is root", () => {
  expect(Object.keys(compose.services)).toEqual(["linekeeper", "redis", "postgres", "prometheus", "alertmanager", "grafana"]);
  // The server's user is named by its own image.
  expect(services.filter(([, { user, build }]) => user === undefined && build === undefined)).toEqual([]);
});

test("every folder that is mounted is here, and every volume, secret and service that is named is defined", () => {
  for (const [name, { volumes, secrets, depends_on }] of services) {
    for (const [source = ""] of volumes.map((volume) => volume.split(":"))) {
      if (source.startsWith(".")) expect(existsSync(join(deployFolder, source)), `${name}: ${source}`).toBe(true);
      else expect(Object.keys(compose.volumes), name).toContain(source);
    }
    for (const secret of secrets) expect(Object.keys(compose.secrets), name).toContain(secret);
    for (const other of Object.keys(depends_on)) expect(Object.keys(compose.services), name).toContain(other);
  }
  const used = services.flatMap(([, { secrets }]) => secrets);
  expect(Object.keys(compose.secrets).filter((secret) => !used.includes(secret))).toEqual([]);
});

/** Everything that a service reads: its part of the Compose file, and what is mounted into it. */
function read(name: string): string {
  const { environment, command, volumes } = compose.services[name] ?? { environment: {}, command: [], volumes: [] };
  const mounted = volumes.map((volume) => volume.split(":")[0] ?? "").filter((source) => source.startsWith("."));
  const files = mounted.flatMap((source) =>
    readdirSync(join(deployFolder, source), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8")),
  );
  return [...Object.values(environment), ...command, ...files].join("\n");
}

test.each(services.map(([name]) => name))("%s gets the secrets that it reads, and no other", (name) => {
  const wanted = new Set([...read(name).matchAll(/\/run\/secrets\/(\w+)/g)].map(([, secret]) => secret));
  expect(wanted).toEqual(new Set(compose.services[name]?.secrets));
});

test("the server understands its environment, with the secrets that are made for it", () => {
  makeSecrets();
  const environment = Object.entries(compose.services["linekeeper"]?.environment ?? {});
  for (const [name] of environment) {
    const setting = name.replace(/_FILE$/, "");
    expect(isSettingName(setting) && (setting === name || table[setting].field.secret), name).toBe(true);
  }
  const here = environment.map(([name, value]) => [name, value.replace("/run/secrets", join(folder, "secrets"))]);
  const settings = loadSettings(Object.fromEntries(here));
  expect(settings.get("LINEKEEPER_API_KEY")).toMatch(/^[0-9a-f]{64}$/);
  expect(settings.warnings()).toEqual([]);
  const grace = Number.parseInt(compose.services["linekeeper"]?.stop_grace_period ?? "", 10) * 1_000;
  expect(grace).toBeGreaterThan(settings.get("LINEKEEPER_DRAIN_MS"));
});

test("all secrets are made, stay as they are when made again, and are for nobody else", () => {
  expect(makeSecrets()).toContain("alert_chat_url");
  const contents = (): string[] => Object.values(compose.secrets).map(({ file }) => readFileSync(join(folder, file), "utf8"));
  const before = contents();
  makeSecrets();
  expect(contents()).toEqual(before);
  for (const { file } of Object.values(compose.secrets)) expect(statSync(join(folder, file)).mode & 0o007, file).toBe(0);
  expect(readFileSync(join(folder, ".env"), "utf8")).toMatch(/^SECRETS_GID=\d+\n$/);
});

test("who scrapes, alerts and draws speaks to services that exist, at their ports", () => {
  const ports: Readonly<Record<string, string>> = { linekeeper: "8080", alertmanager: "9093", prometheus: "9090", localhost: "9090" };
  const spoken = ["prometheus", "grafana"].flatMap((name) => [
    ...read(name).matchAll(/\b(linekeeper|alertmanager|prometheus|localhost):(\d+)/g),
  ]);
  expect(spoken.length).toBeGreaterThan(4);
  for (const [address, host = "", port] of spoken) {
    if (address === "localhost:3000") continue; // the link in alerts, for people
    expect(port, address).toBe(ports[host]);
  }
});

test("Grafana finds the dashboard, and the dashboard its source", () => {
  const provisioned = (path: string): unknown => parse(readFileSync(join(deployFolder, "grafana/provisioning", path), "utf8"));
  const { datasources } = z
    .object({ datasources: z.array(z.object({ uid: z.string() })) })
    .parse(provisioned("datasources/prometheus.yml"));
  const asked = [...dashboardText().matchAll(/"type": "prometheus",\s*"uid": "(\w+)"/g)].map(([, uid]) => uid);
  expect(new Set(asked)).toEqual(new Set(datasources.map(({ uid }) => uid)));
  const folders = z
    .object({ providers: z.array(z.object({ options: z.object({ path: z.string() }) })) })
    .parse(provisioned("dashboards/linekeeper.yml"));
  const mounts = (compose.services["grafana"]?.volumes ?? []).map((volume) => volume.split(":"));
  for (const { options } of folders.providers) {
    const [source = ""] = mounts.find(([, target]) => target === options.path) ?? [];
    expect(existsSync(join(deployFolder, posix.normalize(source), "linekeeper.json"))).toBe(true);
  }
});
