import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { silentLog, type LogFields } from "../../src/kernel/log.ts";
import { brokenEntries, openAudit } from "../../src/watch/audit.ts";
import { Journal } from "../../src/watch/journal.ts";
import { redactor } from "../../src/watch/redact.ts";

function folderOfItsOwn(): string {
  const folder = mkdtempSync(join(tmpdir(), "audit-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A node that is given these orders, and then stopped. */
async function ordered(path: string, ...targets: readonly string[]) {
  const lines: LogFields[] = [];
  const log = { ...silentLog, info: (event: string, fields?: LogFields) => void lines.push({ event, ...fields }) };
  const never = (): never => expect.fail("the disk took it not");
  const journal = new Journal({ path, failed: never, dropped: never });
  const clean = redactor(() => ["hunter22"]).value;
  const audit = openAudit({ log, path, keep: (entry) => journal.add(entry), clean, wallNow: () => 1_795_000_000_000 });
  for (const target of targets) audit.info("audit", { actor: "key", action: "hangUp", target, result: "done" });
  await journal.close();
  return { lines, text: readFileSync(path, "utf8") };
}

test("every order is kept with the hash of the one before, also after a restart, and is in the log", async () => {
  const path = join(folderOfItsOwn(), "audit.jsonl");
  const first = await ordered(path, "c1", "c2");
  const { text } = await ordered(path, "c3");
  expect(brokenEntries(text)).toEqual([]);
  const entries = text.trimEnd().split("\n");
  expect(entries).toHaveLength(3);
  expect(JSON.parse(entries[0] ?? "")).toMatchObject({
    event: "audit",
    fields: { action: "hangUp", target: "c1" },
    before: "0".repeat(64),
  });
  expect(JSON.parse(entries[2] ?? "")).toMatchObject({ before: /"hash":"(\w+)"/.exec(entries[1] ?? "")?.[1] });
  expect(first.lines).toMatchObject([
    { event: "audit", target: "c1", chain: /"hash":"(\w{16})/.exec(entries[0] ?? "")?.[1] },
    { target: "c2" },
  ]);
});

test.each<[what: string, change: (entries: string[]) => string[], broken: number]>([
  ["changed", (entries) => entries.map((entry) => entry.replace('"c2"', '"c9"')), 2],
  ["left out", (entries) => entries.toSpliced(1, 1), 1],
  ["put elsewhere", ([first = "", second = "", third = ""]) => [second, first, third], 2],
  ["torn by a crash", ([first = "", second = "", ...rest]) => [first, second.slice(0, 40), ...rest], 2],
  ["written twice by a disk in trouble", ([first = "", second = "", ...rest]) => [first, second, second, ...rest], 0],
])("an entry that was %s is found, if it matters", async (_, change, broken) => {
  const { text } = await ordered(join(folderOfItsOwn(), "audit.jsonl"), "c1", "c2", "c3");
  expect(brokenEntries(change(text.trimEnd().split("\n")).join("\n"))).toHaveLength(broken);
});

test("a torn last line keeps no later order from being read, and the chain goes on behind files that moved up", async () => {
  const path = join(folderOfItsOwn(), "audit.jsonl");
  const { text } = await ordered(path, "c1", "c2");
  writeFileSync(path, text.slice(0, -30));
  const torn = (await ordered(path, "c3")).text;
  expect(brokenEntries(torn)).toEqual(["line 2: it is no entry, or was changed"]);
  renameSync(path, `${path}.1`);
  expect(brokenEntries(torn + (await ordered(path, "c4")).text)).toHaveLength(1);
});

test("a disk that lets nobody read keeps no node from starting, and the log says so", () => {
  const told: string[] = [];
  const log = { ...silentLog, error: (event: string) => void told.push(event) };
  const path = folderOfItsOwn();
  const kept: object[] = [];
  const audit = openAudit({ log, path, keep: (entry) => void kept.push(entry), clean: (fields) => fields, wallNow: () => 0 });
  audit.info("audit", { action: "drain" });
  expect(told).toEqual(["audit_degraded"]);
  expect(kept).toMatchObject([{ fields: { action: "drain" } }]);
});

test("a secret in an order is not kept", async () => {
  expect((await ordered(join(folderOfItsOwn(), "audit.jsonl"), "hunter22")).text).not.toContain("hunter22");
});
