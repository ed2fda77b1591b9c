import { execFile, execFileSync } from "node:child_process";
import { promisify } from "node:util";

const debianPackages = {
  prometheus: "prometheus",
  promtool: "prometheus",
  "prometheus-alertmanager": "prometheus-alertmanager",
  amtool: "prometheus-alertmanager",
};
export type Program = keyof typeof debianPackages;

/**
 * Whether the programs that these tests drive are here.
 * @throws where every test must run
 */
export function hasPrograms(): boolean {
  const missing = Object.entries(debianPackages).filter(([program]) => !isThere(program));
  if (missing.length > 0 && process.env["LINEKEEPER_TEST_NEEDS"] === "all")
    throw new Error(`missing: ${missing.map(([program, name]) => `${program} (${name})`).join(", ")}`);
  return missing.length === 0;
}

function isThere(program: string): boolean {
  try {
    execFileSync(program, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** What it says, on both its channels, and how it ended. */
export async function run(program: Program, ...args: readonly string[]): Promise<{ readonly code: number; readonly says: string }> {
  try {
    const { stdout, stderr } = await promisify(execFile)(program, args, { maxBuffer: 2 ** 26 });
    return { code: 0, says: stdout + stderr };
  } catch (error) {
    // What execFile rejects with when a program ends with another code than 0.
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, says: `${stdout}${stderr}` };
  }
}
