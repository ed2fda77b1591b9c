import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { Journal } from "../../src/watch/journal.ts";

function desk(more: { fileBytes?: number; files?: number } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "journal-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "data", "calls.jsonl");
  const seen = { failures: 0, dropped: 0 };
  const journal = new Journal({
    path,
    failed: () => void (seen.failures += 1),
    dropped: (records) => void (seen.dropped += records),
    retryMs: 10,
    ...more,
  });
  const numbers = (file = path): number[] =>
    readFileSync(file, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => Number(/\d+/.exec(line)?.[0]));
  return { folder, path, journal, seen, numbers };
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at);

test("every record is a line, in order, in a folder that is made for it", async () => {
  const { journal, seen, numbers } = desk();
  for (const number of upTo(500)) journal.add({ number });
  expect(journal.lagMs).toBeGreaterThanOrEqual(0);
  await journal.close();
  expect(numbers()).toEqual(upTo(500));
  expect([seen, journal.lagMs]).toEqual([{ failures: 0, dropped: 0 }, 0]);
});

test("a new process goes on at the end of the file", async () => {
  const { journal, path, numbers } = desk();
  journal.add({ number: 0 });
  await journal.close();
  const next = new Journal({ path, failed: () => undefined, dropped: () => undefined });
  next.add({ number: 1 });
  await next.close();
  expect(numbers()).toEqual([0, 1]);
});

test("a file that is full makes way for the next, and the oldest goes", async () => {
  const { journal, path, folder } = desk({ fileBytes: 100, files: 3 });
  for (const number of upTo(40)) {
    journal.add({ number, padding: "x".repeat(30) });
    await vi.waitFor(() => expect(journal.lagMs).toBe(0), 10_000);
  }
  await journal.close();
  expect(readdirSync(join(folder, "data")).sort()).toEqual(["calls.jsonl", "calls.jsonl.1", "calls.jsonl.2"]);
  const last = readFileSync(path, "utf8");
  expect(last).toContain('"number":39');
});

test("a disk that takes nothing is told once; when it is well again, what waited is written", async () => {
  const { journal, path, folder, seen, numbers } = desk();
  writeFileSync(join(folder, "data"), "in the way");
  journal.add({ number: 0 });
  await vi.waitFor(() => expect(seen.failures).toBe(1), 10_000);
  journal.add({ number: 1 });
  expect(journal.lagMs).toBeGreaterThan(0);
  rmSync(join(folder, "data"));
  mkdirSync(join(folder, "data"));
  await vi.waitFor(() => expect(numbers(path)).toEqual([0, 1]), 5_000);
  expect(seen).toEqual({ failures: 1, dropped: 0 });
  await journal.close();
});

test("a disk that stays away costs the oldest records, each of them counted, and nobody's time", async () => {
  const { journal, folder, seen } = desk();
  writeFileSync(join(folder, "data"), "in the way");
  for (const number of upTo(1_500)) journal.add({ number });
  expect(seen.dropped).toBe(500);
  await journal.close();
  expect(seen).toEqual({ failures: 1, dropped: 1_500 });
  journal.add({ number: 1_500 });
  expect(seen.dropped).toBe(1_501);
});
