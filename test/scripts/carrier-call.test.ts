import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, test } from "vitest";
import { fakes } from "../../src/fakes/fakes.ts";
import { startServer } from "../scenario/server.ts";

const root = join(import.meta.dirname, "../..");

async function run(...args: readonly string[]): Promise<{ readonly code: unknown; readonly said: string }> {
  const { PATH = "" } = process.env;
  const child = spawn(process.execPath, ["scripts/carrier-call.ts", ...args], { cwd: root, env: { PATH } });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (part: Buffer) => (said += part.toString()));
  const [code] = (await once(child, "close")) as [unknown]; // The exit code comes first.
  return { code, said };
}

test("the script calls a server as Twilio does, hears the greeting, and hangs up", { timeout: 60_000 }, async () => {
  await using fake = await fakes.find(({ name }) => name === "openai")?.start({ port: 0 });
  await using server = await startServer({ ...fake?.settings, LINEKEEPER_TIERS: "openai" });
  const { code, said } = await run("--url", server.url);
  expect(said).toMatch(/voice[^]*<Connect>[^]*stream-started[^]*over[^]*heard [1-9.]+ s on 1 stream/);
  expect(code).toBe(0);
  expect(server.house.roster.calls()).toEqual([]);
});

test("the script says what is wrong where nobody listens", { timeout: 60_000 }, async () => {
  const { code, said } = await run("--url", "http://127.0.0.1:9");
  expect(said).toContain("cannot be reached");
  expect(code).toBe(1);
});
