import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { settingNames } from "../../src/config/table.ts";

/** As `npm run config -- ...` runs it, with this environment alone. */
function explained(flags: string[], environment: Record<string, string> = {}) {
  const program = join(import.meta.dirname, "../../src/config/explain.ts");
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...flags], { env: environment, encoding: "utf8" });
  return { status, stdout, stderr };
}

test("the command prints a line for every setting, with where its value comes from", () => {
  const { status, stdout } = explained(["--explain"], { PORT: "9000", OPENAI_API_KEY: "sk-canary" });
  expect(status).toBe(0);
  expect(stdout.trimEnd().split("\n")).toHaveLength(settingNames.length + 1);
  expect(stdout).toMatch(/^PORT +9000 +environment +8080 +Port to listen on/m);
  expect(stdout).toMatch(/^OPENAI_API_KEY +set \(environment\)/m);
  expect(stdout).not.toContain("canary");
});

test("the command speaks JSON to programs", () => {
  const { stdout } = explained(["--json"], { PORT: "9000" });
  const lines: unknown = JSON.parse(stdout);
  expect(lines).toHaveProperty("0", {
    name: "PORT",
    meaning: "Port to listen on; 0 takes a free one",
    expects: "a whole number from 0 to 65535",
    default: "8080",
    value: "9000",
    source: "environment",
  });
});

test("the README's table does not depend on this machine", () => {
  expect(explained(["--markdown"], { PORT: "wrong" })).toEqual({ ...explained(["--markdown"]), status: 0, stderr: "" });
});

test("with wrong settings the command prints all problems and fails", () => {
  const { status, stdout, stderr } = explained(["--explain"], { PORT: "wrong", LINEKEEPER_HOLD: "1" });
  expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
  expect(stderr).toContain("PORT: must be");
  expect(stderr).toContain("LINEKEEPER_HOLD: unknown setting (did you mean LINEKEEPER_HOLD_MS?)");
});

test("an unknown flag is told with those that are known", () => {
  expect(explained(["--yaml"])).toMatchObject({ status: 2, stderr: "unknown --yaml; known are --explain, --json, --markdown\n" });
});
