import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { makeDataFolder } from "../../src/house/data-folder.ts";
import { startProcess } from "../scenario/process.ts";

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "linekeeper-folder-"));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

test("the folder for what outlives a restart is made with all above it, and may be there already", () => {
  const path = join(folder(), "a/b/c");
  makeDataFolder(path);
  makeDataFolder(path);
  expect(statSync(path).isDirectory()).toBe(true);
});

test("where no folder can be made, or a file stands in its place, the setting is named, and what is wrong", () => {
  const file = join(folder(), "file");
  writeFileSync(file, "");
  for (const path of [file, join(file, "below"), "/proc/nope/deeper"])
    expect(() => makeDataFolder(path)).toThrow(
      expect.objectContaining({ message: expect.stringContaining(`LINEKEEPER_DATA: the folder ${path} cannot be made`) }),
    );
});

test("a server that has no place for its data says so and does not start, alone or as one of several", { timeout: 30_000 }, async () => {
  for (const processes of ["1", "2"]) {
    const start = startProcess({ LINEKEEPER_DATA: "/proc/nope", LINEKEEPER_TIERS: "emergency", LINEKEEPER_PROCESSES: processes });
    await expect(start).rejects.toThrow(/ended with 2:\nlinekeeper cannot start: LINEKEEPER_DATA: the folder \/proc\/nope cannot be made/);
  }
});
