import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";

test("whoever started the server may stop reading what it says: it goes on, and ends in order", { timeout: 60_000 }, async () => {
  const data = mkdtempSync(join(tmpdir(), "linekeeper-words-"));
  const env = { PATH: process.env["PATH"] ?? "", PORT: "0", LINEKEEPER_TIERS: "emergency", LINEKEEPER_DATA: data };
  const server = spawn(process.execPath, [join(import.meta.dirname, "../../src/main.ts")], { env, stdio: ["ignore", "ignore", "pipe"] });
  const exited = once(server, "exit");
  onTestFinished(async () => {
    server.kill("SIGKILL");
    await exited;
    rmSync(data, { recursive: true, force: true });
  });
  let url = "";
  // Leaving this loop closes the pipe, while there is more to say.
  for await (const text of server.stderr.setEncoding("utf8")) {
    url = /Linekeeper is up: (\S+)/.exec(String(text))?.[1] ?? "";
    if (url !== "") break;
  }
  expect((await fetch(`${url}healthz`)).status).toBe(200);
  // It says that it hangs up.
  server.kill("SIGINT");
  expect(await exited).toEqual([0, null]);
});
