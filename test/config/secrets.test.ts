import { chmodSync, renameSync, rmSync } from "node:fs";
import { expect, test, vi } from "vitest";
import { explain } from "../../src/config/explain.ts";
import { loadSettings } from "../../src/config/settings.ts";
import type { Rotation } from "../../src/config/secrets.ts";
import { silentLog, type Log, type LogFields } from "../../src/kernel/log.ts";
import { folder } from "./folder.ts";

function listening(): { log: Log; lines: { event: string; fields: LogFields | undefined }[]; told: Rotation[] } {
  const lines: { event: string; fields: LogFields | undefined }[] = [];
  const note = (event: string, fields?: LogFields): void => void lines.push({ event, fields });
  return { log: { ...silentLog, info: note, error: note }, lines, told: [] };
}

test("a secret is read from its file, without the line break at its end", () => {
  using files = folder();
  const settings = loadSettings({ OPENAI_API_KEY_FILE: files.write("key", "sk-1\n") });
  expect(settings.get("OPENAI_API_KEY")).toBe("sk-1");
  expect(settings.lookup("OPENAI_API_KEY")).toBe("sk-1");
  expect(explain(settings).find(({ name }) => name === "OPENAI_API_KEY")?.value).toBe("set (file)");
});

test("a file replaced by another is taken up at once; the old value stays known to the log", async () => {
  using files = folder();
  const settings = loadSettings({ OPENAI_API_KEY_FILE: files.write("key", "sk-1") });
  const heard = listening();
  using _ = settings.watch(heard.log, (rotation) => heard.told.push(rotation));
  renameSync(files.write("new", "sk-2"), files.path("key"));
  await vi.waitFor(() => expect(settings.get("OPENAI_API_KEY")).toBe("sk-2"), 10_000);
  expect(heard.told).toEqual([{ secret: "OPENAI_API_KEY", result: "rotated" }]);
  expect(heard.lines).toEqual([
    { event: "secret_rotated", fields: { secret: "OPENAI_API_KEY", key_id: expect.stringMatching(/^[0-9a-f]{4}$/), result: "rotated" } },
  ]);
  expect(settings.secretValues()).toEqual(["sk-2", "sk-1"]);
});

test.each([
  { name: "empty", change: (files: ReturnType<typeof folder>) => files.write("new", ""), told: "is empty" },
  { name: "of two words", change: (files: ReturnType<typeof folder>) => files.write("new", "sk-2 canary"), told: "must hold one word" },
])("a new file that is $name is rejected with a line that hides it, and the old value stays", async ({ change, told }) => {
  using files = folder();
  const settings = loadSettings({ OPENAI_API_KEY_FILE: files.write("key", "sk-1") });
  const heard = listening();
  using _ = settings.watch(heard.log, (rotation) => heard.told.push(rotation));
  renameSync(change(files), files.path("key"));
  await vi.waitFor(() => expect(heard.told).toEqual([{ secret: "OPENAI_API_KEY", result: "rejected" }]), 10_000);
  expect(settings.get("OPENAI_API_KEY")).toBe("sk-1");
  expect(heard.lines).toHaveLength(1);
  expect(heard.lines[0]?.event).toBe("secret_rejected");
  expect(heard.lines[0]?.fields?.["message"]).toContain(told);
  expect(JSON.stringify(heard.lines)).not.toContain("canary");
});

test("a file that goes away is rejected, and its return is a rotation", async () => {
  using files = folder();
  const settings = loadSettings({ OPENAI_API_KEY_FILE: files.write("key", "sk-1") });
  const heard = listening();
  using _ = settings.watch(heard.log, (rotation) => heard.told.push(rotation));
  rmSync(files.path("key"));
  await vi.waitFor(() => expect(heard.told.map(({ result }) => result)).toEqual(["rejected"]), 10_000);
  expect(settings.get("OPENAI_API_KEY")).toBe("sk-1");
  renameSync(files.write("new", "sk-3"), files.path("key"));
  await vi.waitFor(() => expect(heard.told.map(({ result }) => result)).toEqual(["rejected", "rotated"]), 10_000);
  expect(settings.get("OPENAI_API_KEY")).toBe("sk-3");
});

test("a reload takes up changed files too", () => {
  using files = folder();
  const settings = loadSettings({ OPENAI_API_KEY_FILE: files.write("key", "sk-1") });
  files.write("key", "sk-22");
  expect(settings.reload()).toEqual(["OPENAI_API_KEY"]);
  files.write("key", "");
  expect(() => settings.reload()).toThrow("is empty: write the secret to it");
  expect(settings.get("OPENAI_API_KEY")).toBe("sk-22");
});

test("a file that is missing, or beside the variable itself, is told at start", () => {
  using files = folder();
  expect(() => loadSettings({ OPENAI_API_KEY_FILE: files.path("none") })).toThrow(
    /OPENAI_API_KEY_FILE: .*none cannot be read \(ENOENT\): make it readable/,
  );
  expect(() => loadSettings({ OPENAI_API_KEY_FILE: files.write("key", "sk-1"), OPENAI_API_KEY: "sk-2" })).toThrow("unset one of them");
});

test("a file that everybody may open is used with a warning that says what to do", () => {
  using files = folder();
  const path = files.write("key", "sk-1");
  expect(loadSettings({ OPENAI_API_KEY_FILE: path }).warnings()).toEqual([]);
  chmodSync(path, 0o644);
  expect(loadSettings({ OPENAI_API_KEY_FILE: path }).warnings()).toEqual([
    expect.stringMatching(/^OPENAI_API_KEY_FILE: every user .*chmod o-rwx it$/),
  ]);
});
