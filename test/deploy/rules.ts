import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";

export const deployFolder = join(import.meta.dirname, "../../deploy");
const rulesFolder = join(deployFolder, "prometheus/rules");
export const ruleFiles: readonly string[] = readdirSync(rulesFolder)
  .filter((name) => name.endsWith(".yml"))
  .map((name) => join(rulesFolder, name));

const alertRule = z.strictObject({
  alert: z.string(),
  expr: z.string(),
  for: z.string().optional(),
  labels: z.strictObject({ severity: z.enum(["SEV1", "SEV2", "SEV3", "INFO"]), slo: z.string().optional(), rule: z.string().optional() }),
  annotations: z.strictObject({ summary: z.string(), runbook: z.string(), dashboard: z.string() }),
});
const recordingRule = z.strictObject({ record: z.string(), expr: z.string(), labels: z.record(z.string(), z.string()).optional() });
const ruleFile = z.strictObject({
  groups: z.array(
    z.strictObject({ name: z.string(), interval: z.string().optional(), rules: z.array(z.union([alertRule, recordingRule])) }),
  ),
});

const rules = ruleFiles.flatMap((path) =>
  ruleFile.parse(parse(readFileSync(path, "utf8"))).groups.flatMap((group) => group.rules.map((rule) => ({ ...rule, path }))),
);
export const alerts = rules.filter((rule) => "alert" in rule);

export const recordings = rules.filter((rule) => "record" in rule);
