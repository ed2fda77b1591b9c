import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";

/** Tells each package of OpenTelemetry as it is loaded. */
const spy = `import { registerHooks } from "node:module";
registerHooks({ resolve(name, context, next) {
  if (/^@opentelemetry\\//.test(name)) process.stderr.write("loaded " + name + "\\n");
  return next(name, context);
} });`;

/** What a server has loaded of OpenTelemetry by the time it is up. */
async function loaded(more: Readonly<Record<string, string>>): Promise<ReadonlySet<string>> {
  const data = mkdtempSync(join(tmpdir(), "linekeeper-otlp-"));
  const args = ["--import", `data:text/javascript,${encodeURIComponent(spy)}`, join(import.meta.dirname, "../../src/main.ts")];
  const env = { PATH: process.env["PATH"] ?? "", PORT: "0", LINEKEEPER_TIERS: "emergency", LINEKEEPER_DATA: data, ...more };
  const server = spawn(process.execPath, args, { env, stdio: ["ignore", "ignore", "pipe"] });
  const exited = once(server, "exit");
  onTestFinished(async () => {
    server.kill("SIGKILL");
    await exited;
    rmSync(data, { recursive: true, force: true });
  });
  let words = "";
  for await (const text of server.stderr.setEncoding("utf8")) {
    words += text;
    if (words.includes("Linekeeper is up")) break;
  }
  expect(words).toContain("Linekeeper is up");
  return new Set([...words.matchAll(/^loaded (\S+)/gm)].map(([, name = ""]) => name));
}

test("what sends traces is loaded only where a collector is named", { timeout: 60_000 }, async () => {
  expect(await loaded({})).toEqual(new Set(["@opentelemetry/api"]));
  const named = await loaded({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9" });
  expect([...named]).toEqual(expect.arrayContaining(["@opentelemetry/sdk-trace-node", "@opentelemetry/exporter-trace-otlp-http"]));
});
